r"""How the power of a volume is spread over directions: an empty, over-filled or made-up wedge shows as a sector.

Density is power per coefficient, relative to that of the measured region in the same shell: a specimen has no
direction on average, so every sector of a good result is near 1.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from isonet.core import fourier
from isonet.core.comparison import agreement
from isonet.core.comparison.agreement import Bins
from isonet.core.fourier import Shape
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import AT_HOME, Matrix, Measured, Tilts

AROUND, ELEVATION = 10.0, 15.0
"""Degrees of a sector around `k_y`, and of one between `k_y` and `k_z` within the wedge."""
_AXIS = 3.0  # Fourier pixels about an axis where directions mean nothing
EMPTY = 0.1
"""Relative density below which a wedge is called empty."""
_OVERFILLED, _HOLE = 2.0, 0.25


@dataclass(frozen=True)
class BalanceBins:
    """Bins of a sub-volume by direction.

    Attributes
    ----------
    around : Bins
        Sectors of `atan2(k_z, k_x)` from -90 to 90 degrees.
    elevation : Bins
        Sectors of `atan2(|k_z|, |k_y|)` from 0 to 90 degrees within the missing wedge: what a YZ slice shows.
    missing, measured : Bins
        Inside the wedge and outside, three Fourier pixels off its faces.
    """

    around: Bins
    elevation: Bins
    missing: Bins
    measured: Bins


def make_balance_bins(shape: Shape, tilts: Tilts, width: float) -> BalanceBins:
    """Sort the coefficients of a sub-volume by direction, in shells `width` cycles per voxel wide.

    Directions are those of the microscope: `k_y` is along the tilt axis, of two axes the first.
    """
    turn = Measured.of(tilts).sweeps[0].turn
    kz, ky, kx = wedge.home(fourier.frequencies(shape), turn)
    missing, measured = wedge.regions(shape, tilts)
    away = (torch.hypot(kz * shape[0], kx * shape[2]) >= _AXIS).expand(missing.shape)
    off_axis = (torch.hypot(kz * shape[0], ky * shape[1]) >= _AXIS).expand(missing.shape)
    return BalanceBins(
        agreement.make_bins(shape, width, away, around(shape, turn), round(180 / AROUND)),
        agreement.make_bins(shape, width, missing & off_axis, elevation(shape, turn), round(90 / ELEVATION)),
        agreement.make_bins(shape, width, missing),
        agreement.make_bins(shape, width, measured),
    )


def around(shape: Shape, turn: Matrix = AT_HOME) -> Int[Tensor, "z y kx"]:
    """Sector of each coefficient around `k_y`; both ends of the `k_z` axis are in the first."""
    kz, _, kx = wedge.home(fourier.frequencies(shape), turn)
    kz, kx = torch.where(kx < 0, -kz, kz), kx.abs()
    return ((torch.rad2deg(torch.atan2(kz, kx)) + 90) / AROUND + 1e-4).floor().long() % round(180 / AROUND)


def elevation(shape: Shape, turn: Matrix = AT_HOME) -> Int[Tensor, "z y kx"]:
    """Sector of each coefficient between the `k_y` and the `k_z` axis."""
    kz, ky, _ = wedge.home(fourier.frequencies(shape), turn)
    angle = torch.rad2deg(torch.atan2(kz.abs(), ky.abs()))
    return (angle / ELEVATION + 1e-4).floor().long().clamp(max=round(90 / ELEVATION) - 1)


def relative_density(
    power: Float[Tensor, "sectors shells"],
    bins: Bins,
    measured: Float[Tensor, "1 shells"],
    measured_bins: Bins,
    low: float = 0.04,
    high: float = 0.25,
) -> Float[Tensor, " sectors"]:
    """Power per coefficient of each sector over that of the measured region, mean of the shells of a band.

    NaN where a sector has no coefficient in the band.
    """
    ratio = (power / bins.independent) / (measured / measured_bins.independent)
    ratio = ratio.where(ratio.isfinite(), torch.nan)
    return ratio[:, (bins.frequency >= low) & (bins.frequency <= high)].nanmean(1)


def faults(missing: float, by_elevation: Float[Tensor, " sectors"]) -> list[str]:
    """Say what is wrong with a wedge: `empty`, `over-filled`, or `fake`, a hole in the YZ plane that none measured.

    Parameters
    ----------
    missing : float
        Relative density inside the wedge.
    by_elevation : tensor
        Relative density of the sectors between `k_y` and `k_z` within the wedge.
    """
    known = by_elevation[~by_elevation.isnan()]
    if missing < EMPTY:
        return ["empty"]
    found = ["over-filled"] if missing > _OVERFILLED else []
    if len(known) > 2 and float(known.min()) < _HOLE * float(known.median()):
        found.append("fake")
    return found
