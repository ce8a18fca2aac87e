"""Which numbers the bytes of an MRC file are: what its mode says, its extremes and its voxels are held together.

Bytes may have a sign or not, whatever the mode says, and 16 bits may be integers or floats in either order of bytes. A
mode that is at odds with the extremes in the header gives way to the one reading that agrees with them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Sample = npt.NDArray[Any]
_IMOD_STAMP = 1146047817
_SIGNED, _FOUR_BITS = 1, 16  # bits of IMOD's flags
_CLEAR = 2.0  # ratio of spreads from which one reading makes sense and the other none
_VARIANCE, _OUTLIERS = 2, 4  # powers of distances that tell of most voxels, and of few
_FEWEST = 64  # voxels from which that can be told
_FILLED, _OFF = 0.5, 0.1  # of the header's range: what voxels cover if it is theirs, and how far their mean may be off


def imod_flags(record: Any) -> int | None:
    """Flags that IMOD left in a header, None where it did not write it."""
    stamp, flags = np.frombuffer(record.extra2.tobytes()[40:48], dtype=record.mode.dtype)
    return int(flags) if int(stamp) == _IMOD_STAMP else None


def has_four_bits(record: Any) -> bool:
    """Tell whether IMOD says that each byte of a file holds two voxels."""
    return bool((imod_flags(record) or 0) & _FOUR_BITS) and int(record.mode) == 0


def extremes(record: Any) -> tuple[float, float] | None:
    """Smallest and largest value as the header says, None where it does not."""
    low, high = float(record.dmin), float(record.dmax)
    return (low, high) if np.isfinite([low, high]).all() and low < high else None


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
    readings = (sample.dtype,) if sample.dtype.kind == "f" else _pair(sample.dtype)
    if found is not None and sample.dtype.itemsize > 1:
        others = [] if any(_within(sample.view(one), found) for one in readings) else _others(sample.dtype)
        for other in others:
            if _covers(sample.view(other), found, float(record.dmean)):
                why = f"to which the extremes in its header, {_range(found)}, belong"
                return other, f"read as {_name(other)}, {why}; mode {int(record.mode)} would be {_name(sample.dtype)}"
    return (sample.dtype, None) if len(readings) == 1 else _with_or_without_sign(record, sample)


def _with_or_without_sign(record: Any, sample: Sample) -> tuple[np.dtype[Any], str | None]:
    """Choose between integers with and without a sign: by extremes, IMOD's flag, the voxels, and the mode."""
    declared, pair, found = sample.dtype, _pair(sample.dtype), extremes(record)
    flags = imod_flags(record) if declared.itemsize == 1 else None
    by_flag = None if flags is None else pair[0] if flags & _SIGNED else pair[1]
    by_extremes = None if found is None else _by_extremes(sample, pair, found)
    seen = _by_voxels(sample, pair, _VARIANCE)
    likely = seen or _by_voxels(sample, pair, _OUTLIERS)
    if by_flag is not None and by_extremes not in (None, by_flag, likely):
        by_extremes = None  # the voxels do not side with them
    told = by_extremes or by_flag
    says = f"the extremes in its header, {_range(found)}," if by_extremes is not None and found else "IMOD's flags"
    if told is not None and seen is not None and told != seen:
        raise ValueError(
            f"{says} say {_name(told)}, its voxels make sense as {_name(seen)} only; export it again, as float32 "
            "(newstack -mode 2)"
        )
    chosen, usual = told or likely or declared, by_flag or declared
    if chosen == usual:
        return chosen, _all_below(sample.view(chosen)) if told is None else None
    why = f"as {says} say" if told is not None else "which alone gives its voxels one range"
    whose = f"mode {int(record.mode)} would be" if by_flag is None else "IMOD's flags say"
    return chosen, f"read as {_name(chosen)}, {why}; {whose} {_name(usual)}"


