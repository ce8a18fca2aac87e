"""How the wedge of two tilt axes lies as a tomogram itself shows it.

What neither axis has measured is a double pyramid about the beam. As for one axis
(:mod:`isonet.core.tilts.orientation_estimate`) those turns and ends are sought that part full and empty coefficients
best, beginning with what is told, turned about the beam by all angles.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32
from scipy.optimize import minimize

from isonet.core.tilts.fullness import Fullness, between
from isonet.core.tilts.measured import Measured, Sweep, positioned
from isonet.core.tilts.orientation_estimate import BEYOND, EXPLAINED, NARROWEST, WIDEST

Floats = npt.NDArray[np.float64]
_TURNS = np.arange(-75.0, 90, 15)  # degrees about the beam
_ABOUT_Z = np.array([0.0, 1, 0, 0, 0, 1, 0, 0])  # of the eight numbers
_FIRST_STEP = 4.0  # degrees
_MOST_TRIED = 400
USUAL = Measured((positioned((-60.0, 60.0)), positioned((-60.0, 60.0), 0.0, 90.0)))
"""Two axes as they are most often."""


@dataclass(frozen=True)
class TwoAxesEstimate:
    """How well the wedge of two axes fits.

    Attributes
    ----------
    told, explained : float
        Share of the variance of full and empty coefficients that is explained by the wedge as told, and by the best.
    measured : Measured
        The best: first that whose axis runs nearer to y; ranges in place of lists.
    """

    told: float
    explained: float
    measured: Measured

    @property
    def clear(self) -> bool:
        """Whether the spectrum shows such a wedge at all."""
        return self.explained > EXPLAINED

    @property
    def turns(self) -> tuple[tuple[float, float], ...]:
        """Degrees about x and z by which the volume was turned before it was tilted about either axis."""
        return tuple(sweep.turns for sweep in self.measured.sweeps)


def estimate_two_axes(seen: Fullness, told: Measured) -> TwoAxesEstimate:
    """Find how the wedge of two axes lies that parts full and empty coefficients.

    Parameters
    ----------
    seen : Fullness
        Of the mean of :func:`~isonet.core.tilts.fullness.block_power` over blocks.
    told : Measured
        Two sweeps from which the search begins.

    Returns
    -------
    TwoAxesEstimate
        Of the best pair of axes.
    """
    begin = _numbers(told)
    starts = [begin + turn * _ABOUT_Z for turn in (0.0, *_TURNS[_TURNS != 0])]
    best = max(starts, key=lambda numbers: _explained(seen.by_direction, numbers))
    for step, data in ((_FIRST_STEP, seen.by_direction), (_FIRST_STEP / 2, seen)):
        best = _refined(best, step, data)
    return TwoAxesEstimate(_explained(seen, begin), _explained(seen, best), _of_numbers(_first_near_y(best)))


def _first_near_y(numbers: Floats) -> Floats:
    """The same two sweeps, that about the axis nearer to y first, with turns of -90 to 90 degrees, and 0 to 180.

    Half a turn about z more is the same as tilts, and a turn about x, of the other sign.
    """
    halves = []
    for first, half in enumerate(sorted(numbers.reshape(2, 4), key=lambda one: abs((one[1] + 90) % 180 - 90))):
        about_x, about_z, low, high = half
        middle = 90.0 if first else 0.0
        folded = (about_z - middle + 90) % 180 - 90 + middle
        odd = round((about_z - folded) / 180) % 2
        halves.append((-about_x, folded, -high, -low) if odd else (about_x, folded, low, high))
    return np.array(halves).ravel()


def _refined(begin: Floats, step: float, seen: Fullness) -> Floats:
    """The best turns and ends near some."""

    def unexplained(numbers: Floats) -> float:
        return -_explained(seen, numbers)

    simplex = begin + np.vstack([np.zeros(8), step * np.eye(8)])
    found = minimize(
        unexplained,
        begin,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "maxfev": _MOST_TRIED, "xatol": 0.2, "fatol": 1e-5},
    )
    best: Floats = found.x
    return best


def _numbers(measured: Measured) -> Floats:
    """Turns about x and z and both ends of each of two sweeps, degrees."""
    return np.array([(*sweep.turns, *sweep.ends) for sweep in measured.sweeps]).ravel()


def _of_numbers(numbers: Floats) -> Measured:
    halves = numbers.reshape(2, 4).tolist()
    return Measured(tuple(positioned((low, high), about_x, about_z) for about_x, about_z, low, high in halves))


def _explained(seen: Fullness, numbers: Floats) -> float:
    """Share of the variance that measured and missing explain; negative where the missing ones are fuller."""
    ends = np.abs(numbers.reshape(2, 4)[:, 2:])
    if ends.min() < NARROWEST or ends.max() > WIDEST:
        return -1.0
    inside = np.zeros(len(seen.counts), dtype=np.bool_)
    for sweep in _of_numbers(numbers).sweeps:
        inside |= _seen(seen.places, sweep)
    if inside.all() or not inside.any():
        return -1.0
    within = inside.astype(np.float64)  # numbers of one kind multiply ten times as fast
    counts, sums = ((one @ within)[None] for one in (seen.counts, seen.sums))
    return float(between(counts, sums, seen.counts.sum(), seen.sums.sum())[0] / seen.variance)


def _seen(places: Float32[np.ndarray, "3 n"], sweep: Sweep) -> npt.NDArray[np.bool_]:
    """Which places a sweep has measured: those between the planes of its ends, above one and below the other."""
    kz, kx = np.array(sweep.turn, np.float32).T[[0, 2]] @ places
    low, high = (math.radians(end) for end in (sweep.ends[0] - BEYOND, sweep.ends[1] + BEYOND))
    above_low, above_high = (math.cos(end) * kz - math.sin(end) * kx for end in (low, high))
    seen: npt.NDArray[np.bool_] = above_low * above_high <= 0
    return seen
