"""Padding of a volume on disk: where programs had no data and wrote one value all over."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from isonet.core.masks.continuation import REACH, level, mirrored, together
from isonet.core.masks.repeated import Census, Repeated
from isonet.core.masks.rims import Rims, sections_inside
from isonet.core.sampling import Box
from isonet.io.volume import Volume

log = logging.getLogger("isonet")
Plane = npt.NDArray[np.bool_]
_READ_WHOLE = 1 << 24  # voxels that are read to find out about a volume
_FEWEST_SECTIONS = 32
_SLAB, _AT_ONCE = 1 << 24, 1 << 20  # voxels that are read at once, and that are told from padding
_MUCH = 0.2  # of all voxels
_COPIED = 0.02  # of all voxels, equal to a neighbour: more than chance gives where grey values are no levels
_ENOUGH = 0.5  # of the most data that a row, or a section, has: those with less are no source of others


@dataclass(frozen=True)
class Padding:
    """Where a volume has no data.

    Attributes
    ----------
    volume : Volume
        The volume, as it is.
    values : tuple of Repeated
        Grey values that stand for no data.
    others : bool
        Whether any value that fills a piece of a row or column does, too.
    inside : Box
        The part within rims of copied edges, of all sections.
    data : array
        `[z, y]`: voxels of each row that are data.
    box : Box
        The smallest part that holds all data.
    sections, turned : array
        `[z]`: the section that each one is continued from, itself where it has data enough; and whether that is turned
        about y by 180 degrees, which leaves the missing wedge in place.
    """

    volume: Volume
    values: tuple[Repeated, ...]
    others: bool
    inside: Box
    data: npt.NDArray[np.int32] = field(repr=False)
    box: Box
    sections: npt.NDArray[np.int64] = field(repr=False)
    turned: npt.NDArray[np.bool_] = field(repr=False)

    @property
    def share(self) -> float:
        """Share of the voxels that are padding."""
        return 1 - float(self.data.sum(dtype=np.int64)) / self.volume.stored.size

    def share_of_data(self, sections: slice, rows: slice) -> float:
        """Share of the voxels of whole rows that are data."""
        return float(self.data[sections, rows].mean()) / self.volume.shape[2]

    def plane(self, section: int, rows: slice = slice(None)) -> Plane:
        """Tell which voxels of some rows of a section are padding, `[y, x]`."""
        return self.block(slice(section, section + 1), rows)[0]

    def block(self, sections: slice, rows: slice = slice(None)) -> Plane:
        """Tell which voxels of whole rows are padding, `[z, y, x]`."""
        return _padded(self.volume, self.values, sections, rows, others=self.others, inside=self.inside)

    def planes(self, sections: npt.NDArray[np.int64], rows: slice) -> Plane:
        """Tell which voxels of some rows of sections in ascending order are padding, `[z, y, x]`."""
        first, last = int(sections[0]), int(sections[-1])
        if last - first + 1 == len(sections):
            return self.block(slice(first, last + 1), rows)
        return np.concatenate([self.block(slice(one, one + 1), rows) for one in sections.tolist()])

    @cached_property
    def rows(self) -> npt.NDArray[np.int64]:
        """Row that each row of a section is continued from, itself where it has data enough: `[z, y]`."""
        return mirrored(self.data < _ENOUGH * self.data.max(axis=1, keepdims=True))[0]


def find_padding(volume: Volume, *, aloud: bool = True) -> Padding | None:
    """Find out where a volume has no data, and say so (`aloud`); None where it has data all over.

    Of a large volume sections all over it are read to find the values that stand for no data, and all of it where
    there are some. What a file leaves out, as OME-Zarr may, is no data, however little it is.
    """
    census, rims = Census(), Rims()
    for part in looked_at(volume.shape):
        slab = volume.read_rows(part)
        census.look(slab)
        rims.look(slab)
    inside = sections_inside(volume), *rims.inside
    rim = 1 - math.prod(part.stop - part.start for part in inside) / volume.stored.size
    absent = volume.stored.absent
    if rims.lined:
        census.tell_of_lines()
    if census.suspects or census.has_more:
        for part in looked_at(volume.shape):
            census.count(volume.read_rows(part))
    copied = census.copied - census.others - rim
    if aloud and copied > _COPIED:
        log.warning(
            "%s: %.1f %% of the voxels are equal to a neighbour, as where edges were copied outward; taken as data, "
            "cut the tomogram to what was measured",
            *(volume.path, 100 * copied),
        )
    for one in census.doubtful if aloud else ():
        log.warning(
            "%s: %.1f %% of the voxels are exactly %g, taken as data; if it was clipped or is a segmentation, give the "
            "tomogram as it was reconstructed",
            *(volume.path, 100 * one.share, one.value),
        )
    values = census.padding
    if absent is not None and absent.value not in {one.value for one in values}:
        values = (*values, Repeated(absent.value, absent.voxels / volume.stored.size, among_data=True))
    others = census.others > 0
    padding = _mapped(volume, values, others=others, inside=inside) if values or others or rim else None
    if padding is None:
        return None
    if aloud:
        _tell(padding)
    return padding


def looked_at(shape: tuple[int, int, int]) -> Iterator[slice]:
    """Slabs that make up a volume, or single sections at equal distances where it is large."""
    depth, height, width = shape
    count = max(_FEWEST_SECTIONS, _READ_WHOLE // (height * width))
    if count >= depth:
        step = max(1, _SLAB // (height * width))
        yield from (slice(first, min(first + step, depth)) for first in range(0, depth, step))
        return
    for section in np.linspace(0, depth - 1, count).round().astype(int).tolist():
        yield slice(section, section + 1)


def _padded(
    volume: Volume, values: tuple[Repeated, ...], sections: slice, rows: slice, *, others: bool, inside: Box
) -> Plane:
    """Tell which voxels of some rows of sections hold the values of padding, or are not inside."""
    first, stop, _ = rows.indices(volume.shape[1])
    reach = 2 * REACH if others or any(one.among_data for one in values) else 0
    low = max(0, first - reach)
    read = volume.read_rows(sections, slice(low, stop + reach))
    found = level(read) if others else np.zeros(read.shape, dtype=np.bool_)
    for one in values:
        same = read == np.float32(one.value)
        found |= together(same) if one.among_data else same
    found = found[:, first - low : stop - low]
    for axis, (part, there) in enumerate(zip((sections, rows, slice(None)), inside, strict=True)):
        places = np.arange(volume.shape[axis])[part]
        np.moveaxis(found, axis, 0)[(places < there.start) | (places >= there.stop)] = True
    return found


def _mapped(volume: Volume, values: tuple[Repeated, ...], *, others: bool, inside: Box) -> Padding | None:
    """Go through all of a volume to see where its data are; None if there are none."""
    depth, height, width = volume.shape
    data = np.empty((depth, height), dtype=np.int32)
    columns = np.zeros(width, dtype=np.bool_)
    step = max(1, _AT_ONCE // (height * width))
    for first in range(0, depth, step):
        part = slice(first, min(first + step, depth))
        there = ~_padded(volume, values, part, slice(None), others=others, inside=inside)
        data[part] = np.count_nonzero(there, axis=2)
        columns |= there.any(axis=(0, 1))
    if not columns.any():
        return None
    each = data.sum(axis=1, dtype=np.int64)
    box = _extent(each > 0), _extent(data.max(axis=0) > 0), _extent(columns)
    return Padding(volume, values, others, inside, data, box, *mirrored(each < _ENOUGH * each.max()))


def _extent(there: Plane) -> slice:
    """From the first to the last that is there."""
    places = np.flatnonzero(there)
    return slice(int(places[0]), int(places[-1]) + 1)


def _tell(padding: Padding) -> None:
    """Say how much is padding; warn of what may not have been copied."""
    if padding.volume.stored.absent is not None:
        log.warning(
            "%s: chunks are missing on disk and are taken for padding; if a copy was cut short, copy it again",
            padding.volume.path,
        )
    share = padding.share
    values = [f"{one.value:g}" for one in padding.values] + ["another value all along"] * padding.others
    kinds = [f"exactly {' or '.join(values)}"] * bool(values)
    kinds += ["copies of the edge of the data"] * (
        tuple(part.stop - part.start for part in padding.inside) != padding.volume.shape
    )
    log.log(
        logging.WARNING if share > _MUCH else logging.INFO,
        "%s: %d voxels (%.2g %%) are %s: padding, left out%s",
        *(padding.volume.path, round(share * padding.volume.stored.size), 100 * share),
        " or ".join(kinds),
        "; cut the tomogram to its data to save time" if share > _MUCH else ", data go on there by reflection",
    )
