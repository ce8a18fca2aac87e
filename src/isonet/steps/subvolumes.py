"""The sub-volumes a training iteration works on: drawn from the tomograms, filled with the last prediction."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch

from isonet.config import RefineConfig
from isonet.core.sampling import draw_centres, random_stream
from isonet.core.snr import signal_weight
from isonet.errors import InputError
from isonet.io import mrc
from isonet.project import Tomogram
from isonet.runs import Run
from isonet.steps.existing import ExistingMask
from isonet.steps.source import Source, open_source
from isonet.train.pairs import Optics, PairMaker, Predict, fill, optics

log = logging.getLogger("isonet")
SUBVOLUMES_IN_ALL = 300
SPECTRUM_CUBES = 24
Place = tuple[Source, Sequence[int]]
"""What to cut a sub-volume from, and its first voxel z, y, x."""


@runtime_checkable
class Samples(Protocol):
    """Where sub-volumes come from that were seen under the same tilts.

    Attributes
    ----------
    source : Source
        A volume to look at, in previews and for what is known about it.
    optics : Optics
        Wedge, noise and rotations of the sub-volumes.
    count : int
        Sub-volumes of each iteration.
    """

    @property
    def source(self) -> Source: ...  # noqa: D102
    @property
    def optics(self) -> Optics: ...  # noqa: D102
    @property
    def count(self) -> int: ...  # noqa: D102

    def places(self, size: int, random: np.random.Generator) -> Iterator[Place]:
        """Choose the `count` sub-volumes of edge `size` of an iteration."""
        ...


@dataclass(frozen=True)
class TrainingTomogram:
    """One tomogram to train on.

    Attributes
    ----------
    source : Source
        Its normalised voxels.
    mask : array or None
        Larger than 0 where sub-volumes may be centred; everywhere if None.
    optics : Optics
        Its wedge, noise and rotations.
    count : int
        Sub-volumes drawn from it in each iteration.
    """

    source: Source
    mask: npt.NDArray[Any] | None
    optics: Optics
    count: int

    def places(self, size: int, random: np.random.Generator) -> Iterator[Place]:
        """Draw places inside the mask.

        Raises
        ------
        InputError
            If the mask leaves no room.
        """
        try:
            centres = draw_centres(self.source.volume.shape, self.count, size, random, self.mask)
        except ValueError as error:
            where = self.source.volume.path if self.mask is None else self.source.tomogram.file("rlnMaskName")
            raise InputError(f"{where}: {error}; use a smaller --cube-size or a wider mask") from error
        for centre in centres:
            yield self.source, (centre - size // 2).tolist()


def open_training_set(
    tomograms: Sequence[Tomogram], column: str, config: RefineConfig, device: torch.device
) -> list[TrainingTomogram]:
    """Open and check all tomograms to train on.

    Raises
    ------
    InputError
        If a volume or mask cannot be used, or a mask does not fit its tomogram.
    """
    size = config.subvolume_size
    opened = []
    for tomogram in tomograms:
        source = open_source(tomogram, column)
        mask = open_mask(tomogram, source.volume)
        count = subvolume_count(tomogram, config.number_subtomos, tomograms)
        weights = loss_weights(_anywhere(source, config), tomogram.tilts, config)
        geometry = optics(tomogram.tilts, size, config.cube_size, config.noise_mode, weights, device)
        opened.append(TrainingTomogram(source, mask, geometry, count))
        thin = min(source.volume.shape)
        if thin < size:
            log.info("%s: %d voxels thick, continued by reflection to %d", source.volume.path.name, thin, size)
    return opened


def open_mask(tomogram: Tomogram, volume: mrc.Volume) -> npt.NDArray[Any] | None:
    """Mask of a tomogram, larger than 0 where it holds; None where the table names none.

    Raises
    ------
    InputError
        If it cannot be read or does not fit the tomogram.
    """
    if tomogram.text("rlnMaskName") is None:
        return None
    return ExistingMask(tomogram.file("rlnMaskName"), volume.shape, volume.path).array()


def subvolume_count(tomogram: Tomogram, asked: int | None, tomograms: Sequence[Tomogram]) -> int:
    """Sub-volumes of a tomogram: as asked, else as the table says, else its share of 300.

    Raises
    ------
    InputError
        If the table says something that is no number of sub-volumes.
    """
    if asked is not None:
        return asked
    count = tomogram.number("rlnNumberSubtomo")
    if count is None:
        return max(1, round(SUBVOLUMES_IN_ALL / len(tomograms)))
    if count < 1 or count != int(count):
        raise InputError(
            f"{tomogram.table}: rlnNumberSubtomo of tomogram {tomogram.index} is {count:g}; give 1 or more"
        )
    return int(count)


def _anywhere(source: Source, config: RefineConfig) -> Iterator[Place]:
    """Places of training cubes all over a tomogram."""
    cube = config.cube_size
    for centre in draw_centres(source.volume.shape, SPECTRUM_CUBES, cube, random_stream(config.seed)):
        yield source, (centre - cube // 2).tolist()


def loss_weights(places: Iterable[Place], tilts: Sequence[float], config: RefineConfig) -> torch.Tensor:
    """Weight of errors at each frequency, from training cubes at these places."""
    if config.loss_weighting == "none":
        return torch.ones(1, 1, 1)
    cubes = np.stack([source.cut(corner, (config.cube_size,) * 3) for source, corner in places])
    return signal_weight(torch.from_numpy(cubes), tilts, config.noise_mode)


def filled_pairs(
    training: Sequence[Samples], config: RefineConfig, iteration: int, predict: Predict | None, run: Run
) -> PairMaker:
    """Draw the sub-volumes of an iteration and fill their wedge.

    Parameters
    ----------
    training : sequence of Samples
        What to draw from.
    config : RefineConfig
        Options.
    iteration : int
        Counted from 1; decides, with the seed, which sub-volumes are drawn.
    predict : callable or None
        The last network; None before the first training, when the wedge stays empty.
    run : Run
        For progress.

    Returns
    -------
    PairMaker
        Makes training pairs of them.
    """
    random = random_stream(config.seed, iteration)
    total = sum(one.count for one in training)
    edges = (config.subvolume_size,) * 3
    filled = torch.empty((total, *edges))
    origin = np.repeat(np.arange(len(training)), [one.count for one in training])
    position = 0
    with run.progress(f"iteration {iteration}: sub-volumes", total) as advance:
        for one in training:
            weights = one.optics.weights
            for source, corner in one.places(config.subvolume_size, random):
                block = torch.from_numpy(source.cut(corner, edges))
                filled[position] = fill(block[None].to(weights.device), weights, predict)[0].cpu()
                position += 1
                advance()
    return PairMaker(
        filled=filled,
        origin=origin,
        optics=tuple(one.optics for one in training),
        cube=config.cube_size,
        random_rotations=config.random_rotations,
        noise_level=config.noise_level_at(iteration),
    )
