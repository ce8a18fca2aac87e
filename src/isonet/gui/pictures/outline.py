"""Outlines of masks over a slice: of a mask file, and of the mask that `mask` would make with given percentages."""

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import binary_erosion

from isonet.core.masks import masking
from isonet.gui.pictures.slices import section
from isonet.io.formats import open_volume
from isonet.io.volume import FloatArray, Volume

Mask = npt.NDArray[np.bool_]
_VOXELS = 3_000_000
_ONE_LOOK = Lock()  # those who ask meanwhile wait for the same
COLOUR = (64, 220, 160)


def picture(mask: Mask) -> bytes:
    """Draw the outline of a mask as a PNG that is clear elsewhere, its first row at the bottom."""
    padded = np.pad(mask, 1, mode="edge")
    edge = mask & ~binary_erosion(padded, np.ones((3, 3), bool))[1:-1, 1:-1]
    image = np.zeros((*mask.shape, 4), np.uint8)
    image[..., :3] = COLOUR
    image[..., 3] = 255 * edge + 36 * (mask & ~edge)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image[::-1])).save(file, "PNG", compress_level=1)
    return file.getvalue()


def of_file(volume: Volume, plane: str, index: int, step: int) -> Mask:
    """Take a slice of a mask, binned by `step`."""
    return np.asarray(section(volume, plane, index, 1, step) > 0.5)


@dataclass(frozen=True)
class Features:
    """What the automatic mask looks at, on a coarse copy of a tomogram.

    Attributes
    ----------
    step : int
        Voxels of the tomogram per voxel of the copy.
    patch : int
        Half the edge of the neighbourhood on the copy.
    density, deviation : array
        Local maximum and local standard deviation, `[z, y, x]`.
    """

    step: int
    patch: int
    density: FloatArray
    deviation: FloatArray

    def slice(self, index: int, density: float, deviation: float, shape: tuple[int, int]) -> Mask:
        """Mask of one XY section, enlarged to `shape` pixels.

        Parameters
        ----------
        index : int
            Section of the tomogram.
        density, deviation : float
            Percentages of the voxels to keep.
        shape : tuple of int
            Rows and columns of the picture.
        """
        position = min(index // self.step, len(self.density) - 1)
        near = slice(max(0, position - 2 * self.patch), position + 2 * self.patch + 1)
        kept = np.ones(self.density[near].shape, bool)
        for values, percentage in ((self.density, density), (self.deviation, deviation)):
            if percentage <= masking.SKIP_ABOVE:
                kept &= values[near] > np.percentile(values, 100 - percentage)
        closed = masking.closed(kept, self.patch)[position - near.start]
        rows, columns = (np.arange(edge) * small // edge for edge, small in zip(shape, closed.shape, strict=True))
        return np.asarray(closed[np.ix_(rows, columns)])


def features(path: Path, changed: int, patch: int, sign: int) -> Features:
    """Look at a tomogram, as `mask` does for small ones; larger ones are binned further.

    Parameters
    ----------
    path : Path
        The tomogram.
    changed : int
        When it changed last; another look is taken after that.
    patch : int
        As of `mask`, in voxels of the tomogram.
    sign : int
        -1 where density is dark.
    """
    with _ONE_LOOK:
        return _features(path, changed, patch, sign)


@lru_cache(maxsize=4)
def _features(path: Path, _changed: int, patch: int, sign: int) -> Features:
    volume = open_volume(path)
    step = 2 * max(1, math.ceil((math.prod(volume.shape) / 8 / _VOXELS) ** (1 / 3)))
    coarse = sign * _coarse(volume, step)
    coarse -= coarse.mean()
    near = max(1, round(patch / step))
    blurred = masking.blur(coarse, near, axes=(0, 1, 2))
    deviation = masking.local_deviation(blurred, near, 0, len(blurred))
    return Features(step, near, masking.local_maximum(blurred, near), deviation)


def _coarse(volume: Volume, step: int) -> FloatArray:
    """Bin a volume: exactly as `mask` by 2, by means of sections and squares beyond."""
    if step == 2:
        depth = volume.shape[0]
        return masking.halve(volume.read().take(masking.halving_indices(0, masking.halved(depth), depth), axis=0))
    return np.stack([section(volume, "xy", first + step // 2, step, step) for first in range(0, volume.shape[0], step)])
