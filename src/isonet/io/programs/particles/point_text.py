"""Points of plain text: x, y, z on a line, or columns that the first line names, with their units."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io.programs.particles.listed_points import ListedPoints, are_fractions, in_voxels
from isonet.io.text import is_number, number, read_text

_UNITS = {
    "voxel": r"px|pix|pixels?|vx|vox|voxels?",
    "A": r"a|å|ang|angst|angstroms?|ångstr[oö]ms?",
    "nm": r"nm|nanomet(?:er|re)s?",
    "um": r"[uµμ]m|microns?|micromet(?:er|re)s?",
}
_ANGSTROM = {"A": 1.0, "nm": 10.0, "um": 1e4}
_PREFERRED = ("A", "nm", "um", "voxel", "")
_PLACE = r"(?:rln)?(?:pos(?:ition)?s?|coord(?:inate)?s?|loc(?:ation)?s?|cent(?:er|re)s?|points?)?"
_COLUMN = re.compile(
    rf"{_PLACE}[ _.\-]*(?P<axis>[xyz])[ _.\-]*{_PLACE}[ _.\-/]*[\[(]?(?:in )?"
    rf"(?P<unit>{'|'.join(f'(?:{pattern})' for pattern in _UNITS.values())})?[\])]?",
    re.IGNORECASE,
)
_NAPARI = {"axis-0": "z", "axis-1": "y", "axis-2": "x"}
_NAMES = re.compile(
    r"(?:rln)?(?:tomo|tomogram|micrograph|experiment|run|(?:tilt[ _]?)?series|volume|file)[ _]?(?:name|id|file|path)?",
    re.IGNORECASE,
)
_SIZES = re.compile(
    rf"(?:tomo(?:gram)?[ _]?)?(?:(?:pixel|voxel|px)[ _]?(?:size|spacing)|angpix|apix)[ _]?[\[(]?"
    rf"(?P<unit>(?:{_UNITS['A']})|(?:{_UNITS['nm']}))?[\])]?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Header:
    """Which columns hold what.

    Attributes
    ----------
    count : int
        Number of columns.
    axes : tuple of int
        Columns of x, y, z.
    unit : str
        `A`, `nm`, `um`, `voxel`, or nothing where they do not say.
    name, size : int or None
        Columns with the name of the tomogram and the size of a voxel.
    size_unit : str
        Unit of the latter: `A` or `nm`.
    separator : str or None
        What separates columns; None for blanks.
    """

    count: int
    axes: tuple[int, ...]
    unit: str
    name: int | None
    size: int | None
    separator: str | None
    size_unit: str = "A"


_NO_HEADER = _Header(3, (0, 1, 2), "", None, None, None)


def read_points(path: Path) -> ListedPoints:
    """Read points from text.

    Raises
    ------
    InputError
        If it is no text, a line is no point, or the first line names columns but not x, y and z.
    """
    xyz: list[list[float]] = []
    places: list[str] = []
    names: list[str] = []
    sizes: list[float] = []
    header, told = _NO_HEADER, False
    for line, content in _lines(path):
        if not xyz and not told and (found := _header(content)) is not None:
            header, told = found, True
            continue
        words = _words(content, header)
        if not words:
            continue
        where = f"{path}, line {line}: {content.strip()[:60]!r}"
        if not xyz and not told and not any(map(is_number, words)):
            raise InputError(f"{where} is no point and does not name x, y, z; begin it with #, or name the columns")
        if len(words) != header.count:
            need = f"{header.count} columns, as the first line names" if told else "three numbers a line"
            raise InputError(f"{where} is not x y z; give {need}")
        xyz.append([number(path, f"line {line}", words[axis]) for axis in header.axes])
        places.append(f"line {line}")
        if header.name is not None:
            names.append(words[header.name])
        if header.size is not None:
            sizes.append(_ANGSTROM[header.size_unit] * number(path, f"line {line}", words[header.size]))
            if not sizes[-1] > 0:
                raise InputError(f"{where}: {words[header.size]} is no size of a voxel; correct it")
    points = in_voxels(np.array(xyz, dtype=np.float64).reshape(-1, 3), places)
    if header.unit in _ANGSTROM:
        angstrom = np.full(len(xyz), _ANGSTROM[header.unit])
    else:
        angstrom = np.array(sizes) if sizes else points.angstrom
    fractions = header.unit == "" and are_fractions(points.xyz)
    return replace(points, tomograms=tuple(names), angstrom=angstrom, fractions=fractions)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Iterate over lines that hold something and their numbers."""
    for place, line in enumerate(read_text(path, may_be_empty=True).split("\n"), start=1):
        if line.strip():
            yield place, line


def _words(line: str, header: _Header) -> list[str]:
    """Words of a line without its comment; of three columns whatever separates them."""
    if header.count == 3:
        return [word for word in re.split(r"[,;\s]+", line.partition("#")[0]) if word]
    return [] if line.lstrip().startswith("#") else _split(line, header.separator)


def _header(line: str) -> _Header | None:
    """Read the names of columns, perhaps in a comment; None where the line names no x, y and z."""
    separator = next((mark for mark in ("\t", ";", ",") if mark in line), None)
    words, unit = _split(line.strip().lstrip("#% "), separator), ""
    if line.lstrip()[0] in "#%" and separator is None:
        words, others = words[:3], words[3:]  # such as `# z y x in nm`
        unit = next((_unit(word) for word in others if len(word) > 1 and _unit(word)), "")
    found: dict[str, dict[str, int]] = {}
    for position, word in enumerate(words):
        if match := _COLUMN.fullmatch(word):
            found.setdefault(_unit(match["unit"]), {}).setdefault(match["axis"].lower(), position)
        elif word.lower() in _NAPARI:
            found.setdefault("", {})[_NAPARI[word.lower()]] = position
    complete = [unit for unit in _PREFERRED if len(found.get(unit, {})) == 3]
    if not complete:
        return None
    axes = tuple(found[complete[0]][axis] for axis in "xyz")
    name = next((position for position, word in enumerate(words) if _NAMES.fullmatch(word)), None)
    sizes = ((position, match) for position, word in enumerate(words) if (match := _SIZES.fullmatch(word)))
    size, size_unit = next(((position, _unit(match["unit"])) for position, match in sizes), (None, ""))
    return _Header(len(words), axes, complete[0] or unit, name, size, separator, size_unit or "A")


def _unit(word: str | None) -> str:
    """Name of a unit as a column has it."""
    matching = (unit for unit, pattern in _UNITS.items() if word and re.fullmatch(pattern, word, re.IGNORECASE))
    return next(matching, "")


def _split(line: str, separator: str | None) -> list[str]:
    """Words of a line, without their quotes."""
    if separator is None:
        return line.split()
    return [word.strip() for word in next(csv.reader([line], delimiter=separator), [])]
