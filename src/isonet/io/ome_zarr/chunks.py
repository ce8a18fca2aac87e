"""Voxels of a zarr array, decoded chunk by chunk where they are first asked for, and kept on disk from then on.

Steps read tomograms in sections, rows and overlapping tiles, several times. A chunk holds pieces of many sections: what
is decoded for one would be decoded again for the next, or a layer of chunks, often larger than the memory, be held. So
each chunk goes into a scratch file once, where its voxels lie as in an MRC file, and is read from there.
"""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from isonet.errors import InputError, RunError
from isonet.io.storage.mapped import Mapped
from isonet.io.storage.scratch import ScratchFile
from isonet.io.storage.stored import Absent, Block

_TOGETHER = 1 << 23  # voxels of small chunks that are decoded at once
Bounds = list[tuple[int, int]]


class Chunks:
    """Voxels of an array, of any number of axes of which all but the last three have length 1.

    Parameters
    ----------
    array : zarr.Array
        The array.
    path : Path
        Its folder, for messages.
    dtype : dtype
        Type that its voxels are kept in.
    absent : Absent, optional
        What is left out of it.
    folder : Path
        Where there is room for the scratch file.
    """

    def __init__(self, array: Any, path: Path, dtype: np.dtype[Any], absent: Absent | None, folder: Path) -> None:
        z, y, x = array.shape[-3:]
        self.shape: tuple[int, ...] = (z, y, x)
        self.dtype = dtype
        self.absent = absent
        self._array, self._path, self._folder = array, path, folder
        self._chunk = tuple(int(edge) for edge in array.chunks[-3:])
        self._brick = _brick(self._chunk, self.shape)
        self._done: npt.NDArray[np.bool_]
        self._lock = Lock()
        self._room: Mapped | None = None
        self._file: ScratchFile

    @property
    def size(self) -> int:
        """Voxels in all."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, place: Any) -> npt.NDArray[Any]:
        """Return what numpy would."""
        wanted = place if isinstance(place, tuple) else (place,)
        whole = (*wanted, *(slice(None),) * (3 - len(wanted)))
        bounds = [_bounds(one, edge) for one, edge in zip(whole, self.shape, strict=True)]
        return self._decoded(bounds)[place]

    def read(self, block: Block) -> npt.NDArray[Any]:
        """Return a copy of a block, read from the scratch file."""
        whole = (*block, *(slice(None),) * (3 - len(block)))
        bounds = [_bounds(one, edge) for one, edge in zip(whole, self.shape, strict=True)]
        return self._decoded(bounds).read(block)

    def mapped(self) -> npt.NDArray[Any]:
        """Return all voxels, mapped from the scratch file."""
        return self._all().mapped()

    def viewed(self, dtype: npt.DTypeLike) -> Mapped:
        """Return the same bytes as another type of the same size."""
        return self._all().viewed(dtype)

    def release(self) -> None:
        """Give back the mapped pages of the scratch file."""
        if self._room is not None:
            self._room.release()

    def _all(self) -> Mapped:
        return self._decoded([(0, edge) for edge in self.shape])

    def _decoded(self, bounds: Bounds) -> Mapped:
        """Return the scratch file with all chunks decoded that lie within bounds.

        Raises
        ------
        InputError
            If a chunk cannot be decoded.
        RunError
            If there is no room for the scratch file.
        """
        part = tuple(
            slice(first // edge, -(-last // edge)) for (first, last), edge in zip(bounds, self._brick, strict=True)
        )
        with self._lock:
            room = self._room = self._room or self._scratch()
            for place in np.argwhere(~self._done[part]):
                brick = tuple(int(one) + along.start for one, along in zip(place, part, strict=True))
                self._decode(brick)
                self._done[brick] = True
        return room

    def _scratch(self) -> Mapped:
        """Make a scratch file without a name, gone with this object: full of holes that chunks will fill."""
        needed, free = self.size * self.dtype.itemsize, shutil.disk_usage(self._folder).free
        if needed > free:
            raise InputError(
                f"{self._path}: decoded it takes {needed / 1e9:.3g} GB, {free / 1e9:.3g} are free in {self._folder}; "
                "free some space or set TMPDIR"
            )
        try:
            self._file = ScratchFile(self._folder, needed)
        except OSError as error:
            raise self._full(error) from error
        self._done = np.zeros([-(-edge // part) for edge, part in zip(self.shape, self._brick, strict=True)], np.bool_)
        return Mapped(np.memmap(self._file.path, dtype=self.dtype, mode="r", shape=self.shape), self._file)

    def _full(self, error: OSError) -> RunError:
        return RunError(f"{self._folder}: cannot be written ({error.strerror}); free some space or set TMPDIR")

    def _decode(self, brick: Sequence[int]) -> None:
        """Bring some neighbouring chunks into the scratch file."""
        corner = [one * edge for one, edge in zip(brick, self._brick, strict=True)]
        place = tuple(
            slice(first, min(first + edge, last))
            for first, edge, last in zip(corner, self._brick, self.shape, strict=True)
        )
        try:
            found = self._array[(0,) * (self._array.ndim - 3) + place]
        except MemoryError:
            raise
        except Exception as error:  # whatever the codecs raise
            where = " x ".join(f"{one.start}-{one.stop - 1}" for one in place)
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"{self._path}: voxels {where} (z x y x x) cannot be decoded ({reason}); copy it again"
            ) from error
        block = np.ascontiguousarray(found, dtype=self.dtype)
        if self.absent is not None and block.dtype.kind == "f":
            self._fill(block)
        try:
            self._put(block, corner)
        except OSError as error:
            raise self._full(error) from error

    def _fill(self, block: npt.NDArray[Any]) -> None:
        """Give a value to chunks that hold no number at all, as those left out do where the fill value is none."""
        for corner in np.ndindex(*(-(-edge // part) for edge, part in zip(block.shape, self._chunk, strict=True))):
            chunk = block[
                tuple(slice(one * edge, (one + 1) * edge) for one, edge in zip(corner, self._chunk, strict=True))
            ]
            if self.absent is not None and not np.isfinite(chunk).any():
                chunk[:] = self.absent.value

    def _put(self, block: npt.NDArray[Any], corner: Sequence[int]) -> None:
        """Write a block where it belongs, in pieces that lie together in the file."""
        _, height, width = self.shape
        whole_rows = block.shape[2] == width
        for section, plane in enumerate(block, start=corner[0]):
            for row, piece in [(corner[1], plane)] if whole_rows else enumerate(plane, start=corner[1]):
                position = self.dtype.itemsize * ((section * height + row) * width + corner[2])
                self._file.write(position, piece)


def _brick(chunk: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """Edges of what is decoded at once: a chunk, or as many along x, then along y, as are few voxels together."""
    edges = [min(edge, last) for edge, last in zip(chunk, shape, strict=True)]
    for axis in (2, 1):
        others = edges[0] * edges[1] * edges[2] // edges[axis]
        many = max(1, _TOGETHER // (others * edges[axis]))
        edges[axis] = min(edges[axis] * many, -(-shape[axis] // edges[axis]) * edges[axis])
    return tuple(edges)


def _bounds(place: Any, edge: int) -> tuple[int, int]:
    """First position that is looked at along an axis, and the one behind the last."""
    if isinstance(place, slice):
        there = range(edge)[place]
        return (0, 0) if not there else (min(there[0], there[-1]), max(there[0], there[-1]) + 1)
    wanted = np.asarray(place)
    if wanted.dtype == np.bool_:
        return 0, edge
    wanted = np.where(wanted < 0, wanted + edge, wanted)
    return (int(wanted.min()), int(wanted.max()) + 1) if wanted.size else (0, 0)
