"""Where the voxels of an MRC file are, how many and of which type: its header, its size and its voxels compared.

A header that is at odds with the size of the file or with its voxels is an error that names both, or is read in the one
way that fits, with a warning.
"""

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import numpy.typing as npt

from isonet.errors import InputError
from isonet.io.mrc_bytes import header as mrc_header
from isonet.io.mrc_bytes import numbers as mrc_numbers
from isonet.io.mrc_bytes.header import HEADER_BYTES, OTHER_MODES, READABLE_MODES, Header
from isonet.io.mrc_bytes.signs import has_four_bits

log = logging.getLogger("isonet")
_LOOKS, _LOOKS_AT_BYTES = 16, 64  # sections, and rows of each, that are looked at
_FEWEST = 16  # voxels from which data are told from something else
_MOST = 1 << 16
_ALIKE = 5.0  # ratio of spreads of what still may be the same data
_STACKS = range(401, 631)  # ISPG of stacks of volumes
_EXPORT = "export the tomogram as .mrc"
_CONVERT = "convert it with IMOD: newstack -mode 2"


@dataclass(frozen=True)
class Layout:
    """Where voxels are in a file.

    Attributes
    ----------
    header : Header
        What a result inherits.
    shape : tuple of int
        Voxels along z, y, x.
    dtype : dtype
        Their type and order of bytes.
    offset : int
        Bytes before the first.
    """

    header: Header
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    offset: int

    def mapped(self, plain: Path) -> npt.NDArray[Any]:
        """Map the voxels of the file `[z, y, x]`, read only."""
        return _mapped(plain, self.shape, self.dtype, self.offset)


def layout_of(path: Path, plain: Path) -> Layout:
    """Find out where the voxels of a file are.

    Parameters
    ----------
    path : Path
        The file, for messages.
    plain : Path
        Where it can be read: another place if it was packed.

    Raises
    ------
    InputError
        If it is no MRC file, of another kind, truncated, or contradicts itself.
    """
    status = plain.stat()
    return _layout_of(path, plain, status.st_size, (status.st_dev, status.st_ino, status.st_mtime_ns))


@lru_cache(maxsize=1024)
def _layout_of(path: Path, plain: Path, size: int, _version: tuple[int, ...]) -> Layout:
    """Find the layout of one version of a file, once: what is odd about it is said once as well."""
    with plain.open("rb") as file:
        raw = file.read(HEADER_BYTES)
    if len(raw) < HEADER_BYTES:
        raise InputError(f"{path}: not a readable MRC file ({size} bytes, a header has {HEADER_BYTES}); copy it again")
    record = mrc_header.parse(raw)
    try:
        _check_fields(record, size)
        shape, declared = _shape(record), mrcfile.utils.data_dtype_from_header(record)
        offset, excess = _offset(record, shape, declared, plain, size)
        dtype, kind = mrc_numbers.type_of(record, _sample(_mapped(plain, shape, declared, offset)))
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    cell = mrc_header.negative_cell(record)
    odd = None if cell is None else f"its cell, {cell} A, cannot be and is left aside; give prepare --pixel-size"
    for remark in filter(None, (excess, kind, odd)):
        log.warning("%s: %s", path, remark)
    return Layout(mrc_header.read_header(record), shape, dtype, offset)


def _check_fields(record: Any, size: int) -> None:
    """Raise `ValueError` where a header cannot be that of an MRC file, or of one that is not read."""
    reason = mrc_header.nonsense(record)
    if reason is not None:
        known = mrc_header.is_mrc(record)
        raise ValueError(f"{reason}; {_EXPORT}" if known else f"not an MRC file (its header makes no sense); {_EXPORT}")
    mode, extended = int(record.mode), int(record.nsymbt)
    if mode in OTHER_MODES:
        raise ValueError(f"mode {mode} ({OTHER_MODES[mode]}) is not read; {_CONVERT}")
    if has_four_bits(record):
        raise ValueError(f"mode 0 with two voxels in a byte, as IMOD's flags say, is not read; {_CONVERT}")
    if not 0 <= extended <= size:
        promise = f"{extended} bytes of extended header (NSYMBT), the file has {size}"
        raise ValueError(f"its header makes no sense ({promise}); {_EXPORT}")
    order = tuple(int(record[name]) for name in ("mapc", "mapr", "maps"))
    if order not in ((1, 2, 3), (0, 0, 0)):
        raise ValueError(f"axis order {order} (MAPC, MAPR, MAPS) is not 1, 2, 3; save it with x fastest, z slowest")


def _shape(record: Any) -> tuple[int, int, int]:
    """Voxels along z, y, x; a stack of volumes must hold one."""
    x, y, z, intervals, group = (int(record[name]) for name in ("nx", "ny", "nz", "mz", "ispg"))
    if group in _STACKS and intervals != z:
        what = f"ISPG {group} is a stack of volumes, of {z} sections (NZ) in volumes of {intervals} (MZ)"
        if intervals <= 0:
            raise ValueError(f"not a readable MRC file ({what}); {_EXPORT}")
        raise ValueError(f"{what}; give one volume in each file, or ISPG 1 if it is one")
    return z, y, x


