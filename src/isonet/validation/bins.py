"""Where in Fourier space what was withheld is compared, and which `--withhold` a tomogram is large enough for."""

import math
from collections.abc import Sequence

from isonet.core.comparison import agreement
from isonet.core.comparison.agreement import Bins
from isonet.core.fourier import Shape
from isonet.core.tilts import withheld
from isonet.core.tilts.measured import Measured
from isonet.errors import InputError
from isonet.io.volume import Volume

SECTOR = 4.0  # degrees


def shell_width(shapes: Sequence[Shape]) -> float:
    """Width in cycles per voxel of shells that suit the sub-volumes of tomograms of all these shapes."""
    return max(1 / min(withheld.subvolumes(shape)[0]) for shape in shapes)


def reach_of(measured: Sequence[Measured], kept: Measured) -> float:
    """Degrees by which the largest tilt of any of the maps lies beyond what is kept about its axis."""
    pairs = [zip(one.sweeps, kept.sweeps, strict=True) for one in measured]
    return max(sweep.ends[1] - left.ends[1] for pair in pairs for sweep, left in pair)


def measured_bins(volume: Volume, measured: Measured, kept: Measured, width: float, reach: float) -> Bins:
    """Bins by sector, up to `reach` degrees beyond what is kept, of what one map has measured of what is withheld.

    Raises
    ------
    InputError
        If the tomogram is too small for anything to be measured.
    """
    bins = _bins(volume.shape, measured, kept, width, reach)
    if _coarsest(bins) is None:
        shape, least = " x ".join(map(str, volume.shape)), _least_withheld(volume.shape, measured, width, reach)
        if least is None:
            raise InputError(f"{volume.path}: {shape} voxels are too few for any --withhold; take a larger tomogram")
        raise InputError(
            f"{volume.path}: {shape} voxels are too few to measure between {kept.sweeps[0].ends[1]:g} degrees and the "
            f"last tilt; use --withhold {least} or more"
        )
    return bins


def coarsest_detail(shape: Shape, measured: Measured, width: float) -> tuple[int, float] | None:
    """The largest whole `--withhold`, and the coarsest frequency in cycles per voxel that it lets one measure.

    None where nothing can be measured with any.
    """
    largest = withheld.largest(measured)
    kept = withheld.kept_part(measured, largest)
    found = _coarsest(_bins(shape, measured, kept, width, reach_of([measured], kept)))
    return None if found is None else (largest, found)


def _least_withheld(shape: Shape, measured: Measured, width: float, beyond: float) -> int | None:
    """Smallest whole number of degrees, above some, that lets one measure anything; None where none does."""
    for degrees in range(math.floor(beyond) + 1, withheld.largest(measured) + 1):
        kept = withheld.kept_part(measured, degrees)
        if _coarsest(_bins(shape, measured, kept, width, reach_of([measured], kept))) is not None:
            return degrees
    return None


def _bins(shape: Shape, measured: Measured, kept: Measured, width: float, reach: float) -> Bins:
    """Bins by sector, as of :func:`measured_bins`; perhaps all empty."""
    edges, _ = withheld.subvolumes(shape)
    region, sector = withheld.region(edges, [measured], kept), withheld.sectors(edges, kept, SECTOR)
    return agreement.make_bins(edges, width, region, sector, math.ceil(reach / SECTOR - 1e-6))


def _coarsest(bins: Bins) -> float | None:
    """Coarsest frequency at which there are coefficients."""
    there = (bins.independent > 0).any(0)
    return float(bins.frequency[int(there.int().argmax())]) if bool(there.any()) else None
