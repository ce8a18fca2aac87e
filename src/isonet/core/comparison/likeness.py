"""Whether two volumes are of one sample: their correlation in bands of frequency, over a few blocks.

What two volumes share by accident (a slab, the shape of a membrane) lies at low frequencies. A half shares its noise
with the whole, at all frequencies; with the other half only the sample, which stands out of the noise at low ones.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

Block = tuple[slice, slice, slice]
EDGE = 48
BANDS = (0.03, 0.06, 0.10, 0.15, 0.22, 0.32)
"""Ends of the bands, cycles per voxel."""
_COARSE = 2  # bands in which unlike volumes may look alike
_FEWEST = 300  # coefficients by which likeness is judged
_SHORTEST = 16
_PLACES = (
    *((0.5, 0.5, 0.5), (0.4, 0.25, 0.25), (0.6, 0.25, 0.75), (0.6, 0.75, 0.25), (0.4, 0.75, 0.75)),
    *((0.5, 0.5, 0.0), (0.5, 0.5, 1.0), (0.5, 0.0, 0.5), (0.5, 1.0, 0.5)),
)


def blocks_of(shape: tuple[int, int, int], edge: int = EDGE) -> list[Block]:
    """Choose blocks of an edge, or as long as the volume, in the middle of a volume and round about it."""
    edges = [min(edge, length) for length in shape]
    corners = dict.fromkeys(
        tuple(round(at * (length - part)) for at, length, part in zip(place, shape, edges, strict=True))
        for place in _PLACES
    )
    blocks = []
    for corner in corners:
        z, y, x = (slice(start, start + part) for start, part in zip(corner, edges, strict=True))
        blocks.append((z, y, x))
    return blocks


def binned(block: Float[Tensor, "z y x"], factor: int) -> Float[Tensor, "_z _y _x"]:
    """Mean of `factor` voxels along each axis."""
    return block if factor == 1 else torch.nn.functional.avg_pool3d(block[None, None], factor)[0, 0]


class Likeness:
    """Correlation of two volumes in bands, gathered block by block."""

    def __init__(self) -> None:
        self._sums = np.zeros((3, len(BANDS) - 1))
        self._count = 0

    def add(self, first: Float[Tensor, "z y x"], second: Float[Tensor, "z y x"]) -> None:
        """Add a block of both; one that is constant, not finite or too small says nothing and is left out."""
        if min(first.shape) < _SHORTEST:
            return
        transforms = []
        for block in (first, second):
            deviation, mean = torch.std_mean(block)
            if not 0 < float(deviation) < float("inf"):
                return
            transforms.append(torch.fft.rfftn((block - mean) / deviation * _window(tuple(block.shape))))
        band = _bands(tuple(first.shape))
        one, two = (transform.flatten() for transform in transforms)
        products = (one * two.conj()).real, one.abs().square(), two.abs().square()
        self._sums += [torch.bincount(band, part, minlength=len(BANDS) + 1)[1:-1].numpy() for part in products]
        self._count += int(((band > _COARSE) & (band < len(BANDS))).sum())

    @property
    def correlations(self) -> npt.NDArray[np.float64] | None:
        """Correlation in each band; None where too little was seen."""
        if self._count < _FEWEST:
            return None
        both, one, two = self._sums
        correlations: npt.NDArray[np.float64] = both / np.maximum(np.sqrt(one * two), np.finfo(np.float64).tiny)
        return correlations

    @property
    def of_parts(self) -> float | None:
        """Likeness of a whole and a part of it, noise included; see :data:`PARTS`. None where too little was seen."""
        found = self.correlations
        if found is None:
            return None
        fine, coarse = found[_COARSE:], found[1:_COARSE] / 2.6  # a volume and its mirror image may have 0.55 there
        return float(max((*fine, *coarse), key=abs))

    @property
    def of_samples(self) -> float | None:
        """Likeness of two halves, whose noise differs; see :data:`SAMPLES`. None where too little was seen."""
        found = self.correlations
        return None if found is None else float(found[: _COARSE + 2].max())


PARTS = (0.25, 0.5)
"""Likeness of a whole and a half of it: least, and so that no more need be looked at.

Of simulated and real tomograms it is 0.7 and more, of filtered ones 0.4, of other tomograms up to 0.15.
"""
SAMPLES = (0.22, 0.3, 0.8)
"""Likeness of two halves: most where they have nothing in common, least, and so that no more need be looked at.

At a signal-to-noise ratio of 0.01 in a projection it is 0.4 and more, of unlike halves up to 0.2 in small volumes.
"""


@lru_cache(maxsize=8)
def _window(shape: tuple[int, ...]) -> Tensor:
    """Hann window along all axes."""
    z, y, x = (torch.hann_window(edge + 2, periodic=False)[1:-1] for edge in shape)
    return z[:, None, None] * y[:, None] * x


@lru_cache(maxsize=8)
def _bands(shape: tuple[int, ...]) -> Tensor:
    """Number of the band of each coefficient of a real transform: 0 below all bands, their number beyond."""
    depth, height, width = shape
    z, y, x = torch.fft.fftfreq(depth), torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
    radius = (z[:, None, None].square() + y[:, None].square() + x.square()).sqrt()
    return torch.bucketize(radius, torch.tensor(BANDS), right=True).flatten()
