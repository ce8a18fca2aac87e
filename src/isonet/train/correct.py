"""Correcting a volume of any size with a trained network, tile by tile."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isonet.core.filters import tiling
from isonet.core.fourier import Shape
from isonet.train.evaluate import Evaluator
from isonet.train.hardware.overlap import ahead, fetched
from isonet.train.network.unet import UNetShape

FloatArray = npt.NDArray[np.float32]
Cut = Callable[[Sequence[int], Sequence[int]], FloatArray]
"""`cut(corner, shape)` gives a normalised block, continued by reflection beyond the volume."""
_Tiles = Sequence[tiling.Tile]
_LARGEST_TILE = 1 << 24


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


def largest_tiles(shape: Shape, network: UNetShape, memory: int, most_values: int = 1 << 31) -> TilePlan:
    """Cover a volume with the tiles that the network spends least work on, within so many bytes.

    No array of the network, of which the largest has twice the first level's filters, may have more than `most_values`.

    Raises
    ------
    ValueError
        If not even small tiles fit; says what they need.
    """
    voxels = min(_LARGEST_TILE, memory // bytes_per_voxel(network), most_values // (2 * network.filter_base) - 1)
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
    tiles, device = tiling.tiles(plan.axes), evaluator.device
    batches = iter(lambda: list(islice(tiles, batch_size)), [])
    waiting: deque[tuple[_Tiles, Callable[[], Tensor]]] = deque()
    for batch, given in ahead((partial(_cut, cut, batch, plan.size, device) for batch in batches), device):
        waiting.append((batch, fetched(evaluator(given)[:, 0])))
        if device.type != "cuda" or len(waiting) > 1:  # a GPU works on these while those before are written
            yield from _inside(*waiting.popleft())
    while waiting:
        yield from _inside(*waiting.popleft())


def _cut(cut: Cut, batch: _Tiles, size: Shape, device: torch.device) -> tuple[_Tiles, Tensor]:
    """Cut tiles, `[b, 1, z, y, x]`, to where the device copies them from without anybody waiting."""
    stack = torch.from_numpy(np.stack([cut(one.corner, size) for one in batch]))[:, None]
    return batch, stack.pin_memory() if device.type == "cuda" else stack


def _inside(batch: _Tiles, result: Callable[[], Tensor]) -> Iterator[tuple[tiling.Tile, FloatArray]]:
    """Iterate over tiles and their corrected voxels."""
    for one, block in zip(batch, result().numpy(), strict=True):
        yield one, block[one.source]
