"""The training engine: one process or several, on CPUs or GPUs; the only file that knows it."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.strategies import DDPStrategy
from torch.distributed.distributed_c10d import PrefixStore, Store

from isonet.train.meeting import meet
from isonet.train.team import ALONE, Team

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)


class _Meeting(LightningEnvironment):  # type: ignore[misc]
    """Tells the engine which process this is, whoever started it: each counts as a machine with one device."""

    def __init__(self, team: Team, address: str, port: int) -> None:
        super().__init__()
        self._team, self._address, self._port = team, address, port

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return self._address

    @property
    def main_port(self) -> int:
        return self._port

    def node_rank(self) -> int:
        return self._team.rank

    def local_rank(self) -> int:
        return 0


def engine_for(device: torch.device, team: Team = ALONE) -> Fabric:
    """Return the engine for a device; in a team it connects this process to the others."""
    shared = DDPStrategy() if team.size > 1 else "auto"
    engine = Fabric(
        accelerator=device.type,
        devices=[device.index] if device.type == "cuda" else 1,
        num_nodes=team.size,
        strategy=shared,
        plugins=_Meeting(team, team.address, team.port),
    )
    if team.size > 1:
        # kernels of one channel have two layouts that mean the same
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        engine.launch()
    return engine


def _connect(team: Team, device: torch.device, store: Store) -> None:
    """Connect the processes that have met, as the engine would: it takes the connection that is there."""
    cuda = device.type == "cuda"
    dist.init_process_group(
        "nccl" if cuda else "gloo",
        store=PrefixStore("engine", store),
        rank=team.rank,
        world_size=team.size,
        device_id=device if cuda else None,
    )


@contextmanager
def gathered(team: Team, device: torch.device) -> Iterator[None]:
    """Connect the processes of a team, each of which calls this with the device it computes on.

    Raises
    ------
    NotMetError
        If some of them do not come.
    """
    if team.size == 1:
        yield
        return
    try:
        store = meet(team)
        with team.connected():
            _connect(team, device, store)
            engine_for(device, team)
            team.connect()
            yield
    finally:
        team.disconnect()
