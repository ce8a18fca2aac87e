"""Fourier shell correlation within a region of Fourier space, and power relative to a reference."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from isonet.core import fourier, wedge


@dataclass(frozen=True)
class ShellCorrelation:
    """Two volumes compared shell by shell.

    Attributes
    ----------
    frequency : tensor
        Mean of each shell's bounds, cycles per voxel.
    correlation : tensor
        FSC of each shell; NaN where the region has no coefficient.
    power_ratio : tensor
        Power of the first volume relative to that of the second.
    """

    frequency: Float[Tensor, " shells"]
    correlation: Float[Tensor, " shells"]
    power_ratio: Float[Tensor, " shells"]

    def mean(self, low: float = 0.04, high: float = 0.25) -> float:
        """Mean FSC of the shells between two frequencies (cycles per voxel); empty shells are left out."""
        chosen = (self.frequency >= low) & (self.frequency <= high) & ~self.correlation.isnan()
        return float(self.correlation[chosen].mean()) if bool(chosen.any()) else float("nan")


def shell_correlation(
    first: Float[Tensor, "z y x"],
    second: Float[Tensor, "z y x"],
    region: Bool[Tensor, "z y kx"] | None = None,
) -> ShellCorrelation:
    """Fourier shell correlation (Harauz & van Heel 1986) over the coefficients of a region.

    `FSC(s) = Re sum F1 F2* / sqrt(sum |F1|^2 sum |F2|^2)`, sums over the shell `s` of the full transform.

    Parameters
    ----------
    first, second : tensor
        `[z, y, x]`, of one shape. They are used as they are: taper them first where their faces matter.
    region : tensor of bool, optional
        `[z, y, x // 2 + 1]` in the rfft layout: coefficients that count; all if left out.

    Returns
    -------
    ShellCorrelation
        In shells one Fourier pixel of the shortest edge wide, up to the Nyquist frequency.
    """
    shape = fourier.spatial_shape(first)
    width = 1.0 / min(shape)
    shells = int(0.5 / width)
    # a frequency on the border of two shells belongs to the upper one, whatever float32 makes of it
    index = torch.floor(fourier.radial_frequency(shape, first.device) / width + 1e-4).long()
    count = fourier.multiplicity(shape, first.device).expand(index.shape)
    counted = count * region if region is not None else count
    index = index.clamp(max=shells)  # the last bin collects the corners and is dropped

    def total(values: Tensor) -> Tensor:
        sums = torch.zeros(shells + 1, dtype=torch.float64, device=first.device)
        return sums.index_add_(0, index.flatten(), (values * counted).flatten().double())[:shells]

    one, two = fourier.transform(first.double()), fourier.transform(second.double())
    cross, power_one, power_two = total((one * two.conj()).real), total(one.abs() ** 2), total(two.abs() ** 2)
    return ShellCorrelation(
        frequency=(torch.arange(shells, device=first.device) + 0.5) * width,
        correlation=(cross / torch.sqrt(power_one * power_two)).float(),
        power_ratio=(power_one / power_two).float(),
    )


def wedge_correlation(
    first: Float[Tensor, "z y x"], second: Float[Tensor, "z y x"], tilts: Sequence[float], guard: float = 3.0
) -> tuple[ShellCorrelation, ShellCorrelation]:
    """FSC inside and outside the missing wedge of `tilts` (degrees), `guard` Fourier pixels off its faces.

    Both volumes are tapered first, as a raised cosine over their whole width (Hann): the jump between opposite faces
    of a tomogram is power along `k_z`, inside the wedge, and narrower edges let measured power leak in.
    """
    missing, measured = wedge.regions(fourier.spatial_shape(first), tilts, guard, first.device)
    one, two = _tapered(first), _tapered(second)
    return shell_correlation(one, two, missing), shell_correlation(one, two, measured)


def measured_correlation(
    first: Float[Tensor, "z y x"], second: Float[Tensor, "z y x"], tilts: Sequence[float], guard: float = 3.0
) -> float:
    """Pearson correlation of two volumes, tapered and reduced to what lies outside the missing wedge of `tilts`."""
    _, measured = wedge.regions(fourier.spatial_shape(first), tilts, guard, first.device)
    return correlation(*(fourier.apply(_tapered(volume), measured) for volume in (first, second)))


def _tapered(volume: Float[Tensor, "z y x"]) -> Float[Tensor, "z y x"]:
    shape = fourier.spatial_shape(volume)
    return (volume - volume.mean()) * fourier.taper(shape, max(shape), volume.device)


def correlation(first: Tensor, second: Tensor) -> float:
    """Pearson correlation of all voxels."""
    one, two = first.double() - first.double().mean(), second.double() - second.double().mean()
    return float((one * two).sum() / torch.sqrt((one**2).sum() * (two**2).sum()))
