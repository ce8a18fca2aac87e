"""What a tilt range or a list of tilts may be; without torch, so that the table can be read without it."""

from collections.abc import Sequence
from itertools import pairwise

LARGEST_TILT = 90.0
"""Degrees that a tilt may be from zero."""
LARGEST_GAP = 11.0
"""Degrees that neighbouring tilts may be apart for all between them to count as measured: steps of 10 after alignment,
or of 5 in halves from every other tilt. In a cube of 48 voxels their planes part by little more than two Fourier pixels
where there is signal, below 0.25 cycles per voxel."""
_RADIANS = 1.6  # a little more than a quarter turn
_ROUNDING = 1e-6  # degrees


def check_tilts(tilts: Sequence[float]) -> None:
    """Raise `ValueError` unless `tilts` (degrees) are a range or a list of tilts that measures a wedge."""
    if len(tilts) < 2:
        raise ValueError("a tilt range needs two angles")
    if beyond_largest(tilts):
        raise ValueError(f"tilt angles {min(tilts):g} to {max(tilts):g} degrees reach beyond -90 to 90")
    if len(tilts) == 2 and not tilts[0] < tilts[1]:
        raise ValueError(f"tilt range {tilts[0]:g} to {tilts[1]:g} degrees is empty")
    if min(tilts) == max(tilts):
        raise ValueError(f"all tilts are at {tilts[0]:g} degrees")


def beyond_largest(tilts: Sequence[float]) -> bool:
    """Whether a tilt (degrees) is no angle of a plane, or not a number."""
    return not all(-LARGEST_TILT <= angle <= LARGEST_TILT for angle in tilts)


def as_radians(tilts: Sequence[float]) -> bool:
    """Whether all tilts are as small as radians are: no tomogram is measured from 2 degrees to either side."""
    return max(map(abs, tilts)) <= _RADIANS


def in_order(tilts: Sequence[float]) -> bool:
    """Whether tilts only rise, or only fall."""
    return list(tilts) in (sorted(tilts), sorted(tilts, reverse=True))


def arcs(tilts: Sequence[float], gap: float) -> list[tuple[float, float]]:
    """Return first and last tilt of each run of a list whose neighbours are at most `gap` degrees apart.

    >>> arcs([-60, -57, -54, 10, 12], 11)
    [(-60, -54), (10, 12)]
    """
    ordered = sorted(tilts)
    breaks = [(low, high) for low, high in pairwise(ordered) if high - low > gap + _ROUNDING]
    firsts = [ordered[0], *(high for _, high in breaks)]
    lasts = [*(low for low, _ in breaks), ordered[-1]]
    return list(zip(firsts, lasts, strict=True))
