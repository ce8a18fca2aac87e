"""What the header of an MRC file says: sizes, origin and labels that a result inherits, in the order of its bytes."""

import math
from dataclasses import dataclass, replace
from typing import Any

import mrcfile
import numpy as np
import numpy.typing as npt
from mrcfile.dtypes import HEADER_DTYPE

READABLE_MODES = {0: "int8", 1: "int16", 2: "float32", 6: "uint16", 12: "float16"}
OTHER_MODES = {
    3: "complex int16",
    4: "complex float32",
    7: "int32",
    16: "colours",
    101: "4 bits a voxel",
}
"""Modes that a header may well have, and that hold no tomogram or need another program."""
HEADER_BYTES = 1024
_LARGEST_EDGE = 1 << 20
_BIG_ENDIAN = b"\x11\x11"
_CUBE = 1.01  # ratio of edges of a voxel that still is a cube


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
        """Å per voxel along x, or else y or z; 0 where the file does not say."""
        return next((size for size in reversed(self.voxel_size) if size > 0), 0.0)

    @property
    def cubic(self) -> bool:
        """Whether the edges of a voxel that the file gives are equal within 1 %."""
        return _cubic(self.voxel_size)

    def sized(self, size: float) -> "Header":
        """Return the header with so many Å per voxel along all axes, and the origin at the voxel where it was."""
        x, y, z = (
            at * size / edge if 0 < edge < math.inf else at
            for at, edge in zip(self.origin, reversed(self.voxel_size), strict=True)
        )
        return replace(self, voxel_size=(size,) * 3, origin=(x, y, z))


def _cubic(edges: npt.ArrayLike) -> bool:
    known = [edge for edge in np.asarray(edges, dtype=np.float64).tolist() if edge > 0]
    return not known or max(known) <= _CUBE * min(known)


def parse(raw: bytes) -> Any:
    """Read the fields of a header, in the order of bytes in which they make sense, the machine stamp's if both do.

    Parameters
    ----------
    raw : bytes
        The first 1024 bytes of a file.

    Returns
    -------
    record
        Its fields by their names in the standard.
    """
    record = np.frombuffer(raw[:HEADER_BYTES], dtype=HEADER_DTYPE).reshape(()).view(np.recarray)
    orders = (">", "<") if raw[212:214] == _BIG_ENDIAN else ("<", ">")
    both = [record.view(HEADER_DTYPE.newbyteorder(order)).view(np.recarray) for order in orders]
    return next((fields for fields in both if nonsense(fields) is None), both[0])


def nonsense(record: Any) -> str | None:
    """Say why a header cannot be one of an MRC file, None where it can."""
    edges = [int(record[name]) for name in ("nx", "ny", "nz")]
    if not all(0 < edge < _LARGEST_EDGE for edge in edges):
        return f"not a volume: its header gives {' x '.join(map(str, edges))} voxels (NX, NY, NZ)"
    mode = int(record.mode)
    return None if mode in READABLE_MODES or mode in OTHER_MODES else f"not read: its header gives mode {mode}"


def is_mrc(record: Any) -> bool:
    """Tell whether a header carries the mark of the format, which old files lack."""
    return bytes(record.map)[:3] == b"MAP"


def read_header(record: Any) -> Header:
    """Take what matters out of the fields of a header."""
    voxels = _voxel_size(record)
    labels = record.label[: max(0, int(record.nlabl))]
    return Header(
        voxel_size=(voxels[2], voxels[1], voxels[0]),
        origin=(float(record.origin.x), float(record.origin.y), float(record.origin.z)),
        start=(int(record.nxstart), int(record.nystart), int(record.nzstart)),
        labels=tuple(mrcfile.utils.printable_string_from_bytes(bytes(label)) for label in labels),
    )


def negative_cell(record: Any) -> str | None:
    """Write the cell of a header down where an edge of it is negative or no number, None where none is."""
    cell = [float(record.cella[axis]) for axis in "xyz"]
    bad = any(not np.isfinite(edge) or edge < 0 for edge in cell)
    return " x ".join(f"{edge:g}" for edge in cell) if bad else None


def _voxel_size(record: Any) -> list[float]:
    """Å per voxel along x, y, z; 0 where the cell gives none.

    The cell has MX, MY, MZ intervals, as the standard says, unless the voxels are cubes by NX, NY, NZ only: in files
    that began as stacks of images MZ is 1; in others MX, MY, MZ are not set.
    """
    cell = np.array([record.cella[axis] for axis in "xyz"], dtype=np.float64)
    cell[~(np.isfinite(cell) & (cell > 0))] = 0
    by_intervals, by_voxels = (
        np.divide(cell, counts, out=np.zeros(3), where=counts > 0)
        for counts in (
            np.array([int(record[name]) for name in names]) for names in (("mx", "my", "mz"), ("nx", "ny", "nz"))
        )
    )
    odd = not _cubic(by_intervals) or not by_intervals.any()
    chosen = by_voxels if odd and _cubic(by_voxels) else by_intervals
    return [float(edge) for edge in chosen.astype(np.float32)]


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
