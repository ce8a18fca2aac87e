"""Devices by name, why there is none, and memory that processes share."""

from pathlib import Path

import pytest
import torch

from isonet.errors import InputError
from isonet.running import devices as taking
from isonet.running.devices import take_device
from isonet.train import device as devices
from isonet.train.device import choose_device, free_memory, sharers_of, why_no_gpu


def machine(patch: pytest.MonkeyPatch, gpus: int, capability: tuple[int, int] = (8, 0), known: str = "sm_80") -> None:
    patch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    patch.setattr(torch.cuda, "device_count", lambda: gpus)
    patch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    patch.setattr(torch.cuda, "get_device_name", lambda _: "a GPU")
    patch.setattr(torch.cuda, "get_arch_list", known.split)


@pytest.mark.parametrize(
    ("capability", "known", "can"),
    [
        ((8, 9), "sm_75 sm_80 sm_90", True),  # code for 8.0 runs on 8.9
        ((7, 5), "sm_75 sm_80", True),
        ((7, 0), "sm_75 sm_80", False),  # a V100 under builds for CUDA 13
        ((6, 1), "sm_70 sm_75", False),
        ((12, 0), "sm_80 sm_90", False),  # an RTX 50x0 under an older build
        ((12, 0), "sm_80 compute_90", True),  # compiled when it is loaded
        ((10, 3), "sm_100a", False),  # for 10.0 alone
        ((10, 3), "sm_100", True),
        ((6, 1), "", True),  # nothing known
    ],
)
def test_a_gpu_that_torch_has_no_code_for_is_refused_in_one_line(
    capability: tuple[int, int], known: str, can: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`auto` then is the CPU, and says why."""
    machine(monkeypatch, 1, capability, known)
    if can:
        assert choose_device("auto") == choose_device("cuda") == torch.device("cuda", 0)
        assert why_no_gpu() is None
        return
    assert choose_device("auto") == torch.device("cpu")
    for name in ("cuda", "cuda:0"):
        with pytest.raises(ValueError, match=rf"'{name}' cannot be used: .*{capability[0]}\.{capability[1]} \(a GPU\)"):
            choose_device(name)
    assert str(why_no_gpu()).count("\n") == 0


def test_a_driver_too_old_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    machine(monkeypatch, 0)
    monkeypatch.setattr(devices, "_NVIDIA", tmp_path)
    monkeypatch.setattr(torch.version, "cuda", "12.8")

    def init() -> None:
        raise RuntimeError(
            "The NVIDIA driver on your system is too old (found version 11040).\nPlease update your GPU driver"
        )

    monkeypatch.setattr(torch.cuda, "init", init)
    assert "too old (found version 11040)" in str(why_no_gpu())
    with caplog.at_level("WARNING", "isonet"):
        assert take_device("auto") == torch.device("cpu")
    (line,) = caplog.messages
    assert "too old (found version 11040)" in line
    assert "\n" not in line
    assert "the CPU is used" in line
    with pytest.raises(InputError, match=r"'cuda' is not there.*too old"):
        take_device("cuda")


def test_a_build_without_cuda_beside_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, 0)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert why_no_gpu() is None or devices._NVIDIA.exists()
    monkeypatch.setattr(devices, "_NVIDIA", tmp_path)
    assert "built without CUDA" in str(why_no_gpu())


def test_the_device_taken_is_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is named, and not the first."""
    machine(monkeypatch, 2)
    taken: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    take_device("cuda:1")
    take_device("cpu")
    monkeypatch.setattr(taking, "current", type("Here", (), {"local_rank": 1}))
    take_device("auto")
    assert taken == [torch.device("cuda", 1)] * 2


GPU = torch.device("cuda", 0)


@pytest.mark.parametrize(
    ("free", "reserved", "allocated", "sharers", "expected"),
    [
        (80, 0, 0, 1, 80),
        (30, 50, 1, 1, 79),  # what this process keeps without using it is its own
        (80, 0, 0, 2, 40),
        (20, 30, 5, 2, 35),
        (10, 0, 0, 2, 10),
    ],
)
def test_free_memory(
    free: int, reserved: int, allocated: int, sharers: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a GPU of 80: all, and no more than the part of each process that shares it."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 80))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: reserved)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: allocated)
    assert free_memory(GPU, sharers) == expected


def test_processes_that_share_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, 2)
    assert [sharers_of("auto", count) for count in (1, 2, 3, 4)] == [1, 1, 2, 2]
    assert sharers_of("cuda:1", 3) == 3
