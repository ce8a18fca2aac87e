"""Whether integers in an MRC file have a sign: its extremes, IMOD's flags and its voxels, held together.

The two readings of a byte lie on one circle of 256 values, which is cut between 127 and -128 or between 255 and 0.
Where neighbouring voxels step over a cut by little, it tears apart what belongs together: the other cut is right.
Extremes in the header prove a reading whose voxels reach both, but not if they are the ends of the type, which torn
voxels reach as well. All else are hints. Where they are few or at odds, a remark says that the sign is ambiguous.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Sample = npt.NDArray[Any]
Type = np.dtype[Any]
_IMOD_STAMP = 1146047817
_SIGNED, _FOUR_BITS = 1, 16  # bits of IMOD's flags
_NEAR = 1 / 64  # of all values: how far extremes of voxels may be from those in the header, or from the ends
_EIGHTHS = 3  # bits that tell in which eighth of all values one is; steps over a cut are small between those beside it
_LIKELY, _CLEAR = 2, 8  # times as many small steps over one cut as over the other
_FEWEST, _SHARE = 32, 0.01  # small steps, and their share of all, from which that can be clear
_MASK = 2  # values of a mask
_REMEDY = "export it again, as float32 (newstack -mode 2)"


@dataclass(frozen=True)
class _Hint:
    """What one part of a header, or the voxels, says: which type, and whether that proves it or hardly counts."""

    says: str
    dtype: Type
    proves: bool = False
    counts: bool = True


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


def within(values: Sample, found: tuple[float, float]) -> bool:
    """Tell whether all values are finite and between the header's extremes, rounded as they may be."""
    low, high = found
    slack = 1e-3 * (high - low) + 1e-3 * max(abs(low), abs(high))
    with np.errstate(invalid="ignore"):  # bytes that are no numbers are told by what follows
        return bool(np.isfinite(values).all() and values.min() >= low - slack and values.max() <= high + slack)


def with_and_without(dtype: Type) -> tuple[Type, Type]:
    """Integers of the size and order of a type, with a sign and without one."""
    return np.dtype(f"{dtype.byteorder}i{dtype.itemsize}"), np.dtype(f"{dtype.byteorder}u{dtype.itemsize}")


def name_of(dtype: Type) -> str:
    """Name a type, with its order of bytes where that is not the machine's."""
    order = "" if dtype.isnative else f" of {'big' if dtype.byteorder == '>' else 'little'}-endian bytes"
    return f"{dtype.newbyteorder('=').name}{order}"


def type_by_sign(record: Any, sample: Sample) -> tuple[Type, str | None]:
    """Choose between integers with and without a sign.

    Parameters
    ----------
    record
        Fields of the header.
    sample : array
        Voxels from all over the file, contiguous, in whole rows, in the type that the mode says.

    Returns
    -------
    dtype, remark
        The type, and why it is not the one of the mode or of IMOD's flags, or that it is ambiguous.

    Raises
    ------
    ValueError
        If the header says one and the voxels clearly the other.
    """
    flag, by_extremes = _by_flag(record, sample.dtype), _by_extremes(record, sample)
    hints = [hint for hint in (by_extremes, flag) if hint is not None]
    usual = sample.dtype if flag is None else flag.dtype
    differ, seen = _by_voxels(sample)
    proven = next((hint for hint in hints if hint.proves or not differ), None)
    if proven is not None:
        return _named(proven.dtype, f"as {proven.says} say", record, usual)
    if not differ:
        return sample.dtype, _all_below(sample)
    if seen is None or not seen.proves:
        return _likeliest([*hints, *([] if seen is None else [seen])], usual)
    agreeing = next((hint for hint in hints if hint.dtype == seen.dtype), None)
    if hints and agreeing is None:
        says, other = hints[0].says, name_of(hints[0].dtype)
        raise ValueError(f"{says} say {other}, its voxels make sense as {name_of(seen.dtype)} only; {_REMEDY}")
    why = "which alone gives its voxels one range" if agreeing is None else f"as {agreeing.says} say"
    return _named(seen.dtype, why, record, usual)


def _by_flag(record: Any, dtype: Type) -> _Hint | None:
    """Tell what IMOD's flags say about bytes."""
    flags = imod_flags(record) if dtype.itemsize == 1 else None
    return None if flags is None else _Hint("IMOD's flags", with_and_without(dtype)[not flags & _SIGNED])


