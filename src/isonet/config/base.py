"""What all configurations share: spellings of durations and lists, common types, the frozen base model."""

import re
from inspect import get_annotations
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def parse_duration(value: object) -> object:
    """Seconds of `90`, `90s`, `20min`, `1.5h`, `2d`, `MM:SS`, `H:MM:SS` or `D-HH:MM:SS`; other types unchanged."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    units = {"": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
    if match := re.fullmatch(r"(\d+\.?\d*)\s*([a-z]*)", text):
        number, unit = match.groups()
        if unit in units:
            return float(number) * units[unit]
    if match := re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return 86400.0 * days + 3600.0 * hours + 60.0 * minutes + seconds
    raise ValueError("should be a duration such as 20min, 2h or 1:30:00")


def parse_size(value: object) -> object:
    """Bytes of `4GB`, `500MB`, `1.5G` or `2000000000`, in powers of 1000; other types unchanged."""
    if not isinstance(value, str):
        return value
    powers = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
    if match := re.fullmatch(r"(\d+\.?\d*)\s*([kmgt]?)i?b?", value.strip().lower()):
        return round(float(match[1]) * 1000 ** powers[match[2]])
    raise ValueError("should be a size such as 4GB or 500MB")


def split_list(value: object) -> object:
    """Let a list be written with commas: `0.1,0.2`."""
    if isinstance(value, int | float | Path):
        return (value,)
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple):
        parts = [part for item in value for part in (item.split(",") if isinstance(item, str) else [item])]
        return tuple(part.strip(" ()[]") if isinstance(part, str) else part for part in parts if part != "")
    return value


def automatic(value: object) -> object:
    """Let a value be left to the program by `auto` or `None`, as in IsoNet 2."""
    return None if isinstance(value, str) and value.strip().lower() in ("auto", "none") else value


def single(value: object) -> object:
    """Let one number stand in brackets, as in IsoNet 2, and refuse lists."""
    if not isinstance(value, str) or not value.strip().startswith(("[", "(")):
        return value
    if "," in value.strip(" ,[]()"):
        raise ValueError("one number for all tomograms; give --metadata, or edit the table where tomograms differ")
    return value.strip(" ,[]()")


def parse_devices(value: object) -> int | str:
    """Take a number of devices, or `auto`.

    Raises
    ------
    ValueError
        If it is neither.
    """
    text = str(value).strip().lower()
    if text == "auto" or (text.isdecimal() and int(text) > 0):
        return text if text == "auto" else int(text)
    raise ValueError("should be auto or a number of 1 or more")


def whole_number(value: object) -> object:
    """Let a choice among numbers be made with text, as on the command line."""
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


def larger_by_half(cube: int) -> int:
    """Edge of the sub-volumes that training cubes are cropped from: half as long again, a multiple of 16.

    The wedge is removed from the sub-volume. Of one as small as the cube it leaves a part behind at low frequencies,
    as its edges blur the Fourier space by a pixel, and a network learns to rely on what no tomogram has there.
    """
    return -(-3 * cube // 32) * 16


Duration = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]
Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]
Levels = Annotated[tuple[Annotated[float, Field(ge=0)], ...], BeforeValidator(split_list)]
Iterations = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(split_list)]
Angle = Annotated[float, Field(ge=-90, le=90)]
Angles = Annotated[tuple[Angle, ...], BeforeValidator(split_list)]
Files = Annotated[tuple[Path, ...], BeforeValidator(split_list)]
Edge = Annotated[int, Field(ge=16, le=512)]
Devices = Annotated[int | Literal["auto"], BeforeValidator(parse_devices)]


class StepConfig(BaseModel):
    """What all configurations share: frozen, and unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Put what a command alone has before what it shares with others, in help, forms and reference."""
        names = [name for kind in cls.__mro__ for name in get_annotations(kind) if name in cls.__pydantic_fields__]
        cls.__pydantic_fields__ = {name: cls.__pydantic_fields__[name] for name in dict.fromkeys(names)}
