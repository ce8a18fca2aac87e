"""Masks of tomograms as steps read them: those of this program, and others brought to the shape of a tomogram."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isonet.core.masks.masking import nearest_indices
from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.volume import Volume
from isonet.project.belonging import tell_of_others
from isonet.project.table import Project, Tomogram
from isonet.volumes.pixel_size import pixel_size_in_table
from isonet.volumes.products import labels_of

MASK_COLUMN = "rlnMaskName"
KIND = "mask"
"""Word in the labels of masks that this program makes."""

log = logging.getLogger("isonet")
_NO_SIZE = (0.0, 1.0)  # Å per voxel, as programs write that know none
_AS_WIDE = 1.1
_SURELY_LABELS, _LARGEST_LABEL = 64, 1_000_000
_SELDOM, _FLAT = 0.5, 0.8  # share of the largest label, and of equal ones among neighbours
_LEFT_OUT = 0.1  # of what is above 0
_BOTTOM = -128  # outside, where IMOD has taken 128 from bytes


class ExistingMask:
    """A mask file seen on the grid of a tomogram.

    Voxels nearer to the mask's maximum than to 0 belong to it, and all above 0 where these are labels: several whole
    numbers, each of whole regions, up to some tens or with the largest one seldom. Bytes are taken as they were meant:
    those without a sign in a file that claims one, so that 255 reads as -1, and IMOD's with a sign, of which -128 is
    outside. A mask binned by a whole number (or of a finer copy) is scaled by taking the nearest voxel.

    Parameters
    ----------
    path : Path
        Mask of any program.
    shape : tuple of int
        Voxels z, y, x of the tomogram.
    tomogram : Path
        Its file, for messages.

    Raises
    ------
    InputError
        If the file cannot be read, does not fit, or is empty.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], tomogram: Path) -> None:
        self.shape = shape
        self._volume = open_volume(path)
        try:
            self._indices = nearest_indices(self._volume.shape, shape)
        except ValueError as error:
            raise InputError(f"{path}: {error}; make a mask of the shape of {tomogram}") from error
        lowest, wrapped = self._outside()
        if wrapped:
            self._volume = replace(self._volume, stored=self._volume.stored.viewed(np.uint8))
        self._highest, self._plain, labels = float(lowest), True, _Labels(lowest)
        below = 0.0
        for part, slab in self._volume.slabs():
            if not np.isfinite(slab).all():
                raise InputError(f"{path}: NaN or infinite voxels at section {part.start} or after; make it again")
            self._highest = max(self._highest, float(slab.max()))
            below = min(below, float(slab.min()))
            self._plain = self._plain and bool(((slab == 0) | (slab == 1)).all())
            labels.look(slab)
        if self._highest <= lowest:
            raise InputError(f"{path}: no voxel is larger than {lowest}; make a wider mask")
        self._middle = (lowest + self._highest) / 2
        if labels.number > 1:
            self._middle = float(lowest)
            log.info("%s: holds %d labels up to %g; all are kept", path, labels.number, self._highest - lowest)
        elif (left := labels.share_up_to(self._middle - lowest)) > _LEFT_OUT:
            text = "%s: %.0f %% of its voxels above %d are below half of the largest value, %g, and left out; give a"
            log.warning(f"{text} mask of 0 and 1 if they belong to it", path, 100 * left, lowest, self._highest)
        if below < lowest:
            text = "%s: holds values down to %g, as scores and distances do; what is above %g is kept; give a mask of 0"
            log.warning(f"{text} and 1 if that is not right", path, below, self._middle)

    def _outside(self) -> tuple[int, bool]:
        """Value outside the mask, 0 or that of IMOD's bytes with a sign; whether bytes that have none were read so."""
        if self._volume.stored.dtype != np.int8:
            return 0, False
        below = zero = bottom = 0
        for _, slab in self._volume.slabs():
            below += np.count_nonzero(slab < 0)
            zero += np.count_nonzero(slab == 0)
            bottom += np.count_nonzero(slab == _BOTTOM)
        return (_BOTTOM, False) if bottom > zero else (0, bool(below and zero))

    def sections(self, first: int, last: int) -> npt.NDArray[np.bool_]:
        """Return sections `first ... last - 1` of the tomogram's grid."""
        z, y, x = self._indices
        wanted = z[first:last]
        planes = self._volume.read_rows(slice(int(wanted[0]), int(wanted[-1]) + 1)) > self._middle
        return planes[np.ix_(wanted - wanted[0], y, x)]

    def array(self) -> npt.NDArray[Any]:
        """Whole mask, larger than 0 where it holds: the mapped file if it is as it should be, else in memory."""
        if self._plain and self._volume.shape == self.shape:
            return self._volume.stored.mapped()
        result = np.empty(self.shape, dtype=np.bool_)
        for first in range(self.shape[0]):
            result[first] = self.sections(first, first + 1)[0]
        return result


