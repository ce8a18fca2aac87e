"""Voxels that lie in a file one after the other: mapped, and read in blocks through plain reads."""

import io
import mmap
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from isonet.errors import InputError
from isonet.io.storage.stored import Absent, Block

_AT_ONCE = 1 << 21  # bytes that are read with one call, where some of them are not asked for


class Mapped:
    """Voxels of a file.

    Parameters
    ----------
    array : numpy array
        `[z, y, x]` in the stored type, mapped from the file.
    owner : object
        What must live as long as the file is read, such as a file without a name.
    """

    absent: Absent | None = None

    def __init__(self, array: npt.NDArray[Any], owner: object = None) -> None:
        self._array = cast("np.memmap[Any, Any]", array)
        self._owner = owner

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along z, y, x."""
        return self._array.shape

    @property
    def size(self) -> int:
        """Voxels in all."""
        return self._array.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        return self._array.dtype

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, place: Any) -> npt.NDArray[Any]:
        """Return part of the mapped array."""
        return self._array[place]

    def read(self, block: Block) -> npt.NDArray[Any]:
        """Return a copy of a block, read from the file.

        Raises
        ------
        InputError
            If the file ends before.
        """
        shape = self._array.shape
        whole = (*block, *(slice(None),) * (3 - len(block)))
        (first, stop, stride), (top, bottom, _), _ = (
            part.indices(edge) for part, edge in zip(whole, shape, strict=True)
        )
        height, width = shape[1:]
        inner = slice(None, None, whole[1].step), whole[2]
        rows = np.empty((max(0, bottom - top), width), dtype=self.dtype)
        result = np.empty((len(range(first, stop, stride)), *rows[inner].shape), dtype=self.dtype)
        if not result.size:
            return result
        with Path(str(self._array.filename)).open("rb", buffering=0) as file:
            if stride == 1 and result.shape[1:] == (height, width):
                read_into(file, self._array.offset + first * height * width * rows.itemsize, result)
                return result
            if (stop - first) * height * width * rows.itemsize <= _AT_ONCE:
                sections = np.empty((stop - first, height, width), dtype=self.dtype)
                read_into(file, self._array.offset + first * height * width * rows.itemsize, sections)
                result[:] = sections[::stride, top:bottom][:, inner[0], inner[1]]
                return result
            for number, section in enumerate(range(first, stop, stride)):
                position = (section * height + top) * width * rows.itemsize
                read_into(file, self._array.offset + position, rows)
                result[number] = rows[inner]
        return result

    def mapped(self) -> npt.NDArray[Any]:
        """Return the mapped array."""
        return self._array

    def viewed(self, dtype: npt.DTypeLike) -> "Mapped":
        """Return the same bytes as another type of the same size."""
        return Mapped(self._array.view(dtype), self._owner)

    def release(self) -> None:
        """Give back the pages of the file that were mapped so far; they are mapped again when they are looked at."""
        self._array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]


def read_into(file: io.RawIOBase, position: int, block: npt.NDArray[Any]) -> None:
    """Fill an array with the bytes of an unbuffered file from a position on.

    Raises
    ------
    InputError
        If the file ends before.
    """
    file.seek(position)
    left = block.data.cast("B")
    while left:
        count = file.readinto(left)
        if not count:
            raise InputError(f"{getattr(file, 'name', 'file')}: ended while it was read; is it being written?")
        left = left[count:]
