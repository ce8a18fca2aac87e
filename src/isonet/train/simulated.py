"""Training pairs from imagined samples, made while training: what a tomogram shows, and what is truly there.

Scenes come one after the other, each for a while: step `s` draws its cubes from the scenes `s // REFRESH` and the
`POOL - 1` after it. Everything is a function of the seed and the step, so that a continued training sees the same.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from isonet.core import fourier, rotation
from isonet.core.sampling import central_cube, random_stream
from isonet.core.simulation import imaging, scenery
from isonet.core.tilts import wedge
from isonet.train.pairs import Batch

POOL = 24
REFRESH = 10
_SCENE_EDGE = 96
_LOW = 0.04  # cycles per voxel: below it all errors weigh the same
_WEAK = 0.01  # variance of signals that still count less, of 1 in all
_EMPTY = 0.2  # of the scene's standard deviation
_SCENES, _PAIRS = 1, 2


@dataclass(frozen=True)
class SimulatedPairs:
    """Source of training pairs.

    Attributes
    ----------
    templates : sequence of Template
        Densities used beside invented particles.
    cube : int
        Edge of the cubes.
    batch_size : int
        Pairs of a batch.
    wedge_weight : float
        Weight of squared errors inside the wedge, relative to outside.
    seed : int
        Of everything.
    snr : tuple of float
        Variance of the signal over that of the noise, voxel by voxel, from and to.
    """

    templates: Sequence[scenery.Template]
    cube: int
    batch_size: int
    wedge_weight: float
    seed: int
    snr: tuple[float, float] = (0.01, 0.3)

    def batches(self, first: int, last: int, workers: int, device: torch.device) -> Iterator[Batch]:
        """Iterate over the batches of steps `first` to `last - 1`, the next ones being made meanwhile."""
        steps = iter(range(first, last))
        with ThreadPoolExecutor(workers) as pool:
            waiting: list[Future[Batch]] = [pool.submit(self.batch, step) for step in islice(steps, 2 * workers)]
            while waiting:
                made = waiting.pop(0).result()
                waiting += [pool.submit(self.batch, step) for step in islice(steps, 1)]
                yield Batch(made.inputs.to(device), made.targets.to(device), made.error_filter.to(device))

    def batch(self, step: int) -> Batch:
        """Make the pairs of a step."""
        random = random_stream(self.seed, _PAIRS, step)
        made = [self._pair(step, random) for _ in range(self.batch_size)]
        inputs, targets, filters = (torch.stack(parts)[:, None] for parts in zip(*made, strict=True))
        return Batch(inputs, targets, filters)

    def _pair(self, step: int, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Input, target and error filter: errors count by frequency, by wedge, and less where signals are strong."""
        scene = self._scene(step // REFRESH + int(random.integers(POOL)))
        turns = rotation.cube_rotations()
        turn = turns[int(random.integers(len(turns)))] * int(random.choice((-1, 1)))
        how = imaging.draw_imaging(random, self.snr)
        corner = _corner(scene, self.cube, random)
        shown, truth, strength = imaging.show(scene, corner, self.cube, turn, how, random)
        shape = fourier.spatial_shape(shown)
        weights = wedge.weight(shape, how.tilts, gap=0)
        importance = (fourier.radial_frequency(shape) + _LOW) / (0.25 + _LOW)
        inside = weights + self.wedge_weight * (1 - weights)
        error_filter = importance * (inside / (strength**2 + _WEAK)).sqrt()
        return fourier.apply(shown, weights), truth, error_filter

    @cached_property
    def _scene(self) -> Callable[[int], scenery.Scene]:
        """Scenes by number, the last ones kept."""
        edge = max(_SCENE_EDGE, imaging.piece_edge(self.cube))
        return lru_cache(2 * POOL)(
            lambda number: scenery.scene(edge, random_stream(self.seed, _SCENES, number), self.templates)
        )


def _corner(scene: scenery.Scene, cube: int, random: np.random.Generator) -> list[int]:
    """Draw where a piece begins; once more if it holds next to nothing."""
    edge = imaging.piece_edge(cube)
    for _ in range(2):
        corner = [int(one) for one in random.integers(0, scene.density.shape[0] - edge + 1, 3)]
        piece = scene.density[tuple(slice(c, c + edge) for c in corner)]
        if float(central_cube(piece, cube).std()) > _EMPTY:
            break
    return corner
