"""Tensors that are kept: made once, the last ones used, within their room; wedge weights of many tomograms fit."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

import pretended
from isonet.core.tilts import wedge
from isonet.train import optics as module
from isonet.train.hardware.kept import Kept
from isonet.train.optics import optics
from isonet.train.pairs import PairMaker, Recipe


def test_the_last_ones_used_are_kept_within_the_room() -> None:
    made: list[int] = []
    kept = Kept(room=3 * 40)

    def get(number: int) -> torch.Tensor:
        return kept.get(number, lambda: made.append(number) or torch.full((10,), float(number)))

    for number in (1, 2, 3, 1, 4, 1, 3, 2):
        assert torch.equal(get(number), torch.full((10,), float(number)))
    assert made == [1, 2, 3, 4, 2]
    large = Kept(room=1)
    assert len(large.get("a", lambda: torch.ones(9))) == 9


@pytest.fixture
def gpu() -> Iterator[pretended.Device]:
    with pretended.gpu() as device:
        yield device


def test_weights_of_two_tomograms_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of halves with tilts of their own each."""
    made = []
    weight = wedge.weight

    def counted(*given: object, **options: object) -> torch.Tensor:
        made.append(given)
        return weight(*given, **options)

    monkeypatch.setattr(wedge, "weight", counted)
    maker = maker_of_two(monkeypatch, torch.device("cpu"))
    for step in range(120):
        maker.batch(range(2), np.random.default_rng(step), torch.device("cpu"))
    assert len(made) <= 2 * (2 + 2 + 2 * 22)
    count = len(made)
    for step in range(120, 140):
        maker.batch(range(2), np.random.default_rng(step), torch.device("cpu"))
    assert len(made) - count < 3


def test_nobody_waits_for_a_gpu_while_they_are_made(gpu: pretended.Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is anything copied."""
    maker = maker_of_two(monkeypatch, pretended.GPU)
    gpu.reset()
    for step in range(20):
        maker.batch(range(2), np.random.default_rng(step), pretended.GPU)
    assert (gpu.waits, gpu.copies_in, gpu.copies_out) == (0, 0, 0)


def maker_of_two(monkeypatch: pytest.MonkeyPatch, device: torch.device) -> PairMaker:
    """Pairs of two tomograms whose tilts differ, one of them thick."""
    monkeypatch.setattr(module, "_KEPT", Kept(room=1_000_000_000))
    geometries = tuple(
        optics(
            *([(-60.0 + n, 60.0), (-60.0, 60.0 - n)], 16, 8, "ramp", torch.ones(1, 1, 1), device),
            thickness=40.0 if n % 2 else None,
        )
        for n in range(1, 3)
    )
    filled = torch.randn(2, 2, 16, 16, 16).to(device)
    return PairMaker(filled, np.arange(2), geometries, Recipe("noise2noise", 8))
