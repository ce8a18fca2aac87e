"""What is wrong, in one line, with the remedy."""

import re
from difflib import get_close_matches
from pathlib import Path

from cyclopts import CycloptsError, MissingArgumentError, UnknownOptionError, UnusedCliTokensError
from pydantic import ValidationError

from isonet.commands import COMMANDS

_EVERYWHERE = ("--help", "--config", "--debug", "--version")


def message(error: BaseException) -> str:
    """Say in one line what is wrong."""
    if isinstance(error, CycloptsError) and isinstance(error.__cause__, ValidationError):
        error = error.__cause__
    if isinstance(error, ValidationError):
        parts = []
        for problem in error.errors():
            where = f"--{problem['loc'][0]} {problem['input']}: ".replace("_", "-") if problem["loc"] else ""
            parts.append(where + problem["msg"].removeprefix("Value error, "))
        return "; ".join(parts)
    if isinstance(error, CycloptsError):
        return _of_words(error)
    if isinstance(error, NotADirectoryError) and error.filename is not None:
        file = next((one for one in Path(error.filename).parents if one.is_file()), error.filename)
        return f"{file}: is a file, where a folder is meant; choose another one"
    if isinstance(error, OSError):
        return f"{error.filename or 'file'}: {error.strerror or error}; check the path, its permissions and free space"
    if isinstance(error, MemoryError):
        return "not enough memory; end other programs, or use a smaller --batch-size, --cube-size or --max-memory"
    return " ".join(str(error).split())


def _of_words(error: CycloptsError) -> str:
    """Say which words the parser does not understand."""
    command = (error.command_chain or ("",))[0]
    text = " ".join(str(error).split())
    if isinstance(error, MissingArgumentError) and command:
        return _of_missing(error, command)
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        words = " ".join(error.unused_tokens)
        return f"{words}: {command} takes no such argument; give options by name, isonet {command} --help lists them"
    if isinstance(error, UnknownOptionError):
        return _of_unknown(error, command, text)
    return text


def _of_missing(error: MissingArgumentError, command: str) -> str:
    """Say what a command needs, or that an option has no value."""
    name = error.argument.name if error.argument is not None else ""
    if name.startswith("--"):
        return f"{name}: no value given; isonet {command} --help tells what it takes"
    wanted = [one.name.upper() for one in COMMANDS[command].arguments if one.required]
    usage = " ".join(["isonet", command, *wanted])
    return f"{command} needs {name}: {usage}; isonet {command} --help tells what that is"


def _of_unknown(error: UnknownOptionError, command: str, text: str) -> str:
    """Say where an unknown option stands, and what is like it."""
    source, like = error.token.source, re.search(r"Did you mean (\S+)\?", text)
    name: str = (error.token.keyword or "").strip("[]") or error.token.value
    if source and source != "cli":
        meant = f"did you mean {like[1].removeprefix('--')}?" if like else f"isonet {command} --help lists them"
        return f"{source}: {name.removeprefix('--')!r} is not an option of {command}; {meant}"
    close = get_close_matches(name, _EVERYWHERE, n=1, cutoff=0.8)
    close += [like[1]] if like else []
    told = f"Did you mean {close[0]}? " if close else ""
    return f"Unknown option: {name}. {told}isonet {command} --help lists them"
