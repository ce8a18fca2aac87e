"""Gains of a network on one tomogram, from sub-volumes all over its halves."""

from collections.abc import Sequence

import numpy as np
import torch

from isonet.core import fourier, wedge
from isonet.core.calibration import Gains, measure_gains
from isonet.core.sampling import draw_centres, random_stream
from isonet.steps.source import Source
from isonet.train.fit import Evaluator

_CUBES = 32
_STREAM = 2**31 - 1


def calibrate(halves: Sequence[Source], evaluator: Evaluator, cube: int) -> Gains:
    """Compare the network's predictions from either half with the other half.

    Parameters
    ----------
    halves : sequence of Source
        The two halves of a tomogram.
    evaluator : Evaluator
        The network.
    cube : int
        Edge of the sub-volumes, those the network was trained on.

    Returns
    -------
    Gains
        Always the same for the same halves and network.
    """
    centres = draw_centres(halves[0].volume.shape, _CUBES, cube, random_stream(0, _STREAM))
    edges = (cube, cube, cube)
    weights = [wedge.weight(edges, half.tilts, device=evaluator.device) for half in halves]
    data, guesses = [], []
    for centre in centres:
        corner = (centre - cube // 2).tolist()
        block = torch.from_numpy(np.stack([half.cut(corner, edges) for half in halves])).to(evaluator.device)
        given = torch.stack([fourier.apply(one, weight) for one, weight in zip(block, weights, strict=True)])
        data.append(block.cpu())
        guesses.append(evaluator(given[:, None])[:, 0].cpu())
    return measure_gains(torch.stack(data), torch.stack(guesses), [half.tilts for half in halves])
