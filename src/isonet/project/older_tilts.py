"""Tables that name a list of tilts beside another range: edited since, or by an older version that misread Warp's."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from isonet.errors import InputError
from isonet.io.star import MISSING
from isonet.project.orientation import SECOND_AXIS
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


def _beside_lists(tomogram: Tomogram) -> list[str]:
    """Say where a table has another range of tilts than the list that it names, which counts."""
    found = []
    for which in ("", SECOND_AXIS):
        low, high = tomogram.number(f"rlnTiltMin{which}"), tomogram.number(f"rlnTiltMax{which}")
        column = f"rlnTiltFile{which}"
        if low is None or high is None or tomogram.text(column) is None:
            continue
        listed = tomogram.tilts_of(column, which)
        if _differ((low, high), (min(listed), max(listed))):
            found.append(
                f"its table has tilts {low:g} to {high:g}, {tomogram.file(column).name} has {min(listed):g} to "
                f"{max(listed):g}, which are taken; set {column} to {MISSING} if the others are right"
            )
    return found


def _differ(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Tell whether two ranges differ."""
    return max(abs(first - second) for first, second in zip(one, other, strict=True)) > _ALIKE


def _renaming(missing: Sequence[str], row: Iterable[str]) -> str:
    """Say which columns of a row to rename, that are called nearly as missing ones; nothing where there are none."""

    def plain(name: str) -> str:
        """A name without its prefix, in small letters."""
        return name.lower().removeprefix("rln").replace("_", "")

    wanted = {plain(name): name for name in missing}
    found = [(name, wanted[plain(name)]) for name in row if plain(name) in wanted and name not in missing]
    return f"; rename {', '.join(f'{name} to {right}' for name, right in found)}" if found else ""


def comment_on_tilts(tomogram: Tomogram) -> None:
    """Warn where the table does not say how a tomogram was tilted, or says it in two ways."""
    missing = [name for name in ("rlnTiltMin", "rlnTiltMax") if tomogram.text(name) is None]
    if tomogram.text("rlnTiltFile") is None and missing:
        log.warning(
            "%s: no %s; %g to %g degrees taken%s",
            *(tomogram.table, ", ".join(missing), *tomogram.tilts, _renaming(missing, tomogram.row)),
        )
    older = tilts_of_older_version(tomogram)
    if older is not None:
        log.warning("%s: %s: %s; make the table anew with isonet prepare", tomogram.table, tomogram.name, older)
        return
    for text in _beside_lists(tomogram):
        log.warning("%s: %s: %s", tomogram.table, tomogram.name, text)
