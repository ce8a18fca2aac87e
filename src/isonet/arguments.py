"""Words of the command line: one spelling for all flags, options from YAML files, and errors in one line."""

import re
from collections.abc import Sequence
from pathlib import Path

import yaml
from cyclopts import CycloptsError
from cyclopts.config import Yaml
from pydantic import ValidationError

from isonet.errors import InputError


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


def config_files(tokens: list[str]) -> tuple[Yaml, ...]:
    """Take `--config FILE` out of the arguments."""
    for position, token in enumerate(tokens):
        name, _, value = token.partition("=")
        if name == "--config":
            taken = 1 if value else 2
            path = Path(value or (tokens[position + 1] if position + 1 < len(tokens) else ""))
            if not path.is_file():
                raise InputError(f"--config {path}: no such file; give a YAML file with the command's options")
            _check_yaml(path)
            del tokens[position : position + taken]
            return (Yaml(path, use_commands_as_keys=False),)
    return ()


def _check_yaml(path: Path) -> None:
    """Raise `InputError` that names the file if it is no YAML."""
    try:
        yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"--config {path}: not YAML ({reason}); write one 'option: value' a line") from error


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
    if isinstance(error, OSError):
        return f"{error.filename or 'file'}: {error.strerror or error}; check the path, its permissions and free space"
    if isinstance(error, MemoryError):
        return "not enough memory; use a smaller --batch-size, --cube-size or --number-subtomos"
    return " ".join(str(error).split())
