"""Input volumes of a step: one tomogram's voxels, checked and normalised, cut where asked."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from isonet.core.normalize import Moments, Normalization, skewness
from isonet.core.sampling import cut
from isonet.errors import InputError
from isonet.io import mrc
from isonet.project import Tomogram

log = logging.getLogger("isonet")
CONTRAST_COLUMN = "rlnTomoContrast"
_LOOK = 160  # edge of the central part whose contrast is judged, voxels


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
    """

    tomogram: Tomogram
    volume: mrc.Volume
    normalization: Normalization

    def cut(self, corner: Sequence[int], shape: Sequence[int]) -> npt.NDArray[np.float32]:
        """Cut a normalised block out, continued by reflection beyond the faces."""
        return self.normalization.forward(cut(self.volume.stored, corner, shape))


def open_source(tomogram: Tomogram, column: str) -> Source:
    """Open the volume in a column of a tomogram and find its normalisation.

    Raises
    ------
    InputError
        If the volume cannot be read, holds NaN or infinite voxels, or is constant.
    """
    volume = mrc.open_volume(tomogram.file(column))
    mean, std = statistics(volume)
    if tomogram.text("rlnTiltFile") is None and tomogram.text("rlnTiltMin") is None:
        log.warning("%s: no rlnTiltMin, rlnTiltMax; %g to %g degrees taken", tomogram.table, *tomogram.tilts)
    contrast = tomogram.text(CONTRAST_COLUMN) or measure_contrast(volume)
    if contrast not in ("dark", "light"):
        raise InputError(f"{tomogram.table}: {CONTRAST_COLUMN} is {contrast!r}; use dark or light")
    return Source(tomogram, volume, Normalization(mean, std, -1 if contrast == "dark" else 1))


def statistics(volume: mrc.Volume) -> tuple[float, float]:
    """Mean and standard deviation of all voxels, in float64 and bounded memory.

    Raises
    ------
    InputError
        If a voxel is NaN or infinite, or all are equal.
    """
    moments = Moments()
    for part, slab in volume.slabs():
        moments.add(slab)
        if not moments.finite:
            raise InputError(not_finite(volume.path, slab, part.start))
    if moments.constant:
        raise InputError(is_constant(volume.path, moments.mean))
    return moments.mean, moments.std


def not_finite(path: Path, slab: npt.NDArray[np.float32], first: int) -> str:
    """Say which section of a slab that begins with section `first` holds NaN or infinite voxels."""
    bad = int(np.flatnonzero(~np.isfinite(slab).all(axis=(1, 2)))[0]) + first
    return f"{path}: NaN or infinite voxels in section {bad}; reconstruct it again"


def is_constant(path: Path, value: float) -> str:
    """Say that a volume holds nothing."""
    return f"{path}: all voxels are {value:g}; a constant volume holds no tomogram"


def measure_contrast(volume: mrc.Volume) -> str:
    """Tell whether density is `dark` or `light` from the skewness of the low-passed central part."""
    middle = tuple(slice(max(0, (edge - _LOOK) // 2), (edge + _LOOK) // 2) for edge in volume.shape)
    block = volume.read(*middle)
    return "dark" if skewness(gaussian_filter(block - block.mean(), 2.0)) < 0 else "light"


def choose_column(tomograms: Sequence[Tomogram], asked: str) -> str:
    """Resolve the input column `auto`: the deconvolved tomograms if all are made, else the full ones."""
    if asked != "auto":
        return asked
    if all(tomogram.text("rlnDeconvTomoName") is not None for tomogram in tomograms):
        return "rlnDeconvTomoName"
    return tomograms[0].full_column
