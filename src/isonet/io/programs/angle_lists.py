"""Lists of angles as text: one a line, perhaps with other columns behind it, or all on one line."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io.text import Floats, counted, read_text, rows, table

_DECIMAL_COMMA = re.compile(r"[-+]?\d+,(?P<decimals>\d+)", re.ASCII)
_MINUS = "\u2212"
_IN_ORDER, _DISTINCT = 5, 10  # angles on one line at the least; fewer numbers may be columns of one image
_Lines = list[tuple[int, list[str]]]


def first_column(path: Path, meaning: str) -> Floats:
    """Read the numbers that begin the lines of a file, as many as it has lines with something in them.

    Many numbers on its only line, no two of them alike, are one a line. A comma is a point where it can be nothing
    else.

    Raises
    ------
    InputError
        If lines have different numbers of columns, there is one line of several other numbers, a number is garbled, or
        the first column counts the lines, or the images in another order.
    """
    lines = _one_a_line(_with_points(list(rows(read_text(path).replace(_MINUS, "-")))))
    columns = len(lines[0][1]) if lines else 1
    for line, words in lines:
        if len(words) != columns or (len(lines) == 1 and columns > 1):
            expected = columns if len(words) != columns else 1
            remedy = "copy it again" if len(words) != columns else "write one a line"
            raise InputError(
                f"{path}: line {line} has {counted(len(words), 'column')}, {expected} expected ({meaning}); {remedy}"
            )
    values = table(path, [(line, words[:1]) for line, words in lines], 1, meaning)[:, 0]
    if columns > 1 and len(values) > 2 and min(values) in (0, 1) and (np.diff(np.sort(values)) == 1).all():
        raise InputError(f"{path}: its first column counts the lines or images; leave it out ({meaning})")
    return values


def _with_points(lines: _Lines) -> _Lines:
    """Lines with points in the place of commas, where each is one number and its comma parts no second column.

    A second column, as an order of acquisition or a dose, has numbers of other lengths, or that rise or fall.
    """
    matches = [_DECIMAL_COMMA.fullmatch(" ".join(words)) for _, words in lines]
    decimals = [match["decimals"] for match in matches if match]
    if not decimals or len(decimals) < len(lines):
        return lines
    alike = len(set(map(len, decimals))) == 1 and len(decimals[0]) > 1 and not _is_sweep(list(map(int, decimals)))
    if not alike and any(map(int, decimals)):
        return lines
    return [(line, [words[0].replace(",", ".")]) for line, words in lines]


def _one_a_line(lines: _Lines) -> _Lines:
    """Numbers of a single line as one a line, where they can only be the angles of a series."""
    if len(lines) != 1:
        return lines
    line, words = lines[0]
    numbers = [word for word in re.split(r"[,;\s]+", " ".join(words)) if word]
    try:
        angles = list(map(float, numbers))
    except ValueError:
        return lines
    many = len(angles) >= (_IN_ORDER if _is_sweep(angles) else _DISTINCT) and len(set(angles)) == len(angles)
    return [(line, [word]) for word in numbers] if many else lines


def _is_sweep(values: Sequence[float]) -> bool:
    """Tell whether numbers rise all the way, or fall."""
    steps = np.diff(values)
    return bool(len(steps)) and bool((steps > 0).all() or (steps < 0).all())
