"""A GPU that is pretended: real values in host memory that say they are on `cuda:0`, and refuse what a GPU refuses.

Tensors of both kinds do not mix (numbers without axes may, as on a GPU), and what makes a program wait for its GPU or
copy to or from it is counted. What a real one computes otherwise, and how fast, nobody learns here.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import current_thread
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_map_only

from isonet.train import fit

GPU = torch.device("cuda", 0)
aten = torch.ops.aten
_WAITING = {
    *(aten._local_scalar_dense.default, aten.equal.default, aten.nonzero.default, aten.is_nonzero.default),
    *(aten.masked_select.default, aten.item.default),
}


class Tagged(torch.Tensor):
    """A tensor in host memory that says it is on the GPU."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, real: torch.Tensor) -> "Tagged":
        room = torch.empty(real.untyped_storage().nbytes() // real.itemsize, dtype=real.dtype, device="meta")
        empty = room.as_strided(real.size(), real.stride(), real.storage_offset())
        made = torch.Tensor._make_subclass(cls, empty, real.requires_grad, device_for_backend_keys=GPU)
        made.held = real
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """The GPU; to the engine it is on no device, of which nothing needs to be there."""
        return GPU

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        """Yes."""
        return True

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Tagged({tuple(self.shape)}, {self.dtype})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError(f"{func} outside of the pretence")


@dataclass
class Device(TorchDispatchMode):
    """The pretended GPU.

    Attributes
    ----------
    waits, copies_in, copies_out : int
        How often the program waited for the GPU, and copied to and from it.
    why : list
        What it waited for.
    current : device or None
        What was made the current device.
    memory : int
        Bytes that are free.
    """

    waits: int = 0
    copies_in: int = 0
    copies_out: int = 0
    why: list[str] = field(default_factory=list)
    current: torch.device | None = None
    memory: int = 8_000_000_000

    def __post_init__(self) -> None:
        super().__init__()

    __hash__ = object.__hash__

    def waited(self, what: str) -> None:
        """Count a wait."""
        self.waits += 1
        self.why.append(what)

    def reset(self) -> None:
        """Begin to count anew."""
        self.waits = self.copies_in = self.copies_out = 0
        self.why = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        given: list[torch.Tensor] = []
        tree_map_only(torch.Tensor, given.append, (args, kwargs))
        tagged = [one for one in given if isinstance(one, Tagged)]
        plain = [one for one in given if not isinstance(one, Tagged)]
        asked = kwargs.get("device")
        asked = None if asked is None else torch.device(asked)
        if asked is not None:
            kwargs["device"] = torch.device("cpu")
        if kwargs.get("pin_memory"):
            kwargs["pin_memory"] = False
        if func is aten._pin_memory.default:
            return args[0]
        if func is aten.is_pinned.default:
            return False
        copying = func in (aten._to_copy.default, aten.copy_.default)
        if tagged and func in _WAITING:
            self.waited(str(func))
        if tagged and not copying and any(one.ndim for one in plain):
            raise RuntimeError(f"Expected all tensors to be on the same device: {func}")
        if func is aten.index.Tensor and tagged and any(one is not None and one.dtype == torch.bool for one in args[1]):
            self.waited("indexing by a mask")
        on_gpu = bool(tagged) if asked is None else asked.type == "cuda"
        if func is aten.copy_.default:
            on_gpu = isinstance(args[0], Tagged)
            self._count(args[1], args[0], bool(kwargs.get("non_blocking") or args[2:3] == (True,)))
        elif func is aten._to_copy.default and asked is not None:
            self._count_to(args[0], on_gpu, bool(kwargs.get("non_blocking")))
        out = func(*tree_map_only(Tagged, _held, args), **tree_map_only(Tagged, _held, kwargs))
        if not on_gpu:
            return args[0] if func is aten.copy_.default else out
        wrapped = tree_map_only(torch.Tensor, Tagged, out)
        return return_and_correct_aliasing(func, args, kwargs, wrapped) if tagged else wrapped

    def _count(self, source: torch.Tensor, target: torch.Tensor, free: bool) -> None:
        if isinstance(source, Tagged) and not isinstance(target, Tagged):
            self.copies_out += 1
            if not free:
                self.waited("a copy from the GPU")
        elif isinstance(target, Tagged) and not isinstance(source, Tagged) and source.ndim:
            self.copies_in += 1

    def _count_to(self, source: torch.Tensor, on_gpu: bool, free: bool) -> None:
        if isinstance(source, Tagged) and not on_gpu:
            self.copies_out += 1
            if not free:
                self.waited("a copy from the GPU")
        elif on_gpu and not isinstance(source, Tagged):
            self.copies_in += 1


def _held(one: Tagged) -> torch.Tensor:
    return one.held


class _InThread(TorchDispatchMode):
    """The GPU in another thread, which has to be told of it."""

    def __init__(self, device: Device) -> None:
        super().__init__()
        self._device = device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._device.__torch_dispatch__(func, types, args, kwargs)


class _Engine:
    """What the engine does for a process on its own."""

    device = GPU

    def setup_module(self, module: Any) -> Any:
        return module.to(GPU)

    def setup_optimizers(self, optimizer: Any) -> Any:
        return optimizer

    def backward(self, loss: torch.Tensor) -> None:
        loss.backward()


class _Stream:
    def __init__(self, device: Device) -> None:
        self._device = device

    def synchronize(self) -> None:
        """Wait."""
        self._device.waited("the stream")

    def record(self) -> None:
        """Nothing to record."""


class _OnAnyDevice(type):
    """Type of generators whose device is let alone, so that it is a type wherever annotations name it."""

    plain = torch.Generator

    def __call__(cls, *_: Any) -> torch.Generator:
        return cls.plain()

    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, cls.plain)


class _Generator(metaclass=_OnAnyDevice):
    """Takes the place of torch's."""


@contextmanager
def gpu(capability: tuple[int, int] = (6, 1), **options: Any) -> Iterator[Device]:
    """Pretend that this machine has one GPU, by default an old one: autocast does not know pretended tensors."""
    torch._C._ensureCUDADeviceGuardSet()
    device = Device(**options)
    here = current_thread()
    overwrites = torch.__future__.get_overwrite_module_params_on_conversion()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "_lazy_init": lambda: None,
            "is_available": lambda: True,
            "device_count": lambda: 1,
            "get_arch_list": list,
            "get_device_capability": lambda *_: capability,
            "get_device_name": lambda *_: "a pretended GPU",
            "is_bf16_supported": lambda *_: True,
            "set_device": lambda one: setattr(device, "current", one),
            "current_device": lambda: 0,
            "mem_get_info": lambda *_: (device.memory, device.memory),
            "memory_allocated": lambda *_: 0,
            "memory_reserved": lambda *_: 0,
            "empty_cache": lambda: None,
            "device": lambda _: nullcontext() if current_thread() is here else _InThread(device),
            "current_stream": lambda *_: _Stream(device),
            "Event": lambda: _Stream(device),
        }.items():
            patch.setattr(torch.cuda, name, value)
        patch.setattr(torch, "Generator", _Generator)
        patch.setattr(fit, "engine_for", lambda *_: _Engine())
        torch.__future__.set_overwrite_module_params_on_conversion(True)  # type: ignore[no-untyped-call]
        try:
            with device:
                yield device
        finally:
            torch.__future__.set_overwrite_module_params_on_conversion(overwrites)  # type: ignore[no-untyped-call]