def _offset(
    record: Any, shape: tuple[int, int, int], declared: np.dtype[Any], plain: Path, size: int
) -> tuple[int, str | None]:
    """Find how many bytes are before the voxels, and say what the file has beside them.

    What a file has more than its header says is an extended header that was not counted, if it looks like no voxels and
    the end of the file does; or it comes after the voxels, if it looks like none and the beginning does.

    Raises
    ------
    ValueError
        If the file is too short, or longer in another way.
    """
    extended, width = int(record.nsymbt), declared.itemsize
    begin = HEADER_BYTES + extended
    bytes_of_voxels, section = int(np.prod(shape, dtype=np.int64)) * width, shape[1] * shape[2] * width
    excess = size - begin - bytes_of_voxels
    if excess < 0:
        raise ValueError(_too_short(record, shape, size))
    if excess == 0:
        return begin, None
    length = f"{size} bytes, {excess} more than its header says"
    if excess < _FEWEST * width:
        return begin, f"{length}; those at the end are left out"
    at_front, at_end = _looks_like_voxels(plain, begin, size, excess, declared)
    if excess % section and at_end and not at_front:
        return begin + excess, f"{length}, read as extended header, which NSYMBT ({extended}) does not count"
    if at_front and not at_end:
        return begin, f"{length}; those at the end, no voxels, are left out"
    found = _others(record, shape, size)
    if excess % section == 0:
        found = [f"{excess // section} sections more than NZ {shape[0]}", *found]
    raise ValueError(
        f"{length} for {' x '.join(map(str, shape))} voxels of mode {int(record.mode)} ({declared.name}): "
        f"{', or '.join([*found, f'an extended header that NSYMBT ({extended}) does not count'])}; mend the header, or "
        "export the tomogram again"
    )


def _too_short(record: Any, shape: tuple[int, int, int], size: int) -> str:
    """Say what a file lacks: its extended header, or voxels."""
    extended, mode = int(record.nsymbt), int(record.mode)
    voxels = int(np.prod(shape, dtype=np.int64))
    edges, width = " x ".join(map(str, shape)), np.dtype(READABLE_MODES[mode]).itemsize
    if size == HEADER_BYTES + voxels * width:
        return (
            f"its header promises {extended} bytes of extended header (NSYMBT) that are not there: the file has {size} "
            f"bytes, a header of {HEADER_BYTES} and {edges} voxels; set NSYMBT to 0, or {_EXPORT} again"
        )
    promised = HEADER_BYTES + extended + voxels * width
    others = "".join(f" ({text})" for text in _others(record, shape, size))
    return (
        f"truncated: the header promises {edges} voxels, the file has {size} bytes of {promised}{others}; copy or "
        "reconstruct it again"
    )


def _others(record: Any, shape: tuple[int, int, int], size: int) -> list[str]:
    """Modes that a file of this size may have been written in."""
    left, voxels = size - HEADER_BYTES - int(record.nsymbt), int(np.prod(shape, dtype=np.int64))
    fitting = [f"{mode} ({name})" for mode, name in READABLE_MODES.items() if np.dtype(name).itemsize * voxels == left]
    return [f"as many as voxels of mode {' or '.join(fitting)} take"] if fitting else []


def _looks_like_voxels(plain: Path, begin: int, size: int, excess: int, dtype: np.dtype[Any]) -> tuple[bool, bool]:
    """Tell whether the first and the last `excess` bytes, from `begin` to the end, look like what is between them."""
    count = min(excess // dtype.itemsize, _MOST)
    between = max(0, (size - begin - 2 * excess) // dtype.itemsize)
    looks = []
    for edge, other, middle in (
        (begin, size - count * dtype.itemsize, begin + excess),
        (size - count * dtype.itemsize, begin, size - excess - between * dtype.itemsize),
    ):
        reference = _mapped(plain, (between,), dtype, middle) if between >= count else None
        known = _mapped(plain, (count,), dtype, other) if reference is None else reference[:: -(-between // _MOST)]
        looks.append(_alike(_mapped(plain, (count,), dtype, edge), known))
    return looks[0], looks[1]


def _alike(block: npt.NDArray[Any], known: npt.NDArray[Any]) -> bool:
    """Tell whether numbers vary about as others do, and in the same place."""
    with np.errstate(invalid="ignore"):  # bytes that are no numbers are told by what follows
        values, others = block.astype(np.float64), np.nan_to_num(known.astype(np.float64))
    if not np.isfinite(values).all():
        return False
    bottom, centre, top = np.quantile(values, (0.1, 0.5, 0.9))
    low, middle, high = np.quantile(others, (0.1, 0.5, 0.9))
    spread, usual = top - bottom, high - low
    return bool(0 < spread <= _ALIKE * usual <= _ALIKE**2 * spread and abs(centre - middle) <= _ALIKE * usual)


def _mapped(plain: Path, shape: tuple[int, ...], dtype: np.dtype[Any], offset: int) -> npt.NDArray[Any]:
    """Map an array in a file; its name stays as it is, for that of an unpacked file leads nowhere."""
    return np.memmap(str(plain), dtype=dtype, mode="r", offset=offset, shape=shape)


def _sample(voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Copy rows from all over a volume."""
    depth, height, _ = voxels.shape
    looks = _LOOKS_AT_BYTES if voxels.dtype.itemsize == 1 else _LOOKS
    return np.array(voxels[:: -(-depth // looks), :: -(-height // looks)])
