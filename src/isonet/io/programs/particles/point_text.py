"""Points of plain text: x, y, z on a line, or columns that the first line names, with their units."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io.programs.particles.listed_points import Floats, ListedPoints, are_fractions, in_voxels
from isonet.io.programs.particles.named_columns import Columns, beside_names, columns_named
from isonet.io.programs.particles.separated import holds_decimal_commas, words_of
from isonet.io.programs.particles.stated_frame import Frame, frame_stated_in
from isonet.io.programs.particles.stated_units import ANGSTROM
from isonet.io.programs.particles.text_units import angstrom_of, stated_beside, units_of
from isonet.io.text import as_number, is_number, number, read_text

log = logging.getLogger("isonet")
_COUNTED = 4  # points at the least, to tell numbers of points from places


@dataclass
class _Text:
    """What a text holds: its columns, comments above the numbers, and of each point its numbers, place and the rest.

    Attributes
    ----------
    named : int
        Line that names the columns; 0 where none does.
    """

    columns: Columns = field(default_factory=Columns)
    named: int = 0
    comments: list[tuple[int, str]] = field(default_factory=list)
    numbers: list[list[float]] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)


def read_points(path: Path) -> ListedPoints:
    """Read points from text.

    Raises
    ------
    InputError
        If it is no text, a line is no point, the first line names columns but not x, y and z, or what is said of the
        numbers cannot be.
    """
    text = _read(path)
    columns, rows = text.columns, text.rows
    _refuse_stack(path, text)
    _warn_of_shifts(path, text)
    stated = stated_beside(path, columns, text.comments)
    angstrom = angstrom_of(path, text.places, columns, rows, stated)
    units = set(units_of(columns, rows, stated))
    frame = frame_stated_in(path, text.comments, (text.named, columns.order if text.named else ""))
    numbers = np.array(text.numbers, dtype=np.float64).reshape(-1, 3)
    if not (text.named or frame.order):
        _warn_of_numbered(path, numbers)
    xyz = _from_zero(path, numbers, frame, units & set(ANGSTROM))
    names = tuple(row["name"] for row in rows if "name" in row)
    return replace(
        in_voxels(xyz, text.places),
        tomograms=names,
        angstrom=angstrom,
        fractions=not (any(units) or frame.from_one) and are_fractions(xyz),
    )


def _read(path: Path) -> _Text:
    """Read the lines of a text."""
    text = _Text()
    for line, content in _lines(path):
        if not (text.numbers or text.named) and (found := columns_named(content)) is not None:
            text.columns, text.named = found, line
            text.comments += [(line, beside) for beside in beside_names(content, found)]
            continue
        words = words_of(content, text.columns.count, text.columns.separator)
        if not words:
            text.comments += [(line, content.strip().lstrip("#%"))] * (not text.numbers)
            continue
        _refuse_no_point(f"{path}, line {line}: {content.strip()[:60]!r}", path, content, words, text)
        text.numbers.append([number(path, f"line {line}", words[axis]) for axis in text.columns.axes])
        text.places.append(f"line {line}")
        beside = text.columns.others | text.columns.stack | text.columns.shifts
        text.rows.append({what: words[position] for what, position in beside.items()})
    return text


def _refuse_no_point(where: str, path: Path, content: str, words: list[str], text: _Text) -> None:
    """Raise `InputError` where a line has not the columns of a point."""
    if not text.numbers and re.fullmatch(r"data_\S*", content.strip()):
        raise InputError(f"{path}: is a STAR file by its text; name it .star")
    if not (text.numbers or text.named or any(map(is_number, words))):
        raise InputError(f"{where} is no point and does not name x, y, z; begin it with #, or name the columns")
    if len(words) != text.columns.count:
        need = f"{text.columns.count} columns, as the first line names" if text.named else "three numbers a line"
        commas = ", with points in the place of decimal commas" if holds_decimal_commas(content) else ""
        raise InputError(f"{where} is not x y z; give {need}{commas}")


def _from_zero(path: Path, numbers: Floats, frame: Frame, lengths: set[str]) -> Floats:
    """x, y, z, with voxels counted from 0, of numbers whose order and first voxel comments tell."""
    if frame.order not in ("", "xyz"):
        log.info("%s: its numbers are %s, as line %d says", path, " ".join(frame.order), frame.line)
    if not frame.from_one:
        return numbers[:, frame.axes]
    if lengths:
        raise InputError(f"{path}, {frame.from_one} is of voxels, and x y z are in {min(lengths)}; leave the right one")
    log.info("%s, %s: 1 is taken from x, y, z", path, frame.from_one)
    return numbers[:, frame.axes] - 1


def _warn_of_numbered(path: Path, numbers: Floats) -> None:
    """Warn where what stands in the place of x counts the points."""
    if len(numbers) >= _COUNTED and numbers[0, 0] in (0, 1) and (np.diff(numbers[:, 0]) == 1).all():
        log.warning(
            "%s: its first column counts %g, %g, %g ...; if that numbers the points, z is missing: give x y z; write "
            "'# x y z' above them if not",
            *(path, *numbers[:3, 0]),
        )


def _refuse_stack(path: Path, text: _Text) -> None:
    """Raise `InputError` where points lie in several volumes of a stack, as napari shows them."""
    for name in text.columns.stack:
        found = list(dict.fromkeys(row[name] for row in text.rows))
        if len(found) > 1:
            raise InputError(
                f"{path}: points of several volumes, {name} {found[0]} and {found[1]}; give each its own file"
            )


def _warn_of_shifts(path: Path, text: _Text) -> None:
    """Warn where columns of shifts hold some: whether they are to be added is not known."""
    if any(as_number(row[name]) not in (0.0, "") for row in text.rows for name in text.columns.shifts):
        log.warning(
            "%s: its shifts %s are left aside; add them to x y z, or take them off, as their program does",
            *(path, ", ".join(text.columns.shifts)),
        )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Iterate over lines that hold something and their numbers."""
    for place, line in enumerate(read_text(path, may_be_empty=True).split("\n"), start=1):
        if line.strip():
            yield place, line
