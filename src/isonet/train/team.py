"""Processes that train one network together: what they decide, exchange and divide among themselves.

Everything is decided by process 0 or by all of them at once, so that all take the same path. Decisions travel between
the processors, never through a GPU, which need not stop for them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

Value = TypeVar("Value")
_TIMEOUT = timedelta(hours=2)  # process 0 records an iteration, on its own, in less
_BROKEN = ("Connection", "connection", "gloo", "NCCL", "Broken pipe", "Socket", "recvValue")


class ConnectionLostError(RuntimeError):
    """Another process of the team has ended."""


@dataclass
class Team:
    """The processes of a training; alone unless connected by `engine.gathered`.

    Attributes
    ----------
    rank, size : int
        Number of this process, from 0, and how many there are.
    local_size : int
        Processes on this machine.
    address, port : str, int
        Where process 0 is met.
    kin, remedy : str
        What the processes are, and what to do where some of them are missing; for messages.
    """

    rank: int = 0
    size: int = 1
    local_size: int = 1
    address: str = "127.0.0.1"
    port: int = 0
    kin: str = "processes"
    remedy: str = "start all of them"
    _group: Any = field(default=None, repr=False)
    _aside: Any = field(default=None, repr=False)  # what a thread exchanges beside the training

    @property
    def first(self) -> bool:
        """Whether this is process 0, the one that writes files and speaks."""
        return self.rank == 0

    def connect(self) -> None:
        """Open the connection for decisions, once the engine has made its own."""
        if self.size > 1:
            self._group = dist.new_group(backend="gloo", timeout=_TIMEOUT)
            self._aside = dist.new_group(backend="gloo", timeout=_TIMEOUT)

    def disconnect(self) -> None:
        """Leave the team."""
        self._group = self._aside = None
        if dist.is_initialized():
            dist.destroy_process_group()

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Raise `ConnectionLostError` where an error means that another process has ended."""
        try:
            yield
        except ConnectionLostError:
            raise
        except RuntimeError as error:
            if self.size > 1 and (isinstance(error, dist.DistError) or any(word in str(error) for word in _BROKEN)):
                raise ConnectionLostError(f"another process of {self.size} has ended") from error
            raise

    def agreed(self, decide: Callable[[], Value]) -> Value:
        """Return what process 0 decides."""
        if self.size == 1:
            return decide()
        box = [decide() if self.first else None]
        with self.connected():
            dist.broadcast_object_list(box, 0, group=self._group, device=torch.device("cpu"))
        decided: Any = box[0]
        return decided

    def largest(self, *values: int) -> tuple[int, ...]:
        """Return the largest of each of some numbers over all processes."""
        if self.size == 1:
            return values
        together = torch.tensor(values, dtype=torch.int64)
        with self.connected():
            dist.all_reduce(together, dist.ReduceOp.MAX, group=self._group)
        return tuple(together.tolist())

    def total(self, value: float) -> float:
        """Return the sum of a number over all processes, the same to the bit in all of them."""
        if self.size == 1:
            return value
        together = torch.tensor([value], dtype=torch.float64)
        with self.connected():
            dist.all_reduce(together, group=self._group)
        return float(together)

    def wait(self) -> None:
        """Wait until all processes are here."""
        self.largest(0)

    def share(self, count: int) -> slice:
        """Return the part of this process of so many things in a row."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def add_up(self, things: Tensor) -> None:
        """Bring what each process has put into a tensor of zeros into that of all of them."""
        if self.size > 1 and things.numel():
            with self.connected():
                dist.all_reduce(things, group=self._aside)


ALONE = Team()
