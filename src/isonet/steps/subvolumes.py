"""The sub-volumes a training iteration works on: drawn from the tomograms, filled with the last prediction."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from isonet.config import RefineConfig
from isonet.core.sampling import draw_centres, random_stream
from isonet.core.snr import signal_weight
from isonet.errors import InputError
from isonet.project import Tomogram
from isonet.runs import Run
from isonet.steps.existing import ExistingMask
from isonet.steps.source import Source, open_source
from isonet.train.pairs import Optics, PairMaker, Predict, fill, optics

log = logging.getLogger("isonet")
SUBVOLUMES_IN_ALL = 300
_SPECTRUM_CUBES = 24


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
        mask = None
        if tomogram.text("rlnMaskName"):
            mask = ExistingMask(tomogram.file("rlnMaskName"), source.volume.shape, source.volume.path).array()
        count = config.number_subtomos or _count(tomogram, max(1, round(SUBVOLUMES_IN_ALL / len(tomograms))))
        weights = _loss_weights(source, config)
        geometry = optics(tomogram.tilts, size, config.cube_size, config.noise_mode, weights, device)
        opened.append(TrainingTomogram(source, mask, geometry, count))
        thin = min(source.volume.shape)
        if thin < size:
            log.info("%s: %d voxels thick, continued by reflection to %d", source.volume.path.name, thin, size)
    return opened


def _count(tomogram: Tomogram, default: int) -> int:
    """Sub-volumes asked for in the table."""
    asked = tomogram.number("rlnNumberSubtomo")
    if asked is not None and (asked < 1 or asked != int(asked)):
        raise InputError(
            f"{tomogram.table}: rlnNumberSubtomo of tomogram {tomogram.index} is {asked:g}; give 1 or more"
        )
    return default if asked is None else int(asked)


def _loss_weights(source: Source, config: RefineConfig) -> torch.Tensor:
    """Weight of errors at each frequency, from sub-volumes all over the tomogram."""
    cube = config.cube_size
    if config.loss_weighting == "none":
        return torch.ones(1, 1, 1)
    centres = draw_centres(source.volume.shape, _SPECTRUM_CUBES, cube, random_stream(config.seed))
    cubes = np.stack([source.cut((centre - cube // 2).tolist(), (cube,) * 3) for centre in centres])
    return signal_weight(torch.from_numpy(cubes), source.tomogram.tilts, config.noise_mode)


def filled_pairs(
    training: Sequence[TrainingTomogram], config: RefineConfig, iteration: int, predict: Predict | None, run: Run
) -> PairMaker:
    """Draw the sub-volumes of an iteration and fill their wedge.

    Parameters
    ----------
    training : sequence of TrainingTomogram
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
            for centre in _centres(one, config.subvolume_size, random):
                block = torch.from_numpy(one.source.cut((centre - edges[0] // 2).tolist(), edges))
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


def _centres(one: TrainingTomogram, size: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw the centres of one tomogram's sub-volumes."""
    try:
        return draw_centres(one.source.volume.shape, one.count, size, random, one.mask)
    except ValueError as error:
        where = one.source.tomogram.file("rlnMaskName") if one.mask is not None else one.source.volume.path
        raise InputError(f"{where}: {error}; use a smaller --cube-size or a wider mask") from error
