"""Input volumes of a step: one tomogram's voxels, checked and normalised, cut where asked."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from isonet.core.normalize import Moments, Normalization, skewness
from isonet.core.sampling import cut
from isonet.errors import InputError
from isonet.io import mrc
from isonet.project.older_tilts import tilts_of_older_version
from isonet.project.table import HALF_COLUMNS, Tomogram

log = logging.getLogger("isonet")
CONTRAST_COLUMN = "rlnTomoContrast"
MEAN_COLUMN, STD_COLUMN = "rlnTomoMean", "rlnTomoStd"
INPUT_COLUMN = "rlnTomoInputColumn"
"""In a table of sub-volumes: grey values of their whole tomogram, and the column it was taken from."""
_LOOK = 160  # edge of the central part whose contrast is judged, voxels
_READ_WHOLE = 1 << 24  # voxels that are read to find mean and standard deviation
_FEWEST_SECTIONS = 32
_SLAB = 1 << 24  # voxels that are read at once
_LARGEST = 1e31  # standard deviation of grey values; the smallest is as far below 1
_LOOKS = 32  # volumes that are looked at, at most


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
    tilts : tuple of float
        Degrees, range or list, that this map was made of.
    """

    tomogram: Tomogram
    volume: mrc.Volume
    normalization: Normalization
    tilts: tuple[float, ...]

    def cut(self, corner: Sequence[int], shape: Sequence[int]) -> npt.NDArray[np.float32]:
        """Cut a normalised block out, continued by reflection beyond the faces."""
        block = self.normalization.forward(cut(self.volume, corner, shape))
        if not np.isfinite(block).all():  # a large volume was not read as a whole before
            raise InputError(not_finite(self.volume.path, block, max(0, int(corner[0]))))
        return block

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        return self.volume.shape

    def read_rows(self, sections: slice, rows: slice) -> npt.NDArray[np.float32]:
        """Return a new block of normalised rows."""
        return np.asarray(self.normalization.forward(self.volume.read_rows(sections, rows)), np.float32)


@dataclass(frozen=True)
class MeanSource(Source):
    """The mean of two halves, as the network sees it: on the scale of a half, whose signal it shares, unless told.

    Attributes
    ----------
    halves : tuple of Source
        Both halves; `volume` and `tomogram` are the first one's, `tilts` those of the whole tomogram.
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


def mean_source(first: Source, second: Source) -> MeanSource:
    """Take the mean of two halves."""
    grey = (first.normalization, second.normalization)
    mean, std = (sum(getattr(one, name) for one in grey) / 2 for name in ("mean", "std"))
    normalization = Normalization(mean, std, grey[0].sign)
    return MeanSource(first.tomogram, first.volume, normalization, first.tomogram.tilts, (first, second))


def standardised(mean: MeanSource) -> MeanSource:
    """Bring the mean of two halves to a standard deviation of 1, like a tomogram that was not split."""
    moments = Moments()
    for part in _looked_at(mean.shape):
        moments.add(mean.read_rows(part, slice(None)))
    grey = replace(mean.normalization, std=mean.normalization.std * moments.std)
    return replace(mean, normalization=grey, scale=mean.scale / moments.std)


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
    volumes = [mrc.open_volume(tomogram.file(column)) for column in columns]
    for volume in volumes[1:]:
        if volume.shape != volumes[0].shape:
            raise InputError(
                f"{volume.path}: shape {volume.shape} is not that of {volumes[0].path}, {volumes[0].shape}; give "
                "prepare the halves of one reconstruction"
            )
    comment_on_tilts(tomogram)
    grey = [statistics(volume) for volume in volumes]
    sign = contrast_sign(tomogram, volumes)
    tilts = [tomogram.half_tilts[HALF_COLUMNS.index(one)] if one in HALF_COLUMNS else tomogram.tilts for one in columns]
    return tuple(
        Source(tomogram, volume, Normalization(mean, std, sign), angles)
        for volume, (mean, std), angles in zip(volumes, grey, tilts, strict=True)
    )


def comment_on_tilts(tomogram: Tomogram) -> None:
    """Warn where the table does not say how a tomogram was tilted, or an older version read that from Warp's file."""
    if tomogram.text("rlnTiltFile") is None and tomogram.text("rlnTiltMin") is None:
        log.warning("%s: no rlnTiltMin, rlnTiltMax; %g to %g degrees taken", tomogram.table, *tomogram.tilts)
    older = tilts_of_older_version(tomogram)
    if older is not None:
        log.warning("%s: %s: %s; make the table anew with isonet prepare", tomogram.table, tomogram.name, older)


