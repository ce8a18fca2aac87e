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
    """Read the tables with coordinates of a STAR file.

    Raises
    ------
    InputError
        If there is none, several are of different columns or name no tomograms, or a value is no number.
    """
    tables = star.read_tables(path)
    listing = {name: rows for name, rows in tables.items() if rows and {_PIXELS[0], _CENTRED[0]} & set(rows[0])}
    if not listing:
        raise InputError(f"{path}: no table with {_PIXELS[0]} or {_CENTRED[0]} in it; add the columns")
    _refuse_unlike(path, listing)
    rows = [row for table in listing.values() for row in table]
    places = tuple(
        f"row {line}" + (f" of data_{name}" if len(listing) > 1 else "")
        for name, table in listing.items()
        for line in range(1, len(table) + 1)
    )
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
        _warn_of_two_sizes(path, _pixel_sizes(path, places[0], {**groups(rows[0]), **rows[0]}))
        said = (_pixel_sizes(path, place, {**groups(row), **row}) for place, row in zip(places, rows, strict=True))
        angstrom = np.fromiter((next(iter(sizes.values()), np.nan) for sizes in said), np.float64, len(rows))
    names = () if named is None else tuple(row[named] for row in rows)
    return ListedPoints(xyz, places, names, angstrom, shift, centred, fractions)


def _refuse_unlike(path: Path, listing: Mapping[str, Sequence[star.Row]]) -> None:
    """Raise `InputError` where tables of one file do not tell in the same way where particles are, and of what."""
    if len(listing) == 1:
        return
    heads = [set(rows[0]) for rows in listing.values()]
    for column in (_CENTRED[0], _PIXELS[0], _ORIGIN[0], _ORIGIN_ANGSTROM[0], _SUBTOMOGRAM[0], *_NAMES):
        if len({column in head for head in heads}) > 1:
            raise InputError(f"{path}: only some of its tables of particles have {column}; give each its own file")
    if not heads[0] & set(_NAMES):
        names = " and ".join(f"data_{name}" for name in list(listing)[:2])
        raise InputError(f"{path}: several tables of particles, {names}, that name no tomograms; add {_NAMES[0]}")


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


def _pixel_sizes(path: Path, place: str, row: star.Row) -> dict[str, float]:
    """Å of the unit of a row's coordinates, by each column that says it; the first counts."""
    said = {}
    for column in (_SERIES_PIXEL, _DETECTOR, *_PIXEL_SIZES):
        if row.get(column, star.MISSING) == star.MISSING:
            continue
        said[column] = _number(path, place, row, column)
        if column == _DETECTOR and row.get(_MAGNIFICATION, star.MISSING) != star.MISSING:
            said[column] *= 1e4 / (_number(path, place, row, _MAGNIFICATION) or np.nan)
        if not said[column] > 0:
            raise InputError(f"{path}, {place}: {column} is {row[column]!r}; a number of Å is needed")
    return said


def _warn_of_two_sizes(path: Path, said: Mapping[str, float]) -> None:
    """Warn where columns of one row say different sizes."""
    first = next(iter(said.values()), float("nan"))
    for column, size in said.items():
        if _SERIES_PIXEL not in said and abs(size / first - 1) > 0.02:
            log.warning("%s: %s is %g A, %s %g A; the former taken", path, next(iter(said)), first, column, size)
