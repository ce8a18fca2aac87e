"""MRC volumes: memory-mapped reading of every mode a microscope makes, atomic writing.

Arrays are `[z, y, x]` = section, row, column.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import numpy.typing as npt

from isonet.errors import InputError
from isonet.io.files import atomic_path, discarded_path, refuse_special
from isonet.io.mrc_bytes.header import HEADER_BYTES, Header, write_header
from isonet.io.mrc_bytes.layout import layout_of
from isonet.io.mrc_bytes.packed import unpacked
from isonet.io.storage.mapped import Mapped
from isonet.io.volume import FloatArray, Volume
from isonet.io.volume_files import COMPRESSED


def open_stack(path: Path) -> Volume:
    """Open a volume or a stack of images (a tilt series) for reading.

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
        If the file is missing, special, unreadable, not an MRC file, contradicts its header or is complex.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file; check the name")
    if path.is_dir():
        raise InputError(f"{path}: is a folder, an MRC file was expected; name the file")
    refuse_special(path)
    try:
        plain = unpacked(path) if path.name.lower().endswith(COMPRESSED) else path
        layout = layout_of(path, plain)
        return Volume(path, layout.header, Mapped(layout.mapped(plain)))
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
    path: Path,
    shape: tuple[int, int, int],
    header: Header,
    dtype: npt.DTypeLike = np.float32,
    *,
    images: bool = False,
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
    images : bool
        Whether it is a stack of images (ISPG 0, MZ 1) and not a volume.

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
            if images:
                mrc.set_image_stack()
            write_header(mrc, header)
            yield mrc.data
            mrc.update_header_stats()


def write(path: Path, volume: npt.NDArray[Any], header: Header, *, images: bool = False) -> None:
    """Write a whole volume, or stack of images, `[z, y, x]` atomically; types and errors as :func:`create`."""
    depth, height, width = volume.shape
    with create(path, (depth, height, width), header, volume.dtype, images=images) as voxels:
        voxels[:] = volume


@contextmanager
def scratch(folder: Path, shape: tuple[int, int, int]) -> Iterator[FloatArray]:
    """Give a writable float32 array on disk that vanishes afterwards; errors as :func:`create`."""
    with discarded_path(folder) as path:
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, int(np.prod(shape, dtype=np.int64)) * 4)
        yield np.memmap(path, dtype=np.float32, mode="r+", shape=shape)
