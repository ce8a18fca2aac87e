"""The commands of the program as the interface knows them: taken from the command line itself."""

import inspect
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from isonet import cli
from isonet.config import StepConfig

STEPS = ("prepare", "deconv", "mask", "extract", "refine", "predict", "validate")
"""Commands with a page of their own in the menu, in order; those that this version has."""


@dataclass(frozen=True)
class Argument:
    """A word of a command line that has no name.

    Attributes
    ----------
    name : str
        As the help calls it.
    help : str
        What it is.
    required : bool
        Whether it must be given.
    many : bool
        Whether several may be given.
    """

    name: str
    help: str
    required: bool
    many: bool


@dataclass(frozen=True)
class Command:
    """One command of `isonet`.

    Attributes
    ----------
    name : str
        As it is typed.
    summary : str
        What it does, in a sentence.
    arguments : tuple of Argument
        What comes before the options.
    model : type
        Its options.
    """

    name: str
    summary: str
    arguments: tuple[Argument, ...]
    model: type[StepConfig]


@cache
def commands() -> dict[str, Command]:
    """All commands that work on files, by name, in the order of the help."""
    found = {}
    for name, function in inspect.getmembers(cli, inspect.isfunction):
        model = _model(function)
        if model is not None and function.__module__ == cli.__name__ and name != "gui":
            word = name.replace("_", "-")
            found[word] = Command(word, _summary(function), _arguments(function), model)
    order = [*STEPS, "run"]
    return dict(sorted(found.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)))


def _model(function: Any) -> type[StepConfig] | None:
    """Type of the options of a command; None if it is no command."""
    hint = get_type_hints(function, include_extras=True).get("config")
    model = get_args(hint)[0] if get_origin(hint) is Annotated else None
    return model if isinstance(model, type) and issubclass(model, StepConfig) else None


def _summary(function: Any) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]


def _arguments(function: Any) -> tuple[Argument, ...]:
    """Arguments before the options, with what the docstring says of them."""
    documentation = inspect.getdoc(function) or ""
    arguments = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "config":
            continue
        text = re.search(rf"^{parameter.name}\n((?:    .+\n?)+)", documentation, re.MULTILINE)
        many = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        required = parameter.default is inspect.Parameter.empty and not many
        help_text = " ".join(text[1].split()) if text else ""
        arguments.append(Argument(parameter.name, help_text, required, many))
    return tuple(arguments)


def run_folder(command: str, model: StepConfig, project: Path) -> Path | None:
    """Where a command records its run: its output folder; prepare and others without one record nothing."""
    continued = getattr(model, "continue_from", None)
    folder = continued if continued is not None else getattr(model, "output_dir", None)
    if folder is None or command in ("simulate", "reconstruct"):
        return None
    nested = {"run": "results", "demo": "results"}.get(command)
    return project / folder / nested if nested else project / folder
