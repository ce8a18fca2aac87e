"""Polygons in a small JSON file, written by hand or by a program.

`{"polygons": [{"points": [[x, y], ...], "z": [first, last], "exclude": false}, ...]}`; `z` and `exclude` may be left
out. x and y are in voxels from the corner of the tomogram (0 to NX, 0 to NY), z in sections counted from 0, both
included.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from isonet.errors import InputError
from isonet.io.files import refuse_special, write_json

_LARGEST = 1 << 26
_FARTHEST = 1e6
_EXAMPLE = '{"polygons": [{"points": [[10, 10], [90, 10], [50, 90]]}]}'


@dataclass(frozen=True)
class Polygon:
    """One polygon of the file.

    Attributes
    ----------
    points : tuple of (x, y)
        Three corners at least.
    z : tuple of float or None
        First and last section; None where the file does not say.
    exclude : bool
        Whether what it encloses is to be left out.
    """

    points: tuple[tuple[float, float], ...]
    z: tuple[float, float] | None
    exclude: bool


def read_polygons(path: Path) -> tuple[Polygon, ...]:
    """Read polygons from JSON.

    Raises
    ------
    InputError
        If the file is missing, not JSON, holds no polygon, or one of them is not as described above.
    """
    content = _load(path)
    if not isinstance(content, dict) or set(content) != {"polygons"} or not isinstance(content["polygons"], list):
        raise InputError(f"{path}: one list 'polygons' expected, such as {_EXAMPLE}")
    if not content["polygons"]:
        raise InputError(f"{path}: no polygons in it; draw one or leave out --boundary")
    return tuple(_polygon(path, number, entry) for number, entry in enumerate(content["polygons"], start=1))


def write_polygons(path: Path, polygons: Sequence[Polygon]) -> None:
    """Write polygons as :func:`read_polygons` reads them, atomically."""
    entries = [
        {
            "points": [list(point) for point in each.points],
            **({} if each.z is None else {"z": list(each.z)}),
            "exclude": each.exclude,
        }
        for each in polygons
    ]
    write_json(path, {"polygons": entries})


def _load(path: Path) -> Any:
    refuse_special(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the name")
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path}: {path.stat().st_size} bytes are too many for polygons; give a smaller file")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{path}: not JSON ({reason}); write it as {_EXAMPLE}") from error


def _polygon(path: Path, number: int, entry: Any) -> Polygon:
    """Check one entry."""

    def refuse(reason: str) -> NoReturn:
        raise InputError(f"{path}: polygon {number}: {reason}")

    if not isinstance(entry, dict):
        refuse(f'{_short(entry)} where {{"points": [[x, y], ...]}} was expected')
    unknown = sorted(set(entry) - {"points", "z", "exclude"})
    if unknown:
        refuse(f"{_short(unknown[0])} is not known; use points, z, exclude")
    points, z, exclude = entry.get("points"), entry.get("z"), entry.get("exclude", False)
    if not isinstance(points, list) or len(points) < 3:
        refuse(f"points are {_short(points)}; at least three [x, y] are needed")
    for point in points:
        if not _is_pair(point):
            refuse(f"point {_short(point)} is not two numbers [x, y] in voxels")
    if len({(float(x), float(y)) for x, y in points}) < 3:
        refuse("fewer than three different points; they enclose nothing")
    if z is not None and not (_is_pair(z) and z[0] <= z[1]):
        refuse(f"z is {_short(z)}; give [first, last] section, the first not larger")
    if not isinstance(exclude, bool):
        refuse(f"exclude is {_short(exclude)}; use true or false")
    corners = tuple((float(x), float(y)) for x, y in points)
    return Polygon(corners, None if z is None else (float(z[0]), float(z[1])), exclude)


def _is_pair(value: Any) -> bool:
    """Tell whether a value is two finite numbers of a sensible size."""
    return isinstance(value, list) and len(value) == 2 and all(_is_coordinate(each) for each in value)


def _is_coordinate(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_FARTHEST < value < _FARTHEST


def _short(value: Any) -> str:
    try:
        text = json.dumps(value)
    except RecursionError:
        return "a list of lists of lists"
    return text if len(text) <= 40 else text[:37] + "..."
