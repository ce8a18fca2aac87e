"""How the missing wedge lies as a tomogram itself shows it: its faces, and the turns of the tilt axis about x and z.

Most of what is not measured has next to no power: of the coefficients of the three-dimensional power spectrum each one
tells, by more or less than half of what most of its shell have, whether it was measured. Of all double wedges whose
axis runs near y the one is sought that parts the coefficients best into such that were and such that were not, in the
least-square sense: an end is where as many on either side are on the wrong one, as a window smears the faces.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float, Float32
from scipy.optimize import minimize
from torch import Tensor

from isonet.core import fourier
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured, about

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Seen = Float32[np.ndarray, "4 n"]
GRID = 128
"""Samples of a spectrum along each axis, and the longest edge of a block."""
_BAND = (0.08, 0.42)  # cycles per voxel
_OFF_AXIS = math.cos(math.radians(35))  # nearer to y directions tell little
_EMPTY = 0.5  # of what most coefficients of a shell have
_USUAL = 0.6  # quantile
_MOST = 60_000  # coefficients
_STEP = 0.5  # degrees
BEYOND = 2.5  # degrees by which merged planes and the window make the measured region wider
NARROWEST, WIDEST = 15.0, 85.0  # degrees an end may be at
_ABOUT_X, _ABOUT_Z = np.arange(-16.0, 17, 4), np.arange(-12.0, 13, 4)
_SHORTEST = 32  # voxels
EXPLAINED, _CONTRAST = 0.3, 0.6  # from which there is a wedge


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


def block_power(block: Float[Tensor, "z y x"]) -> Float[Tensor, "grid grid half"] | None:
    """Power spectrum of a block under a Hann window, on the one grid of all; None of what is too small or constant."""
    if min(block.shape) < _SHORTEST:
        return None
    block = block / block.abs().amax()  # squares of very small or large values are none in float32
    deviation, mean = torch.std_mean(block)
    if not 0 < float(deviation) < math.inf:
        return None
    window = fourier.taper(block.shape, max(block.shape))
    spectrum = torch.fft.rfftn((block - mean) / deviation * window, s=(GRID,) * 3)
    return torch.view_as_real(spectrum).square().sum(-1)


def estimate_orientation(power: Float[Tensor, "grid grid half"]) -> OrientationEstimate:
    """Find how the wedge lies in the mean of :func:`block_power` over blocks.

    Parameters
    ----------
    power : tensor
        `[GRID, GRID, GRID // 2 + 1]` in the rfft layout.

    Returns
    -------
    OrientationEstimate
        Of the axis, near y, about which it is seen best.
    """
    seen = _coefficients(power)

    def unexplained(turns: npt.NDArray[np.float64]) -> float:
        return -_best_ends(seen, variance, turns[0], turns[1])[0]

    few, variance = np.ascontiguousarray(seen[:, ::4]), float(seen[3].var())
    begin = max(((x, z) for x in _ABOUT_X for z in _ABOUT_Z), key=lambda turns: _best_ends(few, variance, *turns)[0])
    simplex = np.array([begin, (begin[0] + 3, begin[1]), (begin[0], begin[1] + 3)])
    found = minimize(
        unexplained, begin, method="Nelder-Mead", options={"initial_simplex": simplex, "xatol": 0.1, "fatol": 1e-6}
    )
    about_x, about_z = found.x
    explained, low, high, contrast = _best_ends(seen, variance, about_x, about_z)
    clear = explained > EXPLAINED and contrast > _CONTRAST
    ends = low + BEYOND, high - BEYOND
    return OrientationEstimate(float(about_x), float(about_z), *ends, explained, contrast, clear)


@dataclass(frozen=True)
class _Shells:
    """Coefficients of a spectrum that are looked at, shell after shell.

    Attributes
    ----------
    places : array
        Which they are in a flattened spectrum.
    ends : array
        Where shells begin among them.
    shell : array
        Number of the shell of each.
    some : array
        Those that the wedge is sought in, evenly spread.
    frequencies : array
        `[3, some]`: z, y, x.
    """

    places: Numbers
    ends: Numbers
    shell: Numbers
    some: Numbers
    frequencies: npt.NDArray[np.float32]


@lru_cache(maxsize=1)
def _shells() -> _Shells:
    grid = [axis.expand(GRID, GRID, GRID // 2 + 1) for axis in fourier.frequencies((GRID,) * 3)]
    at = torch.stack(grid).flatten(1).numpy()
    radius = np.sqrt(np.square(at).sum(axis=0))
    chosen = np.flatnonzero(
        (radius >= _BAND[0]) & (radius <= _BAND[1]) & (np.abs(at[1]) < np.float32(_OFF_AXIS) * radius)
    )
    shell = (radius[chosen] * np.float32(GRID / 2)).astype(np.int64)
    order = np.argsort(shell, kind="stable")
    _, shell = np.unique(shell[order], return_inverse=True)
    every = max(1, len(chosen) // _MOST)
    some = np.argsort(order, kind="stable")[::every]
    return _Shells(
        chosen[order], np.flatnonzero(np.diff(shell)) + 1, shell, some, np.ascontiguousarray(at[:, chosen[::every]])
    )


def coefficients(power: Float[Tensor, "grid grid half"]) -> tuple[Floats, Floats]:
    """Frequencies z, y, x of some coefficients of :func:`block_power`, `[3, n]`, and how full each is, 0 to 1."""
    seen = _coefficients(power).astype(np.float64)
    return seen[:3], seen[3]


def _coefficients(power: Float[Tensor, "grid grid half"]) -> Seen:
    """Frequencies z, y, x of some coefficients, and how full each is, 0 to 1: `[4, n]`."""
    shells = _shells()
    values = power.numpy().ravel()[shells.places].astype(np.float64)
    usual = [float(np.quantile(part, _USUAL)) for part in np.split(values, shells.ends)]
    level = _EMPTY * np.maximum(usual, np.finfo(np.float64).tiny)
    full = np.clip(values[shells.some] / level[shells.shell[shells.some]], 0, 1)
    return np.concatenate([shells.frequencies, full[None].astype(np.float32)])


def _best_ends(seen: Seen, variance: float, about_x: float, about_z: float) -> tuple[float, float, float, float]:
    """Share of the variance that the best range about an axis explains, its ends in degrees, and the contrast."""
    places, full = seen[:3], seen[3]
    into = (about("x", about_x) @ about("z", about_z)).astype(np.float32)  # as `positioned` turns a sweep
    number = round(180 / _STEP)
    with np.errstate(divide="ignore"):
        slope = np.arctan((into[0] @ places) / (into[2] @ places))
    bins = ((slope + np.float32(math.pi / 2)) * np.float32(number / math.pi)).astype(np.int64)
    counts, sums = (_running(np.bincount(bins, weights, number + 1)) for weights in (None, full))
    ends = np.arange(number + 1) * _STEP - 90
    low, high = ((ends >= first) & (ends <= last) for first, last in ((-WIDEST, -NARROWEST), (NARROWEST, WIDEST)))
    total = counts[-1]
    inside = counts[high][None] - counts[low][:, None]
    beyond_share = sums * total - counts * sums[-1]  # of what is inside, beyond its share of all; times all
    excess = beyond_share[high][None] - beyond_share[low][:, None]
    both = np.maximum(inside * (total - inside), 1)
    between = excess * np.abs(excess) / both
    row, column = np.unravel_index(int(between.argmax()), between.shape)
    explained = float(between[row, column] / total**2 / max(variance, 1e-12))
    contrast = float(excess[row, column] / both[row, column])
    return explained, float(ends[low][row]), float(ends[high][column]), contrast


def _running(histogram: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Sums up to each end of the bins; the last bin, of 90 degrees sharp, is the first one."""
    histogram[0] += histogram[-1]
    return np.concatenate([[0.0], np.cumsum(histogram[:-1], dtype=np.float64)])


def missing_energy(power: Float[Tensor, "grid grid half"], measured: Measured, edges: tuple[int, int, int]) -> float:
    """Share of the energy in the region called missing, three Fourier pixels off its faces.

    Parameters
    ----------
    power : tensor
        Mean of :func:`block_power`.
    measured : Measured
        What is said to be measured.
    edges : tuple of int
        Of the blocks, whose Fourier pixels count.
    """
    missing = _missing(measured, 3.0 * GRID / min(edges))
    counted = power * fourier.multiplicity((GRID,) * 3)
    return float(counted[missing].sum() / counted.sum())


@lru_cache(maxsize=4)
def _missing(measured: Measured, guard: float) -> Bool[Tensor, "grid grid half"]:
    """Which coefficients lie in the missing region, away from its faces; tilts of many tomograms are the same."""
    return wedge.regions((GRID,) * 3, measured, guard)[0].clone()
