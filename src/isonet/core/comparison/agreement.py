r"""How far two volumes agree within regions of Fourier space, with what chance alone would give.

Sums over the coefficients of a shell (and of a sector) are kept for each sub-volume, so that drawing sub-volumes anew
(Efron 1979) tells how certain a Fourier shell correlation is::

    FSC(s) = sum_b c_b(s) / sqrt(sum_b p_b(s) sum_b q_b(s))        c = Re sum F G*,  p = sum |F|^2,  q = sum |G|^2

A perfect prediction of the signal would not reach 1 against a noisy measurement. With two halves of independent noise
the measurable ceiling is known (Rosenthal & Henderson 2003): one half reaches `sqrt(FSC)` against the truth, their
mean `sqrt(2 FSC / (1 + FSC))`; for halves from every other tilt see :mod:`isonet.core.comparison.sampled`. What a
prediction is *claimed* to reach against the truth is its FSC over that ceiling.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from isonet.core import fourier
from isonet.core.fourier import Shape

_KEPT = 18 / 35  # of the numbers along an axis are independent under a Hann window: (3/8)^2 / (35/128)
_FEWEST = 20.0  # independent coefficients that a shell needs to count
_SIGMAS = 1.96
MEASURABLE = 0.05
"""The least that the lower bound of FSC between halves must be."""


@dataclass(frozen=True)
class Bins:
    """Which shell and sector each coefficient of a sub-volume belongs to.

    Attributes
    ----------
    frequency : tensor
        Middle of each shell, cycles per voxel.
    index : tensor of int
        `sector * shells + shell` in the rfft layout; the last number of all is for what does not count.
    sectors : int
        How many sectors there are.
    independent : tensor
        `[sectors, shells]`: independent real numbers under a Hann window, at least.
    multiplicity : tensor
        How many coefficients of the full transform each one stands for.
    """

    frequency: Float[Tensor, " shells"]
    index: Int[Tensor, "z y kx"]
    sectors: int
    independent: Float[Tensor, "sectors shells"]
    multiplicity: Float[Tensor, "1 1 kx"]


def make_bins(
    shape: Shape,
    width: float,
    region: Bool[Tensor, "z y kx"],
    sector: Int[Tensor, "#z #y #kx"] | None = None,
    sectors: int = 1,
) -> Bins:
    """Sort the coefficients of a region into shells and sectors.

    Parameters
    ----------
    shape : tuple of int
        Edges z, y, x of the sub-volumes.
    width : float
        Width of a shell in cycles per voxel; shells reach up to the Nyquist frequency.
    region : tensor of bool
        Coefficients that count.
    sector : tensor of int, optional
        Sector of each coefficient; those outside `0 ... sectors - 1` do not count.
    sectors : int
        How many there are.
    """
    shells = math.floor(0.5 / width + 1e-6)
    shell = torch.floor(fourier.radial_frequency(shape) / width + 1e-4).long()
    which = torch.zeros(()).long() if sector is None else sector
    counts = region & (shell < shells) & (which >= 0) & (which < sectors)
    index = torch.where(counts, which * shells + shell, sectors * shells)
    multiplicity = fourier.multiplicity(shape).double()
    number = multiplicity.expand(index.shape)
    total = torch.zeros(sectors * shells + 1, dtype=torch.float64).index_add_(0, index.flatten(), number.flatten())
    independent = (total[:-1] * _KEPT**3).reshape(sectors, shells)
    return Bins((torch.arange(shells) + 0.5) * width, index, sectors, independent, multiplicity)


def spectrum(block: Float[Tensor, "z y x"]) -> Tensor:
    """Transform of a sub-volume about its mean under a Hann window, in double precision."""
    shape = fourier.spatial_shape(block)
    values = block.double()
    return fourier.transform((values - values.mean()) * fourier.taper(shape, max(shape)).double())


@dataclass(frozen=True)
class Sums:
    """Sums of two volumes over sectors and shells, by sub-volume.

    Attributes
    ----------
    cross, first, second : tensor
        `[subvolumes, sectors, shells]`: `Re sum F G*`, `sum |F|^2`, `sum |G|^2`.
    independent : tensor
        `[subvolumes, sectors, shells]`: independent coefficients.
    """

    cross: Float[Tensor, "subvolumes sectors shells"]
    first: Float[Tensor, "subvolumes sectors shells"]
    second: Float[Tensor, "subvolumes sectors shells"]
    independent: Float[Tensor, "subvolumes sectors shells"]

    @classmethod
    def of(cls, first: Tensor, second: Tensor, bins: Bins) -> "Sums":
        """Sums of one sub-volume, from its two spectra."""
        shape = (1, bins.sectors, len(bins.frequency))

        def total(values: Tensor) -> Tensor:
            sums = torch.zeros(math.prod(shape) + 1, dtype=torch.float64)
            counted = (values * bins.multiplicity).flatten()
            return sums.index_add_(0, bins.index.flatten(), counted)[:-1].reshape(shape)

        cross = total((first * second.conj()).real)
        return cls(cross, total(first.abs().square()), total(second.abs().square()), bins.independent[None])

    @classmethod
    def joined(cls, parts: Sequence["Sums"]) -> "Sums":
        """All sub-volumes of several sums."""
        names = ("cross", "first", "second", "independent")
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in names))

    @property
    def whole(self) -> "Sums":
        """All sectors taken together."""
        return Sums(*(part.sum(1, keepdim=True) for part in (self.cross, self.first, self.second, self.independent)))

    def for_sectors(self, sectors: int) -> "Sums":
        """Sums that hold for each of so many sectors, where there is one."""
        parts = (self.cross, self.first, self.second, self.independent)
        return Sums(*(part.expand(-1, sectors, -1) for part in parts))

    @property
    def power_ratio(self) -> Float[Tensor, "sectors shells"]:
        """Power of the first volume relative to that of the second; NaN where a bin is empty."""
        return self.first.sum(0) / self.second.sum(0)

    def correlation(self, draws: Float[Tensor, "draws subvolumes"] | None = None) -> Tensor:
        """FSC by sector and shell, or that of each draw of sub-volumes; NaN where a bin is empty."""
        weights = torch.ones(1, len(self.cross), dtype=torch.float64) if draws is None else draws
        parts = (self.cross, self.first, self.second)
        cross, first, second = (torch.einsum("db,bsk->dsk", weights, part) for part in parts)
        found = cross / torch.sqrt(first * second)
        return found[0] if draws is None else found


def draw_subvolumes(count: int, times: int = 500, seed: int = 0) -> Float[Tensor, "draws subvolumes"]:
    """How often each of `count` sub-volumes is in each of `times` draws with replacement."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(count, (times, count), generator=generator)
    ones = torch.ones_like(chosen, dtype=torch.float64)
    return torch.zeros(times, count, dtype=torch.float64).scatter_add_(1, chosen, ones)


