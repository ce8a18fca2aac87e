"""The program in a process of its own, in which something goes wrong at a chosen moment.

Moments are counted by what the process does to files below its working folder (Python's audit events: open, rename,
remove, make a folder), so that a moment is the same one whenever it is chosen; signals also come by the clock.
"""

import codecs
import ctypes
import importlib
import multiprocessing
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import torch

import isonet.running.runs
from isonet.cli import main
from isonet.train.simulated import SimulatedPairs

_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir")
_NOBODY = 65534
_LATER = 7  # events after a jump of the clock the process is killed, so that another goes on under the old time
_SIGNALS = {"kill -9": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
PAUSED = "paused"
"""File that says that a process waits."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and when.

    Attributes
    ----------
    kind : str
        One of those in `faults.FAULTS`.
    event : int
        Number of the file event, from 1; 0 is never.
    seconds : float, optional
        Time in place of an event, for signals.
    amount : float
        How much, from 0 to 1, where there is a choice.
    file : str
        The file that it befalls.
    """

    kind: str
    event: int = 0
    seconds: float | None = None
    amount: float = 0.0
    file: str = ""

    def strike(self, folder: Path) -> None:
        """Let it happen in this process, which works in a folder."""
        if self.kind in _SIGNALS:
            os.kill(os.getpid(), _SIGNALS[self.kind])
        elif self.kind == "disk full":
            fill(folder)
        elif self.kind == "files limited":
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192 + int(self.amount * 60_000),) * 2)
        elif self.kind == "read-only folder":
            for path in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
                path.chmod(0o555)
        elif self.kind == "vanished input":
            (folder / self.file).rename(folder.parent / "vanished")
        elif self.kind == "no memory":
            size = 4096 * int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
            resource.setrlimit(resource.RLIMIT_AS, (size + int(self.amount * 1e6),) * 2)
        elif self.kind == "MemoryError":
            raise MemoryError
        elif self.kind == "two runs":
            (folder.parent / PAUSED).touch()
            time.sleep(1.0)
        elif self.kind == "clock jumps":
            shift_clock((self.amount - 0.5) * 20 * 86400, folder)


def fill(folder: Path) -> None:
    """Take all the room there is on a disk, which must be a small one."""
    with (folder.parent / "ballast").open("wb", buffering=0) as file:
        for block in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(b"\0" * block)
            except OSError:
                continue


def shift_clock(seconds: float, folder: Path) -> None:
    """Let the clock of this process, and what it has written so far, be of another time."""
    clock = time.time

    class Shifted(datetime):
        """`datetime` of the other time."""

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.fromtimestamp(clock(), tz) + timedelta(seconds=seconds)

    began = (folder.parent / "began").stat().st_mtime
    time.time = lambda: clock() + seconds
    vars(isonet.running.runs)["datetime"] = Shifted
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_mtime > began:
            os.utime(path, (clock() + seconds,) * 2)


class Moments:
    """Counts what a process does to files below its working folder, and strikes at the moment of a fault."""

    def __init__(self, folder: Path, fault: Fault | None) -> None:
        self.count = 0
        self._folder = str(folder)
        self._fault = fault

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an audit event."""
        if event not in _EVENTS or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        path = os.fsdecode(arguments[0])
        if os.path.isabs(path) and not path.startswith(self._folder):  # noqa: PTH117
            return
        self.count += 1
        if self._fault is not None and self.count == self._fault.event:
            fault = self._fault
            if fault.kind == "clock jumps":
                self._fault = Fault("kill -9", self.count + _LATER)
            fault.strike(Path(self._folder))


def _fail_in_a_worker(number: int) -> None:
    """Let a thread that simulates cubes run out of memory."""
    whole: Callable[..., Any] = SimulatedPairs.batch

    def batch(pairs: Any, step: int) -> Any:
        if step == number:
            raise MemoryError
        return whole(pairs, step)

    SimulatedPairs.batch = batch  # type: ignore[assignment, method-assign]


def _child(folder: str, words: list[str], said: str, fault: Fault | None, counted: str) -> None:
    """Body of the process."""
    descriptor = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(descriptor, 2)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    os.chdir(folder)
    torch.set_num_threads(1)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # ends with who started it
    if fault is not None and fault.kind == "read-only folder" and os.geteuid() == 0:
        # nobody else may be allowed to read the interpreter's own files: those of fonts and of templates
        for name in ("utf-16-be", "unicode-escape"):
            codecs.lookup(name)
        importlib.import_module("importlib.readers")
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    if fault is not None and fault.kind == "worker out of memory":
        _fail_in_a_worker(fault.event)
        fault = None
    moments = Moments(Path(folder), fault)
    sys.addaudithook(moments)
    try:
        main(words)
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        sys.exit(70)
    finally:
        if fault is None:
            Path(counted).write_text(str(moments.count), encoding="utf-8")


class Process:
    """`isonet` in a process that is forked from one which has imported everything."""

    def __init__(self, folder: Path, words: tuple[str, ...], said: Path, fault: Fault | None = None) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(
            [
                "faults_inject",
                "isonet.cli",
                "isonet.steps.run",
                "isonet.steps.validate.step",
                "isonet.steps.train_starter",
            ]
        )
        self._said, self._counted = said, said.with_suffix(".count")
        said.write_text("", encoding="utf-8")  # of one that ends before it could
        self._process = context.Process(
            target=_child, args=(str(folder), list(words), str(said), fault, str(self._counted))
        )
        self._process.start()
        self.began = time.monotonic()
        if fault is not None and fault.seconds is not None:
            self._process.join(fault.seconds)
            if self._process.exitcode is None:
                os.kill(self._process.pid or 0, _SIGNALS[fault.kind])

    def ended(self, seconds: float = 1800) -> tuple[int, str]:
        """Wait for the end; return the exit code, and what was said. One that hangs is killed and has the code 99."""
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
            code = 99
        return code, self._said.read_text(encoding="utf-8", errors="replace")

    @property
    def events(self) -> int:
        """File events of a process that has ended."""
        return int(self._counted.read_text(encoding="utf-8"))
