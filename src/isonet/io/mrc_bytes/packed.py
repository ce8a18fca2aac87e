"""Packed MRC files: unpacked once into a scratch file, not much further than their headers promise."""

import bz2
import gzip
import os
import shutil
import struct
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from isonet.io.mrc_bytes.header import HEADER_BYTES
from isonet.io.storage.scratch import scratch_folder

_BYTES = {0: 1, 1: 2, 2: 4, 3: 4, 4: 8, 6: 2, 12: 2}  # of a voxel, by mode
_PART = 1 << 24
_FURTHER = 8  # as many times what is promised is read on, so that what is there can be compared with it


def unpacked(path: Path) -> Path:
    """Unpack a `.gz` or `.bz2` file, once in the life of the process, and say where to read it.

    The scratch file has no name that could be left behind: it is gone when the process is, however that ends. It lies
    in `TMPDIR` if that is set, else beside the packed file, else where the system keeps temporary files.

    Raises
    ------
    ValueError
        If it holds less than its header promises, or more than the disk has room for.
    OSError
        If it cannot be read, or the scratch file not be written.
    """
    status = path.stat()
    return Path(f"/dev/fd/{_scratch(path.resolve(), status.st_size, status.st_mtime_ns)}")


@cache
def _scratch(path: Path, _size: int, _changed: int) -> int:
    """Descriptor of the file that a packed one is unpacked into, open for as long as the process lives."""
    unpack: Any = gzip.open if path.name.lower().endswith(".gz") else bz2.open
    with unpack(path, "rb") as packed:
        header = packed.read(HEADER_BYTES)
        promised = _promised(header)
        folder = scratch_folder(path)
        free = shutil.disk_usage(folder).free
        if promised > free:
            raise ValueError(
                f"unpacked it takes {promised / 1e9:.3g} GB, {free / 1e9:.3g} are free in {folder}; free some space or "
                "set TMPDIR"
            )
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(header)
            left = promised - len(header)
            while left > 0 and (part := packed.read(min(left, _PART))):
                file.write(part)
                left -= len(part)
            if left > 0:
                raise ValueError("truncated; copy or reconstruct it again")
            left = promised * _FURTHER
            while left > 0 and (part := packed.read(min(left, _PART))):
                file.write(part)
                left -= len(part)
            file.flush()
            return os.dup(file.fileno())


def _promised(header: bytes) -> int:
    """Bytes of a file by its header, read in the order of bytes that gives the fewer; 0 where it makes no sense."""
    if len(header) < HEADER_BYTES:
        return 0
    sizes = []
    for order in ("<", ">"):
        nx, ny, nz, mode = struct.unpack(f"{order}4i", header[:16])
        (extended,) = struct.unpack(f"{order}i", header[92:96])
        if min(nx, ny, nz) > 0 and extended >= 0:
            sizes.append(HEADER_BYTES + extended + nx * ny * nz * _BYTES.get(mode, 1))
    if not sizes:
        raise ValueError("its header makes no sense; export the tomogram as .mrc")
    return min(sizes)
