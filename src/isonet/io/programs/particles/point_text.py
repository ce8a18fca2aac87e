"""Points of plain text: x, y, z on a line, or columns that the first line names, with their units."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io.programs.particles.listed_points import Floats, ListedPoints, are_fractions, in_voxels
from isonet.io.programs.particles.named_columns import Columns, beside_names, columns_named
from isonet.io.programs.particles.separated import holds_decimal_commas, words_of
from isonet.io.programs.particles.stated_frame import Frame, frame_stated_in
from isonet.io.programs.particles.stated_units import ANGSTROM, Stated, stated_in, unit_of
from isonet.io.text import is_number, number, read_text

log = logging.getLogger("isonet")
_COUNTED = 4  # points at the least, to tell numbers of points from places


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
    header, told = Columns(), False
    for line, content in _lines(path):
        if not xyz and not told and (found := columns_named(content)) is not None:
            header, told = found, True
            comments += [(line, text) for text in beside_names(content, header)]
            continue
        words = words_of(content, header.count, header.separator)
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
            commas = ", with points in the place of decimal commas" if holds_decimal_commas(content) else ""
            raise InputError(f"{where} is not x y z; give {need}{commas}")
        xyz.append([number(path, f"line {line}", words[axis]) for axis in header.axes])
        places.append(f"line {line}")
        others.append({what: words[position] for what, position in (header.others | header.stack).items()})
    _refuse_stack(path, others, header)
    numbers = np.array(xyz, dtype=np.float64).reshape(-1, 3)
    frame = Frame() if told else _frame(path, comments)
    if not told and not frame.order:
        _warn_of_numbered(path, numbers)
    points = in_voxels(numbers[:, frame.axes], places)
    stated = _stated(path, header, comments)
    angstrom = _angstrom(path, points, header, others, stated)
    names = tuple(row["name"] for row in others if "name" in row)
    unitless = not (header.unit or stated.unit or "unit" in header.others)
    return replace(points, tomograms=names, angstrom=angstrom, fractions=unitless and are_fractions(points.xyz))


def _frame(path: Path, comments: Sequence[tuple[int, str]]) -> Frame:
    """How comments say that numbers are counted, where no line names their columns."""
    frame = frame_stated_in(path, comments)
    if frame.order not in ("", "xyz"):
        log.info("%s: its numbers are %s, as line %d says", path, " ".join(frame.order), frame.line)
    return frame


def _warn_of_numbered(path: Path, xyz: Floats) -> None:
    """Warn where what stands in the place of x counts the points."""
    if len(xyz) >= _COUNTED and xyz[0, 0] in (0, 1) and (np.diff(xyz[:, 0]) == 1).all():
        log.warning(
            "%s: its first column counts %g, %g, %g ...; if that numbers the points, z is missing: give x y z; write "
            "'# x y z' above them if not",
            *(path, *xyz[:3, 0]),
        )


def _stated(path: Path, header: Columns, comments: Sequence[tuple[int, str]]) -> Stated:
    """What comments state of the unit, or else columns of a program whose unit is known."""
    if header.unit in ANGSTROM:
        return Stated()
    stated = stated_in(path, comments)
    if header.copick and not (header.unit or stated.unit or stated.binned or {"unit", "binning"} & set(header.others)):
        log.info("%s: its columns are those of copick, so x y z are in A; call them x_px, y_px, z_px if not", path)
        return Stated("A")
    return stated


def _angstrom(
    path: Path, points: ListedPoints, header: Columns, others: Sequence[Mapping[str, str]], stated: Stated
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


def _refuse_stack(path: Path, rows: Sequence[Mapping[str, str]], header: Columns) -> None:
    """Raise `InputError` where points lie in several volumes of a stack, as napari shows them."""
    for name in header.stack:
        found = list(dict.fromkeys(row[name] for row in rows))
        if len(found) > 1:
            raise InputError(
                f"{path}: points of several volumes, {name} {found[0]} and {found[1]}; give each its own file"
            )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Iterate over lines that hold something and their numbers."""
    for place, line in enumerate(read_text(path, may_be_empty=True).split("\n"), start=1):
        if line.strip():
            yield place, line
