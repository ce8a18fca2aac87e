"""The pixel size of a tomogram: from its header or metadata, and what is wrong with it."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from isonet.io.formats import open_volume
from isonet.io.mrc_bytes.header import Header
from isonet.io.text import some_of
from isonet.io.volume import Volume
from isonet.project.derived import RECONSTRUCTED
from isonet.project.table import Tomogram
from isonet.steps.prepare.description import Description
from isonet.volumes.pixel_size import DEFAULT_SIZE

log = logging.getLogger("isonet")
_IN_NAMES = re.compile(r"(?:^|_)(\d+(?:\.\d+)?)Apx(?=[._]|$)")  # of Warp: TS_1_10.00Apx.mrc
_USUAL_PIXEL_SIZES = (5.0, 25.0)
_ALIKE = 1.05
_AS_LISTED = 1.02  # where a table gives the size: of that header and table should be one
_SAME = 1.01
_DIGITS = 4


@dataclass(frozen=True)
class Sized:
    """A tomogram with its pixel size.

    Attributes
    ----------
    path : Path
        The tomogram.
    halves : tuple of Path
        Its halves, if there are any.
    header : Header
        Its header.
    size : float
        Å per voxel, as it is taken.
    known : Description
        What metadata say.
    table : Path or None
        The table that the size is from, if it is from one.
    """

    path: Path
    halves: tuple[Path, ...]
    header: Header
    size: float
    known: Description
    table: Path | None

    @property
    def is_default(self) -> bool:
        """Whether its size is one that headers have which know none, and its header has that."""
        return {self.size, self.header.pixel_size} <= {0.0, DEFAULT_SIZE}

    @property
    def others(self) -> Iterator[tuple[Path, float]]:
        """Files of it whose headers give another size, and that size; of the tomogram itself where a table gives it."""
        whole = [] if self.table is None else [(self.path, self.header)]
        for path, header in (*whole, *((half, open_volume(half).header) for half in self.halves)):
            if _differ(header.pixel_size, self.size, _ALIKE if self.table is None else _AS_LISTED):
                yield path, header.pixel_size


def pixel_size_of(volume: Volume, known: Description) -> float:
    """Å per voxel from the header, or from metadata where it has none.

    Raises
    ------
    InputError
        If voxels are not cubes by the header, and metadata do not know better.
    """
    header = volume.header
    if known.pixel_size and (header.pixel_size in (0.0, DEFAULT_SIZE) or not header.cubic):
        fault = "the header has no pixel size" if header.cubic else f"voxels are not cubes ({_edges(header)})"
        log.info("%s: %s; %g A taken from metadata", volume.path, fault, known.pixel_size)
        return known.pixel_size
    return volume.pixel_size


def tell_of_size(path: Path, size: float, header: Header) -> None:
    """Say where results have another size than the header of their tomogram."""
    if not header.cubic:
        log.info("%s: voxels are not cubes (%s); results have %g A", path, _edges(header), size)
    elif _differ(header.pixel_size, size, _SAME):
        log.info("%s: the header gives %g A/voxel; results have %g A", path, header.pixel_size, size)


def comment_on_sizes(tomograms: Sequence[Sized], *, asked: bool) -> None:
    """Warn of sizes that are defaults, unusual, or not what others say, once of all tomograms of which the same holds.

    Parameters
    ----------
    tomograms : sequence of Sized
        All of a set.
    asked : bool
        Whether the size was asked for, so that it is no matter what headers say.
    """
    low, high = _USUAL_PIXEL_SIZES
    for files, (size, is_default) in _together((one.path, (one.size, one.is_default)) for one in tomograms):
        if is_default and not asked:
            log.warning("%s: the header gives a pixel size of %g A, which is a default; set --pixel-size", files, size)
        elif not low <= size <= high:
            remedy = "bin it or use 'isonet resize'" if size < low else "reconstruct it with less binning"
            log.warning("%s: %g A/voxel; the method works best at about 10 (5 to 25), %s", files, size, remedy)
    _comment_on_metadata(tomograms)
    if asked:
        return
    for table in dict.fromkeys(one.table for one in tomograms):
        those = [one for one in tomograms if one.table == table]
        for files, (found, taken) in _together((path, (size, one.size)) for one in those for path, size in one.others):
            if table is None:
                log.warning("%s: the header gives %g A/voxel; %g A taken, give --pixel-size", files, found, taken)
            else:
                said = "%s: %g A/voxel in the header, %g in %s; the latter taken, correct it or give --pixel-size"
                log.warning(said, files, found, taken, table)


def _comment_on_metadata(tomograms: Sequence[Sized]) -> None:
    """Warn where metadata or its name say another size, or images had a coarser one."""
    others, coarse, named = [], [], []
    for one in tomograms:
        said, image = one.known.pixel_size, one.known.image_pixel_size
        if said and one.size and abs(said / one.size - 1) > 0.05:
            others.append((one.path, (one.size, said)))
        elif image and DEFAULT_SIZE < one.size < 0.95 * image:
            coarse.append((one.path, (one.size, image)))
        name = None if _is_reconstructed(one) else _IN_NAMES.search(one.path.name)
        if name is not None and _differ(float(name[1]), one.size, _SAME):
            named.append((one.path, (float(name[1]), one.size)))
    for files, sizes in _together(others):
        log.warning("%s: %g A/voxel, metadata say %g; check --pixel-size", files, *sizes)
    for files, sizes in _together(coarse):
        log.warning("%s: %g A/voxel, finer than its images' %g A; check --pixel-size", files, *sizes)
    for files, sizes in _together(named):
        log.warning("%s: its name says %g A/voxel, %g taken; give --pixel-size", files, *sizes)


def _is_reconstructed(one: Sized) -> bool:
    """Whether `reconstruct` made a tomogram, which names it as its images are named, whatever their size is."""
    return any(label.startswith(RECONSTRUCTED) for label in one.header.labels)


def _together(found: Iterable[tuple[Path, tuple[float, ...]]]) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Name the files of which one thing is to be said, the first ones and how many more, with the sizes to be said."""
    groups: dict[tuple[str, ...], list[tuple[Path, tuple[float, ...]]]] = {}
    for path, sizes in found:
        groups.setdefault(tuple(f"{size:.{_DIGITS}g}" for size in sizes), []).append((path, sizes))
    for those in groups.values():
        yield some_of([str(path) for path, _ in those]), those[0][1]


def _differ(said: float, size: float, most: float) -> bool:
    """Tell whether a size, unless that is a default, is not another one."""
    return said not in (0.0, DEFAULT_SIZE) and bool(size) and not 1 / most < said / size < most


def _edges(header: Header) -> str:
    return " x ".join(f"{edge:g}" for edge in reversed(header.voxel_size)) + " A along x, y, z"


def comment_on_several(tomograms: Sequence[Tomogram]) -> None:
    """Warn where the tomograms of a table have several pixel sizes, by one whose size is not that of the first."""
    sized = [(one, size) for one in tomograms if (size := one.number("rlnPixelSize"))]
    if not sized:
        return
    first, usual = sized[0]
    for one, size in sized:
        if not 1 / _ALIKE < size / usual < _ALIKE:
            files = [tomogram.file(tomogram.full_column) for tomogram in (one, first)]
            text = "%s has %g A/voxel, %s has %g; bring all to one by 'isonet resize', or prepare them apart"
            log.warning(text, files[0], size, files[1], usual)
            return
