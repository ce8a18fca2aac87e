"""What the first bytes of an MRC file say, without opening the rest: many files of a folder are looked at."""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

_HEADER = 1024
_LABELS, _LABEL = 224, 80  # where they begin, and how long each is
_BYTES = {0: 1, 1: 2, 2: 4, 6: 2, 12: 2}  # of a voxel, by mode


@dataclass(frozen=True)
class Glance:
    """Sizes in the header of an MRC file.

    Attributes
    ----------
    shape : tuple of int
        Voxels along z, y, x.
    sections : int
        MZ, the number of sections in the cell: 1 in a stack of images.
    space_group : int
        ISPG: 0 in a stack of images, 1 in a volume.
    pixel_size : float
        Å per voxel along x; 0 where the file does not say.
    room : int
        How many sections the file is long enough for.
    labels : tuple of str
        Text in its header.
    """

    shape: tuple[int, int, int]
    sections: int
    space_group: int
    pixel_size: float
    room: int
    labels: tuple[str, ...] = ()

    @property
    def says_stack(self) -> bool:
        """Whether the header is that of a stack of images, as some programs also write it for volumes."""
        return self.space_group == 0 and self.sections == 1 and self.shape[0] > 1

    @property
    def says_volume(self) -> bool:
        """Whether the header is that of a volume, as some programs also write it for stacks of images."""
        return self.space_group == 1 and self.sections == self.shape[0] > 1

    @property
    def is_image(self) -> bool:
        """Whether it holds one image, and no more than its header says."""
        return self.shape[0] == 1 and self.room < 2


def glance(path: Path) -> Glance | None:
    """Read the sizes in a header; None where it is packed, no file, unreadable or makes no sense."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            header, length = file.read(_HEADER), os.fstat(file.fileno()).st_size
    except OSError:
        return None
    if len(header) < _HEADER:
        return None
    for order in "<>":
        nx, ny, nz, mode, _, _, _, mx, _, mz = struct.unpack_from(f"{order}10i", header)
        if all(0 < edge < 1 << 20 for edge in (nx, ny, nz)) and 0 <= mode < 128:
            (width,) = struct.unpack_from(f"{order}f", header, 40)
            group, extended = struct.unpack_from(f"{order}2i", header, 88)
            room = (length - _HEADER - max(0, extended)) // (nx * ny * _BYTES.get(mode, 4))
            size = abs(width) / mx if mx > 0 and abs(width) < 1e9 else 0.0
            return Glance((nz, ny, nx), mz, group, size, room, _labels(header))
    return None


def _labels(header: bytes) -> tuple[str, ...]:
    """Labels that hold something."""
    found = (header[start : start + _LABEL] for start in range(_LABELS, _HEADER, _LABEL))
    return tuple(text for label in found if (text := label.decode("ascii", "replace").strip("\0 ")))
