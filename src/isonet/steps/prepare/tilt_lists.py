"""How halves were split, and the lists of tilts that `prepare` writes where no file has them."""

import logging
from collections.abc import Sequence
from pathlib import Path

from isonet.core.tilts.split import Array, SplitEstimate, estimate, section_power, tilts_of_first
from isonet.errors import InputError
from isonet.io import files
from isonet.io.volume import Volume
from isonet.volumes.continued import open_continued

log = logging.getLogger("isonet")
SPLIT_COLUMN = "rlnTiltSplit"
HALF_TILT_COLUMNS = ("rlnTiltFileHalf1", "rlnTiltFileHalf2")
_SECTIONS = 64  # read in each of the two parts of a volume
_AT_ONCE = 1 << 20  # voxels read at once, 8 sections at least
_MARK = "# isonet prepare:"


def measure_split(even: Path, odd: Path) -> SplitEstimate:
    """Tell from the spectra of the middle XZ sections of two halves how they were split."""
    halves = [open_continued(path) for path in (even, odd)]
    middle = halves[0].shape[1] // 2
    count = min(_SECTIONS, middle)
    powers = [[_power(half, middle - count, middle), _power(half, middle, middle + count)] for half in halves]
    return estimate(powers[0], powers[1], halves[0].shape[2])


def split_of(name: str, even: Path, odd: Path, asked: str) -> tuple[str, SplitEstimate | None]:
    """Return `frames` or `tilts`, as asked or as the data tell, with a line that says so, and the measurement."""
    if asked == "frames":
        return asked, None
    found = measure_split(even, odd)
    if asked == "tilts":
        if found.kind == "frames":
            log.warning("%s: --split tilts given, but both halves measure the same planes as if from frames", name)
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
        raise InputError(f"{stem.name}: {len(tilts)} tilts cannot be split into halves; give --split frames")
    chosen = [index % 2 == 0 for index in range(len(tilts))]
    if found is not None and found.kind == "tilts":
        chosen = tilts_of_first(found, tilts).tolist()
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


def _power(volume: Volume, first: int, last: int) -> Array:
    """Summed spectrum of XZ sections, a few read at once."""
    step = max(8, _AT_ONCE // (volume.shape[0] * volume.shape[2]))
    starts = range(first, last, step)
    blocks = [section_power(volume.read(slice(None), slice(start, min(start + step, last)))) for start in starts]
    total = blocks[0]
    for block in blocks[1:]:
        total = total + block
    return total
