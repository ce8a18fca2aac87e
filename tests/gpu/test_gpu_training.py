"""Training on a GPU: as on the CPU, to the same bits after an interruption, in the memory that was foreseen."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from isonet.io import checkpoint
from isonet.train.device import free_memory
from isonet.train.evaluate import Evaluator
from isonet.train.fit import Trainer, TrainerOptions
from isonet.train.hardware.precision import Precision, choose_precision
from isonet.train.network.footprint import footprint
from isonet.train.network.unet import UNet, UNetShape
from isonet.train.optics import optics
from isonet.train.pairs import Batch, PairMaker, Recipe

SHAPE = UNetShape(depth=2, filter_base=8, drop_out=0.0)
PRECISIONS: tuple[Precision, ...] = ("float32", "fp16", "bf16")
CLOSE = {"float32": 0.02, "fp16": 0.05, "bf16": 0.15}
"""Root mean square of outputs, relative to those of the CPU after the same steps."""


def trainer(device: torch.device, precision: Precision, shape: UNetShape = SHAPE, **options: Any) -> Trainer:
    torch.manual_seed(0)
    return Trainer(UNet(shape), device, precision, TrainerOptions(optimizer="muon", exponent=2, **options))


def batch(seed: int, device: torch.device, edge: int = 32, count: int = 2) -> Batch:
    volume = torch.randn(count, 1, edge, edge, edge, generator=torch.Generator().manual_seed(seed)).to(device)
    return Batch(volume, 0.5 * volume, torch.ones(count, 1, 1, 1, 1, device=device))


def possible(device: torch.device, precision: Precision) -> None:
    """Skip what the GPU has no units for."""
    if precision == "bf16" and torch.cuda.get_device_capability(device) < (8, 0):
        pytest.skip("no bf16 on this GPU")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_steps_and_outputs_are_those_of_the_cpu(device: torch.device, precision: Precision) -> None:
    possible(device, precision)
    cpu = torch.device("cpu")
    outputs, losses = [], []
    for where, how in ((cpu, "float32"), (device, precision)):
        made = trainer(where, how)
        losses.append([float(made.step(batch(seed, where), 2e-3)) for seed in range(8)])
        network = UNet(SHAPE)
        network.load_state_dict({name: value.cpu() for name, value in made.weights().items()})
        outputs.append(Evaluator(network, where, how)(batch(9, where).inputs).cpu())
    assert np.allclose(*losses, rtol=CLOSE[precision])
    difference = (outputs[1] - outputs[0]).square().mean().sqrt() / outputs[0].square().mean().sqrt()
    assert float(difference) < CLOSE[precision]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_training_goes_on_from_its_state(device: torch.device, precision: Precision, tmp_path: Path) -> None:
    """To rounding: algorithms of cuDNN add up in any order; the factor of fp16 is the same."""
    possible(device, precision)
    whole = trainer(device, precision)
    for seed in range(3):
        whole.step(batch(seed, device), 1e-3)
    checkpoint.save_state(tmp_path / "state", whole.state())
    continued = trainer(device, precision)
    continued.restore(checkpoint.load_state(tmp_path / "state"))
    losses = [[float(one.step(batch(seed, device), 1e-3)) for seed in range(3, 6)] for one in (whole, continued)]
    assert np.allclose(*losses, rtol=1e-2)
    assert whole.state()["loss_scale"] == continued.state()["loss_scale"]


def test_pairs_are_made_without_waiting(device: torch.device) -> None:
    """Torch raises where something waits for the GPU."""
    geometry = optics([(-60.0, 60.0), (-50.0, 60.0)], 48, 32, "ramp", torch.ones(1, 1, 1), device)
    filled = torch.randn(4, 2, 48, 48, 48, device=device)
    pairs = PairMaker(filled, np.zeros(4, dtype=np.int64), (geometry,), Recipe("noise2noise", 32, 3.0))
    made = trainer(device, "bf16" if choose_precision(device, "auto") == "bf16" else "float32")
    made.step(pairs.batch(range(4), np.random.default_rng(0), device), 1e-3)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for seed in range(3):
            made.step(pairs.batch(range(4), np.random.default_rng(seed), device), 1e-3)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("filters", [16, 32])
def test_memory_is_foreseen(device: torch.device, filters: int) -> None:
    """The peak is below what is foreseen, and no less than half of it."""
    shape, precision = UNetShape(filter_base=filters, drop_out=0.0), choose_precision(device, "auto")
    made = trainer(device, "auto", shape)
    for seed in range(2):
        made.step(batch(seed, device, edge=64), 1e-3)
    peak = torch.cuda.max_memory_reserved(device)
    foreseen = footprint(shape, 64, "muon", precision).step(2)
    assert 0.5 * foreseen < peak < 1.1 * foreseen


def test_a_batch_for_which_memory_does_not_suffice_goes_in_parts(device: torch.device) -> None:
    shape = UNetShape(filter_base=16, drop_out=0.0, normalization="none")
    made = trainer(device, "float32", shape)
    need = footprint(shape, 64, "muon", "float32")
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, need.step(3) / total), device)
    try:
        loss = float(made.step(batch(0, device, edge=64, count=8), 1e-3))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
    assert made.accumulate > 1
    assert np.isfinite(loss)
    assert free_memory(device) > 0
