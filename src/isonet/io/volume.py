"""A volume on disk as every step sees it, whatever the format of its file.

Arrays are `[z, y, x]` = section, row, column. The header of a :class:`Volume` is read when it is opened, its voxels
only where they are asked for, as float32.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isonet.errors import InputError
from isonet.io.mrc_bytes.header import Header
from isonet.io.storage.stored import Block, Stored

FloatArray = npt.NDArray[np.float32]
_SLAB_VOXELS = 1 << 24
_SAMPLES = 16  # voxels along an axis, about, that tell one volume from another


@dataclass(frozen=True)
class Volume:
    """A three-dimensional volume, opened for reading.

    Attributes
    ----------
    path : Path
        Its file; of a level of OME-Zarr the folder of its array.
    header : Header
        Voxel size, origin, start and labels.
    stored : Stored
        Its voxels.
    """

    path: Path
    header: Header
    stored: Stored = field(repr=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along z, y, x."""
        z, y, x = self.stored.shape
        return int(z), int(y), int(x)

    @property
    def pixel_size(self) -> float:
        """Å per voxel as the header says, 0 where it does not.

        Raises
        ------
        InputError
            If voxels are not cubes.
        """
        if not self.header.cubic:
            edges = " x ".join(f"{edge:g}" for edge in reversed(self.header.voxel_size))
            raise InputError(
                f"{self.path}: voxels of {edges} A along x, y, z are not cubes; give prepare the right --pixel-size"
            )
        return self.header.pixel_size

    def read(self, *block: slice) -> FloatArray:
        """Return a copy of a block of voxels (all of them without arguments) as float32."""
        return np.array(self[block], dtype=np.float32)

    def read_rows(self, sections: slice, rows: slice = slice(None)) -> FloatArray:
        """Return a block of whole rows as float32."""
        return self[sections, rows].astype(np.float32, copy=False)

    def __getitem__(self, block: Block) -> npt.NDArray[Any]:
        """Return a copy of a block as it is stored."""
        return self.stored.read(block)

    def release(self) -> None:
        """Give back the pages of the file that were mapped so far."""
        self.stored.release()

    def slabs(self) -> Iterator[tuple[slice, FloatArray]]:
        """Iterate over slabs of whole sections, each of a bounded number of voxels."""
        depth, height, width = self.shape
        step = max(1, _SLAB_VOXELS // (height * width))
        for first in range(0, depth, step):
            part = slice(first, min(first + step, depth))
            yield part, self.read_rows(part)


def fingerprint(volume: Volume) -> str:
    """Short hash of a volume's shape and of voxels all over it, the same for every copy of the data."""
    strides = (max(1, edge // _SAMPLES) for edge in volume.shape)
    sample = np.ascontiguousarray(volume[tuple(slice(None, None, stride) for stride in strides)], np.float32)
    return hashlib.sha256(repr(volume.shape).encode() + sample.tobytes()).hexdigest()[:16]


def not_finite(path: Path, slab: npt.NDArray[np.float32], first: int) -> str:
    """Say which section of a slab that begins with section `first` holds NaN or infinite voxels."""
    bad = int(np.flatnonzero(~np.isfinite(slab).all(axis=(1, 2)))[0]) + first
    return f"{path}: NaN or infinite voxels in section {bad}; reconstruct it again"


def is_constant(path: Path, value: float) -> str:
    """Say that a volume holds nothing."""
    return f"{path}: all voxels are {value:g}; a constant volume holds no tomogram"
