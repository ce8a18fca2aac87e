"""What is odd about a stack, its tilts and its alignment: refused, or warned of where it may be right."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isonet.config import ReconstructConfig
from isonet.core.tilts.ranges import in_order
from isonet.errors import InputError
from isonet.io.formats import glance
from isonet.io.programs import metadata
from isonet.io.programs.tilt_series import Alignment, TiltSeries
from isonet.io.text import Floats
from isonet.io.volume import Volume
from isonet.volumes.pixel_size import DEFAULT_SIZE

log = logging.getLogger("isonet")
_SCALES = (0.8, 1.25)  # that magnification changes to within a tilt series, at most
_LEAST_RANGE = 5.0  # degrees; all tilts lie within 3.2 radians
_AS_RECORDED = (".mdoc", ".tomostar", ".star")  # kinds of files that list images in the order of the microscope


def warn_of_volume(stack: Path) -> None:
    """Warn of a stack with the header of a volume; some programs write it for images, so that it is not refused."""
    header = glance(stack)
    if header is not None and header.says_volume:
        log.warning(
            "%s: has the header of a volume (ISPG 1, MZ %d), not of images; if it is a tomogram, give its tilt series",
            stack,
            header.sections,
        )


def stack_pixel_size(source: Volume, alignment: Alignment, config: ReconstructConfig) -> float:
    """Å per pixel of the stack, from the option or the header; a default is refused where lengths in Å are used."""
    size = config.stack_pixel_size or source.header.pixel_size
    if size <= 0:
        raise InputError(f"{source.path}: the header has no pixel size; add --stack-pixel-size")
    if config.stack_pixel_size or size != DEFAULT_SIZE:
        return size
    needs = "--pixel-size is" if config.pixel_size else ""
    if alignment.in_angstrom and alignment.shifts.any():
        needs = f"the shifts of {config.alignment} are"
    if needs:
        raise InputError(
            f"{source.path}: the header gives a pixel size of {size:g} A, which is a default, and {needs} in A; set "
            "--stack-pixel-size"
        )
    log.warning(
        "%s: the header gives a pixel size of %g A, which is a default; set --stack-pixel-size", source.path, size
    )
    return size


def refuse_narrow(path: Path | None, tilts: Floats) -> None:
    """Refuse tilts that hardly differ: they are no angles, or in radians."""
    if np.ptp(tilts) < _LEAST_RANGE:
        raise InputError(
            f"{path}: tilts from {tilts.min():g} to {tilts.max():g} degrees show one view, and give no tomogram; give "
            "tilt angles, in degrees"
        )


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


def warn_of_other_binning(
    path: Path | None, alignment: Alignment, images: Sequence[int], size: tuple[int, int], pixel_size: float
) -> None:
    """Warn of images that are scaled or shifted as those of a stack of another binning are."""
    scales = np.sqrt(np.linalg.det(alignment.matrices))
    shifts = np.abs(alignment.shifts) / (pixel_size if alignment.in_angstrom else 1)
    half = np.abs(alignment.matrices) @ np.array(size) / 2
    for number in images:
        if not _SCALES[0] <= scales[number] <= _SCALES[1]:
            log.warning(
                "%s: image %d is scaled by %.3g; if the stack that was aligned has another binning, give the alignment "
                "of this one",
                *(path, number + 1, scales[number]),
            )
            return
        if (shifts[number] >= half[number]).any():
            log.warning(
                "%s: image %d is shifted by %g %g pixels, half its size or more; if the stack that was aligned has "
                "another binning, give the alignment of this one",
                *(path, number + 1, *shifts[number]),
            )
            return


def warn_of_order(stack: Path, series: TiltSeries) -> None:
    """Warn of tilts as they were recorded: a stack may have been sorted by tilt since."""
    if metadata.suffix(series.source) in _AS_RECORDED and not in_order(series.tilts or ()):
        log.warning(
            "%s: has its images as they were recorded, not by angle; those of %s must be in that order, if they are "
            "sorted by tilt give a list that is (.tlt, .rawtlt)",
            series.source,
            stack,
        )
