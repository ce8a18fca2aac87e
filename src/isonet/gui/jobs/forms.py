"""Forms made from the configuration models: what may be filled in, what is wrong with it, and the command it makes.

A form holds only what the user gave, as text; everything else is left to the defaults, which stand as hints in the
empty fields. So the command shown is as short as one typed by hand.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from isonet.commands import COMMANDS, Command
from isonet.config import StepConfig

STEPS = ("prepare", "deconv", "mask", "extract", "refine", "predict", "validate")
"""Commands with a place of their own in the menu, in order."""
_ORDER = (*STEPS, "run", *sorted(COMMANDS.keys() - {*STEPS, "run"}))
OFFERED = {name: COMMANDS[name] for name in _ORDER if COMMANDS[name].has_form}
"""Commands that have a form, in the order of the menu."""
COMMON: Mapping[str, tuple[str, ...]] = {
    "prepare": ("even", "odd", "metadata", "pixel_size", "tilt_min", "tilt_max", "tilt_file", "defocus"),
    "deconv": ("snr_falloff", "deconv_strength", "phase_flipped", "preview"),
    "mask": ("density_percentage", "std_percentage", "patch_size", "crop_z", "boundary", "slab", "beads"),
    "extract": ("cube_size", "crop_size", "coordinates", "number_subtomos"),
    "refine": ("preset", "time_budget", "device", "method", "cube_size", "iterations", "epochs", "batch_size"),
    "predict": ("keep_measured", "deconvolve", "float16", "batch_size", "device"),
    "validate": ("preset", "time_budget", "withhold", "independent", "device"),
    "run": ("even", "odd", "metadata", "preset", "time_budget", "device"),
}
"""Options that stand open; the others are folded away. Commands that are not named have all of them open."""


class Kind(Enum):
    """How an option is filled in."""

    SWITCH = "switch"
    CHOICE = "choice"
    TEXT = "text"


@dataclass(frozen=True)
class Option:
    """One option of a command.

    Attributes
    ----------
    name : str
        Of the field in the model.
    kind : Kind
        How it is filled in.
    choices : tuple of str
        What a choice may be.
    help : str
        What it means, with its unit.
    default : str
        Its default as text; empty where there is none.
    bounds : str
        What numbers may be; empty where they are not bounded.
    common : bool
        Whether it stands open.
    is_path : bool
        Whether it names a file or folder.
    """

    name: str
    kind: Kind
    choices: tuple[str, ...]
    help: str
    default: str
    bounds: str
    common: bool
    is_path: bool

    @property
    def flag(self) -> str:
        """As it is typed."""
        return "--" + self.name.replace("_", "-")


def options(command: Command) -> tuple[Option, ...]:
    """All options of a command in the order of its model."""
    common = COMMON.get(command.name)
    return tuple(
        Option(
            name=name,
            kind=_kind(info.annotation),
            choices=tuple(map(str, _choices(info.annotation))),
            help=info.description or "",
            default=as_text(info.get_default(call_default_factory=True)),
            bounds=_bounds(info),
            common=common is None or name in common,
            is_path=Path in set(_leaves(info.annotation)),
        )
        for name, info in command.model.model_fields.items()
    )


def _kind(annotation: Any) -> Kind:
    if annotation is bool:
        return Kind.SWITCH
    return Kind.CHOICE if _choices(annotation) else Kind.TEXT


def _leaves(annotation: Any) -> Iterator[Any]:
    """Types and literals that an annotation is made of, without None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _leaves(get_args(annotation)[0])
    elif origin in (Union, UnionType, tuple):
        for part in get_args(annotation):
            yield from _leaves(part)
    elif annotation not in (type(None), Ellipsis):
        yield annotation


def _choices(annotation: Any) -> tuple[Any, ...]:
    """Values of a literal; none where other values are allowed too."""
    leaves = list(_leaves(annotation))
    literal = leaves and all(get_origin(leaf) is Literal for leaf in leaves)
    return tuple(value for leaf in leaves for value in get_args(leaf)) if literal else ()


def _bounds(info: FieldInfo) -> str:
    """Write the bounds of a number."""
    names = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
    found = [
        f"{word} {getattr(each, name):g}"
        for each in _metadata(info)
        for name, word in names.items()
        if isinstance(getattr(each, name, None), int | float)
    ]
    return ", ".join(found)


def _metadata(info: FieldInfo) -> Iterator[Any]:
    """Constraints of a field, also those of a type inside an optional."""
    yield from info.metadata
    pending = list(get_args(info.annotation))
    while pending:
        part = pending.pop()
        if get_origin(part) is Annotated:
            for each in get_args(part)[1:]:
                yield from each.metadata if isinstance(each, FieldInfo) else [each]
            pending.append(get_args(part)[0])
        elif get_origin(part) in (Union, UnionType):
            pending += get_args(part)


def as_text(value: Any) -> str:
    """Write a value as it would be typed; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, tuple | list):
        return ",".join(map(as_text, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


@dataclass
class Form:
    """What the user filled in for one command.

    Attributes
    ----------
    command : Command
        What is to be run.
    arguments : dict
        Text by the argument's name; several files as a shell would split them.
    given : dict
        Text by the option's name; only what the user gave.
    """

    command: Command
    arguments: dict[str, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)

    def set(self, name: str, text: str | None) -> None:
        """Fill in an option, or leave it to its default with nothing."""
        stripped = (text or "").strip()
        if stripped:
            self.given[name] = stripped
        else:
            self.given.pop(name, None)

    def config(self) -> StepConfig:
        """Return the options as the command would see them.

        Raises
        ------
        pydantic.ValidationError
            If one of them cannot be used.
        """
        return self.command.model.model_validate(self.given)

    def problems(self) -> dict[str, str]:
        """What is wrong, by name of the option or argument; what is wrong with several stands under the empty name."""
        found: dict[str, str] = {}
        for argument in self.command.arguments:
            text = self.arguments.get(argument.name, "").strip()
            if argument.required and not text:
                found[argument.name] = "must be given"
            elif argument.many:
                try:
                    shlex.split(text)
                except ValueError:
                    found[argument.name] = "a quotation mark is missing"
        try:
            self.config()
        except ValidationError as error:
            for problem in error.errors():
                text = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
                found.setdefault(str(problem["loc"][0]) if problem["loc"] else "", text)
        return found

    def words(self) -> list[str]:
        """Return the command line after `isonet`, of a form without problems."""
        words = [self.command.name]
        for argument in self.command.arguments:
            text = self.arguments.get(argument.name, "").strip()
            places = shlex.split(text) if argument.many else [text] if text else []
            words += [f"./{place}" if place.startswith("-") else place for place in places]
        for option in options(self.command):
            if option.name not in self.given:
                continue
            value = self.given[option.name]
            if option.kind is Kind.SWITCH:
                words.append(option.flag if value == "true" else f"--no-{option.flag[2:]}")
            else:
                words.append(f"{option.flag}={value}")
        return words

    def default(self, option: Option) -> str:
        """Text of what counts where the option is left empty: its default, or what the preset sets."""
        preset = self.given.get("preset", "")
        if preset and option.name != "preset" and "preset" in self.command.model.model_fields:
            return _with_preset(self.command.model, preset).get(option.name, option.default)
        return option.default


@cache
def _with_preset(model: type[StepConfig], preset: str) -> dict[str, str]:
    """Text of all defaults as a preset sets them; nothing where there is no such preset."""
    try:
        made = model.model_validate({"preset": preset})
    except ValidationError:
        return {}
    return {name: as_text(getattr(made, name)) for name in model.model_fields}
