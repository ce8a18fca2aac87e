r"""Signal and noise of one map, told apart by how its power depends on the distance to the tilt axis.

Planes of all tilts meet at the tilt axis, so that back-projected noise has next to no power beside it and ever more
farther off, `A^2(r)` with `r = hypot(k_z, k_x)` (:mod:`isonet.core.tilts.noise`). What is in a sample is as strong
there as elsewhere. So in each shell `k` of what was measured the power is::

    P(k, r) = S(k) + N(k) c(r) A^2(r)

`S` and `N` are fitted to it by weighted least squares. Where signal rules, at low frequencies, `N` is that of higher
shells, which tell it. The filter of the reconstruction, and interpolation, are in `c`, which is read where signal is
weakest: a Hamming window falls with `r`, a ramp leaves 1.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core import fourier
from isonet.core.fourier import Shape
from isonet.core.simulation.spectra import (
    SHELLS,
    NoSpectraError,
    mean_of_shells,
    shell_of,
    tapered,
    well_measured,
    with_signal,
)
from isonet.core.tilts import noise, wedge
from isonet.core.tilts.measured import Measured

_DISTANCES = 2 * SHELLS  # from 0 to farther than the corners of Fourier space, in steps of a shell
_ROUNDS = 6
_FIRST = 2  # shell: a taper spreads the mean over those below
_NEAR = 0.25  # cycles per voxel to the axis: beyond, planes of thick samples do not overlap, and signal is like noise
_WEAK = 0.4  # cycles per voxel, where signal is weakest
_READ = (0.15, 0.3)  # cycles per voxel to the axis, where what it is nearer is read off
_ALIKE = 3.0  # shells over which the level of noise changes little
_SPREAD = 1e-4  # of squared distances: less, and a shell has one distance alone, which tells no slope
_NONE = 1e-3  # of the power: nothing
_TRUSTED = 4  # power of the share of noise: signal that is not quite alike everywhere is taken for some
_FADES = 1.8  # times the power at 0.33 to 0.4 cycles per voxel over that beyond: more, and a filter has taken it
_MIDDLE, _LEAST_NOISE = (0.2, 0.33), 0.3  # cycles per voxel; of the power, 0.7 and more of what is not filtered

_FILTERED = "its high frequencies are not those of back-projected noise: it was filtered or denoised"


@dataclass(frozen=True, eq=False)
class Separated:
    """Power of a map for each coefficient, of a variance of 1.

    Attributes
    ----------
    measured : Measured
        What it has measured.
    signal, level : tensor
        `S`, which may be below 0, and `N` in shells, that beyond the Nyquist frequency included.
    response : tensor
        `c` at distances from 0 to 1 cycle per voxel.
    """

    measured: Measured
    signal: Float[Tensor, " shells"]
    level: Float[Tensor, " shells"]
    response: Float[Tensor, " distances"]

    def unit(self, shape: Shape) -> Float[Tensor, "z y kx"]:
        """`c A^2` at each frequency of a volume."""
        return self.response[_distance(shape, self.measured)] * _square(shape, self.measured)

    @cached_property
    def noise(self) -> Float[Tensor, " shells"]:
        """Mean of the noise's power in each shell of what was measured."""
        shape = (2 * SHELLS,) * 3
        shell, times = shell_of(shape), fourier.multiplicity(shape) * well_measured(shape, self.measured)
        return self.level * mean_of_shells(self.unit(shape), shell, times)


def separated(cubes: Float[Tensor, "n c c c"], measured: Measured) -> Separated:
    """Tell signal and noise of one map apart.

    Parameters
    ----------
    cubes : tensor
        Sub-volumes, bright.
    measured : Measured
        What it has measured.

    Returns
    -------
    Separated
        Of the map.

    Raises
    ------
    NoSpectraError
        If there is next to no noise at high frequencies: it was filtered or denoised.
    """
    shape = fourier.spatial_shape(cubes)
    power = tapered(cubes).abs().square().mean(0) / float(cubes.var())
    times = (fourier.multiplicity(shape) * well_measured(shape, measured)).expand(power.shape)
    place = (shell_of(shape) * _DISTANCES + _distance(shape, measured)).flatten()
    count, seen, unit = (
        torch.zeros((SHELLS + 1) * _DISTANCES).index_add_(0, place, (one * times).flatten().float())
        for one in (torch.ones(()).expand(power.shape), power, _square(shape, measured).expand(power.shape))
    )
    count, seen, unit = (one.reshape(SHELLS + 1, _DISTANCES) for one in (count, seen, unit))
    response = _response(seen, unit)
    _refuse_filtered(seen, response * unit)
    near, seen, unit = count.clone(), seen / count.clamp_min(1), response * unit / count.clamp_min(1)
    near[:_FIRST], near[SHELLS], near[:, round(2 * SHELLS * _NEAR) :] = 0, 0, 0
    expected = seen
    for _ in range(_ROUNDS):
        signal, level = _fitted(near, seen, unit, expected)
        expected = signal.clamp_min(0)[:, None] + level[:, None] * unit
    found = Separated(measured, signal, level, response)
    middle = slice(*(round(2 * SHELLS * one) for one in _MIDDLE))
    if float(found.noise[middle].sum()) < _LEAST_NOISE * float((found.noise + signal)[middle].sum()):
        raise NoSpectraError(_FILTERED)
    return found


