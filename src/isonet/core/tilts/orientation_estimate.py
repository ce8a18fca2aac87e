"""How the missing wedge lies as a tomogram itself shows it: its faces, and the turns of the tilt axis about x and z.

Of all double wedges whose axis runs near y the one is sought that parts the coefficients of the three-dimensional power
spectrum best into such that were measured and such that were not (:mod:`isonet.core.tilts.fullness`), in the
least-square sense: an end is where as many on either side are on the wrong one, as a window smears the faces.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Float32, Int64
from scipy.optimize import minimize
from torch import Tensor

from isonet.core import fourier
from isonet.core.tilts import wedge
from isonet.core.tilts.fullness import GRID, Fullness, between, directions
from isonet.core.tilts.measured import Measured, about

_STEP, _WHILE_SEARCHING = 0.5, 1.0  # degrees between ends that are tried
BEYOND = 2.5  # degrees by which merged planes and the window make the measured region wider
NARROWEST, WIDEST = 15.0, 85.0  # degrees an end may be at
_WIDE = WIDEST - NARROWEST
_ABOUT_X, _ABOUT_Z = np.arange(-16.0, 17, 4), np.arange(-12.0, 13, 4)
EXPLAINED, _CONTRAST = 0.3, 0.6  # from which there is a wedge
_NEARLY = 0.02  # of the variance, by which what any region explains may be more


@dataclass(frozen=True)
class OrientationEstimate:
    """How a wedge lies.

    Attributes
    ----------
    about_x, about_z : float
        Degrees by which the volume was turned before it was tilted, as :mod:`isonet.core.tilts.measured` draws it.
    tilt_min, tilt_max : float
        Ends of the measured range in degrees; turns about y are in them.
    explained : float
        Share of the variance of full and empty coefficients that measured and missing region explain.
    contrast : float
        How much larger a share of the coefficients of the measured region is not empty than of the missing one.
    clear : bool
        Whether the spectrum shows a wedge at all.
    """

    about_x: float
    about_z: float
    tilt_min: float
    tilt_max: float
    explained: float
    contrast: float
    clear: bool


def estimate_orientation(seen: Fullness, told: tuple[float, float] = (0.0, 0.0)) -> OrientationEstimate:
    """Find how the wedge lies that parts full and empty coefficients.

    Parameters
    ----------
    seen : Fullness
        Of the mean of :func:`~isonet.core.tilts.fullness.block_power` over blocks.
    told : tuple of float
        Turns of the axis about x and z in degrees, about which is looked first: if they explain nearly all that any
        region could, the axis is sought nowhere else.

    Returns
    -------
    OrientationEstimate
        Of the axis, near y, about which it is seen best.
    """
    cells = seen.by_direction

    def unexplained(turns: npt.NDArray[np.float64]) -> float:
        return -_best_ends(cells, _bins(cells.places, turns[0], turns[1], _WHILE_SEARCHING), _WHILE_SEARCHING)[0]

    begin = told
    if -unexplained(np.array(told)) < seen.most_explained - _NEARLY:
        starts = ((float(x), float(z)) for x in _ABOUT_X for z in _ABOUT_Z)
        begin = max(starts, key=lambda turns: _best_ends(cells, _bins_of_cells(*turns), _WHILE_SEARCHING)[0])
    simplex = np.array([begin, (begin[0] + 3, begin[1]), (begin[0], begin[1] + 3)])
    found = minimize(
        unexplained, begin, method="Nelder-Mead", options={"initial_simplex": simplex, "xatol": 0.2, "fatol": 1e-5}
    )
    about_x, about_z = found.x
    explained, low, high, contrast = _best_ends(seen, _bins(seen.places, about_x, about_z, _STEP), _STEP)
    clear = explained > EXPLAINED and contrast > _CONTRAST
    ends = low + BEYOND, high - BEYOND
    return OrientationEstimate(float(about_x), float(about_z), *ends, explained, contrast, clear)


def _best_ends(seen: Fullness, bins: Int64[np.ndarray, " n"], step: float) -> tuple[float, float, float, float]:
    """Share of the variance that the best range about an axis explains, its ends in degrees, and the contrast.

    Parameters
    ----------
    seen : Fullness
        In some directions.
    bins : array
        Their slopes about the axis, in steps of so many degrees.
    step : float
        Degrees.
    """
    number = round(180 / step)
    counts, sums = (_running(np.bincount(bins, weights, number + 1)) for weights in (seen.counts, seen.sums))
    low, high = (slice(round((end + 90) / step), round((end + 90 + _WIDE) / step) + 1) for end in (-WIDEST, NARROWEST))
    inside, full = (one[high] - one[low, None] for one in (counts, sums))
    explained = between(inside, full, counts[-1], sums[-1])
    row, column = np.unravel_index(int(explained.argmax()), explained.shape)
    share, mean = inside[row, column] / counts[-1], sums[-1] / counts[-1]
    contrast = (full[row, column] / max(inside[row, column], 1) - mean) / max(1 - share, 1e-12)
    best = float(explained[row, column] / seen.variance)
    return best, (low.start + float(row)) * step - 90, (high.start + float(column)) * step - 90, float(contrast)


def _bins(places: Float32[np.ndarray, "3 n"], about_x: float, about_z: float, step: float) -> Int64[np.ndarray, " n"]:
    """Slopes of directions about an axis, numbered in steps from -90 degrees."""
    into = (about("x", about_x) @ about("z", about_z)).astype(np.float32)  # as `positioned` turns a sweep
    number = round(180 / step)
    with np.errstate(divide="ignore"):
        slope = np.arctan((into[0] @ places) / (into[2] @ places))
    bins: Int64[np.ndarray, " n"] = ((slope + np.float32(math.pi / 2)) * np.float32(number / math.pi)).astype(np.int64)
    return bins


@lru_cache(maxsize=len(_ABOUT_X) * len(_ABOUT_Z))
def _bins_of_cells(about_x: float, about_z: float) -> Int64[np.ndarray, " n"]:
    """The same of the directions that all spectra have, at a turn where each search begins."""
    return _bins(directions(), about_x, about_z, _WHILE_SEARCHING)


def _running(histogram: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Sums up to each end of the bins; the last bin, of 90 degrees sharp, is the first one."""
    histogram[0] += histogram[-1]
    return np.concatenate([[0.0], np.cumsum(histogram[:-1], dtype=np.float64)])


def missing_energy(power: Float[Tensor, "grid grid half"], measured: Measured, edges: tuple[int, int, int]) -> float:
    """Share of the energy in the region called missing, three Fourier pixels off its faces.

    Parameters
    ----------
    power : tensor
        Mean of :func:`~isonet.core.tilts.fullness.block_power`.
    measured : Measured
        What is said to be measured.
    edges : tuple of int
        Of the blocks, whose Fourier pixels count.
    """
    missing = _missing(measured, 3.0 * GRID / min(edges))
    return float((power * missing).sum() / (power * fourier.multiplicity((GRID,) * 3)).sum())


@lru_cache(maxsize=4)
def _missing(measured: Measured, guard: float) -> Float[Tensor, "grid grid half"]:
    """How often coefficients of the missing region, away from its faces, count, and 0 elsewhere.

    It is kept, as tilts of many tomograms are the same.
    """
    return wedge.regions((GRID,) * 3, measured, guard)[0] * fourier.multiplicity((GRID,) * 3)
