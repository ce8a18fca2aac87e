"""The pixel size of a tomogram: from its header or metadata, and what is wrong with it."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from isonet.io.formats import open_volume
from isonet.io.mrc_bytes.header import Header
from isonet.io.volume import Volume
from isonet.project.table import Tomogram
from isonet.steps.prepare.description import Description
from isonet.volumes.pixel_size import DEFAULT_SIZE

log = logging.getLogger("isonet")
_IN_NAMES = re.compile(r"(?:^|_)(\d+(?:\.\d+)?)Apx(?=[._]|$)")  # of Warp: TS_1_10.00Apx.mrc
_USUAL_PIXEL_SIZES = (5.0, 25.0)
_ALIKE = 1.05


def pixel_size_of(volume: Volume, known: Description) -> float:
    """Å per voxel from the header, or from metadata where it has none.

    Raises
    ------
    InputError
        If voxels are not cubes by the header, and metadata do not know better.
    """
    header = volume.header
    if known.pixel_size and (header.pixel_size in (0.0, DEFAULT_SIZE) or not header.cubic):
        fault = "the header has no pixel size" if header.cubic else f"voxels are not cubes ({_edges(header)})"
        log.info("%s: %s; %g A taken from metadata", volume.path, fault, known.pixel_size)
        return known.pixel_size
    return volume.pixel_size


def comment_on_pixel_size(path: Path, pixel_size: float, header: Header, known: Description) -> None:
    """Warn where the size is a default, unusual, or not what header or metadata say."""
    low, high = _USUAL_PIXEL_SIZES
    if pixel_size in (0.0, DEFAULT_SIZE):
        log.warning("%s: the header gives a pixel size of %g A, which is a default; set --pixel-size", path, pixel_size)
    elif not low <= pixel_size <= high:
        remedy = "bin it or use 'isonet resize'" if pixel_size < low else "reconstruct it with less binning"
        log.warning("%s: %g A/voxel; the method works best at about 10 (5 to 25), %s", path, pixel_size, remedy)
    if known.pixel_size and pixel_size and abs(known.pixel_size / pixel_size - 1) > 0.05:
        log.warning("%s: %g A/voxel, metadata say %g; check --pixel-size", path, pixel_size, known.pixel_size)
    elif known.image_pixel_size and DEFAULT_SIZE < pixel_size < 0.95 * known.image_pixel_size:
        log.warning(
            "%s: %g A/voxel, finer than its images' %g A; check --pixel-size", path, pixel_size, known.image_pixel_size
        )
    named = _IN_NAMES.search(path.name)
    if named is not None and pixel_size and abs(float(named[1]) / pixel_size - 1) > 0.01:
        log.warning("%s: its name says %s A/voxel, %g taken; give --pixel-size", path, named[1], pixel_size)
    if not header.cubic:
        log.info("%s: voxels are not cubes (%s); results have %g A", path, _edges(header), pixel_size)
    elif header.pixel_size not in (0.0, DEFAULT_SIZE) and pixel_size and abs(header.pixel_size / pixel_size - 1) > 0.01:
        log.info("%s: the header gives %g A/voxel; results have %g A", path, header.pixel_size, pixel_size)


def comment_on_sizes_of_halves(halves: Sequence[Path], pixel_size: float) -> None:
    """Warn where the header of a half gives another size than the one that its tomogram has."""
    for path in halves:
        found = open_volume(path).header.pixel_size
        if found not in (0.0, DEFAULT_SIZE) and pixel_size and not 1 / _ALIKE < found / pixel_size < _ALIKE:
            log.warning("%s: the header gives %g A/voxel; %g A taken, give --pixel-size", path, found, pixel_size)


def _edges(header: Header) -> str:
    return " x ".join(f"{edge:g}" for edge in reversed(header.voxel_size)) + " A along x, y, z"


def comment_on_several(tomograms: Sequence[Tomogram]) -> None:
    """Warn where the tomograms of a table have several pixel sizes, by one whose size is not that of the first."""
    sized = [(one, size) for one in tomograms if (size := one.number("rlnPixelSize"))]
    if not sized:
        return
    first, usual = sized[0]
    for one, size in sized:
        if not 1 / _ALIKE < size / usual < _ALIKE:
            files = [tomogram.file(tomogram.full_column) for tomogram in (one, first)]
            text = "%s has %g A/voxel, %s has %g; bring all to one by 'isonet resize', or prepare them apart"
            log.warning(text, files[0], size, files[1], usual)
            return
