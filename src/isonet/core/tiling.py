r"""Overlapping tiles that cover a volume, blended with weights that sum to one at every voxel.

Neighbouring tiles share an overlap. The outer quarter of it is thrown away on either side (a network sees too little
there), over the middle half one tile fades into the next::

    tile i     ____________________
                                   \
    tile i+1                   \    \________     weights (ramps cross in the middle of the overlap)
                                /  /
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class AxisTile:
    """One tile along one axis.

    Attributes
    ----------
    start : int
        First voxel of the tile; negative where it reaches beyond the volume (continued by reflection).
    weights : array
        `[size]`: share of this tile in each of its voxels, zero beyond the volume.
    """

    start: int
    weights: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Tile:
    """One three-dimensional tile.

    Attributes
    ----------
    corner : tuple of int
        First voxel z, y, x; may be negative.
    target : tuple of slice
        Where the tile's part inside the volume belongs.
    source : tuple of slice
        That part within the tile.
    weights : array
        Share of this tile in the voxels of `source`.
    """

    corner: tuple[int, int, int]
    target: tuple[slice, slice, slice]
    source: tuple[slice, slice, slice]
    weights: npt.NDArray[np.float32]


def tile_axis(length: int, size: int, overlap: int) -> list[AxisTile]:
    """Cover an axis of `length` voxels with tiles of `size` that share at least `overlap` voxels.

    Raises
    ------
    ValueError
        If the overlap is not smaller than half the tile.
    """
    if not 0 <= overlap <= size // 2:
        raise ValueError(f"tiles of {size} voxels cannot overlap by {overlap}")
    margin = overlap // 2
    count = max(1, math.ceil((length + 2 * margin - overlap) / (size - overlap)))
    if count == 1 and length <= size:
        starts = [-((size - length) // 2)]
    else:
        count = max(count, 2)
        starts = [round(i * (length + 2 * margin - size) / (count - 1)) - margin for i in range(count)]
    tent = _tent(size, overlap)
    total = np.zeros(length, dtype=np.float64)
    inside = []
    for start in starts:
        covered = np.arange(max(start, 0), min(start + size, length))
        inside.append(covered)
        total[covered] += tent[covered - start]
    tiles = []
    for start, covered in zip(starts, inside, strict=True):
        weights = np.zeros(size, dtype=np.float32)
        weights[covered - start] = tent[covered - start] / total[covered]
        tiles.append(AxisTile(start, weights))
    return tiles


def _tent(size: int, overlap: int) -> npt.NDArray[np.float64]:
    """Weight before normalisation: 0 over the outer quarter of the overlap, a ramp over its half, then 1."""
    distance = np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5
    ramp = (distance - overlap / 4) / max(overlap / 2, 1)
    return np.clip(ramp, 1e-9, 1) if overlap else np.ones(size)


def tiles(shape: Sequence[int], size: Sequence[int], overlap: int) -> Iterator[Tile]:
    """Iterate over the tiles that cover a volume, x fastest.

    Parameters
    ----------
    shape, size : sequence of int
        Edges z, y, x of the volume and of a tile.
    overlap : int
        Voxels that neighbours share at least, along every axis.

    Yields
    ------
    Tile
        Adding `weights * tile[source]` into `target` for all of them gives back the volume that was cut.
    """
    axes = [tile_axis(length, edge, overlap) for length, edge in zip(shape, size, strict=True)]
    for z, y, x in product(*axes):
        parts = (z, y, x)
        inside = [np.flatnonzero(part.weights) for part in parts]
        source = [slice(int(index[0]), int(index[-1]) + 1) for index in inside]
        target = [slice(part.start + cut.start, part.start + cut.stop) for part, cut in zip(parts, source, strict=True)]
        wz, wy, wx = (part.weights[cut] for part, cut in zip(parts, source, strict=True))
        yield Tile(
            corner=(z.start, y.start, x.start),
            target=(target[0], target[1], target[2]),
            source=(source[0], source[1], source[2]),
            weights=wz[:, None, None] * wy[:, None] * wx,
        )
