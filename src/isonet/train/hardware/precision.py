"""In which arithmetic a network computes: what its device can do natively, and why.

GPUs compute in bf16 from compute capability 8.0 on (Ampere) and in fp16 from 7.0 on (Volta, Turing). What
`torch.cuda.is_bf16_supported` says is another matter: it counts emulation, and asks the current device.
"""

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

Precision = Literal["auto", "float32", "bf16", "fp16"]
Arithmetic = Literal["float32", "bf16", "fp16"]
_BF16_SINCE, _FP16_SINCE = (8, 0), (7, 0)
_measured: dict[torch.device, Arithmetic] = {}
_TYPES = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_precision(device: torch.device, precision: Precision) -> Arithmetic:
    """Resolve `auto`: what the device computes in natively; bf16 before fp16, whose numbers end at 65504."""
    return precision if precision != "auto" else _measured.get(device) or _natively(device)[0]


def reason_of_precision(device: torch.device, precision: Precision) -> str:
    """Say in a few words why :func:`choose_precision` chooses what it does."""
    if precision != "auto":
        return "as asked"
    return "the fastest, as measured" if device in _measured else _natively(device)[1]


def prefer(device: torch.device, arithmetic: Arithmetic | None) -> None:
    """Let `auto` mean an arithmetic on a device in this process; None for what it has units for."""
    if arithmetic is None:
        _measured.pop(device, None)
    else:
        _measured[device] = arithmetic


def _natively(device: torch.device) -> tuple[Arithmetic, str]:
    """Arithmetic of a device, and why."""
    if device.type != "cuda":
        return ("bf16", "this CPU has it") if _cpu_computes_bf16() else ("float32", "this CPU has no bf16")
    capability = torch.cuda.get_device_capability(device)
    found = f"compute capability {capability[0]}.{capability[1]}"
    if capability >= _BF16_SINCE:
        return "bf16", found
    if capability >= _FP16_SINCE:
        return "fp16", f"{found} has no bf16"
    return "float32", f"{found} has neither bf16 nor fast fp16"


def autocast(device: torch.device, arithmetic: Arithmetic) -> torch.autocast:
    """Return the context in which convolutions compute in an arithmetic."""
    return torch.autocast(device.type, _TYPES[arithmetic], enabled=arithmetic != "float32")


def rounded(values: Tensor, arithmetic: Arithmetic) -> Tensor:
    """Return values as an arithmetic holds them."""
    return values.to(_TYPES[arithmetic])


def _cpu_computes_bf16() -> bool:
    """Tell whether the CPU has bf16 instructions (elsewhere bf16 is emulated and slower than float32)."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


class LossScale:
    """Factor of a loss whose gradients are computed in fp16, which loses numbers below 6e-8 and above 65504.

    It is halved where a gradient is not finite, for which no step is taken, and doubled after many that were
    (Micikevicius et al. 2018). Being a power of two, it changes no digit.

    Attributes
    ----------
    factor : float
        What the loss is to be multiplied with.
    good : int
        Finite gradients since it last changed.
    """

    _PATIENCE = 2000

    def __init__(self, factor: float = 2.0**16, good: int = 0) -> None:
        self.factor, self.good = factor, good

    def follow(self, *, finite: bool) -> None:
        """Take the next gradient into account."""
        self.good = self.good + 1 if finite else 0
        if not finite:
            self.factor /= 2
        elif self.good == self._PATIENCE:
            self.factor, self.good = 2 * self.factor, 0

    def state(self) -> dict[str, float]:
        """Everything a continued training needs: the arguments that make it again."""
        return {"factor": self.factor, "good": self.good}
