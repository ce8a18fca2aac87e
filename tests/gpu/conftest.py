"""Tests that need a GPU; without one they are skipped, and say so."""

from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and leave it out where there is no GPU."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.gpu)
            if not torch.cuda.is_available():
                item.add_marker(pytest.mark.skip(reason="no GPU here: nothing of tests/gpu was tested"))


@pytest.fixture
def device() -> torch.device:
    """The first GPU, with nothing kept on it."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(0)
    return torch.device("cuda", 0)
