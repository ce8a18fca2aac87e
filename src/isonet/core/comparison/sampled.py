r"""How noisy a measurement is where halves from every other tilt have measured other planes.

A tilt measures a plane. Far from the tilt axis planes part (:mod:`isonet.core.tilts.shared`), and no coefficient is
measured twice: there the FSC between such halves is that of other samples, and says nothing of noise. But an image is
as noisy in one direction as in another. So noise is measured near the tilt axis, where both halves have measured the
same, and carried over to the planes that a prediction is compared with::

    FSC of the halves near the axis      F = alike / (1 + n)                n: noise over signal, of one half there
    FSC of the truth with the planes         reached / sqrt(1 + noise n)

`alike` and `reached` are what is reached without noise, since a plane shows all of a slab and a sub-volume is seen
under a window; `noise` is how many times `n` the planes have. None of them depends on the specimen, but on the tilts
and on where in the slab it lies. They are measured on a slab of random density that is imaged at the same tilts, and
on images that are nothing but noise. Directions are taken to be alike in signal, and images in noise: where outer tilts
are worse than others, the claim is too low.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from isonet.core.comparison import agreement
from isonet.core.comparison.agreement import Sums
from isonet.core.fourier import Shape
from isonet.core.simulation import projection
from isonet.core.tilts import shared, withheld

_ROWS = 96  # of the slab along y: the more, the less is left to chance


@dataclass(frozen=True)
class Sampling:
    """What a measurement of a sample shows of it in each shell.

    Attributes
    ----------
    alike : tensor
        FSC that two halves without noise have, where their noise is measured.
    noise : tensor
        Noise over signal where a prediction is compared, relative to that of one half where their noise is measured.
    reached : tensor
        FSC of the truth with a measurement without noise, where a prediction is compared.
    """

    alike: Float[Tensor, " shells"]
    noise: Float[Tensor, " shells"]
    reached: Float[Tensor, " shells"]

    @classmethod
    def same(cls, shells: int, noise: float) -> "Sampling":
        """Sampling of halves from frames: they have measured the same, and so has what is compared."""
        ones = torch.ones(shells, dtype=torch.float64)
        return cls(ones, noise * ones, ones)

    @classmethod
    def mean(cls, several: Sequence["Sampling"]) -> "Sampling":
        """Mean over tomograms, of those that have a shell."""
        names = ("alike", "noise", "reached")
        return cls(*(torch.stack([getattr(one, name) for one in several]).nanmean(0) for name in names))


def of_planes(
    amplitude: Float[Tensor, " depth"],
    halves: Sequence[Sequence[float]],
    reference: Sequence[float],
    kept: tuple[float, float],
    edges: Shape,
    width: float,
) -> Sampling:
    """Sampling of halves from every other tilt.

    Parameters
    ----------
    amplitude : tensor
        Of the specimen in each section of the tomogram, in any unit.
    halves : sequence of sequence of float
        Tilts of each half in degrees.
    reference : sequence of float
        Tilts of the map that a prediction is compared with: of one half, or all.
    kept : tuple of float
        Range in degrees that is not withheld.
    edges : tuple of int
        Voxels z, y, x of the sub-volumes in which volumes are compared.
    width : float
        Width of a shell in cycles per voxel.

    Returns
    -------
    Sampling
        NaN in shells in which nothing is measured or compared. The same for the same arguments.
    """
    generator = Generator().manual_seed(0)
    shape = (edges[0], _ROWS, edges[2])
    slab = amplitude[:, None, None].float() * torch.randn(len(amplitude), *shape[1:], generator=generator)
    near = agreement.make_bins(shape, width, shared.region(shape, halves, len(amplitude)))
    planes = agreement.make_bins(shape, width, withheld.region(shape, [reference], kept))
    first, second, other = (_Imaged(slab, tilts, shape[0], generator) for tilts in (*halves, reference))
    return Sampling(
        alike=Sums.of(first.signal, second.signal, near).correlation()[0],
        noise=(
            Sums.of(other.noise, other.signal, planes).power_ratio[0]
            / Sums.of(second.noise, second.signal, near).power_ratio[0]
        ),
        reached=Sums.of(_spectrum(slab, shape[0]), other.signal, planes).correlation()[0],
    )


class _Imaged:
    """A slab as a tilt series without noise shows it, and noise alone as strong in every image.

    Parameters
    ----------
    slab : tensor
        `[depth, y, x]`.
    tilts : sequence of float
        Degrees.
    depth : int
        Sections in the middle of the slab that are looked at.
    generator : Generator
        Of the noise.
    """

    def __init__(self, slab: Tensor, tilts: Sequence[float], depth: int, generator: Generator) -> None:
        angles = torch.tensor(tilts)
        images = projection.project(slab, angles, math.ceil(math.hypot(slab.shape[0], slab.shape[2])))
        noise = torch.randn(images.shape, generator=generator)
        self.signal, self.noise = (
            _spectrum(projection.back_project(projection.ramp_filter(one), angles, slab.shape[0], slab.shape[2]), depth)
            for one in (images, noise)
        )


def _spectrum(slab: Tensor, depth: int) -> Tensor:
    """Spectrum of the sections in the middle."""
    return agreement.spectrum(slab.narrow(0, (len(slab) - depth) // 2, depth))
