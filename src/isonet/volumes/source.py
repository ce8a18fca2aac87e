"""Input volumes of a step: one tomogram's voxels, checked and normalised, cut where asked."""

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from isonet.core.evenness import unevenness
from isonet.core.masks.beads import Bead
from isonet.core.normalize import FARTHEST, LocalMoments, Moments, Normalization, are_few, without_hot
from isonet.core.planes import Planes
from isonet.core.sampling import cut, reflected_indices
from isonet.core.tilts.measured import Measured
from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.volume import Volume, is_constant, not_finite
from isonet.project.older_tilts import comment_on_tilts
from isonet.project.table import FULL_COLUMNS, HALF_COLUMNS, Tomogram
from isonet.volumes.beads import painted, read_beads, restore_beads, warn_of_unpainted
from isonet.volumes.continued import Continued, continue_over_padding, restore
from isonet.volumes.contrast import pooled_contrast, warn_of_other_contrast
from isonet.volumes.half_likeness import warn_of_unlike_halves
from isonet.volumes.masks import MASK_COLUMN
from isonet.volumes.outdated import warn_of_outdated
from isonet.volumes.padding import Padding, find_padding, looked_at
from isonet.volumes.pixel_size import warn_of_other_size

log = logging.getLogger("isonet")
CONTRAST_COLUMN = "rlnTomoContrast"
MEAN_COLUMN, STD_COLUMN = "rlnTomoMean", "rlnTomoStd"
INPUT_COLUMN = "rlnTomoInputColumn"
"""In a table of sub-volumes: grey values of their whole tomogram, and the column it was taken from."""
_LARGEST = 1e31  # standard deviation of grey values; the smallest is as far below 1


