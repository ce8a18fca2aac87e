"""Blocks before they are judged or compared, without PyTorch, which the interface lacks.

Single hot voxels are taken out, and grey values brought to mean 0 and deviation 1.
"""

import math

import numpy as np
from jaxtyping import Float32

_SPIKE, _SPIKES = 8.0, 2e-3  # deviations from which a voxel is hot, and the most of a block that are
_SAMPLE = 1 << 14  # voxels of a block that tell what most have
_MAD = 1.4826  # standard deviation of normal noise over its median absolute deviation


def median_of(values: Float32[np.ndarray, "*shape"]) -> np.float32:
    """Return the value that half of all are not above; of an even number no mean of two, which takes longer."""
    middle = values.size // 2
    return np.partition(values, middle, axis=None)[middle]


def without_spikes(block: Float32[np.ndarray, "z y x"]) -> Float32[np.ndarray, "z y x"]:
    """Put the median of their neighbours in place of single hot voxels, which fill a power spectrum in all directions.

    They lie far beyond most others, whose median and deviation every so many voxels tell, and twice as far as five of
    the six beside them: what was filtered, such as gold, does not. Where too many voxels lie so far out, as in maps
    without noise, the block is returned as it is.
    """
    sample = block.reshape(-1)[:: max(1, block.size // _SAMPLE)]
    middle = median_of(sample)
    reach = _SPIKE * _MAD * median_of(np.abs(sample - middle))
    far = np.abs(block - middle) > reach
    if not (reach > 0 and 0 < np.count_nonzero(far) <= _SPIKES * block.size):
        return block
    places = np.argwhere(far)
    steps = np.concatenate([np.eye(3, dtype=np.int64), -np.eye(3, dtype=np.int64)])
    beside = np.clip(places[:, None] + steps, 0, np.array(block.shape) - 1)
    beside = np.where((beside == places[:, None]).all(axis=2, keepdims=True), places[:, None] - steps, beside)
    around = block[tuple(np.moveaxis(beside, 2, 0))]
    alone = np.sort(np.abs(around - middle), axis=1)[:, -2] < np.abs(block[far] - middle) / 2
    result = block.copy()
    result[tuple(places[alone].T)] = np.median(around[alone], axis=1)
    return result


def standardized(block: Float32[np.ndarray, "z y x"]) -> Float32[np.ndarray, "z y x"] | None:
    """Bring a block to mean 0 and deviation 1; None where it is constant or holds what is no number."""
    with np.errstate(invalid="ignore", over="ignore"):  # told by the deviation
        values = block.astype(np.float64)
        values -= values.mean()
        deviation = math.sqrt(np.vdot(values, values) / values.size)
    return (values / deviation).astype(np.float32) if 0 < deviation < math.inf else None
