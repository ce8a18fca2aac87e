"""Particles of STAR files: positions, their units, refined origins, names of their tomograms.

RELION 5 writes Å from the middle of the tomogram, RELION 4 pixels of the tilt series. RELION 3, Warp, M and template
matching write pixels whose size stands in one of several columns, or voxels of the tomogram. A refined origin is
subtracted from the position, as RELION and Warp do, in RELION 4 and 5 after the sub-tomogram's own rotation.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io import star
from isonet.io.programs.listed_points import Floats, ListedPoints, are_fractions
from isonet.io.text import number

log = logging.getLogger("isonet")
_PIXELS = ("rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ")
_CENTRED = ("rlnCenteredCoordinateXAngst", "rlnCenteredCoordinateYAngst", "rlnCenteredCoordinateZAngst")
_ORIGIN = ("rlnOriginX", "rlnOriginY", "rlnOriginZ")
_ORIGIN_ANGSTROM = ("rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst")
_SUBTOMOGRAM = ("rlnTomoSubtomogramRot", "rlnTomoSubtomogramTilt", "rlnTomoSubtomogramPsi")
_NAMES = ("rlnTomoName", "rlnMicrographName")
_SERIES_PIXEL, _DETECTOR, _MAGNIFICATION = "rlnTomoTiltSeriesPixelSize", "rlnDetectorPixelSize", "rlnMagnification"
_PIXEL_SIZES = ("rlnPixelSize", "rlnImagePixelSize")


def read_particles(path: Path) -> ListedPoints:
    """Read the first table with coordinates of a STAR file.

    Raises
    ------
    InputError
        If there is none, or a value is no number.
    """
    tables = star.read_tables(path)
    rows = next((rows for rows in tables.values() if rows and {_PIXELS[0], _CENTRED[0]} & set(rows[0])), None)
    if rows is None:
        raise InputError(f"{path}: no table with {_PIXELS[0]} or {_CENTRED[0]} in it; add the columns")
    places = tuple(f"row {line}" for line in range(1, len(rows) + 1))
    centred = _CENTRED[0] in rows[0]
    xyz = _numbers(path, rows, places, _CENTRED if centred else _PIXELS)
    named = next((name for name in _NAMES if name in rows[0]), None)
    fractions = not centred and are_fractions(xyz)
    if not centred and _ORIGIN[0] in rows[0]:
        origin = _numbers(path, rows, places, _ORIGIN)
        if fractions and origin.any():
            raise InputError(f"{path}: {_PIXELS[0]} are fractions, {_ORIGIN[0]} are pixels; give both in one unit")
        xyz = xyz - origin
    shift = np.zeros_like(xyz)
    if _ORIGIN_ANGSTROM[0] in rows[0]:
        shift = _numbers(path, rows, places, _ORIGIN_ANGSTROM)
        if _SUBTOMOGRAM[0] in rows[0]:
            shift = _turned(shift, _numbers(path, rows, places, _SUBTOMOGRAM))
    if centred:
        angstrom = np.ones(len(rows))
    else:
        groups = _Optics(tables)
        sizes = (_pixel_size(path, place, {**groups(row), **row}) for place, row in zip(places, rows, strict=True))
        angstrom = np.fromiter(sizes, np.float64, len(rows))
    names = () if named is None else tuple(row[named] for row in rows)
    return ListedPoints(xyz, places, names, angstrom, shift, centred, fractions)


def _numbers(path: Path, rows: Sequence[star.Row], places: Sequence[str], columns: Sequence[str]) -> Floats:
    """Values of columns, `[rows, columns]`."""
    values = [
        [_number(path, place, row, column) for column in columns] for place, row in zip(places, rows, strict=True)
    ]
    return np.array(values, dtype=np.float64)


def _number(path: Path, place: str, row: star.Row, column: str) -> float:
    if column not in row:
        raise InputError(f"{path}, {place}: {column} is missing; a number is needed")
    return number(path, f"{place}: {column}", row[column])


def _turned(shift: Floats, angles: Floats) -> Floats:
    """Turn shifts by RELION's matrix of Euler angles (rot, tilt, psi in degrees)."""
    rot, tilt, psi = np.deg2rad(angles.T)
    turned = _about_z(-rot, shift)
    x, y, z = turned.T
    turned = np.stack([x * np.cos(tilt) - z * np.sin(tilt), y, x * np.sin(tilt) + z * np.cos(tilt)], axis=1)
    return _about_z(-psi, turned)


def _about_z(angle: Floats, vectors: Floats) -> Floats:
    """Turn vectors about z, counter-clockwise."""
    x, y, z = vectors.T
    return np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle), z], axis=1)


class _Optics:
    """What the optics group of a row says; the only one, or a block of single values, of all rows that name none."""

    def __init__(self, tables: Mapping[str, Sequence[star.Row]]) -> None:
        others = [row for rows in tables.values() for row in rows if not {_PIXELS[0], _CENTRED[0]} & set(row)]
        groups = [row for row in others if "rlnOpticsGroup" in row]
        self._by_number = {row["rlnOpticsGroup"]: row for row in groups}
        self._only = groups[0] if len(groups) == 1 else {}

    def __call__(self, row: star.Row) -> star.Row:
        found = self._by_number.get(row["rlnOpticsGroup"], {}) if "rlnOpticsGroup" in row else self._only
        return {name: text for name, text in found.items() if name in (_SERIES_PIXEL, *_PIXEL_SIZES)}


def _pixel_size(path: Path, place: str, row: star.Row) -> float:
    """Å of the unit of a row's coordinates; NaN where it says nothing."""
    said = {}
    for column in (_SERIES_PIXEL, _DETECTOR, *_PIXEL_SIZES):
        if row.get(column, star.MISSING) == star.MISSING:
            continue
        said[column] = _number(path, place, row, column)
        if column == _DETECTOR and row.get(_MAGNIFICATION, star.MISSING) != star.MISSING:
            said[column] *= 1e4 / (_number(path, place, row, _MAGNIFICATION) or np.nan)
        if not said[column] > 0:
            raise InputError(f"{path}, {place}: {column} is {row[column]!r}; a number of Å is needed")
    first = next(iter(said.values()), float("nan"))
    for column, size in said.items():
        if _SERIES_PIXEL not in said and abs(size / first - 1) > 0.02 and place == "row 1":
            log.warning("%s: %s is %g A, %s %g A; the former taken", path, next(iter(said)), first, column, size)
    return first