def spectra_of_map(
    cubes: Float[Tensor, "n c c c"], measured: Measured
) -> tuple[Float[Tensor, " shells"], Float[Tensor, " shells"]]:
    """Tell signal and noise of one map, whose noise is that of a back-projection.

    Parameters
    ----------
    cubes : tensor
        Sub-volumes, bright.
    measured : Measured
        What it has measured.

    Returns
    -------
    signal, noise : tensor
        Mean of each shell of what was measured.

    Raises
    ------
    NoSpectraError
        If there is next to no signal, or the map was filtered or denoised.
    """
    told = separated(cubes, measured)
    return with_signal(told.signal, told.noise)


def _fitted(count: Tensor, seen: Tensor, unit: Tensor, expected: Tensor) -> tuple[Tensor, Tensor]:
    """Fit `S` and `N` of each shell, with errors as large as what is expected."""
    weight = count / expected.clamp_min(1e-9 * float(seen.max())).square()
    ones, linear, square = ((weight * unit**power).sum(1) for power in (0, 1, 2))
    value, product = (weight * seen).sum(1), (weight * unit * seen).sum(1)
    known = square - linear.square() / ones.clamp_min(1e-30)  # 1 / variance of the slope
    known = torch.where(known > _SPREAD * square, known, 0.0)
    slope = (product - linear * value / ones.clamp_min(1e-30)) * (known > 0) / known.clamp_min(1e-30)
    shells = torch.arange(len(slope))
    share = (slope * linear / value.clamp_min(1e-30)).clamp(0, 1)
    alike = torch.exp(-(shells[:, None] - shells).abs() / _ALIKE) * known * share**_TRUSTED
    level = (alike @ slope) / alike.sum(1).clamp_min(1e-30)
    signal = (value - level * linear) / ones.clamp_min(1e-30)
    there = ones > 0
    nearest = torch.where(there, shells, int(there.long().argmax())).cummax(0).values
    signal = signal[nearest]
    signal[-1] = 0
    return signal, level.clamp_min(0)


def _response(seen: Tensor, unit: Tensor) -> Float[Tensor, " distances"]:
    """Read `c` off where signal is weakest; nearer to the axis, where it is not, as it goes on.

    Parameters
    ----------
    seen, unit : tensor
        Sums of the power and of `A^2` over the coefficients of each shell and distance.
    """
    weakest, last = slice(round(2 * SHELLS * _WEAK), SHELLS), SHELLS - 1
    distance = torch.arange(_DISTANCES) / (2 * SHELLS)
    response, beyond = _ratio(seen[weakest], unit[weakest]), _ratio(seen[SHELLS:], unit[SHELLS:])
    read = (distance >= _READ[0]) & (distance <= _READ[1])
    curve = torch.stack([torch.ones(int(read.sum())), distance[read].square()], 1)
    base, bend = torch.linalg.lstsq(curve, response[read].log()[:, None]).solution[:, 0]
    nearer = torch.exp(base + bend * distance.square())
    response = torch.where(distance < _READ[0], nearer, response)
    response[last:] = response[last] * (beyond[last:] / beyond[last] if float(beyond[last]) > _NONE else 1)
    return response / nearer[0]


def _ratio(seen: Tensor, unit: Tensor) -> Float[Tensor, " distances"]:
    """Power over `A^2` at each distance and its neighbours, or as at the last where it is known."""
    window = torch.ones(1, 1, 3)
    told, there = (torch.nn.functional.conv1d(one.sum(0)[None, None], window, padding=1)[0, 0] for one in (seen, unit))
    known = there > 0
    nearest = torch.where(known, torch.arange(len(there)), 0).cummax(0).values
    return (told / there.clamp_min(1e-30)).clamp_min(_NONE)[nearest]


def _refuse_filtered(seen: Tensor, unit: Tensor) -> None:
    """Refuse a map whose high frequencies fade as no noise of a back-projection does."""
    first, second, last = (round(2 * SHELLS * one) for one in (0.33, 0.4, 0.5))
    before, beyond = (float(seen[one].sum() / unit[one].sum()) for one in (slice(first, second), slice(second, last)))
    if before > _FADES * beyond:
        raise NoSpectraError(_FILTERED)


def _distance(shape: Shape, measured: Measured) -> Tensor:
    """Distance of each frequency to the tilt axis, in shells."""
    kz, _, kx = wedge.home(fourier.frequencies(shape), measured.sweeps[0].turn)
    steps = (torch.hypot(kz, kx) * 2 * SHELLS + 0.5).floor().long()
    return steps.expand(fourier.radial_frequency(shape).shape)


def _square(shape: Shape, measured: Measured) -> Tensor:
    """Power of ramp-filtered, back-projected noise."""
    return noise.amplitude(shape, measured, "ramp").square()
