"""Tomograms of which a turned copy is used, and places that were picked in the original."""

import logging
from pathlib import Path

from isonet.project.table import TURNED_COLUMN, Tomogram

log = logging.getLogger("isonet")


def warn_of_turned(places: Path, tomogram: Tomogram) -> None:
    """Warn where places are given for a copy that `prepare` has turned: they may be those of the original."""
    original = tomogram.text(TURNED_COLUMN)
    if original is not None:
        log.warning(
            "%s: taken as places in %s, which is %s turned; places picked in that one have y and z exchanged, pick "
            "them in the copy",
            *(places, tomogram.file(tomogram.full_column), tomogram.file(TURNED_COLUMN)),
        )
