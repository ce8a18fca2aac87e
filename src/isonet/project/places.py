"""Places picked in another copy of a tomogram than the one that is used: before it was turned, or otherwise binned."""

import logging
import math
from pathlib import Path

from isonet.errors import InputError
from isonet.project.names import sampling
from isonet.project.table import TURNED_COLUMN, Tomogram

log = logging.getLogger("isonet")
_SAME = 0.05  # relative difference of sizes that are one: names round
_SAID = {"bin": "binning {:g}", "A": "{:g} A/voxel"}


def warn_of_turned(places: Path, tomogram: Tomogram) -> None:
    """Warn where places are given for a copy that `prepare` has turned: they may be those of the original."""
    original = tomogram.text(TURNED_COLUMN)
    if original is not None:
        log.warning(
            "%s: taken as places in %s, which is %s turned; places picked in that one have y and z exchanged, pick "
            "them in the copy",
            *(places, tomogram.file(tomogram.full_column), tomogram.file(TURNED_COLUMN)),
        )


def refuse_other_sampling(places: Path, name: str, tomogram: str, pixel_size: float) -> None:
    """Refuse places whose names say that they count other voxels than those of their tomogram.

    Parameters
    ----------
    places : Path
        Their file, which does not say how large its voxels are.
    name : str
        What it, or a row of it, is called.
    tomogram : str
        Name of the tomogram.
    pixel_size : float
        Its Å per voxel, which counts where its name tells none; 0 if unknown.

    Raises
    ------
    InputError
        If both tell a binning or a pixel size, and not the same.
    """
    theirs, own = sampling(name), {"A": pixel_size, **sampling(tomogram)}
    for kind in theirs.keys() & {kind for kind, value in own.items() if value}:
        if not math.isclose(theirs[kind], own[kind], rel_tol=_SAME):
            said, mine = (_SAID[kind].format(value) for value in (theirs[kind], own[kind]))
            of = "" if name == places.stem else f"{name}: "
            raise InputError(
                f"{places}: {of}of {said} by its name, {tomogram} is of {mine}; scale its coordinates to that and name "
                "it so, or leave the size out of its name"
            )
