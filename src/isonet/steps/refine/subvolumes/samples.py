"""Where the sub-volumes of a training come from: places in maps or halves, and what errors weigh in them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from isonet.config import RefineConfig
from isonet.core.comparison.snr import balanced_weight, signal_weight
from isonet.core.tilts.measured import Tilts
from isonet.train.optics import Optics
from isonet.volumes.shared_halves import shared_by_halves
from isonet.volumes.source import Source

SPECTRUM_CUBES = 24
Place = tuple[tuple[Source, ...], Sequence[int]]
"""What to cut a sub-volume from, one map or both halves, and its first voxel z, y, x."""


@runtime_checkable
class Samples(Protocol):
    """Where sub-volumes come from that were seen under the same tilts.

    Attributes
    ----------
    sources : tuple of Source
        A map, or both halves, to look at in previews and for what is known about it.
    optics : Optics
        Wedge, noise and rotations of the sub-volumes.
    count : int
        Sub-volumes of each epoch.
    """

    @property
    def sources(self) -> tuple[Source, ...]: ...  # noqa: D102
    @property
    def optics(self) -> Optics: ...  # noqa: D102
    @property
    def count(self) -> int: ...  # noqa: D102

    def places(self, size: int, count: int, random: np.random.Generator) -> Iterator[Place]:
        """Choose `count` sub-volumes of edge `size` to train on."""
        ...

    def held_out(self, size: int, count: int, random: np.random.Generator) -> Iterator[Place]:
        """Choose `count` sub-volumes that are never trained on; none where nothing is held out."""
        ...


def loss_weights(places: Iterable[Place], tilts: Tilts, config: RefineConfig) -> torch.Tensor:
    """Weight of errors at each frequency, from training cubes at these places, of one map or of halves."""
    chosen = list(places)
    halves = len(chosen[0][0]) == 2
    older = "none" if halves else "signal"  # what runs did whose options do not say
    if (config.loss_weighting or older) == "none":
        return torch.ones(1, 1, 1)
    cubes = torch.stack([block(place, config.cube_size) for place in chosen], dim=1)
    if halves:
        return balanced_weight(cubes[0], cubes[1], tilts, shared_by_halves(chosen[0][0], config.cube_size))
    return signal_weight(cubes[0], tilts, config.noise_mode, config.tilt_gap)


def block(place: Place, edge: int) -> torch.Tensor:
    """Cut a sub-volume out of every map: `[maps, edge, edge, edge]`."""
    sources, corner = place
    return torch.from_numpy(np.stack([source.cut(corner, (edge,) * 3) for source in sources]))
