"""Units of the points of a text: what names of columns, columns beside them, and comments say."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io.programs.particles.listed_points import Floats
from isonet.io.programs.particles.named_columns import Columns
from isonet.io.programs.particles.stated_units import ANGSTROM, Stated, stated_in, unit_of
from isonet.io.text import number

log = logging.getLogger("isonet")


def stated_beside(path: Path, columns: Columns, comments: Sequence[tuple[int, str]]) -> Stated:
    """What comments state of the unit, or else columns of a program whose unit is known."""
    if columns.unit in ANGSTROM:
        return Stated()
    stated = stated_in(path, comments)
    if columns.copick and not (
        columns.unit or stated.unit or stated.binned or {"unit", "binning"} & set(columns.others)
    ):
        log.info("%s: its columns are those of copick, so x y z are in A; call them x_px, y_px, z_px if not", path)
        return Stated("A")
    return stated


def units_of(columns: Columns, rows: Sequence[Mapping[str, str]], stated: Stated) -> list[str]:
    """Unit of each point: `A`, `nm`, `um`, `voxel`, or nothing where no one says, or says what is none."""
    if columns.unit in ANGSTROM:
        return [columns.unit] * len(rows)
    return [unit_of(row["unit"]) if "unit" in row else columns.unit or stated.unit for row in rows]


def angstrom_of(
    path: Path, places: Sequence[str], columns: Columns, rows: Sequence[Mapping[str, str]], stated: Stated
) -> Floats:
    """Å of the unit of each point; NaN where it is a voxel of the tomogram.

    Raises
    ------
    InputError
        If a unit or size is none, or numbers are said to be binned, and not of which pixels.
    """
    if columns.unit in ANGSTROM:
        return np.full(len(rows), ANGSTROM[columns.unit])
    found = []
    for place, row, unit in zip(places, rows, units_of(columns, rows, stated), strict=True):
        if "unit" in row and not unit:
            raise InputError(f"{path}, {place}: {row['unit']!r} is no unit of length; give A, nm, um or voxel")
        size = (not stated.binned and stated.size) or np.nan
        if "size" in row:
            size = ANGSTROM[columns.size_unit] * number(path, place, row["size"])
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
