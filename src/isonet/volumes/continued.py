"""Volumes whose padding is left out: with data going on there by reflection, and put back into what is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isonet.core.masks.continuation import continued
from isonet.core.sampling import Box
from isonet.core.voxels import Voxels
from isonet.io.formats import open_volume
from isonet.io.volume import FloatArray, Volume
from isonet.volumes.padding import Padding, Plane, find_padding

Sections = npt.NDArray[np.int64]
_AT_ONCE = 1 << 20  # voxels that are continued at once


@dataclass(frozen=True)
class Continued(Volume):
    """A volume whose data go on over the padding by reflection, as they do beyond its faces.

    Attributes
    ----------
    padding : Padding
        Where it has no data.
    """

    padding: Padding

    def __getitem__(self, block: tuple[slice, ...]) -> npt.NDArray[Any]:
        """Return a copy of a block."""
        whole = (*block, *(slice(None),) * (3 - len(block)))
        sections, rows = (range(*part.indices(edge)) for part, edge in zip(whole[:2], self.shape[:2], strict=True))
        if not sections or not rows:
            return super().__getitem__(block)
        span = slice(min(rows), max(rows) + 1)
        inner = slice(None), slice(None, None, whole[1].step), whole[2]
        step = max(1, _AT_ONCE // ((span.stop - span.start) * self.shape[2]))
        parts = (sections[first : first + step] for first in range(0, len(sections), step))
        return np.concatenate([self._filled(np.array(part), span)[inner] for part in parts])

    def data(self, sections: slice) -> FloatArray:
        """Return the grey values of some sections that are no padding, one after the other."""
        return super().__getitem__((sections,))[~self.padding.block(sections)].astype(np.float32, copy=False)

    def _as_it_is(self, sections: Sections, rows: slice) -> npt.NDArray[Any]:
        """Rows of some sections in ascending order."""
        first, last = int(sections[0]), int(sections[-1])
        if last - first + 1 == len(sections):
            return super().__getitem__((slice(first, last + 1), rows))
        return np.concatenate([super(Continued, self).__getitem__((slice(one, one + 1), rows)) for one in sections])

    def _filled(self, sections: Sections, rows: slice) -> npt.NDArray[Any]:
        """Rows of some sections with data all over."""
        found = self._as_it_is(sections, rows)
        padded = self.padding.planes(sections, rows)
        wanted = np.flatnonzero(padded.any(axis=(1, 2)))
        if not wanted.size:
            return found
        sources = self.padding.sections[sections[wanted]]
        needed, place = np.unique(sources, return_inverse=True)
        other = self._from_rows(needed, rows)[place]
        turned = self.padding.turned[sections[wanted]] & (sources != sections[wanted])
        other[turned] = other[turned, :, ::-1]
        found[wanted] = np.where(padded[wanted], other, found[wanted])
        return found

    def _from_rows(self, sections: Sections, rows: slice) -> npt.NDArray[Any]:
        """Rows of sections that have data: where they are padded, continued along x, or in place of one that is."""
        sources = self.padding.rows[sections, rows]
        span = slice(min(rows.start, int(sources.min())), max(rows.stop, int(sources.max()) + 1))
        read, padded = self._as_it_is(sections, span), self.padding.planes(sections, span)
        whole = continued(read.reshape(-1, read.shape[2]), padded.reshape(-1, read.shape[2])).reshape(read.shape)
        filled = np.take_along_axis(whole, (sources - span.start)[:, :, None], axis=1)
        own = slice(rows.start - span.start, rows.stop - span.start)
        return np.where(padded[:, own], filled, read[:, own])


def continue_over_padding(volume: Volume, padding: Padding | None) -> Volume:
    """Return a volume with data in place of padding, found in it or in another of its shape."""
    return volume if padding is None else Continued(volume.path, volume.header, volume.stored, padding)


def open_continued(path: Path, *, aloud: bool = False) -> Volume:
    """Open a volume, with data in place of its padding; errors as :func:`isonet.io.formats.open_volume`."""
    volume = open_volume(path)
    return continue_over_padding(volume, find_padding(volume, aloud=aloud))


def data_box(volume: Volume) -> Box:
    """Return the smallest part of a volume that holds all its data."""
    if isinstance(volume, Continued):
        return volume.padding.box
    depth, height, width = volume.shape
    return slice(0, depth), slice(0, height), slice(0, width)


@dataclass(frozen=True)
class Within:
    """A mask that the padding is left out of; read where it is looked at.

    Attributes
    ----------
    padding : Padding
        Where there are no data.
    mask : array or None
        `[z, y, x]`, larger than 0 where it holds.
    """

    padding: Padding
    mask: Voxels | None

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along z, y, x."""
        return self.padding.volume.shape

    def __getitem__(self, place: Any) -> Plane:
        """Return part of a section, or single voxels: places z, y, x as arrays."""
        sections, rows, columns = place
        if isinstance(sections, np.ndarray):
            there = [~self.padding.plane(z, slice(y, y + 1))[0, x] for z, y, x in np.transpose(place).tolist()]
            found = np.array(there, dtype=np.bool_)
        else:
            found = ~self.padding.plane(sections, rows)[:, columns]
        return found if self.mask is None else found & (np.asarray(self.mask[place]) > 0)


def restore(paddings: Sequence[Padding | None], section: int, row: int, block: FloatArray) -> None:
    """Put padding back into a block of whole rows whose first is `row` of `section`.

    Of several volumes, such as halves, their mean where all of them are padded.
    """
    known = [one for one in paddings if one is not None]
    if len(known) < len(paddings):
        return
    for number, plane in enumerate(block, start=section):
        rows = slice(row, row + len(plane))
        padded = np.logical_and.reduce([one.plane(number, rows) for one in known])
        if padded.any():
            values = [one.volume.read_rows(slice(number, number + 1), rows)[0][padded] for one in known]
            plane[padded] = np.mean(values, axis=0)


@dataclass(frozen=True)
class Resized:
    """The padding of a volume on the grid of its resized copy, nearest voxel by nearest voxel.

    Attributes
    ----------
    padding : Padding
        Of the volume.
    steps : tuple of float
        Size of the new voxels along z, y, x in units of the old ones.
    """

    padding: Padding
    steps: tuple[float, float, float]

    def restore(self, section: int, row: int, block: FloatArray) -> None:
        """Put the padding into a block of whole rows of the copy, the first of which is `row` of `section`."""
        volume = self.padding.volume
        sections, rows, columns = (
            np.minimum(np.rint(np.arange(first, first + count) * step).astype(int), edge - 1)
            for first, count, step, edge in zip((section, row, 0), block.shape, self.steps, volume.shape, strict=True)
        )
        span = slice(int(rows[0]), int(rows[-1]) + 1)
        inner = np.ix_(rows - span.start, columns)
        for plane, nearest in zip(block, sections.tolist(), strict=True):
            padded = self.padding.plane(nearest, span)[inner]
            if padded.any():
                plane[padded] = volume.read_rows(slice(nearest, nearest + 1), span)[0][inner][padded]
