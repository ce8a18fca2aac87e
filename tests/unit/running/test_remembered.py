"""What was measured on a GPU is used again on this GPU with these versions, and nowhere else."""

from pathlib import Path

import pytest
import torch

from isonet.running.remembered import choices_path, remember, remembered
from isonet.train.hardware.choice import USUAL, Choice

GPU = torch.device("cuda", 0)
CHOICE = Choice(channels_last=False, precision="fp16", benchmark=True)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, and a GPU."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "GPU A")


def test_a_choice_is_remembered_for_this_gpu_and_these_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert remembered(GPU) == USUAL
    remember(GPU, CHOICE)
    assert remembered(GPU) == CHOICE
    assert remembered(torch.device("cpu")) == USUAL
    with monkeypatch.context() as other:
        other.setattr(torch, "__version__", "9.9")
        assert remembered(GPU) == USUAL
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "GPU B")
    assert remembered(GPU) == USUAL
    remember(GPU, USUAL)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "GPU A")
    assert remembered(GPU) == CHOICE


@pytest.mark.parametrize("text", ["", "[]", "{", '{"GPU A": 3}'])
def test_a_damaged_cache_is_as_none(text: str) -> None:
    choices_path().parent.mkdir(parents=True)
    choices_path().write_text(text)
    assert remembered(GPU) == USUAL
    remember(GPU, CHOICE)
    assert remembered(GPU) == CHOICE


def test_a_cache_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with caplog.at_level("WARNING", "isonet"):
        remember(GPU, CHOICE)
    assert "forgotten" in caplog.text
