"""Points of plain text: x, y, z on a line, or columns that the first line names, with their units."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io.programs.particles.listed_points import Floats, ListedPoints, are_fractions, in_voxels
from isonet.io.programs.particles.stated_units import ANGSTROM, UNITS, Stated, stated_in, unit_of
from isonet.io.text import is_number, number, read_text

_PREFERRED = ("A", "nm", "um", "voxel", "")
_PLACE = r"(?:rln)?(?:pos(?:ition)?s?|coord(?:inate)?s?|loc(?:ation)?s?|cent(?:er|re)s?|points?)?"
_COLUMN = re.compile(
    rf"{_PLACE}[ _.\-]*(?P<axis>[xyz])[ _.\-]*{_PLACE}[ _.\-/]*[\[(]?(?:in )?"
    rf"(?P<unit>{'|'.join(f'(?:{pattern})' for pattern in UNITS.values())})?[\])]?",
    re.IGNORECASE,
)
_NAPARI = {"axis-0": "z", "axis-1": "y", "axis-2": "x"}
_NAMES = re.compile(
    r"(?:rln)?(?:tomo|tomogram|micrograph|experiment|run|(?:tilt[ _]?)?series|volume|file)[ _]?(?:name|id|file|path)?",
    re.IGNORECASE,
)
_SIZES = re.compile(
    rf"(?:tomo(?:gram)?[ _]?)?(?:(?:pixel|voxel|px)[ _]?(?:size|spacing)|angpix|apix)[ _]?[\[(]?"
    rf"(?P<unit>(?:{UNITS['A']})|(?:{UNITS['nm']}))?[\])]?",
    re.IGNORECASE,
)
_UNIT_COLUMNS = re.compile(r"(?:(?:coord(?:inate)?s?|pos(?:ition)?)[ _]?)?units?", re.IGNORECASE)
_BINNING_COLUMNS = re.compile(r"bin(?:ning|ned)?(?:[ _]?(?:factor|level))?", re.IGNORECASE)
_OTHER = {"name": _NAMES, "size": _SIZES, "unit": _UNIT_COLUMNS, "binning": _BINNING_COLUMNS}
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")


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
        `A`, `nm`, `um`, `voxel`, or nothing where their names do not say.
    separator : str or None
        What separates columns; None for blanks.
    others : dict of str to int
        Columns of the `name` of the tomogram, the `size` of a voxel, the `unit` of the numbers and their `binning`.
    size_unit : str
        Unit of the size: `A` or `nm`.
    """

    count: int = 3
    axes: tuple[int, ...] = (0, 1, 2)
    unit: str = ""
    separator: str | None = None
    others: Mapping[str, int] = field(default_factory=dict)
    size_unit: str = "A"


def read_points(path: Path) -> ListedPoints:
    """Read points from text.

    Raises
    ------
    InputError
        If it is no text, a line is no point, the first line names columns but not x, y and z, or numbers are said to be
        binned, and not of which pixels.
    """
    xyz: list[list[float]] = []
    places: list[str] = []
    others: list[dict[str, str]] = []
    comments: list[tuple[int, str]] = []
    header, told = _Header(), False
    for line, content in _lines(path):
        if not xyz and not told and (found := _header(content)) is not None:
            header, told = found, True
            comments += [(line, text) for text in _beside_names(content, header)]
            continue
        words = _words(content, header)
        if not words:
            comments += [(line, content.strip().lstrip("#%"))] * (not xyz)
            continue
        where = f"{path}, line {line}: {content.strip()[:60]!r}"
        if not xyz and re.fullmatch(r"data_\S*", content.strip()):
            raise InputError(f"{path}: is a STAR file by its text; name it .star")
        if not xyz and not told and not any(map(is_number, words)):
            raise InputError(f"{where} is no point and does not name x, y, z; begin it with #, or name the columns")
        if len(words) != header.count:
            need = f"{header.count} columns, as the first line names" if told else "three numbers a line"
            raise InputError(f"{where} is not x y z; give {need}")
        xyz.append([number(path, f"line {line}", words[axis]) for axis in header.axes])
        places.append(f"line {line}")
        others.append({what: words[position] for what, position in header.others.items()})
    points = in_voxels(np.array(xyz, dtype=np.float64).reshape(-1, 3), places)
    stated = Stated() if header.unit in ANGSTROM else stated_in(path, comments)
    angstrom = _angstrom(path, points, header, others, stated)
    names = tuple(row["name"] for row in others if "name" in row)
    unitless = not (header.unit or stated.unit or "unit" in header.others)
    return replace(points, tomograms=names, angstrom=angstrom, fractions=unitless and are_fractions(points.xyz))


