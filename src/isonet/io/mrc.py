"""MRC volumes: memory-mapped reading of every mode a microscope makes, atomic writing.

Arrays are `[z, y, x]` = section, row, column. A :class:`Volume` is a file on disk: its header is read,
its voxels only where asked for, as float32.
"""

import hashlib
import io
import mmap
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import mrcfile
import numpy as np
import numpy.typing as npt

from isonet.errors import InputError
from isonet.io.files import atomic_path, discarded_path
from isonet.io.mrc_bytes.header import HEADER_BYTES, Header, write_header
from isonet.io.mrc_bytes.layout import layout_of
from isonet.io.mrc_bytes.packed import unpacked
from isonet.io.volume_files import COMPRESSED

FloatArray = npt.NDArray[np.float32]
_SLAB_VOXELS = 1 << 24
_SAMPLES = 16  # voxels along an axis, about, that tell one volume from another


@dataclass(frozen=True)
class Volume:
    """A three-dimensional MRC file, opened for reading.

    Attributes
    ----------
    path : Path
        The file.
    header : Header
        Voxel size, origin, start and labels.
    stored : numpy array
        `[z, y, x]` in the stored type, memory-mapped; of a packed file, what it was unpacked into.
    """

    path: Path
    header: Header
    stored: npt.NDArray[Any] = field(repr=False)

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

    def __getitem__(self, block: tuple[slice, ...]) -> npt.NDArray[Any]:
        """Return a copy of a block as it is stored, read from the file: mapped pages would count as memory in use."""
        whole = (*block, *(slice(None),) * (3 - len(block)))
        (first, stop, stride), (top, bottom, _), _ = (
            part.indices(edge) for part, edge in zip(whole, self.shape, strict=True)
        )
        height, width = self.shape[1:]
        inner = slice(None, None, whole[1].step), whole[2]
        rows = np.empty((max(0, bottom - top), width), dtype=self.stored.dtype)
        result = np.empty((len(range(first, stop, stride)), *rows[inner].shape), dtype=self.stored.dtype)
        mapped = cast("np.memmap[Any, Any]", self.stored)
        with Path(str(mapped.filename)).open("rb", buffering=0) as file:
            if stride == 1 and result.shape[1:] == (height, width) and first < stop:
                read_into(file, mapped.offset + first * height * width * rows.itemsize, result)
                return result
            for number, section in enumerate(range(first, stop, stride)):
                position = (section * height + top) * width * rows.itemsize
                read_into(file, mapped.offset + position, rows)
                result[number] = rows[inner]
        return result

    def release(self) -> None:
        """Give back the pages of the file that were mapped so far; they are mapped again when they are looked at."""
        cast("np.memmap[Any, Any]", self.stored)._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]

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


def open_volume(path: Path) -> Volume:
    """Open a volume for reading.

    Parameters
    ----------
    path : Path
        An MRC file of mode 0, 1, 2, 6 or 12, plain, `.gz` or `.bz2`.

    Returns
    -------
    Volume
        With the voxels memory-mapped; a packed file is unpacked into a scratch file first.
        Where the mode, size or extremes in the header contradict each other, see :mod:`isonet.io.mrc_bytes.layout`.

    Raises
    ------
    InputError
        If the file is missing, unreadable, not an MRC file, contradicts its header, two-dimensional or complex.
    """
    volume = open_stack(path)
    if min(volume.stored.shape) < 2:
        shape = " x ".join(map(str, volume.shape))
        raise InputError(f"{path}: {shape} voxels is an image, not a volume; give a reconstructed tomogram")
    return volume


def open_stack(path: Path) -> Volume:
    """Open a volume or a stack of images (a tilt series) for reading; errors as :func:`open_volume`."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file; check the name")
    if path.is_dir():
        raise InputError(f"{path}: is a folder, an MRC file was expected; name the file")
    try:
        plain = unpacked(path) if path.name.lower().endswith(COMPRESSED) else path
        layout = layout_of(path, plain)
        return Volume(path, layout.header, layout.mapped(plain))
    except PermissionError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file any more; bring it back, or check the name") from error
    except MemoryError as error:
        text = "not enough memory for what its header promises; end other programs, or export it again as .mrc"
        raise InputError(f"{path}: {text}") from error
    except (ValueError, OSError, EOFError, zlib.error, ArithmeticError) as error:
        raise InputError(f"{path}: not a readable MRC file ({_one_line(error)}); copy it again") from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def create(
    path: Path, shape: tuple[int, int, int], header: Header, dtype: npt.DTypeLike = np.float32
) -> Iterator[npt.NDArray[Any]]:
    """Create an MRC file and give its voxels as a writable memory map.

    The space is reserved before the first voxel is written, so that a full disk is an error and not a crash,
    and the file appears under its name only when the block ends well.

    Parameters
    ----------
    path : Path
        Where the file will be.
    shape : tuple of int
        Voxels along z, y, x.
    header : Header
        Voxel size, origin, start and labels of the new file.
    dtype : dtype
        int8, int16, uint16, float16 or float32.

    Raises
    ------
    RunError
        If the disk is full or the folder cannot be written to.
    """
    bytes_needed = HEADER_BYTES + int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    with atomic_path(path) as temporary:
        mode = mrcfile.utils.mode_from_dtype(np.dtype(dtype))
        mrc = mrcfile.new_mmap(temporary, shape=shape, mrc_mode=mode, overwrite=True)
        with mrc, temporary.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, bytes_needed)
            write_header(mrc, header)
            yield mrc.data
            mrc.update_header_stats()


def write(path: Path, volume: npt.NDArray[Any], header: Header) -> None:
    """Write a whole volume `[z, y, x]` atomically; types and errors as :func:`create`."""
    depth, height, width = volume.shape
    with create(path, (depth, height, width), header, volume.dtype) as voxels:
        voxels[:] = volume


@contextmanager
def scratch(folder: Path, shape: tuple[int, int, int]) -> Iterator[FloatArray]:
    """Give a writable float32 array on disk that vanishes afterwards; errors as :func:`create`."""
    with discarded_path(folder) as path:
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, int(np.prod(shape, dtype=np.int64)) * 4)
        yield np.memmap(path, dtype=np.float32, mode="r+", shape=shape)
