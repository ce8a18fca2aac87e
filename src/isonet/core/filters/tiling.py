r"""Overlapping tiles that cover a volume, blended with weights that sum to one at every voxel.

Neighbouring tiles share an overlap. The outer quarter of it is thrown away on either side (a network sees too little
there), over the middle half one tile fades into the next::

    tile i     ____________________
                                   \
    tile i+1                   \    \________     weights (ramps cross in the middle of the overlap)
                                /  /

A network that halves its input gives another result where a tile begins between its steps. All tiles begin at
multiples of the network's step, so that two covers of a volume differ by what the network sees beyond their edges only.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Axis:
    """How one axis is covered.

    Attributes
    ----------
    length : int
        Voxels of the volume.
    size : int
        Edge of the tiles.
    overlap : int
        Voxels that neighbours share.
    starts : tuple of int
        First voxel of each tile; the last one may reach beyond the volume (continued by reflection). Negative only in
        the records of runs by versions whose tiles began before the volume.
    """

    length: int
    size: int
    overlap: int
    starts: tuple[int, ...]

    def weights(self) -> list[npt.NDArray[np.float32]]:
        """Share of each tile in each of its voxels `[size]`, zero beyond the volume."""
        tent = _tent(self.size, self.overlap)
        total = np.zeros(self.length, dtype=np.float64)
        covered = [np.arange(max(start, 0), min(start + self.size, self.length)) for start in self.starts]
        for start, inside in zip(self.starts, covered, strict=True):
            total[inside] += tent[inside - start]
        shares = []
        for start, inside in zip(self.starts, covered, strict=True):
            share = np.zeros(self.size, dtype=np.float32)
            share[inside - start] = tent[inside - start] / total[inside]
            shares.append(share)
        return shares


def cover(length: int, longest: int, overlap: int, step: int = 1) -> Axis:
    """Cover an axis with tiles of one size; the first begins with it, the last ends with it.

    Parameters
    ----------
    length : int
        Voxels of the volume.
    longest : int
        Edge of the tiles at most; smaller ones are chosen where as many of them do.
    overlap : int
        Voxels that neighbours share; rounded up to a multiple of `step`.
    step : int
        Tiles begin at multiples of it and are multiples of it long.

    Raises
    ------
    ValueError
        If the overlap is more than half the tile.
    """
    overlap, longest = _up(overlap, step), longest // step * step
    if not 0 <= overlap <= longest // 2:
        raise ValueError(f"tiles of {longest} voxels cannot overlap by {overlap}")
    if length <= longest:
        return Axis(length, max(_up(length, step), min(2 * step, longest)), overlap, (0,))
    count = math.ceil((length - overlap) / (longest - overlap))
    stride = max(_up(math.ceil((length - overlap) / count), step), overlap)
    size = stride + overlap
    return Axis(length, size, overlap, (*(stride * number for number in range(count - 1)), _up(length, step) - size))


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def _tent(size: int, overlap: int) -> npt.NDArray[np.float64]:
    """Weight before normalisation: 0 over the outer quarter of the overlap, a ramp over its half, then 1."""
    distance = np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5
    ramp = (distance - overlap / 4) / max(overlap / 2, 1)
    return np.clip(ramp, 1e-9, 1) if overlap else np.ones(size)


def covers(length: int, overlap: int, step: int) -> list[Axis]:
    """Every cover of an axis that has the smallest tiles for its number of them, fewest tiles first."""
    overlap = _up(overlap, step)
    longest = max(_up(length, step), 2 * overlap, step)
    found: list[Axis] = []
    while longest >= max(2 * overlap, step):
        found.append(cover(length, longest, overlap, step))
        longest = min(found[-1].size, longest) - step
    return found


def _computed(axis: Axis) -> int:
    """Voxels along an axis that a network computes, those that tiles share as often as they do."""
    return axis.size * len(axis.starts)


def roomiest(shape: Shape, voxels: int, overlap: int, step: int) -> tuple[Axis, Axis, Axis]:
    """Cover a volume with the tiles of at most so many voxels that a network spends least work on.

    Raises
    ------
    TooSmallError
        If even the smallest tiles have more.
    """
    along_z, along_y, along_x = (covers(length, overlap, step) for length in shape)
    best: tuple[int, tuple[Axis, Axis, Axis]] | None = None
    for z, y in product(along_z, along_y):
        fitting = [axis for axis in along_x if z.size * y.size * axis.size <= voxels]
        if not fitting:
            continue
        x = min(fitting, key=_computed)
        work = _computed(z) * _computed(y) * _computed(x)
        if best is None or work < best[0]:
            best = work, (z, y, x)
    if best is None:
        raise TooSmallError(math.prod(axes[-1].size for axes in (along_z, along_y, along_x)))
    return best[1]


class TooSmallError(ValueError):
    """Tiles cannot have less than `voxels` voxels."""

    def __init__(self, voxels: int) -> None:
        super().__init__(f"tiles of {voxels:,} voxels")
        self.voxels = voxels


@dataclass(frozen=True)
class Tile:
    """One three-dimensional tile.

    Attributes
    ----------
    corner : tuple of int
        First voxel z, y, x.
    target : tuple of slice
        Where the tile's part inside the volume belongs.
    source : tuple of slice
        That part within the tile.
    weights : array
        Share of this tile in the voxels of `source`.
    """

    corner: Shape
    target: tuple[slice, slice, slice]
    source: tuple[slice, slice, slice]
    weights: npt.NDArray[np.float32]


def tiles(axes: Sequence[Axis]) -> Iterator[Tile]:
    """Iterate over the tiles that cover a volume along z, y, x, x fastest.

    Yields
    ------
    Tile
        Adding `weights * tile[source]` into `target` for all of them gives back the volume that was cut.
    """
    parts = [list(zip(axis.starts, axis.weights(), strict=True)) for axis in axes]
    for z, y, x in product(*parts):
        inside = [np.flatnonzero(weights) for _, weights in (z, y, x)]
        source = [slice(int(index[0]), int(index[-1]) + 1) for index in inside]
        corner = (z[0], y[0], x[0])
        target = [slice(at + cut.start, at + cut.stop) for at, cut in zip(corner, source, strict=True)]
        wz, wy, wx = (weights[cut] for (_, weights), cut in zip((z, y, x), source, strict=True))
        yield Tile(
            corner=corner,
            target=(target[0], target[1], target[2]),
            source=(source[0], source[1], source[2]),
            weights=wz[:, None, None] * wy[:, None] * wx,
        )
