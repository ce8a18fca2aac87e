r"""Signal and noise of a tomogram, as its halves or its own spectrum tell.

Power is counted for each coefficient of a map whose standard deviation is 1, in shells of what was measured. Two halves
`v_0` and `v_1`, with noise of their own, tell signal and noise of their mean::

    S = Re <v_0 v_1*>        N = <|v_0 - v_1|^2> / 4

Of halves from every other tilt of a thick sample, what only one has measured counts as noise, too: a network takes it
for what cannot be known.

One map tells the sum of both, which :mod:`isonet.core.simulation.separation` tells apart.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from isonet.core import fourier
from isonet.core.fourier import Shape
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured

SHELLS = 48
"""From 0 to the Nyquist frequency."""
_BAND = (0.03, 0.2)  # cycles per voxel: where the signal of tomograms is
_LEAST_SIGNAL = 0.01  # of the power in the band
_RING, _ANGLE = (0.1, 0.3), 5  # cycles per voxel, degrees
_GUARD = 1.0  # Fourier pixels off the faces of the wedge


class NoSpectraError(ValueError):
    """Signal and noise of a map cannot be told apart; the message says why."""


def spectra_of_halves(
    cubes: Float[Tensor, "n 2 c c c"], measured: Measured
) -> tuple[Float[Tensor, " shells"], Float[Tensor, " shells"]]:
    """Tell signal and noise of the mean of two halves.

    Parameters
    ----------
    cubes : tensor
        Sub-volumes of both, bright.
    measured : Measured
        What both have measured.

    Returns
    -------
    signal, noise : tensor
        `S` and `N`.

    Raises
    ------
    NoSpectraError
        If there is next to no signal.
    """
    variance = float(cubes.mean(1).var())
    signal, grain = (one / variance for one in shared_and_not(cubes, measured))
    return with_signal(signal, grain)


def shared_and_not(
    pairs: Float[Tensor, "n 2 z y x"], measured: Measured
) -> tuple[Float[Tensor, " shells"], Float[Tensor, " shells"]]:
    """Tell what two halves share, and what is the noise of their mean, on the scale of their grey values.

    Parameters
    ----------
    pairs : tensor
        Volumes or parts of both.
    measured : Measured
        What both have measured.

    Returns
    -------
    signal, noise : tensor
        `S`, which may be below 0, and `N`.
    """
    shape = fourier.spatial_shape(pairs)
    one, two = tapered(pairs).unbind(1)
    shell, times = shell_of(shape), fourier.multiplicity(shape) * well_measured(shape, measured)
    signal = mean_of_shells((one * two.conj()).real.mean(0), shell, times)
    return signal, mean_of_shells((one - two).abs().square().mean(0), shell, times) / 4


def by_angle(volume: Float[Tensor, "z y x"]) -> Float[Tensor, " angles"]:
    """Power at 0.1 to 0.3 cycles per voxel near the XZ plane, by the angle to x, 5 degrees each; the mean is 1.

    Tilts about y measure an angle as large as theirs, so that this shows the wedge, and how noise lies beside it.
    """
    shape = fourier.spatial_shape(volume)
    like = fourier.radial_frequency(shape)
    kz, ky, kx = (one.expand_as(like) for one in fourier.frequencies(shape))
    radius = torch.hypot(kz, kx)
    ring = (radius > _RING[0]) & (radius < _RING[1]) & (ky.abs() < _RING[0])
    angle = torch.rad2deg(torch.atan2(kz.abs(), kx.abs()))[ring]
    which = (angle / _ANGLE).floor().long().clamp(max=round(90 / _ANGLE) - 1)
    found = tapered(volume[None])[0].abs().square()[ring]
    sums = torch.zeros(round(90 / _ANGLE)).index_add_(0, which, found)
    counts = torch.bincount(which, minlength=len(sums)).clamp_min(1)
    means = sums / counts
    return means / means.mean()


def shell_of(shape: Shape) -> Int[Tensor, "z y kx"]:
    """Shell of each coefficient; `SHELLS` beyond the Nyquist frequency."""
    return (fourier.radial_frequency(shape) * 2 * SHELLS + 0.5).floor().long().clamp(max=SHELLS)


def power(volume: Float[Tensor, "z y x"]) -> Float[Tensor, " shells"]:
    """Power of a volume in shells, for each coefficient and voxel."""
    shape = fourier.spatial_shape(volume)
    values = fourier.transform(volume).abs().square() / math.prod(shape)
    return mean_of_shells(values, shell_of(shape), fourier.multiplicity(shape))


def with_signal(signal: Tensor, grain: Tensor) -> tuple[Tensor, Tensor]:
    """Return both without negative numbers.

    Raises
    ------
    NoSpectraError
        If there is next to no signal.
    """
    there_is, weight = band(), torch.arange(SHELLS + 1).square()  # coefficients of a shell
    there, all_of_it = ((one * weight)[there_is].sum() for one in (signal, signal + grain))
    if float(there) < _LEAST_SIGNAL * float(all_of_it):
        raise NoSpectraError("it shows next to no signal")
    return signal.clamp_min(0), grain.clamp_min(0)


def tapered(cubes: Float[Tensor, "*n z y x"]) -> Tensor:
    """Transforms of sub-volumes without their mean, such that squares are powers of a coefficient for each voxel."""
    shape = fourier.spatial_shape(cubes)
    window = fourier.taper(shape, shape[0] // 8)
    inside = (cubes - cubes.mean((-3, -2, -1), keepdim=True)) * window
    return fourier.transform(inside) / math.sqrt(math.prod(shape) * float(window.square().mean()))


def well_measured(shape: Shape, measured: Measured) -> Bool[Tensor, "z y kx"]:
    """Coefficients off the faces of the wedge."""
    return wedge.regions(shape, measured, _GUARD)[1]


def mean_of_shells(values: Tensor, shell: Tensor, times: Tensor) -> Float[Tensor, " shells"]:
    """Mean of each shell over coefficients that count so many times, or of the nearest with any."""
    counts = times.expand(shell.shape).flatten().double()
    count = torch.zeros(SHELLS + 1, dtype=torch.float64).index_add_(0, shell.flatten(), counts)
    sums = torch.zeros_like(count).index_add_(0, shell.flatten(), values.expand(shell.shape).flatten() * counts)
    first = int((count > 0).long().argmax())
    known = torch.where(count > 0, torch.arange(SHELLS + 1), first).cummax(0).values
    return (sums / count.clamp_min(1))[known].float()


def band() -> Bool[Tensor, " shells"]:
    """Shells where the signal of tomograms is."""
    return _between(*_BAND)


def _between(low: float, high: float) -> Bool[Tensor, " shells"]:
    frequency = torch.arange(SHELLS + 1) / (2 * SHELLS)
    return (frequency > low) & (frequency < high)
