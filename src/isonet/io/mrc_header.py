"""What the header of an MRC file says: sizes, origin and labels that a result inherits, and who wrote its bytes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

READABLE_MODES = {0: "int8", 1: "int16", 2: "float32", 6: "uint16", 12: "float16"}
HEADER_BYTES = 1024
_BIG_ENDIAN = b"\x11\x11"
_KNOWN_MODES = (*READABLE_MODES, 4)
_IMOD_STAMP = 1146047817


@dataclass(frozen=True)
class Header:
    """What a result inherits from its input.

    Attributes
    ----------
    voxel_size : tuple of float
        Å per voxel along z, y, x; 0 where the file does not say.
    origin : tuple of float
        Origin in Å (x, y, z), as in the MRC header.
    start : tuple of int
        `nxstart, nystart, nzstart`.
    labels : tuple of str
        Text labels, at most ten.
    """

    voxel_size: tuple[float, float, float] = (0.0, 0.0, 0.0)
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    start: tuple[int, int, int] = (0, 0, 0)
    labels: tuple[str, ...] = ()

    @property
    def pixel_size(self) -> float:
        """Å per voxel along x; 0 where the file does not say."""
        return self.voxel_size[2]


def is_imod_unsigned(header: Any) -> bool:
    """Tell whether IMOD wrote mode 0 as unsigned bytes (its stamp is there and the 'signed' bit is not)."""
    extra = header.extra2.tobytes()
    stamp, flags = np.frombuffer(extra[40:48], dtype=header.mode.dtype)
    return int(stamp) == _IMOD_STAMP and not int(flags) & 1


def read_header(mrc: Any) -> Header:
    """Copy what matters out of an open MRC file."""
    header = mrc.header
    size = mrc.voxel_size
    voxels = tuple(float(value) if np.isfinite(value) else 0.0 for value in (size.z, size.y, size.x))
    labels = tuple(str(label) for label in mrc.get_labels())
    return Header(
        voxel_size=(voxels[0], voxels[1], voxels[2]),
        origin=(float(header.origin.x), float(header.origin.y), float(header.origin.z)),
        start=(int(header.nxstart), int(header.nystart), int(header.nzstart)),
        labels=labels,
    )


def write_header(mrc: Any, header: Header) -> None:
    """Set voxel size, origin, start and labels of an open MRC file."""
    mrc.voxel_size = tuple(reversed(header.voxel_size))
    mrc.header.origin = header.origin
    mrc.nstart = header.start
    mrc.header.nlabl = 0
    mrc.header.label = b""
    for index, label in enumerate(header.labels[-10:]):
        mrc.header.label[index] = label.encode("ascii", "replace")[:80]
        mrc.header.nlabl = index + 1


def check_extended_header(path: Path) -> None:
    """Raise `ValueError` where the header promises more extended header than there is file (it would be allocated)."""
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    promised = int.from_bytes(header[92:96], _byte_order(header), signed=True)
    if len(header) < HEADER_BYTES or not 0 <= promised <= path.stat().st_size:
        raise ValueError("its header makes no sense; export the tomogram as .mrc")


def _byte_order(header: bytes) -> Literal["little", "big"]:
    """Order of bytes in which mrcfile reads a header: the machine stamp's, unless only the other gives a known mode."""
    stamped: Literal["little", "big"] = "big" if header[212:214] == _BIG_ENDIAN else "little"
    other: Literal["little", "big"] = "little" if stamped == "big" else "big"
    known = [int.from_bytes(header[12:16], order, signed=True) in _KNOWN_MODES for order in (stamped, other)]
    return other if known == [False, True] else stamped
