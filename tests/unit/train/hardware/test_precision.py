"""What each device computes in, and fp16: gradients of tiny losses are kept, too large ones cost no step."""

from pathlib import Path

import pytest
import torch

from isonet.io import checkpoint
from isonet.train.fit import Trainer, TrainerOptions
from isonet.train.hardware import precision
from isonet.train.hardware.precision import LossScale, Precision, choose_precision, reason_of_precision
from isonet.train.network.unet import UNet, UNetShape
from isonet.train.pairs import Batch

CPU = torch.device("cpu")
GPU = torch.device("cuda", 1)


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((6, 1), "float32"),  # GTX 10x0
        ((7, 0), "fp16"),  # V100
        ((7, 5), "fp16"),  # T4, RTX 20x0
        ((8, 0), "bf16"),  # A100
        ((8, 9), "bf16"),  # RTX 40x0
        ((9, 0), "bf16"),  # H100
        ((12, 0), "bf16"),  # RTX 50x0
    ],
)
def test_a_gpu_computes_in_what_it_has_units_for(
    capability: tuple[int, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the device that was chosen, whatever torch emulates on the current one."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: {GPU: capability}[device])
    assert choose_precision(GPU, "auto") == expected
    assert reason_of_precision(GPU, "auto").startswith(f"compute capability {capability[0]}.{capability[1]}")
    asked: tuple[Precision, ...] = ("float32", "bf16", "fp16")
    for one in asked:
        assert choose_precision(GPU, one) == one
        assert reason_of_precision(GPU, one) == "as asked"


@pytest.mark.parametrize("native", [True, False])
def test_a_cpu_computes_in_bf16_where_it_has_it(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_cpu_computes_bf16", lambda: native)
    assert choose_precision(CPU, "auto") == ("bf16" if native else "float32")
    assert "bf16" in reason_of_precision(CPU, "auto") or native
    assert choose_precision(CPU, "float32") == "float32"


def test_the_factor_halves_at_once_and_doubles_slowly() -> None:
    scale = LossScale(factor=8.0)
    scale.follow(finite=False)
    assert scale.factor == 4.0
    for _ in range(1999):
        scale.follow(finite=True)
    assert scale.factor == 4.0
    again = LossScale(**scale.state())
    again.follow(finite=True)
    assert (again.factor, again.good) == (8.0, 0)


SHAPE = UNetShape(depth=1, filter_base=2, convs_per_depth=2, drop_out=0.0)


def trainer(seed: int = 0) -> Trainer:
    torch.manual_seed(seed)
    return Trainer(UNet(SHAPE), CPU, "fp16", TrainerOptions(averaging=0.9, weight_decay=0.1))


def batch(seed: int, weight: float = 1.0) -> Batch:
    volume = torch.randn(2, 1, 8, 8, 8, generator=torch.Generator().manual_seed(seed))
    return Batch(volume, 0.3 * volume + 0.5, torch.full((2, 1, 1, 1, 1), weight))


def weights(made: Trainer) -> torch.Tensor:
    return torch.cat([one.detach().flatten().clone() for one in made.network.parameters()])


def test_gradients_too_small_for_fp16_are_not_lost() -> None:
    """Those of a loss of 1e-5 are below 1e-7 for each voxel: they come out as those of a loss of 1 do."""
    gradients = []
    for weight in (1.0, 1e-5):
        made = trainer()
        made._gradients(batch(0, weight))
        gradients.append(torch.cat([one.grad.flatten() for one in made.network.parameters()]) / weight)
    assert torch.allclose(*gradients, rtol=0.05, atol=0.02 * float(gradients[0].abs().max()))


def test_a_gradient_that_is_too_large_costs_no_step_and_halves_the_factor() -> None:
    made = trainer()
    before, state = weights(made), made.state()["loss_scale"]["factor"]
    assert float(made.step(batch(0, weight=1e4), 0.01)) < float("inf")
    assert torch.equal(weights(made), before)
    assert made.state()["loss_scale"]["factor"] == state / 2
    assert all(not one.state for one in made._optimizers)
    for _ in range(20):
        made.step(batch(0, weight=1e4), 0.01)
    assert not torch.equal(weights(made), before)


def test_a_training_in_fp16_continues_to_the_same_bits(tmp_path: Path) -> None:
    """Also where its factor has changed."""
    whole = trainer()
    courses = [(0, 1e4), (1, 1.0), (2, 1e3), (3, 1.0), (4, 1.0), (5, 1.0)]
    for seed, weight in courses[:3]:
        whole.step(batch(seed, weight), 0.01)
    checkpoint.save_state(tmp_path / "state", whole.state())
    assert whole.state()["loss_scale"]["factor"] < 2**16
    continued = trainer(seed=9)
    continued.restore(checkpoint.load_state(tmp_path / "state"))
    for seed, weight in courses[3:]:
        assert torch.equal(whole.step(batch(seed, weight), 0.01), continued.step(batch(seed, weight), 0.01))
    assert torch.equal(weights(whole), weights(continued))
    assert whole.state()["loss_scale"] == continued.state()["loss_scale"]


def test_a_training_goes_on_in_another_arithmetic(tmp_path: Path) -> None:
    """A state of fp16 in float32, and one that knows of no factor in fp16."""
    made = trainer()
    made.step(batch(0), 0.01)
    torch.manual_seed(1)
    other = Trainer(UNet(SHAPE), CPU, "float32", TrainerOptions(averaging=0.9))
    other.restore(made.state())
    assert other.state()["loss_scale"] is None
    older = {name: value for name, value in other.state().items() if name != "loss_scale"}
    again = trainer(seed=2)
    again.restore(older)
    assert again.state()["loss_scale"] == LossScale().state()
