"""The sub-volumes that a training iteration works on: drawn from all tomograms, filled with the last prediction."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from isonet.config import RefineConfig
from isonet.core.sampling import random_stream, shares
from isonet.steps.refine.samples import Place, Samples, block
from isonet.train.pairs import PairMaker, Predict, Recipe, fill
from isonet.train.team import ALONE, Team

_HELD_OUT_CUBES = 8
_HELD_OUT_STREAM = 2**32 - 1


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
    filled = torch.zeros((count, recipe.maps, *(config.subvolume_size,) * 3))
    origin: list[int] = []
    for number, (one, wanted) in enumerate(zip(training, places, strict=False)):
        for place in wanted:
            if len(origin) % team.size == team.rank:
                maps = block(place, config.subvolume_size)
                for target, volume, w in zip(filled[len(origin)], maps, one.optics.weights, strict=True):
                    target.copy_(fill(volume[None].to(w.device), w, predict)[0])
            origin.append(number)
    team.add_up(filled[: len(origin)])
    return PairMaker(
        filled=filled[: len(origin)],
        origin=np.array(origin, dtype=np.int64),
        optics=tuple(one.optics for one in training),
        recipe=recipe,
    )
