"""Whether density is dark or light: judged in a volume as a whole and in many parts of it, at two scales."""

import logging
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from isonet.core.normalize import skewness
from isonet.io import mrc
from isonet.volumes.continued import data_box

log = logging.getLogger("isonet")
FloatArray = npt.NDArray[np.float32]
_LOOK = 160  # edge of the part that is judged, voxels
_LOOKS = 32  # volumes that are looked at, at most
_SCALES = (2.0, 1.0)  # standard deviations of the low-pass, voxels; as a whole a volume is judged at the first
_MAD = 1.4826  # standard deviation of normal noise over its median absolute deviation
_LEVEL = 4.0  # standard deviation of what is taken away from parts, so that thickness and vacuum do not count, voxels
_PARTS, _SMALLEST_PART = 8, 12  # parts along an axis at most, and their edge at least
_EMPTY = 0.05  # deviation of a part, relative to that of parts with much, below which it is empty
_CLEAR = 0.6  # share of the parts that is enough to tell
_STRONG = 4.0  # deviations, beyond which grey values of parts are cut off, so that gold does not count


def pooled_contrast(volumes: Iterable[mrc.Volume]) -> str:
    """Tell whether density is `dark` or `light` in volumes together, and say where that is not clear.

    The rare strong voxels of a low-passed tomogram are density: they make its grey values skew. Where there is no ice,
    the volume as a whole may be skew the other way; most parts of it are not.
    """
    looks, votes = [], []
    name = ""
    for volume in islice(volumes, _LOOKS):
        name = name or str(volume.path)
        block = _middle(volume)
        looks.append(gaussian_filter(block - block.mean(), _SCALES[0]).ravel())
        weak = _without_strong(block)
        for scale in _SCALES:
            smooth = gaussian_filter(weak, scale)
            votes += _votes(smooth - gaussian_filter(smooth, _LEVEL))
    whole = "dark" if skewness(np.concatenate(looks)) < 0 else "light"
    dark = float(np.mean(votes))
    most, share = ("dark", dark) if dark >= 0.5 else ("light", 1 - dark)
    taken = most if share >= _CLEAR else "dark"
    if most == whole and share >= _CLEAR:
        return whole
    log.warning(
        "%s: density looks %s as a whole, but dark in %.0f %% of its parts: not clear, %s taken; give --contrast, or "
        "edit rlnTomoContrast",
        *(name, whole, 100 * dark, taken),
    )
    return taken


def _middle(volume: mrc.Volume) -> FloatArray:
    """Read the middle of a volume, or of its data where it is padded."""
    middles = [((part.start + part.stop) // 2, part) for part in data_box(volume)]
    half = _LOOK // 2
    return volume.read(*(slice(max(part.start, at - half), min(part.stop, at + half)) for at, part in middles))


def _without_strong(block: FloatArray) -> FloatArray:
    """Cut off what is far from the median, which is taken away."""
    level = block - np.median(block)
    usual = _MAD * float(np.median(np.abs(level)))
    return np.asarray(np.clip(level, -_STRONG * usual, _STRONG * usual) if usual else level, np.float32)


def _votes(block: FloatArray) -> list[bool]:
    """Tell of each part that is not empty whether its strong voxels are dark."""
    parts = list(_parts(block))
    spread = np.array([part.std() for part in parts])
    least = _EMPTY * np.percentile(spread, 90)
    return [skewness(part) < 0 for part, one in zip(parts, spread, strict=True) if one >= least]


def _parts(block: FloatArray) -> Iterator[FloatArray]:
    """Cut a block into parts that cover it."""
    counts = [max(1, min(_PARTS, edge // _SMALLEST_PART)) for edge in block.shape]
    for layer in np.array_split(block, counts[0], axis=0):
        for row in np.array_split(layer, counts[1], axis=1):
            yield from np.array_split(row, counts[2], axis=2)
