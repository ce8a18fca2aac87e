"""Fourier shell correlation within a region of Fourier space, and power relative to a reference."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from isonet.core import fourier
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Tilts


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

    def power(self, low: float = 0.04, high: float = 0.25) -> float:
        """Mean power ratio of the shells between two frequencies (cycles per voxel); empty shells are left out."""
        chosen = (self.frequency >= low) & (self.frequency <= high)
        return float(self.power_ratio[chosen].nanmean())

    def crossing(self, threshold: float = 0.5, low: float = 0.04) -> float:
        """Frequency (cycles per voxel) at which the FSC first falls below a threshold, counted from `low` on.

        Between two shells it is interpolated; 0 where the FSC is below from the beginning, NaN where no shell of the
        region has a coefficient, 0.5 where it never falls below.
        """
        chosen = (self.frequency >= low) & ~self.correlation.isnan()
        frequency, value = self.frequency[chosen].tolist(), self.correlation[chosen].tolist()
        if not value:
            return float("nan")
        below = next((index for index, found in enumerate(value) if found < threshold), None)
        if below is None:
            return 0.5
        if below == 0:
            return 0.0
        part = (value[below - 1] - threshold) / (value[below - 1] - value[below])
        return float(frequency[below - 1] + part * (frequency[below] - frequency[below - 1]))


@dataclass(frozen=True)
class SectorStatistics:
    """A result compared with the truth in sectors around `k_y`.

    Attributes
    ----------
    angle : tensor
        Middle of each sector: `atan2(k_z, k_x)` in degrees, -90 to 90; the wedge of tilts up to 60 is beyond +-60.
    slope : tensor
        Regression slope of truth on result, `Re sum T R* / sum |R|^2`: below 1 where the result has too much, and
        near 0 where what it has is made up.
    correlation : tensor
        FSC, mean over the shells; NaN where a sector has no coefficient.
    """

    angle: Float[Tensor, " sectors"]
    slope: Float[Tensor, " sectors"]
    correlation: Float[Tensor, " sectors"]

    def suspect(self, low: float = 0.8, high: float = 1.25, least: float = 0.5) -> Bool[Tensor, " sectors"]:
        """Tell the sectors whose slope is outside `low` to `high`, or whose FSC is under `least` of its neighbours'.

        The first and the last sector are neighbours: both are at `k_z`.
        """
        neighbours = (self.correlation.roll(1) + self.correlation.roll(-1)) / 2
        lost = self.correlation < least * neighbours
        return ~((self.slope >= low) & (self.slope <= high)) | lost


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
    index, shells = _shells(shape, first.device)
    cross, one, two = (sums[:shells] for sums in _sums(first, second, index, shells + 1, region))
    return ShellCorrelation(
        frequency=(torch.arange(shells, device=first.device) + 0.5) / min(shape),
        correlation=(cross / torch.sqrt(one * two)).float(),
        power_ratio=(one / two).float(),
    )


def sector_statistics(
    result: Float[Tensor, "z y x"],
    truth: Float[Tensor, "z y x"],
    width: float = 10.0,
    *,
    low: float = 0.04,
    high: float = 0.25,
    guard: float = 3.0,
) -> SectorStatistics:
    """Compare a result with the truth by the direction of its Fourier coefficients in the plane of `k_z` and `k_x`.

    What a network makes up in the missing wedge shows as a sector whose slope or FSC differs from its neighbours'.
    Both volumes are tapered as in :func:`wedge_correlation`; the result must have the truth's grey scale.

    Parameters
    ----------
    result, truth : tensor
        `[z, y, x]`, of one shape.
    width : float
        Degrees of a sector; divides 180.
    low, high : float
        Shells that count, cycles per voxel.
    guard : float
        Fourier pixels about the `k_y` axis that are left out: directions mean nothing there.

    Returns
    -------
    SectorStatistics
        From -90 to 90 degrees.
    """
    shape, sectors = fourier.spatial_shape(result), round(180 / width)
    kz, _, kx = fourier.frequencies(shape, result.device)
    shell, shells = _shells(shape, result.device)
    centre = (shell + 0.5) / min(shape)
    sector = ((torch.rad2deg(torch.atan2(kz, kx)) + 90) / width + 1e-4).floor().long() % sectors
    far = torch.hypot(kz * shape[0], kx * shape[2]) >= guard
    region = far & (centre >= low) & (centre <= high)
    index = sector * (shells + 1) + shell
    sums = _sums(_tapered(result), _tapered(truth), index, sectors * (shells + 1), region)
    cross, one, two = (found.reshape(sectors, shells + 1) for found in sums)
    return SectorStatistics(
        angle=(torch.arange(sectors, device=result.device) + 0.5) * width - 90,
        slope=(cross.sum(1) / one.sum(1)).float(),
        correlation=(cross / torch.sqrt(one * two)).nanmean(1).float(),
    )


def _shells(shape: fourier.Shape, device: torch.device | None) -> tuple[Int[Tensor, "z y kx"], int]:
    """Shell of each coefficient, one Fourier pixel of the shortest edge wide, and how many there are to Nyquist.

    Coefficients beyond Nyquist are put in one shell more.
    """
    shells = int(0.5 * min(shape))
    # a frequency on the border of two shells belongs to the upper one, whatever float32 makes of it
    index = torch.floor(fourier.radial_frequency(shape, device) * min(shape) + 1e-4).long()
    return index.clamp(max=shells), shells


def _sums(
    first: Tensor, second: Tensor, index: Int[Tensor, "z y kx"], bins: int, region: Bool[Tensor, "z y kx"] | None
) -> tuple[Float[Tensor, " bins"], Float[Tensor, " bins"], Float[Tensor, " bins"]]:
    """Sum `Re F1 F2*`, `|F1|^2` and `|F2|^2` over the coefficients of each bin within a region."""
    count = fourier.multiplicity(fourier.spatial_shape(first), first.device).expand(index.shape)
    counted = count * region if region is not None else count

    def total(values: Tensor) -> Tensor:
        sums = torch.zeros(bins, dtype=torch.float64, device=first.device)
        return sums.index_add_(0, index.flatten(), (values * counted).flatten().double())

    one, two = fourier.transform(first.double()), fourier.transform(second.double())
    return total((one * two.conj()).real), total(one.abs() ** 2), total(two.abs() ** 2)


def wedge_correlation(
    first: Float[Tensor, "z y x"], second: Float[Tensor, "z y x"], tilts: Tilts, guard: float = 3.0
) -> tuple[ShellCorrelation, ShellCorrelation]:
    """FSC inside and outside the missing wedge of `tilts` (degrees), `guard` Fourier pixels off its faces.

    Both volumes are tapered first, as a raised cosine over their whole width (Hann): the jump between opposite faces
    of a tomogram is power along `k_z`, inside the wedge, and narrower edges let measured power leak in.
    """
    missing, measured = wedge.regions(fourier.spatial_shape(first), tilts, guard, first.device)
    one, two = _tapered(first), _tapered(second)
    return shell_correlation(one, two, missing), shell_correlation(one, two, measured)


def measured_correlation(
    first: Float[Tensor, "z y x"], second: Float[Tensor, "z y x"], tilts: Tilts, guard: float = 3.0
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
