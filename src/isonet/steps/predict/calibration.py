"""Gains of a network on one tomogram, from sub-volumes all over it, and what was measured beside what it is given."""

import logging
import math
from collections.abc import Sequence
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from isonet.core import fourier
from isonet.core.comparison.calibration import Gains, measure_fill, measure_gains, withheld_tilts
from isonet.core.sampling import edges_of, random_stream
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured
from isonet.errors import InputError
from isonet.io.volume_files import title
from isonet.train.evaluate import Evaluator
from isonet.train.memory import is_out_of_memory
from isonet.volumes.shared_halves import ENOUGH_SHARED, share_of_halves, shared_by_halves
from isonet.volumes.source import Source
from isonet.volumes.where import box_of_data, draw_in_data

log = logging.getLogger("isonet")
_CUBES = (8, 32)
_WIDE, _WIDE_CUBES = 96, (3, 6)
_STREAM = 2**31 - 1


def calibrate(sources: Sequence[Source], whole: Source, evaluator: Evaluator, cube: int) -> Gains:
    """Compare the network's predictions with measurements that were not used for them.

    With halves these are those of the other half, also in tilts that were withheld. One map, or halves that have
    measured too little that is the same, tell of withheld tilts alone; elsewhere the network's output is taken as it
    is. What one half lacks would be taken for what a network cannot know.

    Parameters
    ----------
    sources : sequence of Source
        Both halves of a tomogram, or its one map.
    whole : Source
        What is corrected: the mean of the halves, or the one map.
    evaluator : Evaluator
        The network.
    cube : int
        Edge of the sub-volumes that it was trained on.

    Returns
    -------
    Gains
        Always the same for the same volumes and network.
    """
    shells = cube // 2 + 1
    network, data = torch.ones(shells), torch.zeros(shells)
    if _share_enough(sources, cube):
        measured = [half.measured for half in sources]
        compared = _compared(sources, measured, evaluator, cube, _CUBES, sources)
        network, data = measure_gains(*compared, measured, shared_by_halves(sources, cube))
        fill = _fill(sources, sources, evaluator, cube)
    else:
        fill = _fill((whole,), sources, evaluator, cube)
    return Gains(torch.arange(shells) / cube, network, data, fill).to(evaluator.device)


def _share_enough(sources: Sequence[Source], cube: int) -> bool:
    """Tell whether there are halves that have measured enough that is the same."""
    if len(sources) == 1:
        return False
    share = share_of_halves(sources, cube)
    if share < ENOUGH_SHARED:
        log.info(
            "%s: halves from every other tilt have measured the same in %.0f %% of what is measured, too little to "
            "calibrate by; that is done for the wedge alone, by outer tilts that are withheld from the full tomogram",
            *(title(sources[0].volume.path), 100 * share),
        )
    return share >= ENOUGH_SHARED


def _fill(maps: Sequence[Source], sources: Sequence[Source], evaluator: Evaluator, cube: int) -> Tensor:
    """Gain of the prediction in the wedge, from cubes wide enough for the withheld region to have coefficients.

    They are drawn where `sources` have data. 1 where there are too few tilts for some to be withheld.
    """
    measured, shells = reduce(_common, [one.measured for one in maps]), cube // 2 + 1
    if any(len(sweep.tilts) < 2 or len(withheld_tilts(sweep.tilts)) < 2 for sweep in measured.sweeps):
        return torch.ones(shells)
    kept = measured.each(withheld_tilts)
    whole = -(-max(sources[0].volume.shape) // evaluator.divisor) * evaluator.divisor
    edge = max(cube, min(_WIDE, whole))
    compared = _compared(maps, [kept] * len(maps), evaluator, edge, _WIDE_CUBES, sources)
    return measure_fill(*compared, measured, shells)


def _common(first: Measured, second: Measured) -> Measured:
    """Tilts of either half, of each sweep, between the ends that both have."""
    others = iter(second.sweeps)
    return first.each(lambda tilts: _common_tilts(tilts, next(others).tilts))


def _common_tilts(first: Sequence[float], second: Sequence[float]) -> tuple[float, ...]:
    """Tilts of either list between the ends that both have."""
    low, high = max(min(first), min(second)), min(max(first), max(second))
    return tuple(sorted({tilt for tilt in (*first, *second, low, high) if low <= tilt <= high}))


def _compared(
    maps: Sequence[Source],
    measured: Sequence[Measured],
    evaluator: Evaluator,
    edge: int,
    counts: tuple[int, int],
    sources: Sequence[Source],
) -> tuple[Tensor, Tensor]:
    """Sub-volumes of all maps, and the network's predictions from what was measured of them, or is said so.

    They are drawn where `sources` have data, as many as there is room for, at least the first and at most the second of
    `counts`.
    """
    least, most = counts
    room = math.prod(edges_of(box_of_data(sources)))
    count = max(least, min(most, room // edge**3))
    edges = (edge, edge, edge)
    weights = [wedge.weight(edges, one, device=evaluator.device) for one in measured]
    data, guesses = [], []
    for centre in draw_in_data(sources, count, edge, random_stream(0, _STREAM)):
        corner = (centre - edge // 2).tolist()
        block = torch.from_numpy(np.stack([one.cut(corner, edges) for one in maps])).to(evaluator.device)
        given = [fourier.apply(one, weight) for one, weight in zip(block, weights, strict=True)]
        data.append(block.cpu())
        guesses.append(_predicted(given, evaluator, maps[0]))
    return torch.stack(data), torch.stack(guesses)


def _predicted(cubes: Sequence[Tensor], evaluator: Evaluator, source: Source) -> Tensor:
    """Return what the network makes of cubes.

    Raises
    ------
    InputError
        If the memory does not suffice.
    """
    try:
        return torch.cat([evaluator(one[None, None])[:, 0].cpu() for one in cubes])
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        path = source.volume.path
        remedy = "use --device cpu, or --no-calibrate"
        raise InputError(f"{path}: out of memory while the network is calibrated; {remedy}") from error
