"""Particles of STAR files: positions, their units, refined origins, names of their tomograms.

RELION 5 writes Å from the middle of the tomogram, RELION 4 pixels of the tilt series. RELION 3, Warp, M and template
matching write pixels whose size stands in one of several columns, or voxels of the tomogram. RELION's own description
of columns has rlnMicrographPixelSize as that of the micrograph, in whose pixels rlnCoordinateX is counted, and
rlnMicrographOriginalPixelSize as that of the movies before binning, which is not the unit of places. A refined origin
is subtracted from the position, as RELION and Warp do, in RELION 4 and 5 after the sub-tomogram's own rotation.

What is binned in RELION 4 and 5 are the sub-tomograms: `subtomo.cpp` writes rlnImagePixelSize =
rlnTomoTiltSeriesPixelSize x rlnTomoSubtomogramBinning and leaves rlnCoordinateX in pixels of the tilt series, as
`particle_set.cpp` reads it; so does `ts_export_particles --2d` of WarpTools. Origins in pixels are those of the images
that were refined, as `star_converter.cpp` converts them, and count only where there are none in Å.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io import star
from isonet.io.programs.particles.listed_points import Floats, ListedPoints, are_fractions
from isonet.io.text import as_number, number

log = logging.getLogger("isonet")
_PIXELS = ("rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ")
_CENTRED = ("rlnCenteredCoordinateXAngst", "rlnCenteredCoordinateYAngst", "rlnCenteredCoordinateZAngst")
_ORIGIN = ("rlnOriginX", "rlnOriginY", "rlnOriginZ")
_ORIGIN_ANGSTROM = ("rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst")
_SUBTOMOGRAM = ("rlnTomoSubtomogramRot", "rlnTomoSubtomogramTilt", "rlnTomoSubtomogramPsi")
_NAMES = ("rlnTomoName", "rlnMicrographName")
_SERIES_PIXEL, _DETECTOR, _MAGNIFICATION = "rlnTomoTiltSeriesPixelSize", "rlnDetectorPixelSize", "rlnMagnification"
_IMAGE_PIXEL, _BINNING = "rlnImagePixelSize", "rlnTomoSubtomogramBinning"
_PIXEL_SIZES = ("rlnMicrographPixelSize", "rlnPixelSize", _IMAGE_PIXEL)
_MOVIE_PIXEL = "rlnMicrographOriginalPixelSize"
_SAMPLING = (_SERIES_PIXEL, _DETECTOR, _MAGNIFICATION, *_PIXEL_SIZES, _MOVIE_PIXEL, _BINNING)
_OF_GROUPS = (_SERIES_PIXEL, *_PIXEL_SIZES, _MOVIE_PIXEL, _BINNING)


def read_particles(path: Path) -> ListedPoints:
    """Read the tables with coordinates of a STAR file.

    Raises
    ------
    InputError
        If there is none, several are of different columns or name no tomograms, or a value is no number.
    """
    tables = star.read_tables(path)
    if not tables:
        raise InputError(f"{path}: no STAR table in it; if it is text x y z, name it .txt")
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
    described = list(map(_Sampling(path, tables), places, rows))
    if centred:
        angstrom = np.ones(len(rows))
    else:
        _warn_of_sizes(path, places[0], described[0])
        said = (_pixel_sizes(path, place, row) for place, row in zip(places, described, strict=True))
        angstrom = np.fromiter((next(iter(sizes.values()), np.nan) for sizes in said), np.float64, len(rows))
    shift = np.zeros_like(xyz)
    if _ORIGIN_ANGSTROM[0] in rows[0]:
        shift = _numbers(path, rows, places, _ORIGIN_ANGSTROM)
    elif not centred and _ORIGIN[0] in rows[0]:
        origin = _numbers(path, rows, places, _ORIGIN)
        if fractions and origin.any():
            raise InputError(f"{path}: {_PIXELS[0]} are fractions, {_ORIGIN[0]} are pixels; give both in one unit")
        if _IMAGE_PIXEL in described[0]:
            shift = origin * _numbers(path, described, places, (_IMAGE_PIXEL,))
        else:
            xyz = xyz - origin
    if _SUBTOMOGRAM[0] in rows[0] and shift.any():
        shift = _turned(shift, _numbers(path, rows, places, _SUBTOMOGRAM))
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


class _Sampling:
    """What a row, or else its optics group, says of pixel sizes.

    The only group is that of all rows that name none, a block of single values that of all rows.
    """

    def __init__(self, path: Path, tables: Mapping[str, Sequence[star.Row]]) -> None:
        self._path = path
        others = [rows for rows in tables.values() if rows and not {_PIXELS[0], _CENTRED[0]} & set(rows[0])]
        groups = [row for rows in others for row in rows if "rlnOpticsGroup" in row]
        telling = any(set(_SAMPLING) & set(row) for row in groups)
        self._by_number = {as_number(row["rlnOpticsGroup"]): row for row in groups if telling}
        self._only = groups[0] if len(groups) == 1 else {}
        self._of_all = self._single(rows[0] for rows in others if len(rows) == 1 and "rlnOpticsGroup" not in rows[0])

    def _single(self, blocks: Iterable[star.Row]) -> star.Row:
        """What blocks of single values say; `InputError` where they say two things."""
        said: dict[str, str] = {}
        for block in blocks:
            for name in set(_SAMPLING) & set(block):
                if as_number(said.setdefault(name, block[name])) != as_number(block[name]):
                    raise InputError(f"{self._path}: {name} is {said[name]} and {block[name]}; leave the right one")
        return said

    def __call__(self, place: str, row: star.Row) -> star.Row:
        """Return those columns.

        Raises
        ------
        InputError
            If groups are described, and not that of the row.
        """
        found = self._only
        if "rlnOpticsGroup" in row and self._by_number:
            if as_number(row["rlnOpticsGroup"]) not in self._by_number:
                raise InputError(
                    f"{self._path}, {place}: rlnOpticsGroup {row['rlnOpticsGroup']} is not among those of the file, "
                    "which tell sizes of pixels; add it, or correct the row"
                )
            found = self._by_number[as_number(row["rlnOpticsGroup"])]
        grouped = {name: found[name] for name in _OF_GROUPS if name in found}
        return {**self._of_all, **grouped} | {name: row[name] for name in _SAMPLING if name in row}


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
    if _IMAGE_PIXEL in said:
        said[_IMAGE_PIXEL] /= _binning(path, place, row)
    return said


def _binning(path: Path, place: str, row: star.Row) -> float:
    """How many pixels of the tilt series one of the sub-tomograms is long; 1 where the row does not say."""
    if row.get(_BINNING, star.MISSING) == star.MISSING:
        return 1.0
    binning = _number(path, place, row, _BINNING)
    if not binning > 0:
        raise InputError(f"{path}, {place}: {_BINNING} is {row[_BINNING]!r}; a number of pixels is needed")
    return binning


def _warn_of_sizes(path: Path, place: str, row: star.Row) -> None:
    """Warn where columns of one row say different sizes, or a binning alone tells which pixels are meant."""
    said = _pixel_sizes(path, place, row)
    if not said and row.get(_MOVIE_PIXEL, star.MISSING) != star.MISSING:
        log.warning(
            "%s: %s is that of the movies, and %s taken in voxels of the tomogram; add rlnPixelSize if that is wrong",
            *(path, _MOVIE_PIXEL, _PIXELS[0]),
        )
    if _SERIES_PIXEL in said or not said:
        return
    first, size = next(iter(said.items()))
    for column, other in said.items():
        if abs(other / size - 1) > 0.02:
            log.warning("%s: %s is %g A, %s %g A; the former taken", path, first, size, column, other)
    binning = _binning(path, place, row)
    if first == _IMAGE_PIXEL and binning != 1:
        log.warning(
            "%s: %s taken in pixels of the tilt series, %g A, as RELION has them, not in those of its sub-tomograms, "
            "%g A; add %s if that is wrong",
            *(path, _PIXELS[0], size, size * binning, _SERIES_PIXEL),
        )