@dataclass(frozen=True)
class Source:
    """One tomogram as the network sees it.

    Attributes
    ----------
    tomogram : Tomogram
        Its row in the table.
    volume : Volume
        Its voxels on disk.
    normalization : Normalization
        Between grey values and network values.
    measured : Measured
        What was measured of this map.
    padding : Padding or None
        Where it has no data.
    beads : tuple of Bead
        Its gold beads.
    """

    tomogram: Tomogram
    volume: Volume
    normalization: Normalization
    measured: Measured
    padding: Padding | None = field(default=None, kw_only=True)
    beads: tuple[Bead, ...] = field(default=(), kw_only=True)

    @property
    def voxels(self) -> Volume:
        """Its grey values, going on over the padding by reflection, and with texture in place of beads."""
        return continue_over_padding(painted(self.volume, self.beads), self.padding)

    def cut(self, corner: Sequence[int], shape: Sequence[int]) -> npt.NDArray[np.float32]:
        """Cut a normalised block out, continued by reflection beyond the faces and over the padding."""
        block = self._normalised(cut(self.voxels, corner, shape))
        if not np.isfinite(block).all():  # a large volume was not read as a whole before
            sections = reflected_indices(int(corner[0]), len(block), self.shape[0])
            bad = min(np.flatnonzero(~np.isfinite(block).all(axis=(1, 2))), key=lambda one: sections[one])
            raise InputError(not_finite(self.volume.path, block[bad : bad + 1], int(sections[bad])))
        return block

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        return self.volume.shape

    def read_rows(self, sections: slice, rows: slice) -> npt.NDArray[np.float32]:
        """Return a new block of normalised rows."""
        return self._normalised(self.voxels.read_rows(sections, rows))

    def _normalised(self, block: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return without_hot(self.normalization.forward(block))

    def without_padding(self, sections: slice) -> npt.NDArray[np.float32]:
        """Return the normalised values of some sections that are no padding."""
        block = self.read_rows(sections, slice(None))
        return block if self.padding is None else block[~self.padding.block(sections)]

    def restore(self, section: int, row: int, block: npt.NDArray[np.float32]) -> None:
        """Put padding and beads back into grey values of whole rows whose first is `row` of `section`."""
        restore([self.padding], section, row, block)
        restore_beads(self.beads, [self.volume], section, row, block)


@dataclass(frozen=True)
class MeanSource(Source):
    """The mean of two halves, as the network sees it: on the scale of a half, whose signal it shares, unless told.

    Attributes
    ----------
    halves : tuple of Source
        Both halves; `volume` and `tomogram` are the first one's, `measured` that of the whole tomogram.
    scale : float
        What the mean on that scale is multiplied with.
    """

    halves: tuple[Source, Source]
    scale: float = 1.0

    def cut(self, corner: Sequence[int], shape: Sequence[int]) -> npt.NDArray[np.float32]:
        """Cut a normalised block out of both halves and return its mean."""
        first, second = (half.cut(corner, shape) for half in self.halves)
        return np.asarray(self.scale * (first + second) / 2, np.float32)

    def read_rows(self, sections: slice, rows: slice) -> npt.NDArray[np.float32]:
        """Return a new block of normalised rows of both halves' mean."""
        first, second = (half.read_rows(sections, rows) for half in self.halves)
        return np.asarray(self.scale * (first + second) / 2, np.float32)

    def without_padding(self, sections: slice) -> npt.NDArray[np.float32]:
        """Return the mean of both halves where neither is padding."""
        block = self.read_rows(sections, slice(None))
        paddings = [half.padding.block(sections) for half in self.halves if half.padding is not None]
        return block[~np.logical_or.reduce(paddings)] if paddings else block

    def restore(self, section: int, row: int, block: npt.NDArray[np.float32]) -> None:
        """Put the mean of both halves back where both have padding, and where beads are."""
        restore([half.padding for half in self.halves], section, row, block)
        restore_beads(self.beads, [half.volume for half in self.halves], section, row, block)


def mean_source(first: Source, second: Source) -> MeanSource:
    """Take the mean of two halves."""
    grey = (first.normalization, second.normalization)
    mean, std = (sum(getattr(one, name) for one in grey) / 2 for name in ("mean", "std"))
    normalization = Normalization(mean, std, grey[0].sign)
    return MeanSource(
        *(first.tomogram, first.volume, normalization, first.tomogram.measured, (first, second)), beads=first.beads
    )


def standardised(mean: MeanSource) -> MeanSource:
    """Bring the mean of two halves to a standard deviation of 1, like a tomogram that was not split."""
    moments, local = Moments(), LocalMoments()
    for part in looked_at(mean.shape):
        moments.add(mean.without_padding(part))
        local.add(mean.read_rows(part, slice(None)))
    _, std = local.overruled(moments) or (moments.mean, moments.std)
    grey = replace(mean.normalization, std=mean.normalization.std * std)
    return replace(mean, normalization=grey, scale=mean.scale / std)


def open_source(tomogram: Tomogram, column: str) -> Source:
    """Open the volume in a column of a tomogram and find its normalisation.

    Raises
    ------
    InputError
        If the volume cannot be read, holds NaN or infinite voxels, or is constant.
    """
    return open_sources(tomogram, (column,))[0]


def open_sources(tomogram: Tomogram, columns: Sequence[str]) -> tuple[Source, ...]:
    """Open volumes of one tomogram, such as its halves: each normalised on its own, their contrast judged together.

    Raises
    ------
    InputError
        If a volume cannot be read, holds NaN or infinite voxels, is constant, or is not of the shape of the first.
    """
    volumes = [open_volume(tomogram.file(column)) for column in columns]
    for column in dict.fromkeys((*columns, *FULL_COLUMNS, MASK_COLUMN)):
        warn_of_outdated(tomogram, column)
    for volume in volumes[1:]:
        if volume.shape != volumes[0].shape:
            raise InputError(
                f"{volume.path}: shape {volume.shape} is not that of {volumes[0].path}, {volumes[0].shape}; give "
                "prepare the halves of one reconstruction"
            )
    comment_on_tilts(tomogram)
    warn_of_other_size(tomogram, volumes[0])
    if tuple(columns) == HALF_COLUMNS:
        warn_of_unlike_halves(tomogram, volumes[0], volumes[1])
    beads = read_beads(tomogram, volumes[0].shape)
    warn_of_unpainted(beads, volumes[0])
    paddings = [find_padding(volume) for volume in volumes]
    continued = list(map(continue_over_padding, (painted(one, beads) for one in volumes), paddings))
    grey = [pooled_statistics([volume], aloud=volume is continued[0]) for volume in continued]
    sign = contrast_sign(tomogram, continued)
    measured = [
        tomogram.half_measured[HALF_COLUMNS.index(one)] if one in HALF_COLUMNS else tomogram.measured for one in columns
    ]
    return tuple(
        Source(tomogram, volume, Normalization(mean, std, sign), seen, padding=padding, beads=beads)
        for volume, (mean, std), seen, padding in zip(volumes, grey, measured, paddings, strict=True)
    )


def contrast_sign(tomogram: Tomogram, volumes: Iterable[Volume]) -> int:
    """-1 where density is dark, +1 where it is light: as the table says, which is doubted, or as it looks.

    Raises
    ------
    InputError
        If the table says neither dark nor light.
    """
    contrast = (tomogram.text(CONTRAST_COLUMN) or "").lower()
    if not contrast:
        contrast = pooled_contrast(volumes)
    elif contrast in ("dark", "light"):
        warn_of_other_contrast(contrast, volumes)
    else:
        raise InputError(f"{tomogram.table}: {CONTRAST_COLUMN} is {contrast!r}; use dark or light")
    return -1 if contrast == "dark" else 1


def pooled_statistics(volumes: Iterable[Volume], *, aloud: bool = False) -> tuple[float, float]:
    """Mean and standard deviation of the voxels of volumes together, in float64 and bounded memory.

    The padding of volumes that are continued over it does not count, nor do a few voxels far beyond all others, such as
    hot pixels. Where a few parts rule the result, such as vacuum or gold in a tomogram full of noise, it is that of
    most parts. Of a large volume sections all over it are read, not all, so that the time does not grow with its size.
    Where they differ from one side to the other, that is said (`aloud`).

    Raises
    ------
    InputError
        If a voxel is NaN or infinite, or all are equal.
    """
    if not (looked := list(volumes)):
        raise ValueError("no volumes")
    where = looked[0].path
    moments, local, planes = _moments(looked)
    farthest = max(moments.high - moments.mean, moments.mean - moments.low)
    if farthest > FARTHEST * local.usual > 0:
        low, high = (local.middle + end * FARTHEST * local.usual for end in (-1, 1))
        inner = _moments(looked, low, high)
        if are_few(moments.count - inner[0].count, moments.count):
            moments, local, planes = inner
    if moments.constant:
        raise InputError(is_constant(where, moments.mean))
    if not 1 / _LARGEST < moments.std < _LARGEST:
        raise InputError(
            f"{where}: grey values with a standard deviation of {moments.std:.3g} cannot be computed with; multiply "
            f"them by {1 / moments.std:.0e} and give the result"
        )
    for text in [*(one.in_words for one in unevenness(*local.squares)), *planes.far_off(moments.std)] if aloud else ():
        log.warning("%s: %s", where, text)
    typical = local.overruled(moments)
    if typical is None:
        return moments.mean, moments.std
    log.info(
        "%s: a few parts, such as vacuum or gold, differ from the rest; mean %g and deviation %g of most parts taken, "
        "not %g and %g of all",
        *(where, *typical, moments.mean, moments.std),
    )
    return typical


def _moments(
    volumes: Iterable[Volume], low: float = -math.inf, high: float = math.inf
) -> tuple[Moments, LocalMoments, Planes]:
    """Statistics of voxels between two grey values: of all, of all part by part, and of planes of the first volume."""
    moments, local, planes = Moments(), LocalMoments(), Planes()
    for number, volume in enumerate(volumes):
        for part in looked_at(volume.shape):
            slab = volume.data(part) if isinstance(volume, Continued) else volume.read_rows(part)
            kept = slab if math.isinf(low) else slab[(slab >= low) & (slab <= high)]
            if kept.size:
                moments.add(kept)
            if not moments.finite:
                raise InputError(not_finite(volume.path, volume.read_rows(part), part.start))
            slab = volume.read_rows(part).clip(low, high)
            local.add(slab)
            if number == 0:
                planes.add(slab, part.start)
    return moments, local, planes


def choose_column(tomograms: Sequence[Tomogram], asked: str) -> str:
    """Resolve the input column: `full`, or `auto`, the deconvolved tomograms if all are made, else the full ones."""
    if asked not in ("auto", "full"):
        return asked
    if asked == "auto" and all(tomogram.text("rlnDeconvTomoName") is not None for tomogram in tomograms):
        return "rlnDeconvTomoName"
    return tomograms[0].full_column
