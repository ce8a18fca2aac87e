"""Work beside a GPU's: what comes next is made by a thread, results are fetched when they are there.

All of it goes through the one stream of the GPU, in the order in which it was asked for, so that nothing has to wait
for anything there. On a CPU, which would share its cores, everything is done in turn.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

Value = TypeVar("Value")


def ahead(makers: Iterable[Callable[[], Value]], device: torch.device) -> Iterator[Value]:
    """Iterate over what functions return; on a GPU the next one is called while the caller works on the last."""
    if device.type != "cuda":
        yield from (make() for make in makers)
        return
    waiting: deque[Future[Value]] = deque()
    with ThreadPoolExecutor(1) as pool:
        try:
            for make in makers:
                waiting.append(pool.submit(_on, device, make))
                if len(waiting) > 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def _on(device: torch.device, make: Callable[[], Value]) -> Value:
    """Call a function in a thread, each of which has a current device of its own."""
    with torch.cuda.device(device):
        return make()


def fetched(result: Tensor) -> Callable[[], Tensor]:
    """Begin to copy a result from its device to host memory; what is returned waits until it is there."""
    if result.device.type != "cuda":
        return lambda: result
    host = host_memory(result.shape, result.device).copy_(result, non_blocking=True)
    copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
    copied.record()

    def wait() -> Tensor:
        copied.synchronize()
        return host

    return wait


def host_memory(shape: Sequence[int], device: torch.device) -> Tensor:
    """Return room for float32 in host memory, from and to which a device copies without anybody waiting."""
    return torch.empty(tuple(shape), pin_memory=device.type == "cuda")


def storage(shape: Sequence[int], device: torch.device, room: int) -> Tensor:
    """Return zeros in float32: on a GPU where they take no more than `room` bytes there, else in host memory."""
    if device.type == "cuda" and 4 * torch.Size(shape).numel() <= room:
        return torch.zeros(tuple(shape), device=device)
    return host_memory(shape, device).zero_()
