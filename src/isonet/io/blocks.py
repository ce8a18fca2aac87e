"""Large volumes on disk through plain reads and writes of whole rows, so that no more than a block is in memory.

A memory map would do the same, but its pages count as memory in use until the system takes them back.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import numpy.typing as npt

from isonet.io.files import atomic_path, discarded_path
from isonet.io.mrc_bytes.header import HEADER_BYTES, Header, write_header
from isonet.io.storage.mapped import read_into
from isonet.io.volume import FloatArray


class BlockFile:
    """Voxels in a file: any sections, any rows of them, but whole rows.

    Attributes
    ----------
    shape : tuple of int
        Voxels along z, y, x.
    dtype : dtype
        Type they are stored in.
    """

    def __init__(
        self, file: io.FileIO, offset: int, shape: tuple[int, int, int], dtype: npt.DTypeLike = np.float32
    ) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._file = file
        self._offset = offset

    def read_rows(self, sections: slice, rows: slice = slice(None)) -> FloatArray:
        """Return a block of whole rows as float32."""
        first, stop, _ = sections.indices(self.shape[0])
        top, bottom, _ = rows.indices(self.shape[1])
        block = np.empty((stop - first, bottom - top, self.shape[2]), dtype=self.dtype)
        for number, section in enumerate(block):
            read_into(self._file, self._position(first + number, top), section)
        return block.astype(np.float32, copy=False)

    def __getitem__(self, block: tuple[slice, ...]) -> FloatArray:
        """Return a block as float32."""
        sections, rows, columns = block
        first, stop, _ = sections.indices(self.shape[0])
        parts = [self.read_rows(slice(section, section + 1), rows)[..., columns] for section in range(first, stop)]
        return np.concatenate(parts)

    def add(self, block: tuple[slice, slice, slice], values: FloatArray) -> None:
        """Add values to a block."""
        sections, rows, columns = block
        for section, plane in zip(range(*sections.indices(self.shape[0])), values, strict=True):
            present = self.read_rows(slice(section, section + 1), rows)
            present[0, :, columns] += plane
            self.write_rows(section, rows.indices(self.shape[1])[0], present)

    def clear(self) -> None:
        """Set all voxels to 0."""
        zeros = np.zeros((1, *self.shape[1:]), dtype=self.dtype)
        for section in range(self.shape[0]):
            self.write_rows(section, 0, zeros)

    def write_rows(self, section: int, row: int, block: npt.NDArray[Any]) -> None:
        """Write a block `[z, y, x]` of whole rows, its first row being `row` of `section`."""
        for number, rows in enumerate(block):
            self._file.seek(self._position(section + number, row))
            left = np.ascontiguousarray(rows, dtype=self.dtype).data.cast("B")
            while left:
                left = left[self._file.write(left) :]

    def _position(self, section: int, row: int) -> int:
        return self._offset + self.dtype.itemsize * self.shape[2] * (section * self.shape[1] + row)


class NewVolume(BlockFile):
    """A volume being written.

    Attributes
    ----------
    statistics : tuple of float, optional
        Minimum, maximum, mean and standard deviation for a header, to be set by whoever writes the voxels.
    """

    statistics: tuple[float, float, float, float] | None = None


@contextmanager
def create(
    path: Path, shape: tuple[int, int, int], header: Header, dtype: npt.DTypeLike = np.float32
) -> Iterator[NewVolume]:
    """Create an MRC file to be filled block by block; otherwise as :func:`isonet.io.mrc.create`.

    Raises
    ------
    RunError
        If the disk is full or the folder cannot be written to.
    """
    mode = mrcfile.utils.mode_from_dtype(np.dtype(dtype))
    with atomic_path(path) as temporary:
        with mrcfile.new_mmap(temporary, shape=shape, mrc_mode=mode, overwrite=True) as mrc:
            write_header(mrc, header)
            record = mrc.header.copy()
        with temporary.open("r+b", buffering=0) as file:
            os.posix_fallocate(file.fileno(), 0, HEADER_BYTES + _bytes(shape, dtype))
            volume = NewVolume(file, HEADER_BYTES, shape, dtype)
            yield volume
            if volume.statistics is not None:
                record.dmin, record.dmax, record.dmean, record.rms = volume.statistics
                file.seek(0)
                file.write(record.tobytes())


@contextmanager
def scratch(folder: Path, shape: tuple[int, int, int], dtype: npt.DTypeLike = np.float32) -> Iterator[NewVolume]:
    """Give room on disk that vanishes afterwards; errors as :func:`create`."""
    with discarded_path(folder) as path, path.open("r+b", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, _bytes(shape, dtype))
        yield NewVolume(file, 0, shape, dtype)


def _bytes(shape: tuple[int, int, int], dtype: npt.DTypeLike) -> int:
    return np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