def contrast_sign(tomogram: Tomogram, volumes: Iterable[mrc.Volume]) -> int:
    """-1 where density is dark, +1 where it is light: as the table says, else as the volumes look together.

    Raises
    ------
    InputError
        If the table says neither dark nor light.
    """
    contrast = tomogram.text(CONTRAST_COLUMN) or pooled_contrast(volumes)
    if contrast not in ("dark", "light"):
        raise InputError(f"{tomogram.table}: {CONTRAST_COLUMN} is {contrast!r}; use dark or light")
    return -1 if contrast == "dark" else 1


def statistics(volume: mrc.Volume) -> tuple[float, float]:
    """Mean and standard deviation of all voxels of a volume; see :func:`pooled_statistics`."""
    return pooled_statistics([volume])


def pooled_statistics(volumes: Iterable[mrc.Volume]) -> tuple[float, float]:
    """Mean and standard deviation of the voxels of volumes together, in float64 and bounded memory.

    Of a large volume sections all over it are read, not all, so that the time does not grow with its size.

    Raises
    ------
    InputError
        If a voxel is NaN or infinite, or all are equal.
    """
    moments = Moments()
    where: Path | None = None
    for volume in volumes:
        where = where or volume.path
        for part in _looked_at(volume.shape):
            slab = volume.read_rows(part)
            moments.add(slab)
            if not moments.finite:
                raise InputError(not_finite(volume.path, slab, part.start))
    if where is None:
        raise ValueError("no volumes")
    if moments.constant:
        raise InputError(is_constant(where, moments.mean))
    if not 1 / _LARGEST < moments.std < _LARGEST:
        raise InputError(
            f"{where}: grey values with a standard deviation of {moments.std:.3g} cannot be computed with; multiply "
            f"them by {1 / moments.std:.0e} and give the result"
        )
    return moments.mean, moments.std


def _looked_at(shape: tuple[int, int, int]) -> Iterator[slice]:
    """Slabs that make up a volume, or single sections at equal distances where it is large."""
    depth, height, width = shape
    count = max(_FEWEST_SECTIONS, _READ_WHOLE // (height * width))
    if count >= depth:
        step = max(1, _SLAB // (height * width))
        yield from (slice(first, min(first + step, depth)) for first in range(0, depth, step))
        return
    for section in np.linspace(0, depth - 1, count).round().astype(int).tolist():
        yield slice(section, section + 1)


def not_finite(path: Path, slab: npt.NDArray[np.float32], first: int) -> str:
    """Say which section of a slab that begins with section `first` holds NaN or infinite voxels."""
    bad = int(np.flatnonzero(~np.isfinite(slab).all(axis=(1, 2)))[0]) + first
    return f"{path}: NaN or infinite voxels in section {bad}; reconstruct it again"


def is_constant(path: Path, value: float) -> str:
    """Say that a volume holds nothing."""
    return f"{path}: all voxels are {value:g}; a constant volume holds no tomogram"


def measure_contrast(volume: mrc.Volume) -> str:
    """Tell whether density is `dark` or `light` from the skewness of the low-passed central part."""
    return pooled_contrast([volume])


def pooled_contrast(volumes: Iterable[mrc.Volume]) -> str:
    """Tell whether density is `dark` or `light` in volumes together; see :func:`measure_contrast`."""
    looks = []
    for volume in islice(volumes, _LOOKS):
        middle = tuple(slice(max(0, (edge - _LOOK) // 2), (edge + _LOOK) // 2) for edge in volume.shape)
        block = volume.read(*middle)
        looks.append(gaussian_filter(block - block.mean(), 2.0).ravel())
    return "dark" if skewness(np.concatenate(looks)) < 0 else "light"


def choose_column(tomograms: Sequence[Tomogram], asked: str) -> str:
    """Resolve the input column: `full`, or `auto`, the deconvolved tomograms if all are made, else the full ones."""
    if asked not in ("auto", "full"):
        return asked
    if asked == "auto" and all(tomogram.text("rlnDeconvTomoName") is not None for tomogram in tomograms):
        return "rlnDeconvTomoName"
    return tomograms[0].full_column
