"""Tables whose tilts an older version took from Warp's files as they stand there: mirrored, or not levelled."""

import logging
from pathlib import Path

from isonet.errors import InputError
from isonet.project.table import Tomogram

log = logging.getLogger("isonet")
_WARP = (".xml", ".tomostar")
_ALIKE = 0.5  # degrees


def tilts_of_older_version(tomogram: Tomogram) -> str | None:
    """Say that a table's tilts are not those of the Warp file that it names; None where they are, or it names none.

    A table names the file of its tilts (rlnTiltFile) beside the range that was read from it, and has lists of the tilts
    of either half where halves are from tilts. What an older version read differs from what this one reads.
    """
    name = (tomogram.text("rlnTiltFile") or "").lower().removesuffix(".gz")
    low, high = tomogram.number("rlnTiltMin"), tomogram.number("rlnTiltMax")
    if not name.endswith(_WARP) or low is None or high is None:
        return None
    try:
        tilts = tomogram.tilts
        halves = [*tomogram.half_tilts[0], *tomogram.half_tilts[1]] if tomogram.split == "tilts" else list(tilts)
    except InputError:
        return None
    file = Path(tomogram.text("rlnTiltFile") or "").name
    if _differ((low, high), (min(tilts), max(tilts))) or _differ((min(halves), max(halves)), (min(tilts), max(tilts))):
        return (
            f"its table has tilts {low:g} to {high:g}, its file {file} means {min(tilts):g} to {max(tilts):g}: an "
            "older version took Warp's angles with the wrong sign or without their levelling"
        )
    return None


def _differ(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Tell whether two ranges differ."""
    return max(abs(first - second) for first, second in zip(one, other, strict=True)) > _ALIKE


def comment_on_tilts(tomogram: Tomogram) -> None:
    """Warn where the table does not say how a tomogram was tilted, or an older version read that from Warp's file."""
    if tomogram.text("rlnTiltFile") is None and tomogram.text("rlnTiltMin") is None:
        log.warning("%s: no rlnTiltMin, rlnTiltMax; %g to %g degrees taken", tomogram.table, *tomogram.tilts)
    older = tilts_of_older_version(tomogram)
    if older is not None:
        log.warning("%s: %s: %s; make the table anew with isonet prepare", tomogram.table, tomogram.name, older)
