"""The table of tomograms in numbers: what each is, and what was made of it."""

import logging
from pathlib import Path
from typing import Any

from isonet.config import ReportConfig
from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.volume import Volume
from isonet.io.volume_files import COMPRESSED, is_volume
from isonet.project.table import FULL_COLUMNS, Project, Tomogram
from isonet.volumes.beads import read_beads
from isonet.volumes.masks import ExistingMask, is_ours
from isonet.volumes.outdated import warn_of_outdated

log = logging.getLogger("isonet")
Numbers = dict[str, Any]
CORRECTED, MASK, DECONVOLVED = "rlnCorrectedTomoName", "rlnMaskName", "rlnDeconvTomoName"
RESTORED = "rlnCorrectedDeconvTomoName"
_MADE = {DECONVOLVED: "deconvolved", MASK: "mask", CORRECTED: "corrected", RESTORED: "result deconvolved"}
_SECTIONS = 32  # of a mask that are counted
_PICTURED = 4


def describe(tomogram: Tomogram) -> Numbers:
    """Say what a tomogram is: size, pixel size, tilts, halves, what was made, and how much its mask keeps."""
    path = tomogram.file(tomogram.full_column)
    volume = _opened(path)
    pixel_size = tomogram.number("rlnPixelSize") or (volume.header.pixel_size if volume else 0.0)
    low, high = tomogram.tilt_range
    mask = existing(tomogram, MASK)
    for column in (*FULL_COLUMNS, *_MADE):
        warn_of_outdated(tomogram, column)
    return {
        "index": tomogram.index,
        "name": tomogram.name,
        "file": str(path),
        "shape": list(volume.shape) if volume else None,
        "pixel_size": pixel_size or None,
        "tilt_min": low,
        "tilt_max": high,
        "tilts": len(tomogram.tilts) if tomogram.text("rlnTiltFile") else None,
        "halves": f"from {tomogram.split}" if tomogram.has_halves else None,
        "defocus": tomogram.number("rlnDefocus") or None,
        "made": [word for column, word in _MADE.items() if existing(tomogram, column)],
        "mask_coverage": None if mask is None else mask_coverage(tomogram),
        "beads": len(read_beads(tomogram)),
    }


def existing(tomogram: Tomogram, column: str) -> Path | None:
    """Return the file in a column if it is there."""
    if tomogram.text(column) is None:
        return None
    path = tomogram.file(column)
    return path if is_volume(path) else None


def mask_coverage(tomogram: Tomogram) -> float | None:
    """Share of voxels that a tomogram's mask keeps, counted in sections all over it; None where it cannot be used."""
    path = tomogram.file(MASK)
    try:
        volume = open_volume(path)
        stored: Any = volume.stored if is_ours(tomogram) else ExistingMask(path, volume.shape, path).array()
    except InputError as error:
        log.warning("%s", error)
        return None
    sections = stored[:: max(1, len(stored) // _SECTIONS)]
    return round(sum(float((section > 0).mean()) for section in sections) / len(sections), 4)


def pictured(project: Project, config: ReportConfig) -> list[Tomogram]:
    """Tomograms that are shown in pictures: those asked for, else the first corrected ones, else the first one."""
    if config.tomo_idx is not None:
        return list(project.selected(config.tomo_idx))
    there = [one for one in project.tomograms if existing(one, one.full_column)]
    return [one for one in there if existing(one, CORRECTED)][:_PICTURED] or there[:1]


def _opened(path: Path) -> Volume | None:
    """Open a volume for its header; None where it is gone or would have to be unpacked."""
    if not is_volume(path) or path.name.lower().endswith(COMPRESSED):
        return None
    try:
        return open_volume(path)
    except InputError:
        return None