def _by_extremes(record: Any, sample: Sample) -> _Hint | None:
    """Tell which reading alone is between the extremes in the header, and whether it reaches them."""
    found, pair = extremes(record), with_and_without(sample.dtype)
    if found is None:
        return None
    ends = {one: np.array([np.iinfo(one).min, np.iinfo(one).max]) for one in pair}
    fitting = [
        one for one in pair if ends[one][0] <= found[0] and found[1] <= ends[one][1] and within(sample.view(one), found)
    ]
    if len(fitting) != 1:
        return None
    values, near = sample.view(fitting[0]), _NEAR * 256**sample.dtype.itemsize
    reached = bool(np.abs(np.array([values.min(), values.max()], float) - found).max() <= near)
    at_ends = bool(np.abs(ends[fitting[0]] - found).max() <= near)
    says = f"the extremes in its header, {found[0]:g} to {found[1]:g},"
    return _Hint(says, fitting[0], proves=reached and not at_ends, counts=not at_ends)


def _by_voxels(sample: Sample) -> tuple[bool, _Hint | None]:
    """Tell whether the readings differ by more than a constant, and which one the voxels side with.

    Padding, the most frequent value, and the ends of either type, at which data are cut off, are left aside, unless
    there is little else. What has two values is a mask.
    """
    signed, unsigned = with_and_without(sample.dtype)
    values, counts = np.unique(sample.view(unsigned), return_counts=True)
    if len(values) <= _MASK:
        return False, None
    half = 1 << (8 * sample.dtype.itemsize - 1)
    aside = np.isin(values, [0, half - 1, half, 2 * half - 1, values[counts.argmax()]])
    if not _on_both_sides(values[~aside], half):
        if not _on_both_sides(values, half):
            return False, None
        aside[:] = False
    place = (sample.view(unsigned) >> (8 * sample.dtype.itemsize - _EIGHTHS)).astype(np.uint8)
    place[np.isin(sample.view(unsigned), values[aside])] = 1 << _EIGHTHS
    low = np.minimum(place[..., 1:], place[..., :-1])
    over = place[..., 1:] ^ place[..., :-1] == (1 << _EIGHTHS) - 1  # eighths 3 and 4, or 0 and 7; others too
    steps = {unsigned: np.count_nonzero(over & (low == 3)), signed: np.count_nonzero(over & (low == 0))}
    likely, other = sorted(steps, key=lambda one: -steps[one])
    if steps[likely] <= _LIKELY * steps[other]:
        return True, None
    clear = steps[likely] >= max(_FEWEST, _SHARE * low.size, _CLEAR * steps[other])
    return True, _Hint("its voxels", likely, proves=bool(clear and aside.any()), counts=bool(aside.any()))


def _on_both_sides(values: Sample, half: int) -> bool:
    return bool((values < half).any() and (values >= half).any())


def _likeliest(hints: list[_Hint], usual: Type) -> tuple[Type, str | None]:
    """Choose what most hints say, and say that it is ambiguous unless two that count, and no other, say the usual."""
    said, counted = [hint.dtype for hint in hints], [hint.dtype for hint in hints if hint.counts]
    chosen = max({usual, *said}, key=lambda one: (said.count(one), counted.count(one), one == usual))
    if counted.count(usual) > 1 and set(said) == {usual}:
        return usual, None
    other = next(one for one in with_and_without(usual) if one != chosen)
    return chosen, (
        f"whether its numbers have a sign is ambiguous: read as {name_of(chosen)}; if they are {name_of(other)}, their "
        f"histogram is torn in two: {_REMEDY}"
    )


def _named(chosen: Type, why: str, record: Any, usual: Type) -> tuple[Type, str | None]:
    """Say why a type is taken where it is not the usual one."""
    whose = f"mode {int(record.mode)} would be" if imod_flags(record) is None else "IMOD's flags say"
    return chosen, None if chosen == usual else f"read as {name_of(chosen)}, {why}; {whose} {name_of(usual)}"


def _all_below(sample: Sample) -> str | None:
    """Say where all bytes with a sign are below 0, as those of bright ones without a sign would be."""
    if sample.dtype.itemsize > 1 or sample.dtype.kind != "i" or sample.max() >= 0:
        return None
    return (
        f"read as int8 by its mode, and all of {sample.min()} to {sample.max()} is below 0; if its bytes have no sign, "
        f"all are 256 too low: {_REMEDY}"
    )
