"""Coordinates of particles, as picking programs write them: plain text, STAR files, IMOD models."""

import logging
from collections.abc import Container
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isonet.errors import InputError
from isonet.io.files import refuse_special
from isonet.io.programs.imod import ALIKE, model_points, read_model, says_size, scale_of_drawing, warn_of_another_image
from isonet.io.programs.particles.listed_points import Floats, ListedPoints, in_voxels
from isonet.io.programs.particles.particle_star import read_particles
from isonet.io.programs.particles.point_text import read_points
from isonet.io.programs.particles.unread import refuse_unread

log = logging.getLogger("isonet")
EXTENSIONS = (".star", ".mod", ".txt", ".coords", ".xyz", ".csv", ".tsv", ".pts", ".point", ".box")
_TO_VOXEL_CENTRES = np.array([-0.5, -0.5, 0.0])  # an IMOD model has the middle of the first voxel at 0.5, 0.5, 0


@dataclass(frozen=True)
class Points:
    """Points of a file.

    Attributes
    ----------
    path : Path
        The file.
    listed : ListedPoints
        What it lists.
    drawn_at : float
        Å per voxel of the image that a model was drawn on; 0 where it does not say, and for other files.
    drawn_on : tuple of int
        Voxels x, y, z of that image; 0 as well.
    """

    path: Path
    listed: ListedPoints
    drawn_at: float = 0.0
    drawn_on: tuple[int, int, int] = (0, 0, 0)

    @property
    def tomograms(self) -> tuple[str, ...]:
        """Name of each point's tomogram; empty where the file names none."""
        return self.listed.tomograms

    @property
    def xyz(self) -> Floats:
        """Points in the units of the file, `[n, 3]`."""
        return self.listed.xyz

    @property
    def say_size(self) -> bool:
        """Whether the file says how large its unit is."""
        listed = self.listed
        return listed.fractions or says_size(self.drawn_at) or bool(np.isfinite(listed.angstrom).all())

    def of(self, names: Container[str]) -> "Points":
        """Return the points whose tomogram the file calls by one of some names; all where the file names none."""
        if not self.tomograms:
            return self
        mine = [name in names for name in self.tomograms]
        return replace(self, listed=self.listed.selected(mine))

    def voxels(self, shape: tuple[int, int, int], pixel_size: float, header_size: float = 0.0) -> npt.NDArray[np.int64]:
        """Voxels of a tomogram in which the points lie.

        Numbers that are all from 0 to 1, and not all whole, are fractions of the tomogram's edges.

        Parameters
        ----------
        shape : tuple of int
            Edges z, y, x of the tomogram.
        pixel_size : float
            Å per voxel; 0 where it is not known.
        header_size : float
            Å per voxel that the tomogram's file says, which is what a model was drawn at; 0 where it says nothing.

        Returns
        -------
        numpy array
            `[n, 3]`: z, y, x, counted from 0.

        Raises
        ------
        InputError
            If a point lies outside, or the pixel size is needed and not known.
        """
        listed = self.listed
        edges = np.array(shape[::-1])
        scale = scale_of_drawing(self.path, self.drawn_at, pixel_size, header_size)
        warn_of_another_image(self.path, self.drawn_on, (shape[2], shape[1], shape[0]), scale)
        if self.drawn_at:
            position = (listed.xyz + 0.5) * scale - 0.5  # voxels are scaled about the corner of the volume
        elif listed.fractions:
            log.info("%s: numbers from 0 to 1 taken as fractions of the tomogram's edges", self.path)
            position = listed.xyz * edges
        else:
            position = listed.xyz * self._scale(pixel_size)[:, None] + (edges / 2 if listed.centred else 0.0)
        if listed.shift.any():
            position = position - listed.shift / self._needed(pixel_size)
        voxel = np.floor(position + 0.5)
        outside = ((voxel < 0) | (voxel >= edges)).any(axis=1)
        if outside.any():
            first = int(outside.argmax())
            raise InputError(
                f"{self.path}, {listed.places[first]}: {_text(listed.xyz[first])} lies outside the tomogram, which has "
                f"{_text(edges)} voxels along x y z; coordinates are voxels of it, counted from 0"
            )
        return voxel[:, ::-1].astype(np.int64)

    def _scale(self, pixel_size: float) -> Floats:
        """Voxels of the tomogram per unit of the coordinates."""
        unit = self.listed.angstrom
        if not np.isfinite(unit).any():
            return np.ones(len(unit))
        scale = np.where(np.isfinite(unit), unit / self._needed(pixel_size), 1.0)
        if self.listed.centred:
            return scale
        scale = np.where(np.abs(scale - 1) < ALIKE, 1.0, scale)
        if (scale != 1).any():
            said = ", ".join(f"{size:g}" for size in np.unique(unit[scale != 1])[:3])
            log.info("%s: its unit is %s A, scaled to %g A/voxel", self.path, said, pixel_size)
        return scale

    def _needed(self, pixel_size: float) -> float:
        if not pixel_size > 0:
            raise InputError(f"{self.path}: coordinates in Å need the tomogram's rlnPixelSize; add it to the table")
        return pixel_size


def read_coordinates(path: Path) -> Points:
    """Read points from a file: `.star`, `.mod`, or else plain text.

    In plain text each line is `x y z`, separated by blanks, tabs or commas, in voxels of the tomogram counted from 0;
    `#` begins a comment. The first line may name columns, in any order, with units: `x_nm`, `z [A]`, `voxel_size`,
    `unit`. So may comments above the numbers: `# x y z in nm`, `# pixel size: 5 A`, `# order z y x`, `# 1-based`. For
    STAR files see :mod:`isonet.io.programs.particles.particle_star`. A model is scaled from the image that it was drawn
    on.

    Raises
    ------
    InputError
        If the file is missing, of a program that is not read, holds no points, or a value is no number.
    """
    refuse_special(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a file or folder with coordinates")
    refuse_unread(path)
    if path.suffix.lower() == ".star":
        points = Points(path, read_particles(path))
    elif path.suffix.lower() == ".mod":
        points = _from_model(path)
    else:
        points = Points(path, read_points(path))
    if len(points.xyz) == 0:
        raise InputError(f"{path}: no coordinates in it; give one point a line, x y z")
    return points


def _from_model(path: Path) -> Points:
    model = read_model(path)
    xyz = model_points(model) + _TO_VOXEL_CENTRES
    listed = in_voxels(xyz, [f"point {number}" for number in range(1, len(xyz) + 1)])
    return Points(path, listed, drawn_at=model.voxel_size, drawn_on=model.size)


def _text(values: Floats | npt.NDArray[np.int64]) -> str:
    return " ".join(f"{value:g}" for value in values)
