"""Starting processes of this program on one machine, and ending with them: one result, one error or one signal."""

import ctypes
import logging
import multiprocessing
import os
import pickle
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Any, TypeVar

from isonet.errors import IsonetError, LostProcessError, RunError
from isonet.running.console import Warned, collected, log_to_console
from isonet.running.signals import HANDLED_SIGNALS, Interruption, behind, handled_by, interrupt
from isonet.running.world import STARTED_HERE
from isonet.train.memory import is_out_of_memory

log = logging.getLogger("isonet")
Result = TypeVar("Result")
_GRACE = 15.0  # seconds that the others have to end by themselves once one has failed
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux


@dataclass
class _Worker:
    """A process that was started, and what it sent before its end."""

    rank: int
    process: SpawnProcess
    answers: Connection
    answer: Any = None

    @property
    def finished(self) -> bool:
        """Whether the function has returned."""
        return isinstance(self.answer, tuple)

    def listen(self) -> None:
        """Take what it has sent, or why it ended without a word."""
        with suppress(EOFError, OSError):
            self.answer = self.answers.recv()


def launch(count: int, function: Callable[..., Result], *arguments: Any, independent: bool = False) -> Result:
    """Call a function in several processes of this machine, each with its share of the processor's threads.

    Signals are passed on. When a process fails the others are ended.

    Parameters
    ----------
    count : int
        Processes.
    function : callable
        Of a module; in the processes :func:`isonet.running.world.current` tells which one it is.
    *arguments
        What it is called with; can be pickled.
    independent : bool
        Whether the others go on when one was killed, for they do its work as well.

    Returns
    -------
    object
        What process 0 returns.

    Raises
    ------
    IsonetError
        Raised by one of the processes; the others are ended.
    RunError
        If one ended without a word, unless the others are independent of it.
    Interruption
        If a signal ended them.
    """
    context = multiprocessing.get_context("spawn")
    workers: list[_Worker] = []
    call = pickle.dumps((function, arguments))
    level = min((handler.level for handler in log.handlers), default=logging.INFO)
    port = _free_port()
    try:
        with _passing_on(workers) as signals:
            for rank in range(count):
                if signals:
                    break
                receiving, sending = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(sending, level, call))
                with _environment(_variables(rank, count, port)):
                    process.start()
                sending.close()
                workers.append(_Worker(rank, process, receiving))
            ended = _attend(workers, independent)
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.join()
    if signals and not all(worker.finished for worker in ended):
        raise Interruption(signals[0])
    return _outcome(ended, independent)


def _variables(rank: int, count: int, port: int) -> dict[str, str]:
    """What a process finds in its environment: as torchrun sets it."""
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, cores() // count))
    return {
        **{"RANK": str(rank), "WORLD_SIZE": str(count), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(count)},
        **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), STARTED_HERE: str(count)},
        "OMP_NUM_THREADS": threads,
        "GLOO_SOCKET_IFNAME": os.environ.get("GLOO_SOCKET_IFNAME") or ("lo0" if sys.platform == "darwin" else "lo"),
    }


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set variables for a process that is started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _passing_on(workers: Sequence[_Worker]) -> Iterator[list[int]]:
    """Pass signals on to the processes, each in a group of its own so that it gets them once; gives those that came."""
    came: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        for worker in workers:
            if worker.process.pid is not None and worker.process.exitcode is None:
                with suppress(ProcessLookupError):
                    os.kill(worker.process.pid, number)

    with handled_by(handle):
        yield came


def _attend(workers: Sequence[_Worker], independent: bool) -> list[_Worker]:
    """Wait until all processes have ended, or a while after the first failure; give them in the order of their ends."""
    deadline: float | None = None
    waiting, ended = list(workers), []
    while waiting and (deadline is None or time.monotonic() < deadline):
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = wait([worker.answers for worker in waiting], left)
        for worker in [worker for worker in waiting if worker.answers in ready]:
            worker.listen()
            worker.process.join(_GRACE)
            waiting.remove(worker)
            ended.append(worker)
            if not worker.finished and deadline is None and not (independent and worker.answer is None):
                deadline = time.monotonic() + _GRACE
    return [*ended, *waiting]


def _outcome(ended: Sequence[_Worker], independent: bool) -> Any:
    """Return what the first process said; raise what explains best why it is not all well."""
    finished = sorted((worker for worker in ended if worker.finished), key=lambda worker: worker.rank)
    _take_warnings([text for worker in finished for text in worker.answer[1]])
    if len(finished) == len(ended):
        return finished[0].answer[0]
    answers = [worker.answer for worker in ended]
    raised = [one for one in answers if isinstance(one, BaseException) and not isinstance(one, LostProcessError)]
    if raised:
        raise next((one for one in raised if isinstance(one, Interruption)), raised[0])
    lost = _vanished(next(worker for worker in ended if worker.answer is None), len(ended))
    if finished and independent:
        log.warning("%s", lost)
        return finished[0].answer[0]
    raise lost


def _take_warnings(texts: list[str]) -> None:
    """Count what the processes have warned of, and said, among the warnings of the command."""
    for handler in log.handlers:
        if isinstance(handler, Warned):
            handler.add(texts)


def _vanished(worker: _Worker, count: int) -> RunError:
    code = worker.process.exitcode
    how = f"by {signal.Signals(-code).name}" if code is not None and code < 0 else f"with exit code {code}"
    return RunError(
        f"process {worker.rank} of {count} ended {how}, without a word (out of memory?); what was finished is kept, "
        "give the same command again, for refine with --continue-from"
    )


def _work(answers: Connection, level: int, call: bytes) -> None:
    """Body of a process: call the function and send what it returns, as a tuple, or what it raises.

    What it calls is loaded here, for that takes seconds in which signals and the end of the parent must count already.
    """
    os.setpgrp()
    _die_with_parent()
    for number in HANDLED_SIGNALS:
        signal.signal(number, interrupt)
    log_to_console(level <= logging.DEBUG)
    answer: Any
    try:
        function, arguments = pickle.loads(call)
        with collected() as warned:
            answer = (function(*arguments), warned.texts)
    except (Interruption, IsonetError, OSError, MemoryError) as error:
        answer = error
    except Exception as error:
        log.debug("process failed", exc_info=True)
        told = RunError(f"unexpected {type(error).__name__}: {' '.join(str(error).split())}; --debug shows more")
        answer = behind(error) or (MemoryError() if is_out_of_memory(error) else told)
    answers.send(answer)
    answers.close()


def _die_with_parent() -> None:
    """Let the system end this process when the one that started it is killed (Linux)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():  # killed before the system knew
        os._exit(1)
