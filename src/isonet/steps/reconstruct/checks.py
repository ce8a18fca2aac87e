"""What is odd about a stack, its tilts and its alignment: refused, or warned of where it may be right."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isonet.config import ReconstructConfig
from isonet.core.tilts.ranges import in_order
from isonet.errors import InputError
from isonet.io.programs import metadata
from isonet.io.programs.tilt_series import Alignment, TiltSeries
from isonet.io.volume import Volume

log = logging.getLogger("isonet")
_AS_RECORDED = (".mdoc", ".tomostar", ".star")  # kinds of files that list images in the order of the microscope


def stack_pixel_size(source: Volume, config: ReconstructConfig) -> float:
    """Å per pixel of the stack, from the option or the header."""
    pixel_size = config.stack_pixel_size or source.header.pixel_size
    if pixel_size <= 0:
        raise InputError(f"{source.path}: the header has no pixel size; add --stack-pixel-size")
    return pixel_size


def refuse_outside(
    path: Path | None, alignment: Alignment, images: Sequence[int], size: tuple[int, int], pixel_size: float
) -> None:
    """Refuse shifts that leave nothing of an image in the field: they are in another unit, or of another stack."""
    shifts = np.abs(alignment.shifts) / (pixel_size if alignment.in_angstrom else 1)
    reach = np.abs(alignment.matrices) @ np.array(size) / 2 + max(size) / 2
    for number in images:
        if (shifts[number] >= reach[number]).any():
            unit = "A" if alignment.in_angstrom else "pixels"
            shift = " ".join(f"{value:g}" for value in alignment.shifts[number])
            raise InputError(
                f"{path}: image {number + 1} is shifted by {shift} {unit}, out of the field; give the alignment of "
                "this stack, in its own unit"
            )


def warn_of_order(stack: Path, series: TiltSeries) -> None:
    """Warn of tilts as they were recorded: a stack may have been sorted by tilt since."""
    if metadata.suffix(series.source) in _AS_RECORDED and not in_order(series.tilts or ()):
        log.warning(
            "%s: has its images as they were recorded, not by angle; those of %s must be in that order, if they are "
            "sorted by tilt give a list that is (.tlt, .rawtlt)",
            series.source,
            stack,
        )
