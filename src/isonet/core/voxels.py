"""What gives voxels, in memory or on disk."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Axes = tuple[int, ...]


@runtime_checkable
class Voxels(Protocol):
    """An array, or a file that gives blocks of one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along z, y, x."""
        ...

    def __getitem__(self, block: Any, /) -> npt.NDArray[Any]:
        """Return the block of three slices."""
        ...


@dataclass(frozen=True)
class Mirrored:
    """Voxels with some axes turned round.

    Attributes
    ----------
    voxels : array or file
        As they are.
    axes : tuple of int
        Of 0, 1, 2: z, y, x.
    """

    voxels: Voxels
    axes: Axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along z, y, x."""
        return self.voxels.shape

    def __getitem__(self, block: tuple[slice, ...]) -> npt.NDArray[Any]:
        """Return the block of three slices, which have both ends."""
        places = list(block)
        for axis in self.axes:
            edge = self.shape[axis]
            places[axis] = slice(edge - places[axis].stop, edge - places[axis].start)
        return np.flip(self.voxels[tuple(places)], self.axes)
