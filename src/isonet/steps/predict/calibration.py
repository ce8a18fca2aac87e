"""Gains of a network on one tomogram, from sub-volumes all over it and its halves."""

import logging
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from isonet.core import fourier
from isonet.core.comparison.calibration import Gains, measure_fill, measure_gains, withheld_tilts
from isonet.core.sampling import edges_of, random_stream
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured
from isonet.io.volume_files import title
from isonet.train.evaluate import Evaluator
from isonet.volumes.shared_halves import ENOUGH_SHARED, share_of_halves, shared_by_halves
from isonet.volumes.source import Source
from isonet.volumes.where import box_of_data, draw_in_data

log = logging.getLogger("isonet")
_CUBES = (8, 32)
_WIDE, _WIDE_CUBES = 96, (3, 6)
_STREAM = 2**31 - 1


def calibrate(halves: Sequence[Source], evaluator: Evaluator, cube: int) -> Gains | None:
    """Compare the network's predictions from either half with the other half, also in tilts that were withheld.

    Parameters
    ----------
    halves : sequence of Source
        The two halves of a tomogram.
    evaluator : Evaluator
        The network.
    cube : int
        Edge of the sub-volumes that it was trained on.

    Returns
    -------
    Gains or None
        Always the same for the same halves and network. None for halves from every other tilt of a thick sample: they
        have measured too little that is the same, and what one lacks would be taken for what a network cannot know.
    """
    if (share := share_of_halves(halves, cube)) < ENOUGH_SHARED:
        log.info(
            "%s: halves from every other tilt have measured the same in %.0f %% of what is measured, too little to "
            "calibrate by; the network's output is taken as it is",
            *(title(halves[0].volume.path), 100 * share),
        )
        return None
    shells = cube // 2 + 1
    measured = [half.measured for half in halves]
    compared = _compared(halves, measured, evaluator, cube, _CUBES)
    network, data = measure_gains(*compared, measured, shared_by_halves(halves, cube))
    return Gains(torch.arange(shells) / cube, network, data, _fill(halves, evaluator, cube)).to(evaluator.device)


def _fill(halves: Sequence[Source], evaluator: Evaluator, cube: int) -> Tensor:
    """Gain of the prediction in the wedge, from cubes wide enough for the withheld region to have coefficients.

    1 where there are too few tilts for some to be withheld.
    """
    measured, shells = _common(halves[0].measured, halves[1].measured), cube // 2 + 1
    if any(len(sweep.tilts) < 2 or len(withheld_tilts(sweep.tilts)) < 2 for sweep in measured.sweeps):
        return torch.ones(shells)
    kept = measured.each(withheld_tilts)
    whole = -(-max(halves[0].volume.shape) // evaluator.divisor) * evaluator.divisor
    edge = max(cube, min(_WIDE, whole))
    return measure_fill(*_compared(halves, [kept, kept], evaluator, edge, _WIDE_CUBES), measured, shells)


def _common(first: Measured, second: Measured) -> Measured:
    """Tilts of either half, of each sweep, between the ends that both have."""
    others = iter(second.sweeps)
    return first.each(lambda tilts: _common_tilts(tilts, next(others).tilts))


def _common_tilts(first: Sequence[float], second: Sequence[float]) -> tuple[float, ...]:
    """Tilts of either list between the ends that both have."""
    low, high = max(min(first), min(second)), min(max(first), max(second))
    return tuple(sorted({tilt for tilt in (*first, *second, low, high) if low <= tilt <= high}))


def _compared(
    halves: Sequence[Source], measured: Sequence[Measured], evaluator: Evaluator, edge: int, counts: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Sub-volumes of both halves, and the network's predictions from what was measured of them, or is said so.

    As many as a volume has room for, at least the first and at most the second of `counts`.
    """
    least, most = counts
    room = math.prod(edges_of(box_of_data(halves)))
    count = max(least, min(most, room // edge**3))
    edges = (edge, edge, edge)
    weights = [wedge.weight(edges, one, device=evaluator.device) for one in measured]
    data, guesses = [], []
    for centre in draw_in_data(halves, count, edge, random_stream(0, _STREAM)):
        corner = (centre - edge // 2).tolist()
        block = torch.from_numpy(np.stack([half.cut(corner, edges) for half in halves])).to(evaluator.device)
        given = [fourier.apply(one, weight) for one, weight in zip(block, weights, strict=True)]
        data.append(block.cpu())
        guesses.append(torch.cat([evaluator(one[None, None])[:, 0].cpu() for one in given]))
    return torch.stack(data), torch.stack(guesses)
