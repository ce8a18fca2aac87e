"""Devices, training that learns and continues to the same bits, and evaluation that does not train."""

import logging
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from isonet.io import checkpoint
from isonet.train.device import choose_device
from isonet.train.evaluate import Evaluator
from isonet.train.fit import Trainer, TrainerOptions
from isonet.train.hardware.precision import Precision
from isonet.train.memory import is_out_of_memory
from isonet.train.network.unet import UNet, UNetShape
from isonet.train.pairs import Batch
from isonet.train.team import Team

CPU = torch.device("cpu")
SMALL = UNetShape(depth=1, filter_base=2, convs_per_depth=2, drop_out=0.0)


def network(seed: int = 0, shape: UNetShape = SMALL) -> UNet:
    torch.manual_seed(seed)
    return UNet(shape)


def batch(seed: int, count: int = 2) -> Batch:
    volume = torch.randn(count, 1, 8, 8, 8, generator=torch.Generator().manual_seed(seed))
    return Batch(volume, 0.3 * volume + 0.5, torch.ones(count, 1, 1, 1, 1))


def trainer_of(model: UNet, precision: Precision = "float32", **options: Any) -> Trainer:
    return Trainer(model, CPU, precision, TrainerOptions(**{"averaging": 0.0, **options}))


def machine_with(gpus: int, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    patch.setattr(torch.cuda, "device_count", lambda: gpus)
    patch.setattr(torch.cuda, "get_arch_list", list)


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


@pytest.mark.parametrize("precision", ["float32", "bf16", "fp16"])
@pytest.mark.parametrize("exponent", [1, 2])
def test_steps_lower_the_loss(precision: Precision, exponent: int) -> None:
    trainer = trainer_of(network(), precision, exponent=exponent)
    losses = [float(trainer.step(batch(0), 0.01)) for _ in range(30)]
    error = (batch(0).inputs - batch(0).targets).abs() ** exponent
    assert losses[0] == pytest.approx(float(error.mean()), rel=0.2)
    assert losses[-1] < 0.7 * losses[0]


def test_a_continued_training_takes_the_same_path_bit_for_bit(tmp_path: Path) -> None:
    options = {"averaging": 0.9, "weight_decay": 0.1}
    whole = trainer_of(network(), **options)
    for seed in range(3):
        whole.step(batch(seed), 0.01)
    checkpoint.save_state(tmp_path / "state", whole.state())
    continued = trainer_of(network(seed=9), **options)
    continued.restore(checkpoint.load_state(tmp_path / "state"))
    for seed in range(3, 6):
        assert torch.equal(whole.step(batch(seed), 0.01), continued.step(batch(seed), 0.01))
    for name, weight in whole.weights().items():
        assert torch.equal(weight, continued.weights()[name]), name


def parameters(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in trainer.network.named_parameters()}


def test_running_averages_are_used_and_kept_from_the_step_asked_for() -> None:
    shape = UNetShape(depth=1, filter_base=2, normalization="batch")
    trainer = trainer_of(network(shape=shape), batch_statistics_until=2)
    seen = []
    for seed in range(4):
        trainer.step(batch(seed), 1e-3)
        state = trainer.network.state_dict()
        seen.append(torch.cat([state[name].clone() for name in state if name.endswith("running_mean")]))
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(seen[1], seen[2])
    assert torch.equal(seen[2], seen[3])

    again = trainer_of(network(shape=shape), batch_statistics_until=2)
    again.restore(trainer.state())
    again.step(batch(9), 1e-3)
    state = again.network.state_dict()
    assert torch.equal(torch.cat([state[name] for name in state if name.endswith("running_mean")]), seen[3])


def test_each_step_has_its_own_learning_rate() -> None:
    trainer = trainer_of(network())
    start = parameters(trainer)
    trainer.step(batch(0), 0.01)
    moved = parameters(trainer)
    trainer.step(batch(1), 0.0)
    assert any(not torch.equal(start[name], moved[name]) for name in start)
    assert all(torch.equal(value, moved[name]) for name, value in parameters(trainer).items())


def test_averaged_weights_follow_slowly_and_are_what_is_evaluated() -> None:
    """Over a ninth of the first steps, later over what the option says."""
    trainer = trainer_of(network(), averaging=0.5)
    expected = parameters(trainer)
    for seed in range(12):
        trainer.step(batch(seed), 0.01)
        share = max(0.5, 9 / (seed + 10))
        present = parameters(trainer)
        expected = {name: torch.lerp(value, present[name], share) for name, value in expected.items()}
    averaged, present = trainer.weights(), parameters(trainer)
    assert all(torch.allclose(averaged[name], value, atol=1e-6) for name, value in expected.items())
    assert any(not torch.allclose(averaged[name], value, atol=1e-4) for name, value in present.items())
    plain = trainer_of(network())
    plain.step(batch(0), 0.01)
    assert all(torch.equal(plain.weights()[name], value) for name, value in parameters(plain).items())


def test_parts_of_a_batch_add_up_to_the_whole() -> None:
    """Without batch normalisation a batch in two parts gives the same step."""
    shape = replace(SMALL, normalization="none")
    whole, parts = (trainer_of(network(shape=shape), accumulate=count) for count in (1, 2))
    losses = [float(trainer.step(batch(0, count=5), 0.01)) for trainer in (whole, parts)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for name, value in parameters(whole).items():
        assert torch.allclose(value, parameters(parts)[name], atol=2e-4), name


def test_a_step_for_which_memory_does_not_suffice_is_taken_in_parts(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device with room for two cubes: five go through in four parts, and give the step of the whole batch."""
    shape = replace(SMALL, normalization="none")
    whole, tight = trainer_of(network(shape=shape)), trainer_of(network(shape=shape))
    forward = tight.network.forward

    def short_of_memory(volumes: Tensor) -> Tensor:
        if len(volumes) > 2:
            raise torch.OutOfMemoryError("tried to allocate more than there is")
        return forward(volumes)

    monkeypatch.setattr(tight.network, "forward", short_of_memory)
    with caplog.at_level(logging.INFO, "isonet"):
        losses = [float(trainer.step(batch(0, count=5), 0.01)) for trainer in (whole, tight)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert tight.accumulate == 4
    assert "in 4 parts" in caplog.text
    for name, value in parameters(whole).items():
        assert torch.allclose(value, parameters(tight)[name], atol=2e-4), name
    with caplog.at_level(logging.INFO, "isonet"):
        monkeypatch.setattr(tight.network, "forward", lambda _: (_ for _ in ()).throw(MemoryError()))
        with pytest.raises(MemoryError):
            tight.step(batch(0, count=5), 0.01)


class OfTwo(Team):
    """A process of two; the other one needs four parts."""

    def largest(self, *values: int) -> tuple[int, ...]:
        """Answer for the other one, too."""
        return tuple(max(value, 4) for value in values)


def test_a_team_agrees_on_parts_before_its_first_step(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each tries alone, without a change of weights, averages or random numbers; the most parts count for all."""
    shape = replace(SMALL, normalization="batch", drop_out=0.5)
    made = trainer_of(network(shape=shape))
    made.team = OfTwo(size=2)
    monkeypatch.setattr(made._engine, "no_backward_sync", lambda *_, **__: nullcontext())
    forward, seen = made.network.forward, []

    def short_of_memory(volumes: Tensor) -> Tensor:
        seen.append(len(volumes))
        if len(volumes) > 4:
            raise RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")
        return forward(volumes)

    monkeypatch.setattr(made.network, "forward", short_of_memory)
    state = {name: value.clone() for name, value in made.network.state_dict().items()}
    whole = batch(0, count=8)
    torch.manual_seed(3)
    random = torch.get_rng_state()
    with caplog.at_level(logging.WARNING, "isonet"):
        made._rehearse(replace(whole, whole=16))
    assert seen == [8, 4]
    assert made.accumulate == 4
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, state[name]) for name, value in made.network.state_dict().items())
    assert all(one.grad is None for one in made.network.parameters())
    assert all(one.training for one in made.network.modules())


@pytest.mark.parametrize(
    "text",
    [
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuFFT error: CUFFT_ALLOC_FAILED",
        "CUDA error: out of memory",
    ],
)
def test_libraries_of_a_gpu_that_lack_memory_are_understood(text: str) -> None:
    assert is_out_of_memory(RuntimeError(text))
    assert not is_out_of_memory(RuntimeError("CUDNN_STATUS_EXECUTION_FAILED"))


def test_other_errors_are_not_taken_for_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of(network())
    monkeypatch.setattr(trainer.network, "forward", lambda _: (_ for _ in ()).throw(RuntimeError("shapes differ")))
    with pytest.raises(RuntimeError, match="shapes differ"):
        trainer.step(batch(0), 0.01)
    assert trainer.accumulate == 1


def test_steep_gradients_are_shortened_and_others_left() -> None:
    """Adam does not see the scale of gradients in its first step, but in its second one."""

    def second_step(clip: float, factor: float) -> dict[str, Tensor]:
        trainer = trainer_of(network(), clip=clip, exponent=2)
        trainer.step(batch(0), 0.01)
        steep = Batch(batch(1).inputs, factor * batch(1).targets, batch(1).error_filter)
        trainer.step(steep, 0.01)
        return parameters(trainer)

    free, gentle, clipped = second_step(1e9, 1e4), second_step(1e9, 1.0), second_step(0.1, 1e4)
    assert any(not torch.allclose(free[name], clipped[name], atol=1e-4) for name in free)
    wide = second_step(1e6, 1.0)
    assert all(torch.equal(gentle[name], wide[name]) for name in gentle)


@pytest.mark.parametrize("normalization", ["batch", "instance"])
def test_an_evaluator_gives_the_same_answer_each_time_and_leaves_the_network_as_it_is(normalization: str) -> None:
    shape = UNetShape(depth=1, filter_base=2, convs_per_depth=2, drop_out=0.5, normalization=normalization)
    model = network(shape=shape)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluator = Evaluator(model, CPU, "float32")
    volume = batch(0).inputs
    first = evaluator(volume)
    assert torch.equal(first, evaluator(volume))
    assert torch.allclose(first[1:], evaluator(volume[1:]), atol=1e-6)
    assert first.dtype == torch.float32 and not first.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert evaluator.divisor == 2


@pytest.mark.parametrize(("turns", "axes"), [(2, (2, 4)), (4, (2, 4)), (4, (3, 4)), (4, (2, 3))])
def test_averaged_over_half_turns_the_answer_turns_with_the_volume(turns: Literal[2, 4], axes: tuple[int, int]) -> None:
    model = network()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    volume, plain = batch(0).inputs, Evaluator(model, CPU, "float32")
    turned = plain.turned(turns)
    assert torch.allclose(turned(volume.flip(axes)), turned(volume).flip(axes), atol=1e-4)
    assert not torch.allclose(plain(volume.flip(axes)), plain(volume).flip(axes), atol=1e-2)
    assert not torch.allclose(turned(volume.flip(2)), turned(volume).flip(2), atol=1e-2)  # a mirror is no turn


def test_bf16_agrees_with_float32_to_its_precision() -> None:
    volume = batch(0).inputs
    exact, rough = (Evaluator(network(), CPU, precision)(volume) for precision in ("float32", "bf16"))
    assert rough.dtype == torch.float32
    assert torch.allclose(exact, rough, atol=0.05)


def test_the_engine_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    trainer_of(network()).step(batch(0), 0.01)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("lightning_fabric").level >= logging.WARNING


def test_loss_is_the_mean_error_of_the_frequencies_that_count() -> None:
    """A weight of one leaves the plain error; one that keeps nothing but the mean, the error of the means."""
    inputs, targets = batch(0).inputs, batch(0).targets
    still = UNet(replace(network().shape, drop_out=0.0, normalization="none"))
    for parameter in still.parameters():
        torch.nn.init.zeros_(parameter)  # a residual network of zeros passes its input on
    mean_only = torch.zeros(8, 8, 5)
    mean_only[0, 0, 0] = 1
    error = inputs - targets
    means = error.mean((-3, -2, -1))
    for exponent in (1, 2):
        for weights, expected in ((torch.ones(8, 8, 5), error), (mean_only, means)):
            made = Batch(inputs, targets, weights.expand(2, 1, 8, 8, 5))
            loss = float(trainer_of(still, exponent=exponent).step(made, 1e-9))
            assert loss == pytest.approx(float((expected.abs() ** exponent).mean()), rel=1e-4)
            held_out = Evaluator(still, CPU, "float32").loss(made, exponent)
            assert held_out == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize(
    "error",
    [
        *(MemoryError(), torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("can't start new thread"), None),
        ImportError("_contourpy.so: failed to map segment from shared object"),
        RuntimeError("could not create a primitive"),
        RuntimeError("CUDA error: out of memory"),
    ],
)
def test_lack_of_memory_is_told_from_other_errors(error: BaseException | None) -> None:
    """The words of the CPU's allocator are torch's own, asked for more than any machine has."""
    if error is None:
        with pytest.raises(RuntimeError) as caught:
            torch.empty(10**14)
        error = caught.value
    assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    assert not is_out_of_memory(ValueError("not enough memory"))
