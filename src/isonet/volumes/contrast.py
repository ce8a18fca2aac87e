"""Whether density is dark or light: judged in a volume as a whole and in many parts of it, at two scales."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import islice

import numpy as np
import numpy.typing as npt
from scipy import fft

from isonet.core.normalize import skewness
from isonet.core.spikes import median_of, without_spikes
from isonet.io.volume import Volume
from isonet.volumes.continued import data_box

log = logging.getLogger("isonet")
FloatArray = npt.NDArray[np.float32]
_LOOK = 160  # edge of the part that is judged, voxels
_LOOKS = 32  # volumes that are looked at, at most
_SCALES = (2.0, 1.0)  # standard deviations of the low-pass, voxels; as a whole a volume is judged at the first
_MAD = 1.4826  # standard deviation of normal noise over its median absolute deviation
_REACH, _REACH_OF_LEVEL = 4.0, 2.5  # standard deviations at which low-passes are cut off
_LEVEL = 4.0  # standard deviation of what is taken away from parts, so that thickness and vacuum do not count, voxels
_PARTS, _EDGES = 8, (12, 16)  # parts along an axis at most, and their edges at least
_EMPTY = 0.05  # deviation of a part, relative to that of parts with much, below which it is empty
_CLEAR, _CONTRARY = 0.57, 0.65  # share of the parts that is enough to tell, and to doubt what is told
_CLEARLY_LIGHT = 0.66  # share that is enough to call density light without a word: flat membranes have 0.6
_STRONG = 4.0  # deviations, beyond which grey values of parts are cut off, so that gold does not count


@dataclass(frozen=True)
class Look:
    """How the density of volumes looks.

    Attributes
    ----------
    name : str
        The first of the volumes.
    whole : str
        `dark` or `light`: the rare strong voxels of a low-passed tomogram are density and make its grey values skew.
    dark : float
        Share of the parts that look dark. Where there is no ice, volumes as a whole may be skew the other way; most
        parts of them are not.
    """

    name: str
    whole: str
    dark: float


def pooled_contrast(volumes: Iterable[Volume]) -> str:
    """Tell whether density is `dark` or `light` in volumes together, and say where that is not clear."""
    seen = _look(volumes)
    most, share = ("dark", seen.dark) if seen.dark >= 0.5 else ("light", 1 - seen.dark)
    taken = most if share >= _CLEAR else "dark"
    if most == seen.whole and share >= (_CLEAR if most == "dark" else _CLEARLY_LIGHT):
        return seen.whole
    log.warning(
        "%s: density looks %s as a whole, but dark in %.0f %% of its parts: not clear, %s taken; give --contrast, or "
        "edit rlnTomoContrast",
        *(seen.name, seen.whole, 100 * seen.dark, taken),
    )
    return taken


def warn_of_other_contrast(told: str, volumes: Iterable[Volume]) -> None:
    """Warn where density that is said to be `dark` or `light` clearly looks the other way."""
    seen = _look(volumes)
    other = 1 - seen.dark if told == "dark" else seen.dark
    if seen.whole != told and other >= _CONTRARY:
        log.warning(
            "%s: density is said to be %s, but looks %s in %.0f %% of its parts; look at it, and mend rlnTomoContrast "
            "in the table if that is wrong",
            *(seen.name, told, seen.whole, 100 * other),
        )


def _look(volumes: Iterable[Volume]) -> Look:
    """Look at volumes as a whole and in many parts."""
    looks, votes = [], []
    name = ""
    for volume in islice(volumes, _LOOKS):
        name = name or str(volume.path)
        block = without_spikes(_middle(volume))
        looks.append(_inverse(_transform(block - block.mean()) * _low_pass(block.shape, _SCALES[0])).ravel())
        weak = _transform(_without_strong(block))
        fine = 1 - _low_pass(block.shape, _LEVEL, _REACH_OF_LEVEL)
        for scale in _SCALES:
            votes += _votes(_inverse(weak * _low_pass(block.shape, scale) * fine))
    whole = "dark" if skewness(np.concatenate(looks)) < 0 else "light"
    return Look(name, whole, float(np.mean(votes)) if votes else 0.5)


def _middle(volume: Volume) -> FloatArray:
    """Read the middle of a volume, or of its data where it is padded."""
    middles = [((part.start + part.stop) // 2, part) for part in data_box(volume)]
    half = _LOOK // 2
    return volume.read(*(slice(max(part.start, at - half), min(part.stop, at + half)) for at, part in middles))


def _without_strong(block: FloatArray) -> FloatArray:
    """Cut off what is far from the median, which is taken away."""
    level = block - median_of(block)
    usual = _MAD * float(median_of(np.abs(level)))
    return np.asarray(np.clip(level, -_STRONG * usual, _STRONG * usual) if usual else level, np.float32)


def _transform(block: FloatArray) -> FloatArray:
    """Cosine transform, which takes a block as going on by reflection."""
    return np.asarray(fft.dctn(block, norm="ortho", overwrite_x=True), np.float32)


def _inverse(transform: FloatArray) -> FloatArray:
    return np.asarray(fft.idctn(transform, norm="ortho", overwrite_x=True), np.float32)


def _low_pass(shape: tuple[int, ...], deviation: float, reach: float = _REACH) -> FloatArray:
    """What a Gaussian, cut off at `reach` standard deviations, leaves of each coefficient of a cosine transform."""
    steps = np.arange(int(reach * deviation + 0.5) + 1)
    weight = np.exp(-0.5 * np.square(steps / deviation))
    weight[1:] *= 2
    weight /= weight.sum()
    along = [np.cos(np.pi * np.outer(np.arange(edge) / edge, steps)) @ weight for edge in shape]
    return reduce(np.multiply.outer, [one.astype(np.float32) for one in along])


def _votes(block: FloatArray) -> list[bool]:
    """Tell of each part that is not empty whether its strong voxels are dark: whether its third moment is negative."""
    scaled = block / np.float32(block.std(dtype=np.float64) or 1)
    members = [np.concatenate([_parts(edge, least) for least in _EDGES]) for edge in block.shape]
    counts = reduce(np.multiply.outer, [one.sum(axis=1) for one in members])
    powers = scaled, scaled * scaled, scaled * scaled * scaled
    first, second, third = (_sums(power, members) / counts for power in powers)
    variance = np.maximum(second - first**2, 0)
    moment = third - 3 * first * second + 2 * first**3
    votes: list[bool] = []
    for number in range(len(_EDGES)):
        ends = [np.cumsum([0, *(_count(edge, least) for least in _EDGES)]) for edge in block.shape]
        own = tuple(slice(each[number], each[number + 1]) for each in ends)
        there = variance[own] >= _EMPTY**2 * np.percentile(variance[own], 90)
        votes += (moment[own][there] < 0).tolist()
    return votes


def _count(edge: int, least: int) -> int:
    """How many parts an axis has whose edges are this at least."""
    return max(1, min(_PARTS, edge // least))


@lru_cache(maxsize=8)
def _parts(edge: int, least: int) -> FloatArray:
    """Which voxels along an axis are in which part: `[part, voxel]`, 1 or 0."""
    count = _count(edge, least)
    part = np.searchsorted(np.arange(count) * edge // count, np.arange(edge), side="right") - 1
    return np.asarray(part == np.arange(count)[:, None], np.float32)


def _sums(block: FloatArray, members: Sequence[FloatArray]) -> npt.NDArray[np.float64]:
    """Sum the voxels of each part of a block."""
    for part in members:  # the first axis becomes the last one
        block = np.tensordot(block, part, (0, 1))
    return block.astype(np.float64)
