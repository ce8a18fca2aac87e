r"""Noise of a map at each frequency and in each direction, measured in the map itself.

What is in a sample is much alike in all directions; noise is not, since tilts are weighted by dose and thickness. What
a map's power `P` has beyond its signal `S` (:mod:`isonet.core.simulation.separation`) is therefore its noise. It is
told as a multiple of what back-projection leaves of white noise, of which there is little near the tilt axis::

    N(k, a, r) = G(k, a) c(r) A^2(r)          G(k, a) = sum P - S / sum c A^2

`k` in shells to the corners of Fourier space, `a` the angle of `k_z` and `k_x`, which for tilts about y is that of the
image. Beyond the first shell that shows next to no signal all is noise. Where signal rules, at low frequencies, the
level of a shell is that of all directions, and they differ as in the shells where noise rules first.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from isonet.core import fourier
from isonet.core.fourier import Shape
from isonet.core.simulation.separation import Separated, separated
from isonet.core.simulation.spectra import SHELLS, tapered, with_signal
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured

_FARTHEST = math.ceil(2 * SHELLS * math.sqrt(3) / 2) + 1
_DIRECTIONS = 30  # of 6 degrees, from -90 to 90
_RULES = 0.5  # of the power
_PATTERN = 20  # shells
_LOW = 6  # shells, of which a high-pass filter may have taken the signal
_SMOOTHED = 2  # shells to either side
_NO_SIGNAL = 0.03  # of the power: beyond, all is noise, of which no part may be taken for signal
_SEEN = 0.3  # of what is usual in a shell: less, and a direction lies at the faces of the wedge, or in it


@dataclass(frozen=True, eq=False)
class Grain:
    """Noise of a map.

    Attributes
    ----------
    separated : Separated
        Signal and noise of the map.
    level : tensor
        `G`, in shells beyond the Nyquist frequency and by direction, on the scale of the map.
    """

    separated: Separated
    level: Float[Tensor, "shells directions"]

    def amplitude(self, shape: Shape) -> Float[Tensor, "z y kx"]:
        """Amplitude of the noise at each frequency of a volume, rfft layout, linear between directions."""
        shell, direction = _shell(shape), _direction(shape) - 0.5
        lower = direction.floor()
        share = direction - lower
        below, above = (self.level[shell, _within(lower + step)] for step in (0, 1))
        return (((1 - share) * below + share * above) * self.separated.unit(shape)).sqrt()


def grain_of_map(cubes: Float[Tensor, "n c c c"], measured: Measured) -> Grain:
    """Measure the noise of a map that was tilted about y.

    Parameters
    ----------
    cubes : tensor
        Sub-volumes all over it, bright.
    measured : Measured
        What it has measured.

    Returns
    -------
    Grain
        On the scale of the sub-volumes.

    Raises
    ------
    NoSpectraError
        If signal and noise cannot be told apart, or there is next to no signal.
    """
    told = separated(cubes, measured)
    with_signal(told.signal, told.noise)  # for its refusal
    share = told.signal / (told.signal + told.noise).clamp_min(1e-30)
    noise, power, unit, known = _sums(cubes, told, share)
    level = _ratio(noise, unit, known)
    rules = int((share < _RULES).long().argmax())
    noise_ahead, unit_ahead = (one[rules : rules + _PATTERN].sum(0, keepdim=True) for one in (noise, unit))
    pattern = _ratio(noise_ahead, unit_ahead, known[rules : rules + 1])
    whole = float((pattern * unit_ahead).sum() / unit_ahead.sum().clamp_min(1e-30))
    most = (power.sum(1) / unit.sum(1).clamp_min(1e-30))[:rules]
    of_shell = torch.minimum(float(cubes.var()) * told.level[:rules], most)
    level[:rules] = of_shell[:, None] * pattern / max(whole, 1e-30)
    return Grain(told, level)


def _sums(cubes: Tensor, told: Separated, share: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sums of `P - S`, `P` and `c A^2` by shell and direction, and whether more is seen there than a face leaves."""
    shape, measured = fourier.spatial_shape(cubes), told.measured
    first = _LOW + int((share[_LOW:] <= _NO_SIGNAL).long().argmax())  # none in the shell beyond the Nyquist frequency
    signal = torch.zeros(_FARTHEST)
    signal[:first] = float(cubes.var()) * told.signal[:first].clamp_min(0)
    shell, direction = _shell(shape), _within(_direction(shape).floor())
    power, seen = tapered(cubes).abs().square().mean(0), wedge.weight(shape, measured).square()
    values = (power - signal[shell] * seen, power, told.unit(shape), torch.ones(()))
    *sums, count = _with_neighbours([_smoothed(_binned(one, shell, direction)) for one in values])
    usual = sums[-1].sum(1) / count.sum(1).clamp_min(1)
    return sums[0], sums[1], sums[2], sums[2] > _SEEN * count * usual[:, None]


def _ratio(noise: Tensor, unit: Tensor, known: Tensor) -> Float[Tensor, "shells directions"]:
    """Noise by direction, and that of all directions together beside the faces of the wedge, where little is known."""
    together = (noise * known).sum(1) / (unit * known).sum(1).clamp_min(1e-30)
    return torch.where(known, noise / unit.clamp_min(1e-30), together[:, None]).clamp_min(0)


def _binned(values: Tensor, shell: Tensor, direction: Tensor) -> Float[Tensor, "shells directions"]:
    """Sums over the coefficients of each shell and direction."""
    times = fourier.multiplicity((2 * (shell.shape[-1] - 1),) * 3).expand(shell.shape)
    place = (shell * _DIRECTIONS + direction).flatten()
    sums = torch.zeros(_FARTHEST * _DIRECTIONS).index_add_(0, place, (values * times).flatten().float())
    return sums.reshape(_FARTHEST, _DIRECTIONS)


def _shell(shape: Shape) -> Int[Tensor, "z y kx"]:
    return (fourier.radial_frequency(shape) * 2 * SHELLS + 0.5).floor().long().clamp(max=_FARTHEST - 1)


def _direction(shape: Shape) -> Float[Tensor, "z y kx"]:
    """Angle of `k_z` and `k_x` in steps from -90 degrees."""
    kz, _, kx = fourier.frequencies(shape)
    steps = (torch.atan2(kz, kx) / math.pi + 0.5) * _DIRECTIONS
    return steps.expand(fourier.radial_frequency(shape).shape)


def _within(steps: Tensor) -> Int[Tensor, "z y kx"]:
    return steps.long().clamp(0, _DIRECTIONS - 1)


def _with_neighbours(sums: list[Tensor]) -> list[Tensor]:
    """Take the sums of both neighbours where a direction has no coefficients, which the last of them counts."""
    empty = sums[-1] == 0
    beside = (torch.nn.functional.pad(one[None], (1, 1), mode="replicate")[0] for one in sums)
    return [torch.where(empty, two[:, :-2] + two[:, 2:], one) for one, two in zip(sums, beside, strict=True)]


def _smoothed(values: Float[Tensor, "shells directions"]) -> Float[Tensor, "shells directions"]:
    """Sums over neighbouring shells."""
    edge = 2 * _SMOOTHED + 1
    padded = torch.nn.functional.pad(values[None], (0, 0, _SMOOTHED, _SMOOTHED), mode="replicate")[0]
    return padded.unfold(0, edge, 1).sum(-1)
