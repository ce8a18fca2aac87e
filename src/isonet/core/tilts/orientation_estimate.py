"""How the missing wedge lies as a tomogram itself shows it: its faces, and the turns of the tilt axis about x and z.

Most of what is not measured has next to no power: of the coefficients of the three-dimensional power spectrum each one
tells, by more or less than half of what most of its shell have, whether it was measured. Of all double wedges whose
axis runs near y the one is sought that parts the coefficients best into such that were and such that were not, in the
least-square sense: an end is where as many on either side are on the wrong one, as a window smears the faces.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from scipy.optimize import minimize
from torch import Tensor

from isonet.core import fourier
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured, positioned

Floats = npt.NDArray[np.float64]
GRID = 128
"""Samples of a spectrum along each axis, and the longest edge of a block."""
_BAND = (0.08, 0.42)  # cycles per voxel
_OFF_AXIS = math.cos(math.radians(35))  # nearer to y directions tell little
_EMPTY = 0.5  # of what most coefficients of a shell have
_USUAL = 0.6  # quantile
_MOST = 60_000  # coefficients
_STEP = 0.5  # degrees
_BEYOND = 2.5  # degrees by which merged planes and the window make the measured region wider
_NARROWEST, _WIDEST = 15.0, 85.0  # degrees an end may be at
_ABOUT_X, _ABOUT_Z = np.arange(-16.0, 17, 4), np.arange(-12.0, 13, 4)
_SHORTEST = 32  # voxels
_EXPLAINED, _CONTRAST = 0.3, 0.6  # from which there is a wedge


@dataclass(frozen=True)
class OrientationEstimate:
    """How a wedge lies.

    Attributes
    ----------
    about_x, about_z : float
        Degrees by which the volume was turned before it was tilted, as :mod:`isonet.core.tilts.measured` draws it.
    tilt_min, tilt_max : float
        Ends of the measured range in degrees; turns about y are in them.
    contrast : float
        How much larger a share of the coefficients of the measured region is not empty than of the missing one.
    clear : bool
        Whether the spectrum shows a wedge at all.
    """

    about_x: float
    about_z: float
    tilt_min: float
    tilt_max: float
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
    return torch.fft.rfftn((block - mean) / deviation * window, s=(GRID,) * 3).abs().square()


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
    places, full = _coefficients(power)

    def unexplained(turns: Floats) -> float:
        return -_best_ends(places, full, turns[0], turns[1])[0]

    few = places[:, ::4], full[::4]
    begin = max(((x, z) for x in _ABOUT_X for z in _ABOUT_Z), key=lambda turns: _best_ends(*few, *turns)[0])
    simplex = np.array([begin, (begin[0] + 3, begin[1]), (begin[0], begin[1] + 3)])
    found = minimize(
        unexplained, begin, method="Nelder-Mead", options={"initial_simplex": simplex, "xatol": 0.1, "fatol": 1e-6}
    )
    about_x, about_z = found.x
    explained, low, high, contrast = _best_ends(places, full, about_x, about_z)
    clear = explained > _EXPLAINED and contrast > _CONTRAST
    return OrientationEstimate(float(about_x), float(about_z), low + _BEYOND, high - _BEYOND, contrast, clear)


def _coefficients(power: Float[Tensor, "grid grid half"]) -> tuple[Floats, Floats]:
    """Frequencies z, y, x of some coefficients, `[3, n]`, and how full each is, 0 to 1."""
    shape = (GRID,) * 3
    at = torch.stack([axis.expand(power.shape) for axis in fourier.frequencies(shape)])
    radius = at.square().sum(0).sqrt()
    chosen = (radius >= _BAND[0]) & (radius <= _BAND[1]) & (at[1].abs() < _OFF_AXIS * radius)
    every = max(1, int(chosen.sum()) // _MOST)
    shell = (radius[chosen] * GRID / 2).long()
    values = power[chosen].double()
    usual = torch.ones(int(shell.max()) + 1, dtype=torch.float64)
    for number in range(int(shell.min()), len(usual)):
        usual[number] = values[shell == number].quantile(_USUAL).clamp(min=torch.finfo(torch.float64).tiny)
    full = (values / (_EMPTY * usual[shell])).clamp(0, 1)
    return at[:, chosen][:, ::every].double().numpy(), full[::every].numpy()


def _best_ends(places: Floats, full: Floats, about_x: float, about_z: float) -> tuple[float, float, float, float]:
    """Share of the variance that the best range about an axis explains, its ends in degrees, and the contrast."""
    into = np.array(positioned((-1, 1), about_x, about_z).turn).T
    kz, _, kx = into @ places
    angle = np.degrees(np.arctan2(kz, kx))
    bins = np.floor(((angle + 90) % 180) / _STEP).astype(int)
    number = round(180 / _STEP)
    count = np.concatenate([[0], np.cumsum(np.bincount(bins, minlength=number))])
    sums = np.concatenate([[0], np.cumsum(np.bincount(bins, weights=full, minlength=number))])
    ends = np.arange(number + 1) * _STEP - 90
    low, high = ((ends >= first) & (ends <= last) for first, last in ((-_WIDEST, -_NARROWEST), (_NARROWEST, _WIDEST)))
    inside = count[high][None] - count[low][:, None]
    inside_sum = sums[high][None] - sums[low][:, None]
    outside, outside_sum = count[-1] - inside, sums[-1] - inside_sum
    contrast = inside_sum / np.maximum(inside, 1) - outside_sum / np.maximum(outside, 1)
    between = inside * outside / count[-1] ** 2 * contrast * np.abs(contrast)
    row, column = np.unravel_index(int(between.argmax()), between.shape)
    explained = float(between[row, column] / max(full.var(), 1e-12))
    return explained, float(ends[low][row]), float(ends[high][column]), float(contrast[row, column])


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
    shape = (GRID,) * 3
    times = fourier.multiplicity(shape)
    guard = 3.0 * GRID / min(edges)
    missing, _ = wedge.regions(shape, measured, guard)
    return float((power * times)[missing].sum() / (power * times).sum())
