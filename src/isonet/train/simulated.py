"""Training pairs from imagined samples, made while training: what a tomogram shows, and what is truly there.

Scenes come one after the other, each for a while: step `s` draws its cubes from the scenes `s // REFRESH` and the
`POOL - 1` after it. Everything is a function of the seed and the step, so that a continued training sees the same.

Samples are shown in every way there is, for a network that is to know all, or as some tomograms were, for one that is
tailored to these. The first is asked for what the images hold, the other for what is there, whatever the contrast
transfer took.
"""

import math
from abc import ABC, abstractmethod
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
from isonet.core.simulation import imaging, scenery, spectra
from isonet.core.simulation.recording import Recording, Shower
from isonet.core.tilts import wedge
from isonet.train.pairs import Batch

POOL = 24
REFRESH = 10
_SCENE_EDGE = 96
_LOW = 0.04  # cycles per voxel: below it all errors weigh the same
_WEAK = 0.01  # variance of signals that still count less, of 1 in all
_SCALES = (0.6, 1.4)  # deviations of what is shown, so that half of a contrast gives half of a result
_EMPTY = 0.2  # of the scene's standard deviation
_SCENES, _PAIRS, _SHOWN, _EXAMPLE = 1, 2, 3, 4
_STEPS, _DRAWS = 5, 3  # steps after which a sample is shown anew, and how often each is
_SHOWN_POOL = 16
_SPREAD = 0.35  # of the logarithm of the signal's strength, which differs from place to place
_RIM = 6  # voxels to which the wedge smears content over the faces
_KNOWN = 0.3  # cycles per voxel beyond which errors do not count
_SAMPLES = 6  # whose power tells what errors weigh
_FAINT = 1e-6  # of the strongest shell's power: none counts as weaker


@dataclass(frozen=True)
class ImaginedPairs(ABC):
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
    """

    templates: Sequence[scenery.Template]
    cube: int
    batch_size: int
    wedge_weight: float
    seed: int

    def batches(self, first: int, last: int, workers: int, device: torch.device) -> Iterator[Batch]:
        """Iterate over the batches of steps `first` to `last - 1`, the next ones being made meanwhile."""
        steps = iter(range(first, last))
        with ThreadPoolExecutor(workers) as pool:
            waiting: list[Future[Batch]] = [pool.submit(self.batch, step) for step in islice(steps, 2 * workers)]
            while waiting:
                made = waiting.pop(0).result()
                waiting += [pool.submit(self.batch, step) for step in islice(steps, 1)]
                yield made.on(device)

    def batch(self, step: int) -> Batch:
        """Make the pairs of a step."""
        random = random_stream(self.seed, _PAIRS, step)
        made = [_scaled(*self._pair(step, random), random) for _ in range(self.batch_size)]
        inputs, targets, filters = (torch.stack(parts)[:, None] for parts in zip(*made, strict=True))
        return Batch(inputs, targets, filters)

    @abstractmethod
    def _pair(self, step: int, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Input, target and error filter of one pair."""


@dataclass(frozen=True)
class SimulatedPairs(ImaginedPairs):
    """Samples of all kinds, shown in all ways.

    Attributes
    ----------
    snr : tuple of float
        Variance of the signal over that of the noise, voxel by voxel, from and to.
    """

    snr: tuple[float, float] = (0.01, 0.3)

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


