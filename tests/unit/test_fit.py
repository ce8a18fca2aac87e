"""Devices, training that learns and continues to the same bits, and evaluation that does not train."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from isonet.io import checkpoint
from isonet.train import fit
from isonet.train.fit import Evaluator, Trainer, choose_device, choose_precision
from isonet.train.unet import UNet, UNetShape

CPU = torch.device("cpu")
SMALL = UNetShape(depth=1, filter_base=2, convs_per_depth=2, drop_out=0.0)


def network(seed: int = 0, shape: UNetShape = SMALL) -> UNet:
    torch.manual_seed(seed)
    return UNet(shape)


def batch(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    volume = torch.randn(2, 1, 8, 8, 8, generator=torch.Generator().manual_seed(seed))
    return volume, 0.3 * volume + 0.5, torch.ones(1)


def machine_with(gpus: int, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    patch.setattr(torch.cuda, "device_count", lambda: gpus)


def test_auto_is_the_first_gpu_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    machine_with(0, monkeypatch)
    assert choose_device("auto") == CPU
    machine_with(2, monkeypatch)
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda", 0)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize(
    ("name", "gpus", "message"),
    [
        ("cuda", 0, "not there; this machine offers 0"),
        ("cuda:2", 2, "not there; this machine offers 2"),
        ("gpu", 1, "is not known"),
        ("", 1, "is not known"),
        ("meta", 1, "cannot be used"),
        ("mps", 1, "cannot be used"),
    ],
)
def test_devices_that_are_not_there_are_refused(
    name: str, gpus: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine_with(gpus, monkeypatch)
    with pytest.raises(ValueError, match=message):
        choose_device(name)


@pytest.mark.parametrize("native", [True, False])
def test_auto_precision_is_bf16_where_it_is_native(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "_cpu_computes_bf16", lambda: native)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: native)
    for device in (CPU, torch.device("cuda", 0)):
        assert choose_precision(device, "auto") == ("bf16" if native else "float32")
        assert choose_precision(device, "float32") == "float32"
        assert choose_precision(device, "bf16") == "bf16"


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_steps_lower_the_loss(precision: fit.Precision) -> None:
    trainer = Trainer(network(), 0.01, CPU, precision)
    losses = [float(trainer.step(*batch(0))) for _ in range(30)]
    assert losses[0] == pytest.approx(float((batch(0)[0] - batch(0)[1]).abs().mean()), rel=0.2)
    assert losses[-1] < 0.7 * losses[0]


def test_a_continued_training_takes_the_same_path_bit_for_bit(tmp_path: Path) -> None:
    whole = Trainer(network(), 0.01, CPU, "float32")
    for seed in range(3):
        whole.step(*batch(seed))
    checkpoint.save_state(tmp_path / "state", whole.state())
    continued = Trainer(network(seed=9), 0.5, CPU, "float32")
    continued.restore(checkpoint.load_state(tmp_path / "state"), 0.01)
    for seed in range(3, 6):
        assert torch.equal(whole.step(*batch(seed)), continued.step(*batch(seed)))
    for name, weight in whole.weights().items():
        assert torch.equal(weight, continued.weights()[name]), name


def test_restoring_takes_the_learning_rate_given() -> None:
    trainer = Trainer(network(), 0.01, CPU, "float32")
    before = {name: weight.clone() for name, weight in trainer.weights().items() if weight.is_floating_point()}
    trainer.step(*batch(0))
    trainer.restore(trainer.state(), 1e-30)
    after_one = {name: weight.clone() for name, weight in trainer.weights().items()}
    trainer.step(*batch(1))
    learned = dict(trainer.network.named_parameters())
    assert any(not torch.equal(before[name], after_one[name]) for name in learned)
    assert all(torch.equal(learned[name], after_one[name]) for name in learned)


@pytest.mark.parametrize("normalization", ["batch", "instance"])
def test_an_evaluator_gives_the_same_answer_each_time_and_leaves_the_network_as_it_is(normalization: str) -> None:
    shape = UNetShape(depth=1, filter_base=2, convs_per_depth=2, drop_out=0.5, normalization=normalization)
    model = network(shape=shape)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluator = Evaluator(model, CPU, "float32")
    volume = batch(0)[0]
    first = evaluator(volume)
    assert torch.equal(first, evaluator(volume))
    assert torch.allclose(first[1:], evaluator(volume[1:]), atol=1e-6)
    assert first.dtype == torch.float32 and not first.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert evaluator.divisor == 2


def test_bf16_agrees_with_float32_to_its_precision() -> None:
    volume = batch(0)[0]
    exact, rough = (Evaluator(network(), CPU, precision)(volume) for precision in ("float32", "bf16"))
    assert rough.dtype == torch.float32
    assert torch.allclose(exact, rough, atol=0.05)


def test_the_engine_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    Trainer(network(), 0.01, CPU, "float32").step(*batch(0))
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("lightning_fabric").level >= logging.WARNING


def test_loss_is_the_mean_absolute_error_of_the_frequencies_that_count() -> None:
    """A weight of one leaves the plain error; one that keeps nothing but the mean, the error of the means."""
    inputs, targets, _ = batch(0)
    still = UNet(replace(network().shape, drop_out=0.0, normalization="none"))
    for parameter in still.parameters():
        torch.nn.init.zeros_(parameter)  # a residual network of zeros passes its input on
    mean_only = torch.zeros(8, 8, 5)
    mean_only[0, 0, 0] = 1
    error = inputs - targets
    for weights, expected in ((torch.ones(1), error.abs()), (mean_only, error.mean((-3, -2, -1)).abs())):
        trainer = Trainer(still, 1e-9, CPU, "float32")
        assert float(trainer.step(inputs, targets, weights)) == pytest.approx(float(expected.mean()), rel=1e-4)