def _all_below(bytes_of: Sample) -> str | None:
    """Say where all bytes with a sign are below 0, as those of bright ones without a sign would be."""
    if bytes_of.dtype.itemsize > 1 or bytes_of.dtype.kind != "i" or bytes_of.max() >= 0:
        return None
    return (
        f"read as int8 by its mode, and all of {bytes_of.min()} to {bytes_of.max()} is below 0; if its bytes have no "
        "sign, all are 256 too low: export it again, as float32 (newstack -mode 2)"
    )


def _by_extremes(
    sample: Sample, pair: tuple[np.dtype[Any], np.dtype[Any]], found: tuple[float, float]
) -> np.dtype[Any] | None:
    """Find the type whose range the header's extremes are in, if the voxels are between them; None if there is none."""
    fitting = [
        one
        for one in pair
        if np.iinfo(one).min <= found[0] and found[1] <= np.iinfo(one).max and _within(sample.view(one), found)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _by_voxels(sample: Sample, pair: tuple[np.dtype[Any], np.dtype[Any]], power: int) -> np.dtype[Any] | None:
    """Find the type in which voxels, but for padding and clipped ones, are less spread; None if it is not clear.

    The higher the power of their distances from the median, the fewer voxels need to tell.
    """
    signed, unsigned = (sample.view(one).ravel() for one in pair)
    ends = (0, np.iinfo(pair[1]).max, np.iinfo(pair[0]).max, np.iinfo(pair[0]).max + 1)
    values, counts = np.unique(unsigned, return_counts=True)
    used = ~np.isin(unsigned, [*ends, values[counts.argmax()]])
    if np.count_nonzero(used) < max(_FEWEST, used.size / 2):  # too few, or a mask
        return None
    chosen = [one[used].astype(np.float64) for one in (signed, unsigned)]
    spread = [float(np.mean(np.abs(one - np.median(one)) ** power)) for one in chosen]
    if spread[0] > _CLEAR * spread[1]:
        return pair[1]
    return pair[0] if spread[1] > _CLEAR * spread[0] else None


def _pair(dtype: np.dtype[Any]) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """Integers of the size and order of a type, with and without a sign."""
    return np.dtype(f"{dtype.byteorder}i{dtype.itemsize}"), np.dtype(f"{dtype.byteorder}u{dtype.itemsize}")


def _others(dtype: np.dtype[Any]) -> Iterator[np.dtype[Any]]:
    """Types of the same size: the other order of bytes, floats for integers and the other way round."""
    for order in (dtype.byteorder, dtype.newbyteorder().byteorder):
        for kind in ("f4",) if dtype.itemsize == 4 else ("i2", "u2", "f2"):
            other = np.dtype(f"{order}{kind}")
            if other != dtype:
                yield other


def _within(values: Sample, found: tuple[float, float]) -> bool:
    """Tell whether all values are finite and between the header's extremes, rounded as they may be."""
    low, high = found
    slack = 1e-3 * (high - low) + 1e-3 * max(abs(low), abs(high))
    with np.errstate(invalid="ignore"):  # bytes that are no numbers are told by what follows
        return bool(np.isfinite(values).all() and values.min() >= low - slack and values.max() <= high + slack)


def _covers(values: Sample, found: tuple[float, float], mean: float) -> bool:
    """Tell whether values fill the range between the header's extremes, about its mean."""
    if not _within(values, found):
        return False
    span, numbers = found[1] - found[0], values.astype(np.float64)
    return bool(np.ptp(numbers) >= _FILLED * span and abs(float(numbers.mean()) - mean) <= _OFF * span)


def _range(found: tuple[float, float]) -> str:
    return f"{found[0]:g} to {found[1]:g}"


def _name(dtype: np.dtype[Any]) -> str:
    order = "" if dtype.isnative else f" of {'big' if dtype.byteorder == '>' else 'little'}-endian bytes"
    return f"{dtype.newbyteorder('=').name}{order}"