class _Labels:
    """Whole numbers above what is outside of a mask, and whether they are labels."""

    def __init__(self, outside: int) -> None:
        self._outside, self._whole = outside, True
        self._counts = np.zeros(1, np.int64)
        self._beside = self._equal = 0

    def look(self, slab: npt.NDArray[Any]) -> None:
        """Show some sections."""
        if not self._whole:
            return
        above = np.maximum(np.subtract(slab, self._outside, dtype=np.float32), 0)
        self._whole = bool(above.max() <= _LARGEST_LABEL and (above == np.rint(above)).all())
        if not self._whole:
            return
        counts = np.bincount(above.astype(np.intp).ravel(), minlength=len(self._counts))
        counts[: len(self._counts)] += self._counts
        self._counts = counts
        after, before = above[..., 1:], above[..., :-1]
        both = (after > 0) & (before > 0)
        self._beside += np.count_nonzero(both)
        self._equal += np.count_nonzero(both & (after == before))

    @property
    def number(self) -> int:
        """How many labels there are; 0 where it holds other values, such as the soft edge of a mask."""
        found = np.flatnonzero(self._counts[1:]) + 1
        if not self._whole or not len(found):
            return 0
        seldom = self._counts[-1] <= _SELDOM * self._counts[1:].sum()
        are_labels = found[-1] <= _SURELY_LABELS or (seldom and self._equal >= _FLAT * self._beside)
        return len(found) if are_labels else 0

    def share_up_to(self, value: float) -> float:
        """Share of what is above 0 that is not above a value, of whole numbers; 0 of others."""
        above = self._counts[1:]
        return float(above[: int(value)].sum() / above.sum()) if self._whole and above.any() else 0.0


def open_mask(tomogram: Tomogram, volume: Volume) -> npt.NDArray[Any] | None:
    """Mask of a tomogram, larger than 0 where it holds; None where the table names none.

    Raises
    ------
    InputError
        If it cannot be read or does not fit the tomogram.
    """
    if tomogram.text("rlnMaskName") is None:
        return None
    if is_ours(tomogram) and (made := open_volume(tomogram.file("rlnMaskName"))).shape == volume.shape:
        return made.stored.mapped()
    warn_of_other_extent(tomogram.file("rlnMaskName"), tomogram, volume)
    return ExistingMask(tomogram.file("rlnMaskName"), volume.shape, volume.path).array()


def warn_of_other_extent(path: Path, tomogram: Tomogram, volume: Volume) -> None:
    """Warn where a mask, as wide as its header says, is not as wide as its tomogram by the table or its header."""
    mask = open_volume(path)
    width = mask.header.pixel_size * mask.shape[2]
    widths = [size * volume.shape[2] for size in (pixel_size_in_table(tomogram), volume.header.pixel_size) if size]
    if mask.header.pixel_size in _NO_SIZE or not widths:
        return
    if all(max(width / one, one / width) > _AS_WIDE for one in widths):
        log.warning(
            "%s: is %g A wide by its header, %s %g; look whether it is a mask of this tomogram",
            path,
            width,
            volume.path,
            widths[0],
        )


def is_ours(tomogram: Tomogram) -> bool:
    """Tell whether this program made a tomogram's mask, which is known to be good then."""
    return any(label.startswith("isonet mask:") for label in labels_of(tomogram.file("rlnMaskName")))


def is_foreign(tomogram: Tomogram) -> bool:
    """Tell whether the table names a mask that this program did not make."""
    if tomogram.text(MASK_COLUMN) is None or not tomogram.file(MASK_COLUMN).exists():
        return False
    labels = open_volume(tomogram.file(MASK_COLUMN)).header.labels
    return not any(label.startswith(f"isonet {KIND}:") for label in labels)


def tell_of_foreign(project: Project, tomograms: Sequence[Tomogram]) -> None:
    """Warn of masks of other programs that are of another tomogram by their names, or named for several."""
    tell_of_others(project, MASK_COLUMN, [one for one in tomograms if is_foreign(one)])
