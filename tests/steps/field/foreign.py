"""Files as other programs leave them: headers byte by byte, tables and metadata word by word.

The library that the program reads MRC files with is not used to write them here, so that a header may say anything.
"""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MODES = {"i1": 0, "u1": 0, "i2": 1, "f4": 2, "u2": 6, "f2": 12}
TILTS = tuple(range(-60, 61, 3))


def put(path: Path, text: str | bytes) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def mrc(
    path: Path,
    data: Any,
    pixel_size: float = 10.0,
    *,
    mode: int | None = None,
    size: tuple[int, int, int] | None = None,
    intervals: tuple[int, int, int] | None = None,
    cell: tuple[float, float, float] | None = None,
    space_group: int = 1,
    extended: bytes = b"",
    extended_size: int | None = None,
) -> Path:
    """Write an MRC file whose header says what it is told to; sizes are x, y, z as in the header."""
    size = size or data.shape[::-1]
    intervals = intervals or size
    header = bytearray(1024)
    struct.pack_into("<3i", header, 0, *size)
    struct.pack_into("<i", header, 12, MODES[data.dtype.str[1:]] if mode is None else mode)
    struct.pack_into("<3i", header, 28, *intervals)
    struct.pack_into("<3f", header, 40, *(cell or [pixel_size * count for count in intervals]))
    struct.pack_into("<3f", header, 52, 90, 90, 90)
    struct.pack_into("<3i", header, 64, 1, 2, 3)
    struct.pack_into("<3f", header, 76, float(data.min()), float(data.max()), float(data.mean()))
    struct.pack_into("<2i", header, 88, space_group, len(extended) if extended_size is None else extended_size)
    header[208:216] = b"MAP DA\0\0"
    return put(path, bytes(header) + extended + data.tobytes())


def angles(path: Path, tilts: Sequence[float] = TILTS) -> Path:
    """Write tilt angles, one a line, as IMOD's `.tlt`."""
    return put(path, "".join(f"{tilt:.2f}\n" for tilt in tilts))


def star(path: Path, block: str = "", **columns: Sequence[object]) -> Path:
    """Write a STAR file with one loop."""
    rows = "".join(" ".join(map(str, row)) + "\n" for row in zip(*columns.values(), strict=True))
    return put(path, f"data_{block}\n\nloop_\n" + "".join(f"_{name}\n" for name in columns) + rows)


def aln(path: Path, tilts: Sequence[float] = TILTS) -> Path:
    """Write an alignment as AreTomo does: one row for each image used."""
    head = f"# AreTomo Alignment / Priims bprmMn\n# RawSize = 512 512 {len(tilts)}\n# NumPatches = 0\n"
    head += "# SEC ROT GMAG TX TY SMEAN SFIT SCALE BASE TILT\n"
    rows = (f"{number} -85.4 1.0 0.0 0.0 1.0 1.0 1.0 0.0 {tilt:.2f}\n" for number, tilt in enumerate(tilts))
    return put(path, head + "".join(rows))


def warp(path: Path, tilts: Sequence[float], axis: float = 84.5, **attributes: object) -> Path:
    """Write a tilt series as Warp does; `tilts` are its own numbers, attributes those of its root."""
    said: Mapping[str, object] = {"AreAnglesInverted": "False", "LevelAngleX": 0, "LevelAngleY": 0, **attributes}

    def tag(name: str, value: object) -> str:
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value] * len(tilts)
        return f"<{name}>" + "\n".join(map(str, values)) + f"</{name}>\n"

    root = " ".join(f'{name}="{value}"' for name, value in said.items())
    body = tag("Angles", tilts) + tag("UseTilt", "True") + tag("AxisAngle", axis)
    return put(path, f"<TiltSeries {root}>\n{body}{tag('AxisOffsetX', 0)}{tag('AxisOffsetY', 0)}</TiltSeries>\n")
