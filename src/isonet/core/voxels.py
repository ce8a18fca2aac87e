"""What gives voxels, in memory or on disk."""

from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt


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
