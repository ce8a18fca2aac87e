"""Whether density is dark or light: judged in a volume as a whole and in many parts of it, at two scales."""

import logging
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from isonet.core.normalize import skewness
from isonet.io.volume import Volume
from isonet.volumes.continued import data_box

log = logging.getLogger("isonet")
FloatArray = npt.NDArray[np.float32]
_LOOK = 160  # edge of the part that is judged, voxels
_LOOKS = 32  # volumes that are looked at, at most
_SCALES = (2.0, 1.0)  # standard deviations of the low-pass, voxels; as a whole a volume is judged at the first
_MAD = 1.4826  # standard deviation of normal noise over its median absolute deviation
_LEVEL = 4.0  # standard deviation of what is taken away from parts, so that thickness and vacuum do not count, voxels
_PARTS, _EDGES = 8, (12, 16)  # parts along an axis at most, and their edges at least
_EMPTY = 0.05  # deviation of a part, relative to that of parts with much, below which it is empty
_CLEAR = 0.57  # share of the parts that is enough to tell
_STRONG = 4.0  # deviations, beyond which grey values of parts are cut off, so that gold does not count


def pooled_contrast(volumes: Iterable[Volume]) -> str:
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
            level = smooth - gaussian_filter(smooth, _LEVEL, truncate=2.5)
            votes += [vote for edge in _EDGES for vote in _votes(level, edge)]
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


def _middle(volume: Volume) -> FloatArray:
    """Read the middle of a volume, or of its data where it is padded."""
    middles = [((part.start + part.stop) // 2, part) for part in data_box(volume)]
    half = _LOOK // 2
    return volume.read(*(slice(max(part.start, at - half), min(part.stop, at + half)) for at, part in middles))


def _without_strong(block: FloatArray) -> FloatArray:
    """Cut off what is far from the median, which is taken away."""
    level = block - np.median(block)
    usual = _MAD * float(np.median(np.abs(level)))
    return np.asarray(np.clip(level, -_STRONG * usual, _STRONG * usual) if usual else level, np.float32)


def _votes(block: FloatArray, edge: int) -> list[bool]:
    """Tell of each part that is not empty whether its strong voxels are dark: whether its third moment is negative.

    Parts have this edge at least.
    """
    count = _sums(np.ones_like(block), edge)
    first, second, third = (_sums(power, edge) / count for power in _powers(block))
    variance = np.maximum(second - first**2, 0)
    moment = third - 3 * first * second + 2 * first**3
    there = variance >= _EMPTY**2 * np.percentile(variance, 90)
    return list((moment[there] < 0).tolist())


def _powers(block: FloatArray) -> Iterator[npt.NDArray[np.float64]]:
    values = block.astype(np.float64)
    yield values
    yield values * values
    yield values * values * values


def _sums(block: npt.NDArray[np.float32] | npt.NDArray[np.float64], smallest: int) -> npt.NDArray[np.float64]:
    """Sum the voxels of each part of a block."""
    result = block.astype(np.float64, copy=False)
    for axis, edge in enumerate(block.shape):
        parts = max(1, min(_PARTS, edge // smallest))
        starts = np.arange(parts) * edge // parts
        result = np.add.reduceat(result, starts, axis=axis)
    return result
