"""Data continued over padding by reflection, as beyond the faces of a volume; and padding of a value that data hold."""

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float32, Int
from scipy.ndimage import maximum_filter1d, minimum_filter1d

REACH = 4
"""Voxels to either side along x or y that must be of one value where data hold it too."""
_EXTREMES = minimum_filter1d, maximum_filter1d
_AT_ONCE = 1 << 18  # voxels whose reflection is looked up


def mirrored(padded: Bool[np.ndarray, "*rows n"]) -> tuple[Int[np.ndarray, "*rows n"], Bool[np.ndarray, "*rows n"]]:
    """Which position along the last axis each one takes its value from: itself, or its reflection where it is padded.

    The positions that are not padded are counted through. One that is padded is mirrored at the nearest of them and
    takes the one that is as many counts away as that is positions, back and forth where they are too few.

    Returns
    -------
    sources : array
        Positions; of a row that is all padded, each its own.
    odd : array
        Where the reflections are an odd number: order is reversed there.

    >>> mirrored(np.array([True, True, False, False, False, True]))[0].tolist()
    [4, 3, 2, 3, 4, 3]
    """
    length = padded.shape[-1]
    place = np.broadcast_to(np.arange(length), padded.shape)
    before = np.maximum.accumulate(np.where(padded, -2 * length, place), axis=-1)
    after = np.flip(np.minimum.accumulate(np.flip(np.where(padded, 3 * length, place), -1), axis=-1), -1)
    counted = np.cumsum(~padded, axis=-1) - 1
    count = counted[..., -1:] + 1
    back = place - before <= after - place
    number = np.where(back, counted - (place - before), counted + 1 + (after - place))
    period = np.maximum(1, 2 * (count - 1))
    number = number % period
    once = number < np.maximum(count, 1)
    number = np.where(once, number, period - number)
    found = np.take_along_axis(np.argsort(padded, axis=-1, kind="stable"), number, axis=-1)
    return np.where(padded & (count > 0), found, place), padded & once


def continued(rows: npt.NDArray[np.generic], padded: Bool[np.ndarray, "y x"]) -> npt.NDArray[np.generic]:
    """Fill the padding of rows `[y, x]` with what lies beside it in the same row."""
    result = rows.copy()
    wanted = np.flatnonzero(padded.any(axis=1))
    step = max(1, _AT_ONCE // rows.shape[1])
    for first in range(0, len(wanted), step):
        part = wanted[first : first + step]
        there = padded[part]  # most rows are padded in the same places
        _, alike, which = np.unique(np.packbits(there, axis=1), axis=0, return_index=True, return_inverse=True)
        result[part] = np.take_along_axis(rows[part], mirrored(there[alike])[0][which.ravel()], axis=1)
    return result


def together(same: Bool[np.ndarray, "*z y x"]) -> Bool[np.ndarray, "*z y x"]:
    """Keep what lies together in a section: in a row of `2 REACH + 1` voxels along x, or along y."""
    found = np.zeros_like(same)
    for axis in (-1, -2):
        kept = minimum_filter1d(same.view(np.uint8), 2 * REACH + 1, axis=axis, mode="nearest")
        found |= maximum_filter1d(kept, 2 * REACH + 1, axis=axis, mode="nearest").view(np.bool_)
    return found & same


def level(values: Float32[np.ndarray, "*z y x"]) -> Bool[np.ndarray, "*z y x"]:
    """Find what lies together, as of :func:`together`, and is of exactly one value there, whichever that is.

    >>> level(np.float32([[7] * 9 + [1, 2, 3]])).sum()
    np.int64(9)
    """
    found = np.zeros(values.shape, dtype=np.bool_)
    for axis in (-1, -2):
        if values.shape[axis] <= 2 * REACH:
            continue
        ends = (extreme(values, 2 * REACH + 1, axis=axis, mode="nearest") for extreme in _EXTREMES)
        kept = np.equal(*ends).view(np.uint8)
        for end in (slice(REACH), slice(-REACH, None)):
            np.moveaxis(kept, axis, 0)[end] = 0  # those windows are not whole
        found |= maximum_filter1d(kept, 2 * REACH + 1, axis=axis, mode="constant").view(np.bool_)
    return found