@dataclass(frozen=True)
class Estimate:
    """A correlation with its 95 % interval, `[sectors, shells]`; NaN where there are too few coefficients.

    Attributes
    ----------
    value, low, high : tensor
        The correlation and the ends of its interval: of the draws, or what the number of coefficients allows where
        that is wider.
    draws : tensor
        `[draws, sectors, shells]`: the correlation of each draw of sub-volumes.
    independent : tensor
        Independent coefficients.
    """

    value: Float[Tensor, "sectors shells"]
    low: Float[Tensor, "sectors shells"]
    high: Float[Tensor, "sectors shells"]
    draws: Float[Tensor, "draws sectors shells"]
    independent: Float[Tensor, "sectors shells"]

    def over(self, ceiling: "Estimate") -> "Estimate":
        """Estimate divided by another one of the same draws."""
        error = self._error / ceiling.value
        return _estimate(self.value / ceiling.value, self.draws / ceiling.draws, error, self.independent)

    def ceiling(self, noise: Tensor | float, alike: Tensor | float = 1.0, reached: Tensor | float = 1.0) -> "Estimate":
        """What the truth would reach against a measurement, if this is the FSC of halves.

        Parameters
        ----------
        noise : tensor or float
            Noise over signal of the measurement, relative to that of one half: 1 for a half, 0.5 for the mean of both.
        alike : tensor or float
            FSC of the halves without noise.
        reached : tensor or float
            FSC of the truth with the measurement without noise.
        """

        def found(values: Tensor) -> Tensor:
            share = (values / alike).clamp(1e-6, 1)
            return reached / torch.sqrt(1 + noise * (1 - share) / share)

        return _estimate(found(self.value), found(self.draws), self._error, self.independent)

    @property
    def significant(self) -> Bool[Tensor, "sectors shells"]:
        """Where the lower bound is enough to measure with."""
        return self.low >= MEASURABLE

    @property
    def _error(self) -> Tensor:
        return (1 - self.value.clamp(-1, 1).square()) / torch.sqrt(self.independent)


def estimate(directions: Sequence[Sums], draws: Float[Tensor, "draws subvolumes"]) -> Estimate:
    """Mean FSC of one or two pairs of volumes over the same sub-volumes, with its interval."""
    value = torch.stack([one.correlation() for one in directions]).mean(0)
    drawn = torch.stack([one.correlation(draws) for one in directions]).mean(0)
    independent = directions[0].independent.sum(0)
    error = (1 - value.square()) / torch.sqrt(independent)
    return _estimate(value, drawn, error, independent)


def _estimate(value: Tensor, draws: Tensor, error: Tensor, independent: Tensor) -> Estimate:
    few = independent < _FEWEST
    value = value.masked_fill(few, float("nan"))
    low, high = torch.nanquantile(draws, torch.tensor([0.025, 0.975], dtype=draws.dtype), dim=0)
    low, high = torch.minimum(low, value - _SIGMAS * error), torch.maximum(high, value + _SIGMAS * error)
    return Estimate(value, low.masked_fill(few, float("nan")), high.masked_fill(few, float("nan")), draws, independent)
