"""Which way to compute is chosen: the fastest of those whose results are right."""

from typing import Any

import pytest
import torch

from isonet.steps.check import fastest as module
from isonet.steps.check.fastest import fastest
from isonet.train.hardware.choice import USUAL, Choice, adopted
from isonet.train.hardware.precision import choose_precision
from isonet.train.network.unet import UNetShape

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SHAPE", UNetShape(depth=1, filter_base=2, drop_out=0.0))
    monkeypatch.setattr(module, "_CUBE", 16)


def test_ways_that_are_wrong_or_fail_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contiguous float32 would be fastest but fails, benchmark but is wrong; bf16 contiguous is the fastest left."""
    speeds = {(True, "bf16"): 3.0, (False, "bf16"): 2.0, (True, "float32"): 5.0}
    monkeypatch.setattr("isonet.train.hardware.precision._cpu_computes_bf16", lambda: True)

    def seconds(*_: Any) -> float:
        choice = adopted(CPU)
        if choice.compiled:
            raise RuntimeError("no compiler")
        return speeds[choice.channels_last, choice.precision]

    def difference(*_: Any) -> str:
        return "differs from the CPU by 3.0e-01" if adopted(CPU).benchmark else ""

    monkeypatch.setattr(module, "_seconds", seconds)
    monkeypatch.setattr(module, "_difference", difference)
    choice, tried = fastest(CPU, 0.0, lambda: None)
    assert choice == Choice(channels_last=False, precision="bf16")
    notes = [one.note for one in tried]
    assert notes == ["", "", "", "failed: KeyError", "differs from the CPU by 3.0e-01", "failed: RuntimeError"]
    assert adopted(CPU) == USUAL


def test_what_is_hardly_faster_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_seconds", lambda *_: 0.98 if adopted(CPU).benchmark else 1.0)
    choice, _ = fastest(CPU, 0.0, lambda: None)
    assert not choice.benchmark


def test_a_device_that_is_always_wrong_keeps_to_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_difference", lambda *_: "differs")
    choice, tried = fastest(CPU, 0.0, lambda: None)
    assert choice.precision == "float32"
    assert all(one.note for one in tried)


def test_real_steps_are_timed_and_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the CPU; without compiling, which takes long."""
    monkeypatch.setattr("torch.nn.Module.compile", lambda _: None)
    choice, tried = fastest(CPU, 0.01, lambda: None)
    assert all(not one.note and 0 < one.seconds < 5 for one in tried)
    assert choice.precision in ("bf16", "float32")
    assert choose_precision(CPU, "auto") in ("bf16", "float32")
