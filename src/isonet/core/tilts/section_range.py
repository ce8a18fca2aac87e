"""The range of tilts that XZ sections of a volume show, in next to no time: enough to tell where to look closer.

Seen along the tilt axis, the missing wedge is a double sector about k_z. As in :mod:`isonet.core.tilts.fullness` each
coefficient tells, by more or less than half of what most of its shell have, whether it was measured, and that range is
taken which parts the full from the empty ones best, in the least-square sense. Where the axis is turned a little, the
ends are smeared by as much.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Int64
from scipy import fft

from isonet.core.tilts.fullness import between, usual_of

_BAND = (0.08, 0.45)  # cycles per voxel
_LEAKED = 1e-3  # of the power of the strongest shell: what has less holds only what the window leaks
_FEWEST = 6  # shells
_EMPTY = 0.5  # of what most coefficients of a shell have
_STEP = 2.0  # degrees between ends that are tried
_NARROWEST, _WIDEST = 12.0, 86.0  # degrees an end may be at
_CONTRAST = 0.6  # how much fuller the range is than what lies beyond it, from which there is a wedge


@dataclass(frozen=True)
class SectionRange:
    """Which tilts sections show.

    Attributes
    ----------
    low, high : float
        Ends of the range, degrees.
    inside, beyond : float
        Share of the coefficients within the range, and of those beyond it, that are not empty.
    """

    low: float
    high: float
    inside: float
    beyond: float

    @property
    def clear(self) -> bool:
        """Whether a wedge is seen at all."""
        return self.inside - self.beyond > _CONTRAST


def section_range(power: Float64[np.ndarray, "kz kx"], width: int) -> SectionRange | None:
    """Find the range of tilts in a power spectrum of sections.

    Parameters
    ----------
    power : array
        Sum of :func:`isonet.core.tilts.split.section_power`, in the rfft layout.
    width : int
        Voxels along x.

    Returns
    -------
    SectionRange or None
        None where there is too little power to tell.
    """
    depth, columns = power.shape
    places, shell, angle = _places((depth, columns), width)
    values = power.ravel()[places]
    starts = np.flatnonzero(np.diff(shell, prepend=-1))
    usual = np.array([usual_of(part) for part in np.split(values, starts[1:])])
    there = np.repeat(usual > _LEAKED * usual.max(initial=0), np.diff(np.append(starts, len(shell))))
    if np.count_nonzero(usual > _LEAKED * usual.max(initial=0)) < _FEWEST:
        return None
    level = _EMPTY * np.repeat(usual, np.diff(np.append(starts, len(shell))))[there]
    full = np.clip(values[there] / level, 0, 1)
    number = round(180 / _STEP)
    counts = np.bincount(angle[there], minlength=number).astype(np.float64)
    return _best(counts, np.bincount(angle[there], full, minlength=number))


def _best(counts: Float64[np.ndarray, " angles"], sums: Float64[np.ndarray, " angles"]) -> SectionRange:
    """Range that parts full from empty angles best."""
    count, total = (np.concatenate([[0.0], np.cumsum(one)]) for one in (counts, sums))
    low = np.arange(round((90 - _WIDEST) / _STEP), round((90 - _NARROWEST) / _STEP) + 1)
    high = len(counts) - low[::-1]
    inside, full = (one[high] - one[low, None] for one in (count, total))
    row, column = np.unravel_index(int(between(inside, full, count[-1], total[-1]).argmax()), inside.shape)
    within, held = inside[row, column], full[row, column]
    first, last = float(low[row]) * _STEP - 90, float(high[column]) * _STEP - 90
    beyond = (total[-1] - held) / max(count[-1] - within, 1.0)
    return SectionRange(first, last, float(held / max(within, 1.0)), float(beyond))


@lru_cache(maxsize=8)
def _places(
    shape: tuple[int, int], width: int
) -> tuple[Int64[np.ndarray, " some"], Int64[np.ndarray, " some"], Int64[np.ndarray, " some"]]:
    """Which coefficients are looked at, shell after shell, and of each the numbers of its shell and its angle."""
    kz, kx = fft.fftfreq(shape[0])[:, None], np.arange(shape[1])[None, :] / width
    radius = np.hypot(kz, kx).ravel()
    angle = np.degrees(np.arctan2(*np.broadcast_arrays(kz, kx))).ravel()
    shell = np.round(radius * width).astype(np.int64)
    used = np.flatnonzero((radius >= _BAND[0]) & (radius <= _BAND[1]))
    used = used[np.argsort(shell[used], kind="stable")]
    return used, shell[used], np.floor((angle[used] + 90) / _STEP).astype(np.int64) % round(180 / _STEP)
