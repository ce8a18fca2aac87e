"""Gold beads of a tomogram whose mask is made: found and listed, or as the list says that the user may have edited."""

import logging
from dataclasses import replace
from pathlib import Path

from isonet.core.masks.beads import Bead
from isonet.io.text import counted
from isonet.io.volume_files import container
from isonet.project.table import Tomogram
from isonet.volumes.beads import BEADS_COLUMN, find_beads, read_list, warn_of_unpainted, write_beads
from isonet.volumes.continued import open_continued
from isonet.volumes.source import Source

log = logging.getLogger("isonet")


def list_of_beads(tomogram: Tomogram, mask: Path) -> Path:
    """Return the file that lists the beads of a tomogram: the one that the table names, or one beside its mask."""
    if tomogram.text(BEADS_COLUMN) is not None and tomogram.file(BEADS_COLUMN).exists():
        return tomogram.file(BEADS_COLUMN)
    return mask.with_name(mask.name.removesuffix("_mask.mrc") + "_beads.star")


def of_no_list(tomogram: Tomogram) -> Tomogram:
    """Return the row without a list of beads: what is sought depends on no earlier one."""
    return replace(tomogram, row={name: value for name, value in tomogram.row.items() if name != BEADS_COLUMN})


def lost_list(tomogram: Tomogram) -> bool:
    """Whether the list of beads that the table names is gone; say so."""
    if tomogram.text(BEADS_COLUMN) is None or tomogram.file(BEADS_COLUMN).exists():
        return False
    log.info("%s: the list of gold beads is gone; they are sought again", tomogram.file(BEADS_COLUMN))
    return True


def without_beads(source: Source, listed: Path) -> Source:
    """Leave the beads of a tomogram out: those of the list if there is one, else those that are found.

    Raises
    ------
    InputError
        If the list cannot be used.
    """
    if listed.exists():
        found = read_list(listed, source.shape)
        log.info(
            "%s: %s as %s says; delete it to seek them anew",
            source.volume.path,
            counted(len(found), "gold bead"),
            listed,
        )
        if listed.stat().st_mtime < container(source.volume.path).stat().st_mtime:
            log.warning("%s: is older than %s; delete it if that was made again", listed, source.volume.path)
    else:
        found = _found(source, listed)
    warn_of_unpainted(found, source.volume)
    return replace(source, beads=found)


def _found(source: Source, listed: Path) -> tuple[Bead, ...]:
    """Look for beads and list them: in the whole tomogram as it is, whose noise tells gold from sample."""
    whole = open_continued(source.tomogram.file(source.tomogram.full_column))
    found = find_beads(whole if whole.shape == source.shape else source.voxels, source.normalization.sign)
    if found:
        write_beads(listed, found)
        log.info(
            "%s: %s left out; listed in %s",
            *(source.volume.path, counted(len(found), "gold bead"), listed),
        )
    return found
