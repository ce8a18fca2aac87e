"""Coordinates of particles, as picking programs write them: plain text, STAR files, IMOD models."""

import re
from collections.abc import Container
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isonet.errors import InputError
from isonet.io import star
from isonet.io.programs.imod import read_model_points

Floats = npt.NDArray[np.float64]
EXTENSIONS = (".star", ".mod", ".txt", ".coords", ".xyz", ".csv", ".tsv", ".pts", ".point", ".box")
_VOXELS = ("rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ")
_CENTRED = ("rlnCenteredCoordinateXAngst", "rlnCenteredCoordinateYAngst", "rlnCenteredCoordinateZAngst")
_NAMES = ("rlnTomoName", "rlnMicrographName")
_SERIES_PIXEL = "rlnTomoTiltSeriesPixelSize"
_TO_VOXEL_CENTRES = np.array([-0.5, -0.5, 0.0])  # an IMOD model has the middle of the first voxel at 0.5, 0.5, 0


@dataclass(frozen=True)
class Points:
    """Points of a file.

    Attributes
    ----------
    path : Path
        The file.
    xyz : numpy array
        `[n, 3]`: x, y, z. Voxels counted from 0 at the middle of the first voxel, unless `angstrom` says otherwise.
    places : tuple of str
        Where in the file each point stands, for messages: `line 3`.
    tomograms : tuple of str
        Name of each point's tomogram; empty where the file names none.
    angstrom : numpy array
        `[n]`: Å of one unit of `xyz`; NaN where the unit is a voxel of the tomogram.
    centred : bool
        Whether `xyz` counts from the middle of the tomogram.
    """

    path: Path
    xyz: Floats
    places: tuple[str, ...]
    tomograms: tuple[str, ...]
    angstrom: Floats
    centred: bool = False

    def of(self, names: Container[str]) -> "Points":
        """Return the points whose tomogram the file calls by one of some names; all where the file names none."""
        if not self.tomograms:
            return self
        mine = [name in names for name in self.tomograms]
        return replace(
            self,
            xyz=self.xyz[mine],
            places=tuple(place for place, keep in zip(self.places, mine, strict=True) if keep),
            tomograms=tuple(name for name, keep in zip(self.tomograms, mine, strict=True) if keep),
            angstrom=self.angstrom[mine],
        )

    def voxels(self, shape: tuple[int, int, int], pixel_size: float) -> npt.NDArray[np.int64]:
        """Voxels of a tomogram in which the points lie.

        Parameters
        ----------
        shape : tuple of int
            Edges z, y, x of the tomogram.
        pixel_size : float
            Å per voxel; 0 where it is not known.

        Returns
        -------
        numpy array
            `[n, 3]`: z, y, x, counted from 0.

        Raises
        ------
        InputError
            If a point lies outside, or the pixel size is needed and not known.
        """
        in_angstrom = np.isfinite(self.angstrom)
        if in_angstrom.any() and not pixel_size > 0:
            raise InputError(f"{self.path}: coordinates in Å need the tomogram's rlnPixelSize; add it to the table")
        scale = np.where(in_angstrom, self.angstrom / (pixel_size or 1.0), 1.0)
        edges = np.array(shape[::-1])
        position = self.xyz * scale[:, None] + (edges / 2 if self.centred else 0.0)
        voxel = np.floor(position + 0.5)
        outside = ((voxel < 0) | (voxel >= edges)).any(axis=1)
        if outside.any():
            first = int(outside.argmax())
            raise InputError(
                f"{self.path}, {self.places[first]}: {_text(self.xyz[first])} lies outside the tomogram, which has "
                f"{_text(edges)} voxels along x y z; coordinates are voxels of it, counted from 0"
            )
        return voxel[:, ::-1].astype(np.int64)


