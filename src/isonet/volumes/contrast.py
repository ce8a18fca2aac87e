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
_PARTS, _SMALLEST_PART = 3, 12  # parts along an axis at most, and their edge at least
_CLEAR, _UNCLEAR = 0.75, 0.6  # share of the parts that decides against the whole, and that at least agrees with it


def pooled_contrast(volumes: Iterable[mrc.Volume]) -> str:
    """Tell whether density is `dark` or `light` in volumes together, and say where that is not clear.

    The rare strong voxels of a low-passed tomogram are density: they make its grey values skew. Where there is no ice,
    or much gold, the volume as a whole may be skew the other way; most parts of it are not.
    """
    looks, votes = [], []
    name = ""
    for volume in islice(volumes, _LOOKS):
        name = name or str(volume.path)
        block = _middle(volume)
        for number, scale in enumerate(_SCALES):
            smooth = gaussian_filter(block - block.mean(), scale)
            if number == 0:
                looks.append(smooth.ravel())
            votes += [skewness(_level(part)) < 0 for part in _parts(smooth)]
    whole = "dark" if skewness(np.concatenate(looks)) < 0 else "light"
    dark = float(np.mean(votes))
    most, share = ("dark", dark) if dark >= 0.5 else ("light", 1 - dark)
    if most == whole and share >= _UNCLEAR:
        return whole
    taken = most if share >= _CLEAR else "dark"
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


def _parts(block: FloatArray) -> Iterator[FloatArray]:
    """Cut a block into up to 27 parts."""
    counts = [max(1, min(_PARTS, edge // _SMALLEST_PART)) for edge in block.shape]
    for layer in np.array_split(block, counts[0], axis=0):
        for row in np.array_split(layer, counts[1], axis=1):
            yield from np.array_split(row, counts[2], axis=2)


def _level(part: FloatArray) -> FloatArray:
    """Take the mean and the slope along each axis from a part."""
    level = part - part.mean()
    for axis, edge in enumerate(part.shape):
        place = (np.arange(edge, dtype=np.float32) - (edge - 1) / 2).reshape(
            [-1 if each == axis else 1 for each in range(3)]
        )
        spread = float((place**2).mean())
        if spread:
            level = level - place * (float((level * place).mean()) / spread)
    return np.asarray(level, np.float32)
