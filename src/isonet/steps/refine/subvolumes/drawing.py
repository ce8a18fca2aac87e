"""The sub-volumes that a training iteration works on: drawn from all tomograms, filled with the last prediction."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice

import numpy as np
import torch
from torch import Tensor

from isonet.config import RefineConfig
from isonet.core.sampling import random_stream, shares
from isonet.steps.refine.subvolumes.samples import Place, Samples, block
from isonet.train.device import free_memory
from isonet.train.hardware.overlap import storage
from isonet.train.memory import is_out_of_memory
from isonet.train.pairs import PairMaker, Predict, Recipe, fill
from isonet.train.team import ALONE, Team

_HELD_OUT_CUBES = 8
_HELD_OUT_STREAM = 2**32 - 1
_SHARE_TO_STORE = 0.15
"""Of the free memory of a GPU: for the sub-volumes of an epoch, while those of the one before are there."""
_AT_ONCE = 4
"""Sub-volumes that a GPU fills at once; more keep it no busier."""


def training_pairs(
    training: Sequence[Samples],
    recipe: Recipe,
    config: RefineConfig,
    at: tuple[int, int],
    total: int,
    predict: Predict | None,
    team: Team = ALONE,
) -> PairMaker:
    """Draw the sub-volumes of an epoch and fill their wedge.

    Parameters
    ----------
    training : sequence of Samples
        What to draw from.
    recipe : Recipe
        How pairs are made.
    config : RefineConfig
        Options.
    at : tuple of int
        Iteration and epoch, which decide with the seed what is drawn.
    total : int
        Sub-volumes to draw, in proportion to the counts of the samples.
    predict : callable or None
        The last network; None before the first training, when the wedge stays empty.
    team : Team
        Processes among which the filling is divided; all get all sub-volumes.

    Returns
    -------
    PairMaker
        Makes training pairs of them.
    """
    random = random_stream(config.seed, *at)
    counts = shares([one.count for one in training], total, random)
    places = [one.places(config.subvolume_size, count, random) for one, count in zip(training, counts, strict=True)]
    return _filled(training, places, sum(counts), recipe, config, predict, team)


def held_out_pairs(
    training: Sequence[Samples], recipe: Recipe, config: RefineConfig, predict: Predict | None
) -> PairMaker | None:
    """Draw the same sub-volumes each time from what is held out, and fill them; None where nothing is."""
    random = random_stream(config.seed, _HELD_OUT_STREAM)
    each = -(-_HELD_OUT_CUBES // len(training))
    places = [one.held_out(config.subvolume_size, each, random) for one in training[:_HELD_OUT_CUBES]]
    made = _filled(training, places, each * len(places), recipe, config, predict, ALONE)
    return made if len(made.filled) else None


def _filled(
    training: Sequence[Samples],
    places: Sequence[Iterable[Place]],
    count: int,
    recipe: Recipe,
    config: RefineConfig,
    predict: Predict | None,
    team: Team,
) -> PairMaker:
    """Cut sub-volumes and fill their wedge, one tomogram after the other; each process does its share for all."""
    device = training[0].optics.spectrum.device
    gpu = device.type == "cuda"
    room = round(_SHARE_TO_STORE * free_memory(device)) if gpu and team.size == 1 else 0
    filled = storage((count, recipe.maps, *(config.subvolume_size,) * 3), device, room)
    origin: list[int] = []
    mine = (one for one in _drawn(places, origin) if one[0] % team.size == team.rank)
    for batch in _batches(mine, training, _AT_ONCE if gpu else 1):
        _fill_some(filled, training, batch, config.subvolume_size, predict, device)
    if gpu and filled.device.type == "cpu":
        torch.cuda.current_stream(device).synchronize()
    team.add_up(filled[: len(origin)])
    return PairMaker(
        filled=filled[: len(origin)],
        origin=np.array(origin, dtype=np.int64),
        optics=tuple(one.optics for one in training),
        recipe=recipe,
    )


def _drawn(places: Sequence[Iterable[Place]], origin: list[int]) -> Iterator[tuple[int, int, Place]]:
    """Iterate over row, number of the samples, and place of each sub-volume; `origin` collects the numbers."""
    for number, wanted in enumerate(places):
        for place in wanted:
            origin.append(number)
            yield len(origin) - 1, number, place


def _batches(
    drawn: Iterable[tuple[int, int, Place]], training: Sequence[Samples], most: int
) -> Iterator[list[tuple[int, int, Place]]]:
    """Iterate over what is filled at once: of tomograms whose halves are of one kind."""
    for _, alike in groupby(drawn, lambda one: training[one[1]].optics.thickness is None):
        while batch := list(islice(alike, most)):
            yield batch


def _fill_some(
    filled: Tensor,
    training: Sequence[Samples],
    batch: Sequence[tuple[int, int, Place]],
    size: int,
    predict: Predict | None,
    device: torch.device,
) -> None:
    """Cut some sub-volumes and fill the wedge of each of their maps, all at once or as memory allows."""
    try:
        _fill_at_once(filled, training, batch, size, predict, device)
    except RuntimeError as error:
        if not is_out_of_memory(error) or len(batch) == 1:
            raise
        for one in batch:
            _fill_at_once(filled, training, [one], size, predict, device)


def _fill_at_once(
    filled: Tensor,
    training: Sequence[Samples],
    batch: Sequence[tuple[int, int, Place]],
    size: int,
    predict: Predict | None,
    device: torch.device,
) -> None:
    volumes = torch.stack([block(place, size) for _, _, place in batch]).to(device)
    weights = torch.stack([torch.stack(training[number].optics.weights) for _, number, _ in batch])
    apart = training[batch[0][1]].optics.thickness is not None
    for (row, _, _), one in zip(batch, fill(volumes, weights, predict, together=apart), strict=True):
        filled[row].copy_(one, non_blocking=True)