@dataclass(frozen=True)
class TailoredPairs(ImaginedPairs):
    """Samples shown as some tomograms were; what is asked for is the sample without its contrast transfer.

    Squared errors weigh the inverse amplitude of what is there, so that no frequency outweighs the others.

    Attributes
    ----------
    recordings : sequence of Recording
        How the tomograms show what is in them.
    """

    recordings: Sequence[Recording]

    def _pair(self, step: int, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Input, target and error filter of a cube of one of the samples that are shown at this step."""
        number, shown, truth = self._shown(step // _STEPS + int(random.integers(_SHOWN_POOL)))
        for _ in range(2):
            corner = random.integers(_RIM, len(truth) - self.cube - _RIM + 1, 3)
            at = tuple(slice(int(c), int(c) + self.cube) for c in corner)
            if float(truth[at].std()) > _EMPTY * float(truth.std()):
                break
        return shown[at], truth[at], self._error_filters[number]

    def example(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return a sample shown twice as the first tomogram, each time with other noise, and as it is."""
        density, shower = self._density(0, 0), self._showers[0]
        (one, truth), (other, _) = (shower.show(density, random_stream(self.seed, _EXAMPLE, k)) for k in (0, 1))
        return one, other, truth

    @cached_property
    def _shown(self) -> Callable[[int], tuple[int, Tensor, Tensor]]:
        """Number of the tomogram, what it would show, and what is there; by number, the last ones kept."""
        return lru_cache(2 * _SHOWN_POOL)(self._show)

    def _show(self, number: int) -> tuple[int, Tensor, Tensor]:
        which = number % len(self.recordings)
        random = random_stream(self.seed, _SHOWN, number)
        turns = rotation.cube_rotations()
        turn = turns[int(random.integers(len(turns)))] * int(random.choice((-1, 1)))
        density = rotation.rotate_cube(self._density(which, number // (_DRAWS * len(self.recordings))), turn)
        return which, *self._showers[which].show(density, random, _SPREAD)

    @cached_property
    def _density(self) -> Callable[[int, int], Tensor]:
        """Samples of the voxel size of a tomogram, by number, the last ones kept."""
        return lru_cache(2 * _SHOWN_POOL)(self._imagined)

    def _imagined(self, which: int, number: int) -> Tensor:
        random = random_stream(self.seed, _SCENES, which, number)
        return scenery.crowded(self._edge, random, self.recordings[which].pixel_size, self.templates)

    @property
    def _edge(self) -> int:
        return max(_SCENE_EDGE, self.cube + 4 * _RIM)

    @cached_property
    def _showers(self) -> Sequence[Shower]:
        return [Shower(one, (self._edge,) * 3) for one in self.recordings]

    @cached_property
    def _error_filters(self) -> Sequence[Tensor]:
        """Of each tomogram, from a few of its samples: a target has a weighted power of 1."""
        return [self._error_filter(which) for which in range(len(self.recordings))]

    def _error_filter(self, which: int) -> Tensor:
        truths = [self._shown(which + k * _DRAWS * len(self.recordings))[2] for k in range(_SAMPLES)]
        power = torch.stack([spectra.power(truth) for truth in truths]).mean(0)
        weight = power.clamp_min(_FAINT * float(power.max())).rsqrt()
        weight[0] = weight[1]  # samples have no mean, but cubes of them do
        weight[torch.arange(len(weight)) / (2 * spectra.SHELLS) > _KNOWN] = 0
        shape = (self.cube,) * 3
        shell = spectra.shell_of(shape)
        inside = 1 - wedge.weight(shape, self.recordings[which].measured)
        spread = weight[shell] * (1 + (self.wedge_weight - 1) * inside)
        total = (fourier.multiplicity(shape) * spread * power[shell]).sum() / math.prod(shape)
        return (spread / total).sqrt()


def _scaled(
    shown: Tensor, truth: Tensor, error_filter: Tensor, random: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Bring a pair to another deviation, at which its errors count as before."""
    scale = _SCALES[0] * (_SCALES[1] / _SCALES[0]) ** random.random()
    return scale * shown, scale * truth, error_filter / scale


def _corner(scene: scenery.Scene, cube: int, random: np.random.Generator) -> list[int]:
    """Draw where a piece begins; once more if it holds next to nothing."""
    edge = imaging.piece_edge(cube)
    for _ in range(2):
        corner = [int(one) for one in random.integers(0, scene.density.shape[0] - edge + 1, 3)]
        piece = scene.density[tuple(slice(c, c + edge) for c in corner)]
        if float(central_cube(piece, cube).std()) > _EMPTY:
            break
    return corner
