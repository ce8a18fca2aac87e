"""Which numbers the bytes of an MRC file are: what its mode says, its extremes and its voxels are held together.

Bytes may have a sign or not, whatever the mode says, and 16 bits may be integers or floats in either order of bytes. A
mode that is at odds with the extremes in the header gives way to the one reading that agrees with them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from isonet.io.mrc_bytes.signs import extremes, name_of, type_by_sign, with_and_without, within

Sample = npt.NDArray[Any]
_FILLED, _OFF = 0.5, 0.1  # of the header's range: what voxels cover if it is theirs, and how far their mean may be off
_REACHED = 0.2  # of the header's range: how far from its ends voxels of that range stay at most


def type_of(record: Any, sample: Sample) -> tuple[np.dtype[Any], str | None]:
    """Find the type of the voxels of a file.

    Parameters
    ----------
    record
        Fields of the header.
    sample : array
        Voxels from all over the file, contiguous, in the type that the mode says.

    Returns
    -------
    dtype, remark
        The type, and why it is not the one of the mode; no remark where it is, or where IMOD says so.

    Raises
    ------
    ValueError
        If the header says one thing and the voxels clearly another.
    """
    found = extremes(record)
    readings = (sample.dtype,) if sample.dtype.kind == "f" else with_and_without(sample.dtype)
    if found is not None and sample.dtype.itemsize > 1:
        others = [] if any(within(sample.view(one), found) for one in readings) else _others(sample.dtype)
        for other in others:
            if _covers(sample.view(other), found, float(record.dmean)):
                return other, _why(record, sample, other, found)
    return (sample.dtype, None) if len(readings) == 1 else type_by_sign(record, sample)


def _others(dtype: np.dtype[Any]) -> Iterator[np.dtype[Any]]:
    """Types of the same size: the other order of bytes, floats for integers and the other way round."""
    for order in (dtype.byteorder, dtype.newbyteorder().byteorder):
        for kind in ("f4",) if dtype.itemsize == 4 else ("i2", "u2", "f2"):
            other = np.dtype(f"{order}{kind}")
            if other != dtype:
                yield other


def _covers(values: Sample, found: tuple[float, float], mean: float) -> bool:
    """Tell whether values fill the range between the header's extremes, about its mean."""
    if not within(values, found):
        return False
    span, numbers = found[1] - found[0], values.astype(np.float64)
    return bool(np.ptp(numbers) >= _FILLED * span and abs(float(numbers.mean()) - mean) <= _OFF * span)


def _why(record: Any, sample: Sample, other: np.dtype[Any], found: tuple[float, float]) -> str:
    """Say why voxels are of another type than the mode says; that it is ambiguous where they do not reach its ends."""
    values, which = sample.view(other), f"the extremes in its header, {found[0]:g} to {found[1]:g},"
    mode = f"mode {int(record.mode)} would be {name_of(sample.dtype)}"
    if max(float(values.min()) - found[0], found[1] - float(values.max())) <= _REACHED * (found[1] - found[0]):
        return f"read as {name_of(other)}, to which {which} belong; {mode}"
    return f"its type is ambiguous: read as {name_of(other)}, as {which} fit that only; {mode}; export it again"
