"""Packed MRC files: whether they hold what their headers promise, found out before room is made for it."""

import bz2
import gzip
import os
import struct
from pathlib import Path
from typing import Any

_HEADER_BYTES = 1024
_SHRINKING = 1000
_BYTES = {0: 1, 1: 2, 2: 4, 3: 4, 4: 8, 6: 2, 12: 2}  # of a voxel, by mode
_PART = 1 << 24


def check_packed(path: Path) -> None:
    """Raise `ValueError` where a packed file holds less than its header promises, or more than there is memory.

    Files that shrink less than a thousandfold are not unpacked for it: the room is then no more than they can fill.
    """
    unpack: Any = gzip.open if path.name.lower().endswith(".gz") else bz2.open
    with unpack(path, "rb") as file:
        promised = _promised(file.read(_HEADER_BYTES))
        if promised > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
            raise ValueError(f"it promises {promised / 1e9:.3g} GB, more than there is memory; unpack it")
        if promised > _SHRINKING * path.stat().st_size:
            left = promised - _HEADER_BYTES
            while left > 0 and (part := file.read(min(left, _PART))):
                left -= len(part)
            if left > 0:
                raise ValueError("truncated; copy or reconstruct it again")


def _promised(header: bytes) -> int:
    """Bytes of a file by its header, read in the order of bytes that gives the fewer; 0 where it makes no sense."""
    if len(header) < _HEADER_BYTES:
        return 0
    sizes = []
    for order in ("<", ">"):
        nx, ny, nz, mode = struct.unpack(f"{order}4i", header[:16])
        (extended,) = struct.unpack(f"{order}i", header[92:96])
        if min(nx, ny, nz) > 0 and extended >= 0:
            sizes.append(_HEADER_BYTES + extended + nx * ny * nz * _BYTES.get(mode, 1))
    if not sizes:
        raise ValueError("its header makes no sense; export the tomogram as .mrc")
    return min(sizes)
