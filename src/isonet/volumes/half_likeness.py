"""How alike two halves are where noise does not hide it: at low resolution."""

import logging

from isonet.core.comparison.likeness import EDGE, SAMPLES, compared
from isonet.io.volume import Volume

log = logging.getLogger("isonet")
_COARSE = 10.0  # Å per voxel to which halves are binned, as the sample is seen at low resolution only
_MOST_BINNED = 4
_LARGE = 512  # voxels of a volume that may be one that was not binned


def likeness_of_halves(even: Volume, odd: Volume) -> float | None:
    """Correlation of two halves at low resolution, see :data:`SAMPLES`; None where they are too small to tell."""
    found = []
    for factor in _factors(even):
        likeness = compared(even, odd, EDGE, factor).of_samples
        found += [] if likeness is None else [likeness]
        if found and found[-1] >= SAMPLES[1]:
            break
    return max(found, default=None)


def warn_of_unlike_halves(even: Volume, odd: Volume) -> None:
    """Warn where a table names halves that have nothing in common; `prepare` refuses them."""
    likeness = likeness_of_halves(even, odd)
    if likeness is not None and likeness <= SAMPLES[0]:
        text = "%s and %s: have little in common (correlation %.2f); look whether they are halves of one tomogram"
        log.warning(text, even.path, odd.path, likeness)


def _factors(half: Volume) -> list[int]:
    """By how much halves are binned to look at low resolution: several to try where the pixel size is not known."""
    size = half.header.pixel_size
    if size > 1:
        return [min(_MOST_BINNED, max(1, round(_COARSE / size)))]
    return [1, 2, _MOST_BINNED] if max(half.shape) >= _LARGE else [1]
