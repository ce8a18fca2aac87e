r"""How far to believe a network, frequency by frequency, as one half of the data tells about the other.

A network trained on halves need not be right about the strength of what it predicts, and may drop detail at frequencies
where little signal is. Both can be measured without knowing the truth: the noise of the halves is independent, so the
linear combination of prediction `p = f(v_0)` and data `v_0` that comes closest to the *other* half `v_1` in the mean
square also comes closest to the signal (Lehtinen et al. 2018). In every shell, over what both halves have measured::

    minimise  sum |v_1 - (a p + b v_0)|^2        ->  a, b        where the data are measured
    minimise  sum |v_1 - c p|^2                  ->  c           for the missing wedge, where there is no data
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core import fourier, wedge
from isonet.core.fourier import Shape


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


def measure_gains(
    halves: Float[Tensor, "n 2 c c c"],
    predictions: Float[Tensor, "n 2 c c c"],
    tilts: Sequence[Sequence[float]],
) -> Gains:
    """Find the gains from sub-volumes of both halves and the network's prediction from each.

    Parameters
    ----------
    halves : tensor
        Sub-volumes of the normalised halves.
    predictions : tensor
        What the network made of each.
    tilts : sequence of sequence of float
        Degrees, range or list, of each half.

    Returns
    -------
    Gains
        In shells one Fourier pixel of the sub-volumes wide.
    """
    shape = fourier.spatial_shape(halves)
    edge = shape[0]
    first, second = (wedge.weight(shape, one, device=halves.device) for one in tilts)
    measured = ((first == 1) & (second == 1)).expand(edge, edge, edge // 2 + 1)
    shell = torch.floor(fourier.radial_frequency(shape, halves.device) * edge + 0.5).long()[measured]
    count = fourier.multiplicity(shape, halves.device).expand(measured.shape)[measured].double()
    window = fourier.taper(shape, edge // 4, halves.device)
    data = fourier.transform(halves * window)[..., measured]
    guess = fourier.transform(predictions * window)[..., measured]

    def product(one: Tensor, two: Tensor) -> Float[Tensor, " shells"]:
        """Sum of `Re one two*` by shell, over sub-volumes and halves."""
        values = (one * two.conj()).real.double().sum(dim=(0, 1)) * count
        sums = torch.zeros(edge // 2 + 1, dtype=torch.float64, device=halves.device)
        inside = shell <= edge // 2
        return sums.index_add_(0, shell[inside], values[inside])

    other = data.flip(1)
    pp, pv, vv = product(guess, guess), product(guess, data), product(data, data)
    py, vy = product(guess, other), product(data, other)
    tiny = torch.finfo(torch.float64).tiny
    determinant = pp * vv - pv**2
    kept = ((vy * pp - py * pv) / determinant.clamp(min=1e-6 * (pp * vv).clamp(min=tiny))).clamp(0, 1)
    return Gains(
        frequency=torch.arange(edge // 2 + 1, device=halves.device) / edge,
        network=_smooth((py - kept * pv) / pp.clamp(min=tiny)).clamp(min=0),
        data=_smooth(kept),
        fill=_smooth(py / pp.clamp(min=tiny)).clamp(min=0),
    )


def _smooth(values: Float[Tensor, " shells"]) -> Float[Tensor, " shells"]:
    """Mean over three neighbouring shells, so that the filter stays short in space."""
    padded = torch.cat([values[:1], values, values[-1:]])
    return ((padded[:-2] + padded[1:-1] + padded[2:]) / 3).float()


def calibrated(
    data: Float[Tensor, "*b z y x"], prediction: Float[Tensor, "*b z y x"], gains: Gains, weights: Tensor
) -> Float[Tensor, "*b z y x"]:
    """Combine data and prediction: `F^-1[ W (a P + b V) + (1 - W) c P ]`.

    Parameters
    ----------
    data, prediction : tensor
        `v` and `f(W v)`, of one shape.
    gains : Gains
        `a`, `b`, `c`.
    weights : tensor
        Wedge weight `W` of that shape, rfft layout.
    """
    shape = fourier.spatial_shape(data)
    a, b, c = (_on_grid(gain, gains.frequency, shape) for gain in (gains.network, gains.data, gains.fill))
    guess, measured = fourier.transform(prediction), fourier.transform(data)
    return fourier.inverse(weights * (a * guess + b * measured) + (1 - weights) * c * guess, shape)


def _on_grid(gain: Float[Tensor, " shells"], frequency: Float[Tensor, " shells"], shape: Shape) -> Tensor:
    """Interpolate a gain linearly at every coefficient of the rfft layout; beyond the last shell it stays."""
    place = fourier.radial_frequency(shape, gain.device) / frequency[1]
    lower = place.floor().long().clamp(max=len(gain) - 2)
    part = (place - lower).clamp(max=1)
    return torch.lerp(gain[lower], gain[lower + 1], part)
