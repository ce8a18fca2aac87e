r"""Power of a map's noise at each frequency and in each direction, measured in the map itself.

What is in a sample is much alike in all directions; noise is not, since tilts are weighted by dose and thickness, and
interpolation takes more of it where `k` is large. What a map's power `P` has beyond its signal `S`
(:mod:`isonet.core.simulation.spectra`) is therefore its noise::

    N(k, a) = P(k, a) - S(k)

`k` in shells to the corners of Fourier space, `a` the angle of `k_z` and `k_x`, which for tilts about y is that of the
image. Beyond the first shell that shows next to no signal all is noise. Where signal rules, at low frequencies, the
directions are those of the lowest shell that is read, and the power of a shell is that of the noise which
:func:`~isonet.core.simulation.spectra.spectra_of_map` tells.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from isonet.core import fourier
from isonet.core.fourier import Shape
from isonet.core.simulation.spectra import SHELLS, tapered

_FARTHEST = math.ceil(2 * SHELLS * math.sqrt(3) / 2) + 1
_DIRECTIONS = 30  # of 6 degrees, from -90 to 90
_SIGNAL_RULES = 10  # shells of 1 / (2 SHELLS) cycles per voxel
_SMOOTHED = 2  # shells to either side
_NO_SIGNAL = 0.03  # of the power: beyond, all is noise, of which no part may be taken for signal


@dataclass(frozen=True, eq=False)
class Grain:
    """Noise of a map.

    Attributes
    ----------
    power : tensor
        `N` for each coefficient and voxel, in shells beyond the Nyquist frequency and by direction.
    """

    power: Float[Tensor, "shells directions"]

    def amplitude(self, shape: Shape) -> Float[Tensor, "z y kx"]:
        """Amplitude of the noise at each frequency of a volume, rfft layout, linear between directions."""
        shell, direction = _shell(shape), _direction(shape) - 0.5
        lower = direction.floor()
        share = direction - lower
        below, above = (self.power[shell, _within(lower + step)] for step in (0, 1))
        return ((1 - share) * below + share * above).sqrt()


def grain_of_map(
    cubes: Float[Tensor, "n c c c"], signal: Float[Tensor, " shells"], noise: Float[Tensor, " shells"]
) -> Grain:
    """Measure the noise of a map that was tilted about y.

    Parameters
    ----------
    cubes : tensor
        Sub-volumes all over it.
    signal, noise : tensor
        `S` and `N` of all directions together, of a map of variance 1.

    Returns
    -------
    Grain
        On the scale of the sub-volumes.
    """
    shape = fourier.spatial_shape(cubes)
    beyond = tapered(cubes).abs().square().mean(0)
    shell = _shell(shape)
    known = torch.zeros(_FARTHEST)
    there_is = (signal > _NO_SIGNAL * (signal + noise)).long().cumprod(0)  # up to the first shell without
    known[:SHELLS] = float(cubes.var()) * (there_is * signal)[:SHELLS]
    place = (shell * _DIRECTIONS + _within(_direction(shape).floor())).flatten()
    times = fourier.multiplicity(shape).expand(shell.shape).flatten().float()
    sums, counts = torch.zeros(2, _FARTHEST * _DIRECTIONS)
    sums.index_add_(0, place, (beyond - known[shell]).flatten() * times)
    counts.index_add_(0, place, times)
    sums, counts = (_smoothed(one.reshape(_FARTHEST, _DIRECTIONS)) for one in (sums, counts))
    power = (sums / counts.clamp_min(1e-9)).clamp_min(0)
    low = (noise[:_SIGNAL_RULES] / noise[_SIGNAL_RULES].clamp_min(1e-12)).clamp(max=1)
    power[:_SIGNAL_RULES] = low[:, None] * power[_SIGNAL_RULES]
    return Grain(power)


def _shell(shape: Shape) -> Int[Tensor, "z y kx"]:
    return (fourier.radial_frequency(shape) * 2 * SHELLS + 0.5).floor().long().clamp(max=_FARTHEST - 1)


def _direction(shape: Shape) -> Float[Tensor, "z y kx"]:
    """Angle of `k_z` and `k_x` in steps from -90 degrees."""
    kz, _, kx = fourier.frequencies(shape)
    steps = (torch.atan2(kz, kx) / math.pi + 0.5) * _DIRECTIONS
    return steps.expand(fourier.radial_frequency(shape).shape)


def _within(steps: Tensor) -> Int[Tensor, "z y kx"]:
    return steps.long().clamp(0, _DIRECTIONS - 1)


def _smoothed(values: Float[Tensor, "shells directions"]) -> Float[Tensor, "shells directions"]:
    """Sums over neighbouring shells."""
    edge = 2 * _SMOOTHED + 1
    padded = torch.nn.functional.pad(values[None], (0, 0, _SMOOTHED, _SMOOTHED), mode="replicate")[0]
    return padded.unfold(0, edge, 1).sum(-1)
