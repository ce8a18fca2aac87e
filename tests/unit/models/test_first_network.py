"""What a training begins with, by device and options."""

from pathlib import Path
from typing import Any

import pytest
import torch

from isonet.config import RefineConfig
from isonet.io.checkpoint import save_state
from isonet.models.first_network import first_network
from isonet.models.folder import STATE_NAME
from isonet.train.network.unet import UNet, named_shape


@pytest.mark.parametrize(
    ("options", "device", "filters"),
    [
        ({}, "cpu", 16),
        ({}, "cuda", 32),
        ({"arch": "small"}, "cuda", 16),
        ({"arch": "medium"}, "cpu", 32),
        ({"arch": "paper"}, "cpu", 64),
        ({"filter_base": 32}, "cpu", 32),
        ({"method": "tailored"}, "cuda", 16),
    ],
)
def test_the_starter_is_widened_for_a_gpu_and_where_more_filters_are_asked_for(
    tmp_path: Path, options: dict[str, Any], device: str, filters: int
) -> None:
    config = RefineConfig(pretrained_model=Path("starter"), **options)
    first = first_network(config, "noise2noise", torch.device(device), tmp_path)
    assert first.shape.filter_base == filters
    assert first.weights is not None
    assert first.weights["head.weight"].shape[1] == filters
    assert first.learns_freely


@pytest.mark.parametrize(("begun", "device"), [("medium", "cpu"), ("small", "cuda")])
def test_a_run_that_goes_on_on_another_device_keeps_its_network(tmp_path: Path, begun: str, device: str) -> None:
    shape = named_shape(begun, residual=False)
    save_state(tmp_path / STATE_NAME, {"weights": UNet(shape).state_dict()})
    config = RefineConfig(from_scratch=True, continue_from=tmp_path)
    assert first_network(config, "noise2noise", torch.device(device), tmp_path).shape == shape
