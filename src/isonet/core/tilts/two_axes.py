"""How the wedge of two tilt axes lies as a tomogram itself shows it.

What neither axis has measured is a double pyramid about the beam. As for one axis
(:mod:`isonet.core.tilts.orientation_estimate`) each coefficient of the power spectrum is full or empty, and those turns
and ends are sought that part them best, beginning with what is told, turned about the beam by all angles.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from scipy.optimize import minimize
from torch import Tensor

from isonet.core.tilts.measured import Measured, Sweep, angles_of, positioned
from isonet.core.tilts.orientation_estimate import BEYOND, EXPLAINED, NARROWEST, WIDEST, coefficients

Floats = npt.NDArray[np.float64]
_TURNS = np.arange(-75.0, 90, 15)  # degrees about the beam
_ABOUT_Z = np.array([0.0, 1, 0, 0, 0, 1, 0, 0])  # of the eight numbers
_FEWER = 4
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
        return tuple((about_x, about_z) for about_x, about_z, _, _ in _numbers(self.measured).reshape(2, 4).tolist())


def estimate_two_axes(power: Float[Tensor, "grid grid half"], told: Measured) -> TwoAxesEstimate:
    """Find how the wedge of two axes lies in the mean of :func:`~isonet.core.tilts.orientation_estimate.block_power`.

    Parameters
    ----------
    power : tensor
        `[GRID, GRID, GRID // 2 + 1]` in the rfft layout.
    told : Measured
        Two sweeps from which the search begins.

    Returns
    -------
    TwoAxesEstimate
        Of the best pair of axes.
    """
    places, full = coefficients(power)
    few = places[:, ::_FEWER], full[::_FEWER]
    begin = _numbers(told)
    starts = [begin + turn * _ABOUT_Z for turn in (0.0, *_TURNS[_TURNS != 0])]
    best = max(starts, key=lambda numbers: _explained(*few, numbers))
    for step, data in ((_FIRST_STEP, few), (_FIRST_STEP / 2, (places, full))):
        best = _refined(best, step, *data)
    explained = _explained(places, full, best)
    return TwoAxesEstimate(_explained(places, full, begin), explained, _of_numbers(_first_near_y(best)))


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


def _refined(begin: Floats, step: float, places: Floats, full: Floats) -> Floats:
    """The best turns and ends near some."""

    def unexplained(numbers: Floats) -> float:
        return -_explained(places, full, numbers)

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
    found: list[float] = []
    for sweep in measured.sweeps:
        about_x, _, about_z = angles_of(np.array(sweep.turn).T)
        found += [about_x, about_z, *sweep.ends]
    return np.array(found)


def _of_numbers(numbers: Floats) -> Measured:
    halves = numbers.reshape(2, 4).tolist()
    return Measured(tuple(positioned((low, high), about_x, about_z) for about_x, about_z, low, high in halves))


def _explained(places: Floats, full: Floats, numbers: Floats) -> float:
    """Share of the variance that measured and missing explain; negative where the missing ones are fuller."""
    ends = np.abs(numbers.reshape(2, 4)[:, 2:])
    if ends.min() < NARROWEST or ends.max() > WIDEST:
        return -1.0
    inside = np.zeros(len(full), dtype=np.bool_)
    for sweep in _of_numbers(numbers).sweeps:
        inside |= _seen(places, sweep)
    share = inside.mean()
    if not 0 < share < 1:
        return -1.0
    contrast = full[inside].mean() - full[~inside].mean()
    return float(share * (1 - share) * contrast * abs(contrast) / max(full.var(), 1e-12))


def _seen(places: Floats, sweep: Sweep) -> npt.NDArray[np.bool_]:
    """Which places a sweep has measured: those between the planes of its ends, above one and below the other."""
    kz, _, kx = np.array(sweep.turn).T @ places
    low, high = (math.radians(end) for end in (sweep.ends[0] - BEYOND, sweep.ends[1] + BEYOND))
    above_low, above_high = (math.cos(end) * kz - math.sin(end) * kx for end in (low, high))
    seen: npt.NDArray[np.bool_] = above_low * above_high <= 0
    return seen
