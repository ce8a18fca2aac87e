"""Correcting a volume of any size with a trained network, tile by tile."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from isonet.core.filters import tiling
from isonet.core.fourier import Shape
from isonet.train.evaluate import Evaluator
from isonet.train.network.unet import UNetShape

FloatArray = npt.NDArray[np.float32]
Cut = Callable[[Sequence[int], Sequence[int]], FloatArray]
"""`cut(corner, shape)` gives a normalised block, continued by reflection beyond the volume."""
_LARGEST_TILE = 1 << 24
_MOST_VALUES = 1 << 31  # in one array of the network: what convolutions can count


@dataclass(frozen=True)
class TilePlan:
    """How a volume is covered.

    Attributes
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    axes : tuple of Axis
        Cover of each of them.
    """

    shape: Shape
    axes: tuple[tiling.Axis, tiling.Axis, tiling.Axis]

    @property
    def size(self) -> Shape:
        """Edges of the tiles."""
        z, y, x = (axis.size for axis in self.axes)
        return z, y, x

    @property
    def count(self) -> int:
        """Number of tiles."""
        return math.prod(len(axis.starts) for axis in self.axes)


def plan_tiles(shape: Shape, crop: int, stride: int, divisor: int) -> TilePlan:
    """Cover a volume with tiles of edge `crop` at most, every `stride` voxels or less.

    Raises
    ------
    ValueError
        If `crop` is not a multiple of the network's divisor or the tiles overlap by more than half.
    """
    if crop % divisor:
        raise ValueError(f"tiles of {crop} voxels do not fit a network that needs multiples of {divisor}")
    overlap = crop - stride
    if not 0 <= overlap <= crop // 2:
        raise ValueError(f"tiles of {crop} voxels every {stride} voxels overlap by more than half or not at all")
    z, y, x = (tiling.cover(edge, crop, min(overlap, crop // 2 // divisor * divisor), divisor) for edge in shape)
    return TilePlan(shape, (z, y, x))


def largest_tiles(shape: Shape, network: UNetShape, memory: int) -> TilePlan:
    """Cover a volume with the tiles that the network spends least work on, within so many bytes.

    Raises
    ------
    ValueError
        If not even small tiles fit; says what they need.
    """
    voxels = min(_LARGEST_TILE, memory // bytes_per_voxel(network), _MOST_VALUES // (2 * network.filter_base) - 1)
    try:
        axes = tiling.roomiest(shape, voxels, network.overlap, network.divisor)
    except tiling.TooSmallError as error:
        raise ValueError(f"{error} need {error.voxels * bytes_per_voxel(network) / 1e9:.2g} GB") from error
    return TilePlan(shape, axes)


def bytes_per_voxel(network: UNetShape) -> int:
    """Memory that correcting a tile takes: five volumes of the first level's filters, and the tile's own."""
    return 4 * (5 * network.filter_base + 6)


def corrected_tiles(
    cut: Cut, plan: TilePlan, evaluator: Evaluator, batch_size: int = 1
) -> Iterator[tuple[tiling.Tile, FloatArray]]:
    """Iterate over the corrected tiles of a volume.

    Parameters
    ----------
    cut : callable
        Gives normalised blocks of what the network is to be given.
    plan : TilePlan
        Cover of the volume.
    evaluator : Evaluator
        The network.
    batch_size : int
        Tiles per evaluation.

    Yields
    ------
    tile, block
        The tile and its corrected voxels within the volume (those of `tile.source`), not yet weighted.
    """
    waiting: list[tiling.Tile] = []
    for number, tile in enumerate(tiling.tiles(plan.axes), start=1):
        waiting.append(tile)
        if len(waiting) == batch_size or number == plan.count:
            stack = np.stack([cut(one.corner, plan.size) for one in waiting])
            result = evaluator(torch.from_numpy(stack)[:, None])[:, 0]
            for one, block in zip(waiting, result.cpu().numpy(), strict=True):
                yield one, block[one.source]
            waiting = []
