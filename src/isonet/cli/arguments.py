"""Words of the command line: one spelling for all flags, and options from YAML files."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from cyclopts.config import Dict
from pydantic import BaseModel

from isonet.errors import InputError
from isonet.io.files import refuse_special
from isonet.io.options import read_options


def normalized(arguments: Sequence[str]) -> list[str]:
    """Bring flags into one spelling: dashes for underscores, `--flag False` as `--flag=false`."""
    tokens: list[str] = []
    for token in arguments:
        if token.startswith("--") and len(token) > 2:
            name, equals, value = token.partition("=")
            tokens.append(name.replace("_", "-") + equals + value)
        elif token in ("True", "False", "true", "false") and tokens and re.fullmatch(r"--[\w-]+", tokens[-1]):
            tokens[-1] += f"={token.lower()}"
        else:
            tokens.append(token)
    return tokens


def config_files(tokens: list[str]) -> tuple[Dict, ...]:
    """Take `--config FILE` out of the arguments; options without a value are as if they were not named."""
    for position, token in enumerate(tokens):
        name, _, value = token.partition("=")
        if name == "--config":
            taken = 1 if value else 2
            path = Path(value or (tokens[position + 1] if position + 1 < len(tokens) else ""))
            refuse_special(path)
            if not path.is_file():
                raise InputError(f"--config {path}: no such file; give a YAML file with the command's options")
            options = read_options(path)
            del tokens[position : position + taken]
            given = {name: value for name, value in options.items() if value is not None}
            return (Dict(given, use_commands_as_keys=False, source=str(path)),)
    return ()


def refuse_special_paths(values: Iterable[object]) -> None:
    """Refuse paths among arguments and options, which are files or folders to read or to write, that are neither.

    Raises
    ------
    InputError
        If there is one.
    """
    for value in values:
        if isinstance(value, Path):
            refuse_special(value)
        elif isinstance(value, list | tuple):
            refuse_special_paths(value)
        elif isinstance(value, BaseModel):
            refuse_special_paths(option for _, option in value)
