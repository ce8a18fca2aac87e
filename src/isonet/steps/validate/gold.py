"""Gold beads that nobody has listed: they are dense in every direction, and would pass for sample that is true."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from isonet.io.text import counted
from isonet.io.volume_files import container
from isonet.project.table import Tomogram
from isonet.volumes.beads import BEADS_COLUMN, find_beads, write_beads
from isonet.volumes.continued import open_continued
from isonet.volumes.source import open_source

log = logging.getLogger("isonet")


def with_beads(chosen: Sequence[Tomogram], folder: Path) -> tuple[Tomogram, ...]:
    """Return rows that name a list of gold beads each, where there are any, so that these are not compared.

    Parameters
    ----------
    chosen : sequence of Tomogram
        Rows of the table, which stays as it is.
    folder : Path
        Where lists are written of beads that none names.
    """
    return tuple(one if one.text(BEADS_COLUMN) is not None else _sought(one, folder) for one in chosen)


def _sought(tomogram: Tomogram, folder: Path) -> Tomogram:
    """Look for beads in a tomogram that no list is named for, unless that was done since it was made."""
    listed = (folder / f"{tomogram.name}_beads.star").resolve()
    path = tomogram.file(tomogram.full_column)
    if not listed.exists() or listed.stat().st_mtime < container(path).stat().st_mtime:
        sign = open_source(tomogram, tomogram.full_column).normalization.sign
        found = find_beads(open_continued(path), sign)
        if not found:
            return tomogram
        listed.unlink(missing_ok=True)  # of a tomogram before this one
        write_beads(listed, found)
        log.warning(
            "%s: %s, which are no sample, are left out of what is compared (%s); 'isonet mask' leaves them out of "
            "training, too",
            *(path, counted(len(found), "gold bead"), listed),
        )
    return replace(tomogram, row={**tomogram.row, BEADS_COLUMN: str(listed)})
