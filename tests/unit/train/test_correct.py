"""A volume of any size comes back whole from its tiles."""

import numpy as np
import pytest
import torch
from torch import nn

from isonet.core import sampling
from isonet.train.correct import TilePlan, corrected_tiles, plan_tiles
from isonet.train.evaluate import Evaluator
from isonet.train.network.unet import UNet, UNetShape


def untrained(residual: bool = True) -> Evaluator:
    """Network that returns its input, or zeros."""
    network = UNet(UNetShape(depth=2, filter_base=2, convs_per_depth=2, residual=residual))
    nn.init.zeros_(network.head.weight)
    return Evaluator(network, torch.device("cpu"), "float32")


def blend(volume: np.ndarray, plan: TilePlan, evaluator: Evaluator, **options: object) -> np.ndarray:
    result = np.zeros(plan.shape)

    def cut(corner: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
        return sampling.cut(volume, corner, shape)

    for tile, block in corrected_tiles(cut, plan, evaluator, **options):
        result[tile.target] += tile.weights * block
    return result


def test_tiles_shrink_along_thin_axes_and_fit_the_network() -> None:
    plan = plan_tiles((10, 100, 300), 96, 64, 8)
    assert plan.size == (16, 72, 88)
    assert plan.count == 1 * 2 * 5


@pytest.mark.parametrize(("crop", "stride"), [(20, 16), (16, 4), (16, 20)])
def test_tiles_that_do_not_fit_are_refused(crop: int, stride: int) -> None:
    with pytest.raises(ValueError, match="tiles of"):
        plan_tiles((40, 40, 40), crop, stride, 8)
