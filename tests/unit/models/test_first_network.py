"""What a training begins with, by device and options."""

from pathlib import Path
from typing import Any

import pytest
import torch

from isonet.config import RefineConfig
from isonet.models.first_network import first_network


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