def _angstrom(
    path: Path, points: ListedPoints, header: _Header, others: Sequence[Mapping[str, str]], stated: Stated
) -> Floats:
    """Å of the unit of each point, as columns or else comments say it; NaN where it is a voxel of the tomogram."""
    if header.unit in ANGSTROM:
        return np.full(len(others), ANGSTROM[header.unit])
    found = []
    for place, row in zip(points.places, others, strict=True):
        unit = unit_of(row["unit"]) if "unit" in row else header.unit or stated.unit
        if "unit" in row and not unit:
            raise InputError(f"{path}, {place}: {row['unit']!r} is no unit of length; give A, nm, um or voxel")
        size = (not stated.binned and stated.size) or np.nan
        if "size" in row:
            size = ANGSTROM[header.size_unit] * number(path, place, row["size"])
            if not size > 0:
                raise InputError(f"{path}, {place}: {row['size']} is no size of a voxel; correct it")
        found.append(ANGSTROM.get(unit, size))
        binned = stated.binned or (f"{place}: a binning of {row['binning']}" if "binning" in row else "")
        if binned and np.isnan(found[-1]):
            raise InputError(
                f"{path}, {binned} does not tell which pixels the numbers count; write '# pixel size: N A', with the "
                "size of these, in its place"
            )
    return np.array(found, dtype=np.float64)


def _beside_names(line: str, header: _Header) -> list[str]:
    """What the line that names the columns states of their unit beside that."""
    if header.separator is not None:
        return []
    text, _, comment = line.strip().lstrip("#% ").partition("#")
    return [f"{text} {comment}" if line.lstrip()[0] in "#%" else f"x y z {comment}"]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Iterate over lines that hold something and their numbers."""
    for place, line in enumerate(read_text(path, may_be_empty=True).split("\n"), start=1):
        if line.strip():
            yield place, line


def _words(line: str, header: _Header) -> list[str]:
    """Words of a line without its comment; of three columns whatever separates them."""
    if header.count != 3:
        words = [] if line.lstrip().startswith("#") else _split(line, header.separator)
    else:
        bare = line.partition("#")[0].replace('"', " ")
        commas = header.separator == ";" and bare.count(";") == 2
        words = [word for word in re.split(r"[;\s]+" if commas else r"[,;\s]+", bare) if word]
    if header.separator != ";":
        return words
    return [word.replace(",", ".") if _DECIMAL_COMMA.fullmatch(word) else word for word in words]


def _header(line: str) -> _Header | None:
    """Read the names of columns, perhaps in a comment; None where the line names no x, y and z."""
    separator = next((mark for mark in ("\t", ";", ",") if mark in line), None)
    words = _split(line.strip().lstrip("#% "), separator)
    if separator is None:
        commented = line.lstrip()[0] in "#%"  # such as `# z y x in nm`
        words = words[:3] if commented else _split(line.partition(" #")[0], None)
    found: dict[str, dict[str, int]] = {}
    for position, word in enumerate(words):
        if match := _COLUMN.fullmatch(word):
            found.setdefault(unit_of(match["unit"]), {}).setdefault(match["axis"].lower(), position)
        elif word.lower() in _NAPARI:
            found.setdefault("", {})[_NAPARI[word.lower()]] = position
    complete = [unit for unit in _PREFERRED if len(found.get(unit, {})) == 3]
    if not complete:
        return None
    axes = tuple(found[complete[0]][axis] for axis in "xyz")
    named = {
        what: [(position, match) for position, word in enumerate(words) if (match := pattern.fullmatch(word))]
        for what, pattern in _OTHER.items()
    }
    others = {what: places[0][0] for what, places in named.items() if places}
    size_unit = unit_of(named["size"][0][1]["unit"]) if "size" in others else ""
    return _Header(len(words), axes, complete[0], separator, others, size_unit or "A")


def _split(line: str, separator: str | None) -> list[str]:
    """Words of a line, without their quotes."""
    if separator is None:
        return line.split()
    return [word.strip() for word in next(csv.reader([line], delimiter=separator), [])]
