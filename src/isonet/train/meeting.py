"""Processes of a team meet before they train: whom each waits for is said, a signal ends it, and so does time."""

import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import torch.distributed as dist
from torch.distributed import TCPStore  # type: ignore[attr-defined]
from torch.distributed.distributed_c10d import Store

from isonet.train.team import Team

log = logging.getLogger("isonet")
_QUIET = 15.0  # seconds until it is said that others are missing
_AGAIN = 60.0  # seconds between saying so
_PATIENCE = 300.0  # seconds until waiting ends
_BUSY = 10.0  # seconds that a process which is ending may keep the port
_LOOK = 0.2  # seconds between looks
_CONNECT = timedelta(seconds=30)
_ALL_HERE = "all here"


class NotMetError(RuntimeError):
    """Processes of a team did not come."""


def meet(team: Team) -> Store:
    """Wait until all processes of a team are there.

    Returns
    -------
    Store
        What they share from now on; process 0 keeps it.

    Raises
    ------
    NotMetError
        If they are not there after some minutes, or the port is taken.
    """
    watch = _Watch(team)
    store = _opened(team, watch) if team.first else _found(team, watch)
    store.set(_place(team.rank), str(os.getpid()))
    if team.first:
        others = range(1, team.size)
        watch.until(lambda: [rank for rank in others if not store.check([_place(rank)])])
        store.set(_ALL_HERE, "")
    else:  # process 0 says who is missing, and is waited for longer
        watch.until(lambda: [] if store.check([_ALL_HERE]) else [0], quietly=True)
    return store


def _place(rank: int) -> str:
    return f"process {rank} is here"


def _opened(team: Team, watch: "_Watch") -> TCPStore:
    """Open the place where the others come; a process that is ending is given a moment to leave it."""
    while True:
        try:
            return TCPStore(team.address, team.port, is_master=True, wait_for_workers=False, timeout=_CONNECT)
        except (dist.DistError, RuntimeError) as error:
            where = f"{team.address}:{team.port}"
            if "EADDRINUSE" not in str(error):
                raise NotMetError(f"{where}: {_short(error)}; set MASTER_ADDR and MASTER_PORT") from error
            if watch.seconds > _BUSY:
                raise NotMetError(
                    f"port {team.port} of {team.address} is in use, by another of the {team.kin}, it seems; "
                    "end that one, or set MASTER_PORT to another number"
                ) from error
        time.sleep(_LOOK)


def _found(team: Team, watch: "_Watch") -> TCPStore:
    """Go where process 0 is; until it is there, look for it in a way that signals can end."""

    def missing() -> list[int]:
        with suppress(OSError), socket.create_connection((team.address, team.port), timeout=1):
            return []
        return [0]

    watch.until(missing)
    return TCPStore(team.address, team.port, is_master=False, wait_for_workers=False, timeout=_CONNECT)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


class _Watch:
    """Waits for processes, and says for whom."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self._began = time.monotonic()
        self._since = time.strftime("%H:%M:%S")

    @property
    def seconds(self) -> float:
        """Time waited so far."""
        return time.monotonic() - self._began

    def until(self, missing: Callable[[], list[int]], *, quietly: bool = False) -> None:
        """Wait until no process is missing.

        Raises
        ------
        NotMetError
            If some still are after some minutes.
        """
        say_at = _QUIET
        while absent := missing():
            if self.seconds > _PATIENCE * (1 + quietly):
                raise NotMetError(f"{self._about(absent)} did not come in {self.seconds:.0f} s; {self._team.remedy}")
            if self.seconds > say_at and not quietly:
                say_at += _AGAIN
                log.warning(
                    "waiting for %s since %s, until %.0f s have passed; %s",
                    *(self._about(absent), self._since, _PATIENCE, self._team.remedy),
                )
            time.sleep(_LOOK)

    def _about(self, absent: list[int]) -> str:
        where = f", process 0 at {self._team.address}:{self._team.port}," if absent == [0] else ""
        return f"{len(absent)} of {self._team.size} {self._team.kin}{where}"
