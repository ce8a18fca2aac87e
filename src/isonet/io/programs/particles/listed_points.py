"""Points as a file lists them, before they are brought to the voxels of a tomogram."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ListedPoints:
    """Points of a file in its own units.

    Attributes
    ----------
    xyz : numpy array
        `[n, 3]`: x, y, z.
    places : tuple of str
        Where in the file each point stands, for messages: `line 3`.
    tomograms : tuple of str
        Name of each point's tomogram; empty where the file names none.
    angstrom : numpy array
        `[n]`: Å of one unit of `xyz`; NaN where the unit is a voxel of the tomogram.
    shift : numpy array
        `[n, 3]`: Å to subtract.
    centred : bool
        Whether `xyz` counts from the middle of the tomogram.
    fractions : bool
        Whether `xyz` are fractions of the tomogram's edges.
    """

    xyz: Floats
    places: tuple[str, ...]
    tomograms: tuple[str, ...]
    angstrom: Floats
    shift: Floats
    centred: bool = False
    fractions: bool = False

    def selected(self, mine: Sequence[bool]) -> "ListedPoints":
        """Return some of the points."""
        return replace(
            self,
            xyz=self.xyz[mine],
            places=tuple(compress(self.places, mine)),
            tomograms=tuple(compress(self.tomograms, mine)),
            angstrom=self.angstrom[mine],
            shift=self.shift[mine],
        )


def are_fractions(xyz: Floats) -> bool:
    """Tell whether numbers can only be fractions of a tomogram's edges: all from 0 to 1, and not all whole."""
    return bool(((xyz >= 0) & (xyz <= 1)).all()) and bool((xyz != np.round(xyz)).any())


def in_voxels(xyz: Floats, places: list[str]) -> ListedPoints:
    """Points in voxels of the tomogram, which the file does not name."""
    return ListedPoints(xyz, tuple(places), (), np.full(len(xyz), np.nan), np.zeros((len(xyz), 3)))
