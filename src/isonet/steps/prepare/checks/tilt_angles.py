"""Whether a list of tilts is one of a tilt series, in degrees."""

import logging
from collections.abc import Sequence
from pathlib import Path

from isonet.core.tilts.ranges import as_radians
from isonet.errors import InputError
from isonet.io.text import counted

log = logging.getLogger("isonet")
_FEW = 5  # tilts that may be all that there are
_DISTINCT = 0.7  # of the tilts of a list: fewer angles are those of two lists in one


def check_tilt_angles(source: Path, tilts: Sequence[float]) -> None:
    """Refuse tilts without a range or in radians; warn where many are listed twice.

    Parameters
    ----------
    source : Path
        Where they are from, for messages.
    tilts : sequence of float
        Degrees.

    Raises
    ------
    InputError
        If they are no range, or look as in radians.
    """
    if len(tilts) < 2 or min(tilts) == max(tilts):
        angles = f", all at {tilts[0]:g} degrees" if tilts else ""
        raise InputError(f"{source}: {counted(len(tilts), 'tilt')}{angles}; a range needs two, give another file")
    if len(tilts) >= _FEW and as_radians(tilts):
        ends = f"{min(tilts):g} to {max(tilts):g}"
        raise InputError(f"{source}: {len(tilts)} tilts from {ends}, as in radians; give degrees")
    if len(set(tilts)) < _DISTINCT * len(tilts):
        log.warning(
            "%s: %d tilts, but only %s; are they of two series?", source, len(tilts), counted(len(set(tilts)), "angle")
        )
