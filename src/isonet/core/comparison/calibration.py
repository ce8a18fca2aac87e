r"""How far to believe a network, frequency by frequency, as one half of the data tells about the other.

A network trained on halves need not be right about the strength of what it predicts, and may drop detail at frequencies
where little signal is. Both can be measured without knowing the truth: the noise of the halves is independent, so the
linear combination of prediction `p = f(v_0)` and data `v_0` that comes closest to the *other* half `v_1` in the mean
square also comes closest to the signal (Lehtinen et al. 2018). In every shell, over what both halves have measured::

    minimise  sum |v_1 - (a p + b v_0)|^2        ->  a, b

In the missing wedge there are no data to compare with. A network is too shy there: it was trained on sub-volumes
whose filled part told it less than measurements do. How much too shy is seen where tilts are withheld: the outer ones
are taken away from a half, which leaves the narrower wedge weight `W'`, and the prediction is compared with what the
other half has measured there, or the one map, of whose noise there the network was shown nothing::

    minimise  sum |v_1 - c f(W' v_0)|^2          ->  c           where W_1 = 1 and W' = 0, off the faces

Nothing is seen there of what lies farther from measured content than the withheld tilts reach. Farther in, a `c` above
1 goes back to 1, which it is at twice that angle: strengthening what nothing vouches for is worse than leaving it shy.
One below 1 holds all the way: what is too strong near measured content is not believed more far from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core import fourier
from isonet.core.fourier import Shape, Transfer
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured, Tilts

KEPT = 0.7
_OFF_FACES = 1.0  # Fourier pixels
_OFF_GIVEN = 2.5  # the same where noise is shared: farther than a window carries what a soft face lets pass
_FEWEST = 50
_PRIOR_ERROR = 0.5
_MOST_FILL = 3.0
_BLUR = 1.5**3  # coefficients that a Hann window along three axes makes one of


@dataclass(frozen=True)
class Gains:
    """Factors of prediction and data by frequency.

    Attributes
    ----------
    frequency : tensor
        Cycles per voxel, rising from 0.
    network, data : tensor
        `a` and `b`, where the data are measured.
    fill : tensor
        `c`, in the missing wedge.
    """

    frequency: Float[Tensor, " shells"]
    network: Float[Tensor, " shells"]
    data: Float[Tensor, " shells"]
    fill: Float[Tensor, " shells"]

    def to(self, device: torch.device) -> "Gains":
        """Return the gains on a device."""
        return Gains(*(one.to(device) for one in (self.frequency, self.network, self.data, self.fill)))


def withheld_tilts(tilts: Sequence[float]) -> tuple[float, ...]:
    """Return the inner seven tenths of the tilts, a range or a list: those kept while the outer ones are withheld."""
    middle, reach = (max(tilts) + min(tilts)) / 2, KEPT * (max(tilts) - min(tilts)) / 2
    if len(tilts) == 2:
        return middle - reach, middle + reach
    return tuple(angle for angle in tilts if abs(angle - middle) <= reach)


def measure_gains(
    halves: Float[Tensor, "n 2 c c c"],
    predictions: Float[Tensor, "n 2 c c c"],
    tilts: Sequence[Tilts],
    alike: Tensor | None = None,
) -> tuple[Float[Tensor, " shells"], Float[Tensor, " shells"]]:
    """Find `a` and `b` from sub-volumes of both halves and the network's prediction from each.

    Parameters
    ----------
    halves : tensor
        Sub-volumes of the normalised halves.
    predictions : tensor
        What the network made of each.
    tilts : sequence
        Degrees, range or list, or what was measured in general, of each half.
    alike : tensor, optional
        How far both halves have measured the same (:func:`isonet.core.tilts.shared.weight`); all if left out.

    Returns
    -------
    network, data : tensor
        `a` and `b` in shells one Fourier pixel of the sub-volumes wide.
    """
    shape = fourier.spatial_shape(halves)
    first, second = (wedge.weight(shape, one, device=halves.device) for one in tilts)
    both = (first == 1) & (second == 1)
    if alike is not None:
        both = both & (alike == 1)
    sums = _Shells(shape, both, shape[0] // 2 + 1, halves.device)
    data, guess = sums.coefficients(halves, shape[0] // 4), sums.coefficients(predictions, shape[0] // 4)
    other = data.flip(1)
    pp, pv, vv = sums.product(guess, guess), sums.product(guess, data), sums.product(data, data)
    py, vy = sums.product(guess, other), sums.product(data, other)
    tiny = torch.finfo(torch.float64).tiny
    determinant = pp * vv - pv**2
    kept = ((vy * pp - py * pv) / determinant.clamp(min=1e-6 * (pp * vv).clamp(min=tiny))).clamp(0, 1)
    return _smooth((py - kept * pv) / pp.clamp(min=tiny)).clamp(min=0), _smooth(kept)


def measure_fill(
    maps: Float[Tensor, "n m e e e"],
    predictions: Float[Tensor, "n m e e e"],
    tilts: Tilts,
    shells: int,
) -> Float[Tensor, " shells"]:
    """Find `c` from sub-volumes of one map or both halves, and the network's predictions from their inner tilts.

    Parameters
    ----------
    maps : tensor
        Sub-volumes of the normalised map, or halves.
    predictions : tensor
        `f(W' v)` of each, `W'` that of :func:`withheld_tilts`.
    tilts : sequence of float or Measured
        Degrees, range or list, or what was measured in general.
    shells : int
        Number of shells from 0 to the Nyquist frequency.

    Returns
    -------
    tensor
        Found from each shell and the two on either side. Near 1 where little can be said: the figure is weighed with 1
        as if that had an error of a half. Shells too small for the withheld region to have coefficients are taken for
        like the first that has.
    """
    shape, device = fourier.spatial_shape(maps), maps.device
    kept = Measured.of(tilts).each(withheld_tilts)
    measured = wedge.face_distance(shape, tilts, device=device) > _OFF_FACES
    withheld = wedge.face_distance(shape, kept.ends, device=device) < -(_OFF_FACES if maps.shape[1] > 1 else _OFF_GIVEN)
    sums = _Shells(shape, measured & withheld, shells, device)
    data, guess = (sums.coefficients(one, max(shape)) for one in (maps, predictions))
    pp, py, vv = sums.product(guess, guess), sums.product(guess, data.flip(1)), sums.product(data, data)
    tiny = torch.finfo(torch.float64).tiny
    independent = maps.shape[0] * maps.shape[1] * sums.count / _BLUR
    certainty = _PRIOR_ERROR**2 * independent / vv.clamp(min=tiny)  # of each unit of the prediction's power
    fill = (_neighbours(certainty * py) + 1) / (_neighbours(certainty * pp) + 1)
    known = sums.count >= _FEWEST
    if bool(known.any()):
        first = int(known.long().argmax())
        fill[:first] = fill[first]
    return fill.clamp(0, _MOST_FILL).float()


def _neighbours(values: Float[Tensor, " shells"]) -> Float[Tensor, " shells"]:
    """Sum over a shell and the two on either side of it."""
    return torch.nn.functional.conv1d(values[None, None], torch.ones(1, 1, 5).to(values), padding=2)[0, 0]


class _Shells:
    """Sums over the shells of a region of Fourier space.

    Parameters
    ----------
    shape : tuple of int
        Edges of the sub-volumes.
    region : tensor of bool
        rfft layout: coefficients that count.
    shells : int
        Shells from 0 to the Nyquist frequency.
    device : device
        Where to compute.
    """

    def __init__(self, shape: Shape, region: Tensor, shells: int, device: torch.device) -> None:
        edge = 2 * (shells - 1)
        self._region = region.expand(shape[0], shape[1], shape[2] // 2 + 1)
        shell = torch.floor(fourier.radial_frequency(shape, device) * edge + 0.5).long()[self._region]
        times = fourier.multiplicity(shape, device).expand(self._region.shape)[self._region].double()
        self._shape, self._device, self._inside = shape, device, shell < shells
        self._shell, self._times = shell[self._inside], times[self._inside]
        self.count = torch.zeros(shells, dtype=torch.float64, device=device).index_add_(0, self._shell, self._times)

    def coefficients(self, volumes: Float[Tensor, "n m z y x"], width: int) -> Tensor:
        """Fourier coefficients `[n, m, k]` of the region, of volumes tapered over `width` voxels."""
        window = fourier.taper(self._shape, width, self._device)
        return fourier.transform(volumes * window)[..., self._region][..., self._inside]

    def product(self, one: Tensor, two: Tensor) -> Float[Tensor, " shells"]:
        """Sum of `Re one two*` by shell, over volumes and coefficients."""
        values = (one * two.conj()).real.double().sum(dim=(0, 1)) * self._times
        return torch.zeros_like(self.count).index_add_(0, self._shell, values)


def _smooth(values: Float[Tensor, " shells"]) -> Float[Tensor, " shells"]:
    """Mean over three neighbouring shells, so that the filter stays short in space."""
    padded = torch.cat([values[:1], values, values[-1:]])
    return ((padded[:-2] + padded[1:-1] + padded[2:]) / 3).float()


def vouched(shape: Shape, tilts: Tilts) -> Transfer:
    """How far a `c` above 1 holds in the missing wedge: 1 as far off its faces as tilts were withheld, 0 at twice that.

    Of two tilt axes, the nearer one vouches.

    Parameters
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    tilts : sequence of float or Measured
        Degrees, range or list, or what was measured in general.

    Returns
    -------
    callable
        Numbers from 0 to 1, as :func:`isonet.core.tilts.wedge.transfer` gives weights.
    """
    measured = Measured.of(tilts)

    def at(kz: Tensor, ky: Tensor, kx: Tensor) -> Tensor:
        parts = []
        for sweep in measured.sweeps:
            reach = (1 - KEPT) * (sweep.ends[1] - sweep.ends[0]) / 2
            parts.append((2 - wedge.beyond_sweep((kz, ky, kx), sweep) / reach).clamp(0, 1))
        return reduce(torch.maximum, parts)

    every = fourier.frequencies(shape)
    if measured.at_home:
        flat = at(*every)
        return lambda *_: flat
    return lambda _, ky, kx: at(every[0], ky, kx)


def combination(
    weights: Transfer,
    believed: Transfer,
    gains: Gains | None,
    kept: Transfer | None,
) -> tuple[Transfer, Transfer]:
    """Factors of prediction and data: `F^-1[ W^2 (a P + b V) + (1 - W^2) c' P ]`.

    `c'` is `1 + r (c - 1)`, or `c` where that is below 1.

    `W^2` is what the network was given of the truth: the data hold `W` of it, and `W V` is what it was shown.

    Parameters
    ----------
    weights : callable
        Wedge weight `W` of the volume (:func:`isonet.core.tilts.wedge.transfer`).
    believed : callable
        `r`: how far `c` holds where it is above 1 (:func:`vouched`).
    gains : Gains or None
        `a`, `b`, `c`; 1, 0 and 1 if there are none.
    kept : callable or None
        How far the data are put in place of that: the weight of single planes, between which `W` makes no difference.

    Returns
    -------
    prediction, data : callable
        Given `k_z` from 0 on, `k_y`, `k_x` in cycles per voxel, they return the factors at every `k_z`.
    """

    def gain(name: Literal["network", "data", "fill"], at: tuple[Tensor, ...], depth: int) -> Tensor:
        if gains is None:
            return torch.tensor(0.0 if name == "data" else 1.0)
        half = _at(getattr(gains, name).cpu(), gains.frequency.cpu(), torch.sqrt(at[0] ** 2 + at[1] ** 2 + at[2] ** 2))
        return torch.cat([half, half[1 : depth - len(half) + 1].flip(0)])

    def prediction(*at: Tensor) -> Tensor:
        seen = weights(*at).square()
        filled = _filled(gain("fill", at, len(seen)), believed(*at))
        factors = seen * gain("network", at, len(seen)) + (1 - seen) * filled
        return factors if kept is None else (1 - kept(*at)) * factors

    def data(*at: Tensor) -> Tensor:
        weight = weights(*at)
        factors = weight.square() * gain("data", at, len(weight))
        return factors if kept is None else 1 - (1 - kept(*at)) * (1 - factors)

    return prediction, data


def _filled(fill: Tensor, believed: Tensor) -> Tensor:
    """Gain in the wedge at each frequency, from what was measured near its faces."""
    return torch.where(fill > 1, 1 + believed * (fill - 1), fill)


def _at(gain: Float[Tensor, " shells"], frequency: Float[Tensor, " shells"], radius: Tensor) -> Tensor:
    """Interpolate a gain linearly at each radius; beyond the last shell it stays."""
    place = radius / frequency[1]
    lower = place.floor().long().clamp(max=len(gain) - 2)
    part = (place - lower).clamp(max=1)
    return torch.lerp(gain[lower], gain[lower + 1], part)
