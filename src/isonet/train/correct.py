"""Correcting a volume of any size with a trained network, tile by tile."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from isonet.core import fourier, tiling, wedge
from isonet.core.calibration import Gains, calibrated
from isonet.core.fourier import Shape
from isonet.train.fit import Evaluator

FloatArray = npt.NDArray[np.float32]
Cut = Callable[[Sequence[int], Sequence[int]], FloatArray]
"""`cut(corner, shape)` gives a normalised block, continued by reflection beyond the volume."""


@dataclass(frozen=True)
class TilePlan:
    """How a volume is covered.

    Attributes
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    size : tuple of int
        Edges of the tiles; smaller than asked along axes that are thinner.
    overlap : int
        Voxels that neighbouring tiles share at least.
    """

    shape: Shape
    size: Shape
    overlap: int

    @property
    def count(self) -> int:
        """Number of tiles."""
        axes = zip(self.shape, self.size, strict=True)
        return math.prod(len(tiling.tile_axis(length, size, self.overlap)) for length, size in axes)


def plan_tiles(shape: Shape, crop: int, stride: int, divisor: int) -> TilePlan:
    """Cover a volume with tiles of edge `crop` every `stride` voxels.

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
    sizes = [min(crop, math.ceil((edge + overlap) / divisor) * divisor) for edge in shape]
    sizes = [max(size, 2 * math.ceil(overlap / divisor) * divisor) for size in sizes]
    return TilePlan(shape, (sizes[0], sizes[1], sizes[2]), overlap)


def corrected_tiles(
    cut: Cut,
    tilts: Sequence[float],
    plan: TilePlan,
    evaluator: Evaluator,
    batch_size: int = 1,
    gains: Gains | None = None,
) -> Iterator[tuple[tiling.Tile, FloatArray]]:
    """Iterate over the corrected tiles of a volume.

    The network is given what the tilts have measured of each tile, `f(W v)`, as in training.

    Parameters
    ----------
    cut : callable
        Gives normalised blocks of the volume.
    tilts : sequence of float
        Degrees: range or list of tilts.
    plan : TilePlan
        Cover of the volume.
    evaluator : Evaluator
        The network.
    batch_size : int
        Tiles per evaluation.
    gains : Gains, optional
        How prediction and data are combined; the prediction alone if left out.

    Yields
    ------
    tile, block
        The tile and its corrected voxels within the volume (those of `tile.source`), not yet weighted.
    """
    weights = wedge.weight(plan.size, tilts, device=evaluator.device)
    waiting: list[tiling.Tile] = []
    every = tiling.tiles(plan.shape, plan.size, plan.overlap)
    for number, tile in enumerate(every, start=1):
        waiting.append(tile)
        if len(waiting) == batch_size or number == plan.count:
            stack = np.stack([cut(one.corner, plan.size) for one in waiting])
            blocks = torch.from_numpy(stack).to(evaluator.device)
            result = evaluator(fourier.apply(blocks, weights)[:, None])[:, 0]
            if gains is not None:
                result = calibrated(blocks, result, gains, weights)
            for one, block in zip(waiting, result.cpu().numpy(), strict=True):
                yield one, block[one.source]
            waiting = []
