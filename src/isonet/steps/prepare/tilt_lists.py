"""How halves were split, and lists of tilts: those of own tomograms, and those written where no file has them."""

import logging
from collections.abc import Sequence
from pathlib import Path

from isonet.core.tilts.split import SplitEstimate, estimate, every_other, tilts_of_first
from isonet.errors import InputError
from isonet.io import files
from isonet.io.formats import glance
from isonet.io.text import counted
from isonet.project.derived import LEVELLED, RECONSTRUCTED, is_simulated
from isonet.steps.prepare.checks.sections import Sections

log = logging.getLogger("isonet")
SPLIT_COLUMN = "rlnTiltSplit"
HALF_TILT_COLUMNS = ("rlnTiltFileHalf1", "rlnTiltFileHalf2")
_MARK = "# isonet prepare:"


def list_of_own(path: Path) -> Path | None:
    """List of tilts that `simulate` or `reconstruct` leaves beside a tomogram that it made; None of others."""
    header = glance(path)
    made = () if header is None else header.labels
    series = [one.removeprefix(RECONSTRUCTED) for one in made if one.startswith(RECONSTRUCTED)]
    named = "tilts" if is_simulated(header) else series[-1] if series and not series[-1].endswith(LEVELLED) else None
    beside = None if named is None else path.with_name(f"{named}.tlt")
    return beside if beside is not None and beside.is_file() else None


def measure_split(even: Sections, odd: Sections) -> SplitEstimate:
    """Tell from the spectra of the middle XZ sections of two halves how they were split."""
    return estimate(even.powers, odd.powers, even.volume.shape[2])


def split_of(name: str, even: Sections, odd: Sections, asked: str) -> tuple[str, SplitEstimate | None]:
    """Return `frames` or `tilts`, as asked or as the data tell, with a line that says so, and the measurement."""
    found = measure_split(even, odd)
    if asked != "auto":
        if found.kind not in (asked, "unknown"):
            planes = "the same planes" if asked == "tilts" else "different planes"
            text = "%s: --split %s given, but both halves measure %s as if from %s"
            log.warning(text, name, asked, planes, found.kind)
        return asked, found
    if found.kind == "unknown":
        log.warning("%s: single tilts do not stand out in the halves; taken as split by frames (--split tells)", name)
        return "frames", found
    said = "measure different planes" if found.kind == "tilts" else "measure the same planes"
    log.info("%s: halves %s, so they are from %s", name, said, found.kind)
    return found.kind, found


def write_half_lists(
    stem: Path, tilts: Sequence[float], found: SplitEstimate | None, *, overwrite: bool
) -> tuple[Path, Path]:
    """Write the tilts of either half to `<stem>_half1.tlt` and `<stem>_half2.tlt`, one angle per line.

    Which half has which tilts is decided from the data; where they cannot tell, half 1 has the first, third, ...

    Raises
    ------
    InputError
        If such a file is there and not of this program, unless it may be overwritten, or there are under 6 tilts.
    """
    if len(tilts) < 6:  # two angles would be a range
        raise InputError(f"{stem.name}: {counted(len(tilts), 'tilt')} cannot be split into halves; give --split frames")
    chosen = [index % 2 == 0 for index in range(len(tilts))]
    if found is not None and found.kind == "tilts":
        of_first = tilts_of_first(found, tilts)
        chosen = of_first.tolist()
        if not any((of_first == one).all() for one in every_other(tilts)):
            log.warning(
                "%s: halves have neither every other tilt by angle nor in the order of the list; the spectrum of half "
                "1 shows %d of %d; look at %s",
                *(stem.name, sum(chosen), len(chosen), " and ".join(HALF_TILT_COLUMNS)),
            )
    else:
        log.warning("%s: half 1 is taken to have tilts 1, 3, 5 ... of the list; edit %s", stem.name, HALF_TILT_COLUMNS)
    paths = []
    for half, wanted in ((1, True), (2, False)):
        path = stem.with_name(f"{stem.name}_half{half}.tlt")
        part = [tilt for tilt, first in zip(tilts, chosen, strict=True) if first is wanted]
        write_list(path, part, f"tilts of half {half}", overwrite=overwrite)
        paths.append(path)
    return paths[0], paths[1]


def write_list(path: Path, tilts: Sequence[float], what: str, *, overwrite: bool) -> None:
    """Write tilts in degrees, one per line, under a comment that tells whose they are; errors as its caller's."""
    if path.exists() and not overwrite and not path.read_bytes().startswith(_MARK.encode()):
        raise InputError(f"{path}: exists and was not made by prepare; move it away or add --overwrite")
    files.write_text(path, f"{_MARK} {what}\n" + "".join(f"{tilt:.2f}\n" for tilt in tilts))