def read_coordinates(path: Path) -> Points:
    """Read points from a file: `.star`, `.mod`, or else plain text.

    In plain text each line is `x y z`, separated by blanks, tabs or commas, in voxels of the tomogram counted from 0;
    `#` begins a comment, and the first line may name the columns. A STAR file has rlnCoordinateX, Y, Z in voxels of
    the tomogram (in pixels of the tilt series where rlnTomoTiltSeriesPixelSize is given), or
    rlnCenteredCoordinateXAngst, Y, Z in Å from its middle, and rlnTomoName or rlnMicrographName.

    Raises
    ------
    InputError
        If the file is missing, holds no points, or a value is no number.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a file or folder with coordinates")
    if path.suffix.lower() == ".star":
        points = _from_star(path)
    elif path.suffix.lower() == ".mod":
        xyz = read_model_points(path) + _TO_VOXEL_CENTRES
        points = _in_voxels(path, xyz, [f"point {number}" for number in range(1, len(xyz) + 1)])
    else:
        points = _from_text(path)
    if len(points.xyz) == 0:
        raise InputError(f"{path}: no coordinates in it; give one point a line, x y z")
    return points


def _in_voxels(path: Path, xyz: Floats, places: list[str]) -> Points:
    return Points(path, xyz, tuple(places), (), np.full(len(xyz), np.nan))


def _from_text(path: Path) -> Points:
    """Read `x y z` lines."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file; give x y z, one point a line, or a .star or .mod file") from error
    xyz: list[list[float]] = []
    places: list[str] = []
    for number, line in enumerate(lines, start=1):
        words = [word for word in re.split(r"[,;\s]+", line.split("#")[0]) if word]
        if not words or (not xyz and not any(map(_is_number, words))):  # blank, or names of the columns
            continue
        if len(words) != 3 or not all(map(_is_number, words)):
            raise InputError(f"{path}, line {number}: {line.strip()[:60]!r} is not x y z; give three numbers a line")
        xyz.append([float(word) for word in words])
        places.append(f"line {number}")
    return _in_voxels(path, np.array(xyz, dtype=np.float64).reshape(-1, 3), places)


def _from_star(path: Path) -> Points:
    """Read the first table with coordinates."""
    try:
        rows = star.read_table(path, (_VOXELS[0], _CENTRED[0]))
    except InputError as error:
        raise InputError(f"{path}: no table with {_VOXELS[0]} or {_CENTRED[0]} in it; add the columns") from error
    centred = _CENTRED[0] in rows[0]
    columns = _CENTRED if centred else _VOXELS
    places = tuple(f"row {number}" for number in range(1, len(rows) + 1))
    values = [_row(path, place, row, columns) for place, row in zip(places, rows, strict=True)]
    named = next((name for name in _NAMES if name in rows[0]), None)
    if centred:
        angstrom = np.ones(len(rows))
    else:
        pixels = _series_pixel_sizes(path)
        angstrom = np.array([_series_pixel(path, row, pixels) for row in rows])
    names = () if named is None else tuple(row[named] for row in rows)
    return Points(path, np.array(values, dtype=np.float64), places, names, angstrom, centred)


def _row(path: Path, place: str, row: star.Row, columns: tuple[str, ...]) -> list[float]:
    for column in columns:
        if not _is_number(row.get(column, "")):
            raise InputError(f"{path}, {place}: {column} is {row.get(column, 'missing')!r}; a number is needed")
    return [float(row[column]) for column in columns]


def _series_pixel_sizes(path: Path) -> dict[str, str]:
    """Å per pixel of the tilt series by optics group, where a table of them is there."""
    try:
        rows = star.read_table(path, ("rlnOpticsGroupName",))
    except InputError:
        return {}
    return {row.get("rlnOpticsGroup", ""): row[_SERIES_PIXEL] for row in rows if _SERIES_PIXEL in row}


def _series_pixel(path: Path, row: star.Row, pixels: dict[str, str]) -> float:
    text = row.get(_SERIES_PIXEL) or pixels.get(row.get("rlnOpticsGroup", ""))
    if text is None:
        return float("nan")
    if not _is_number(text) or not float(text) > 0:
        raise InputError(f"{path}: {_SERIES_PIXEL} is {text!r}; a number of Å is needed")
    return float(text)


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _text(values: Floats | npt.NDArray[np.int64]) -> str:
    return " ".join(f"{value:g}" for value in values)
