"""Voxels on disk as the readers of all formats give them."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Block = tuple[slice, ...]


@dataclass(frozen=True)
class Absent:
    """Voxels that a file leaves out, so that they have one value.

    Attributes
    ----------
    value : float
        The grey value that they are read as.
    voxels : int
        How many there are.
    """

    value: float
    voxels: int


@runtime_checkable
class Blocks(Protocol):
    """Anything that blocks of voxels can be read from."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along z, y, x."""
        ...

    def __getitem__(self, block: tuple[slice, slice, slice], /) -> npt.NDArray[Any]:
        """Return the block of three slices."""
        ...


@runtime_checkable
class Stored(Protocol):
    """Voxels on disk, in the type they are stored in."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along z, y, x."""
        ...

    @property
    def size(self) -> int:
        """Voxels in all."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        ...

    @property
    def absent(self) -> Absent | None:
        """What is left out of the file, if its format allows for that."""
        ...

    def __len__(self) -> int:
        """Sections."""
        ...

    def __getitem__(self, place: Any, /) -> npt.NDArray[Any]:
        """Return what numpy would; the pages of the file that are looked at may stay mapped."""
        ...

    def read(self, block: Block) -> npt.NDArray[Any]:
        """Return a copy of a block, read from the file: mapped pages would count as memory in use."""
        ...

    def mapped(self) -> npt.NDArray[Any]:
        """Return all voxels as an array that is mapped from the disk."""
        ...

    def viewed(self, dtype: npt.DTypeLike) -> "Stored":
        """Return the same bytes as another type of the same size."""
        ...

    def release(self) -> None:
        """Give back the pages that were mapped so far; they are mapped again when they are looked at."""
        ...
