"""Processes that are started: one result, one error, one signal."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from isonet.errors import InputError, LostProcessError, RunError
from isonet.running.launch import launch
from isonet.running.signals import Interruption
from isonet.running.world import current


def place(_folder: Path) -> tuple[int, int, str]:
    here = current()
    return here.rank, here.size, os.environ["OMP_NUM_THREADS"]


def refuse(_folder: Path) -> None:
    if current().rank == 1:
        raise InputError("a.mrc: is no good; take another")
    raise LostProcessError("process 1 is gone")


def stumble(_folder: Path) -> None:
    raise ZeroDivisionError("by zero")


def vanish(folder: Path) -> int:
    if current().rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / "done").touch()
    return 7


def wait_for_signal(folder: Path) -> None:
    (folder / str(current().rank)).touch()
    time.sleep(60)


def test_process_0_answers_and_threads_are_divided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = dict(os.environ)
    rank, size, threads = launch(2, place, tmp_path)
    assert (rank, size) == (0, 2)
    assert int(threads) == max(1, len(os.sched_getaffinity(0)) // 2)
    assert dict(os.environ) == before


def test_the_error_that_explains_the_others_is_raised(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="take another"):
        launch(2, refuse, tmp_path)


def test_an_unexpected_error_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="unexpected ZeroDivisionError: by zero"):
        launch(1, stumble, tmp_path)


def test_a_process_that_is_killed_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="process 1 of 2 ended by SIGKILL"):
        launch(2, vanish, tmp_path)


def test_others_that_are_independent_go_on(tmp_path: Path) -> None:
    assert launch(2, vanish, tmp_path, independent=True) == 7
    assert (tmp_path / "done").exists()


def test_signals_are_passed_on(tmp_path: Path) -> None:
    def send() -> None:
        while not all((tmp_path / name).exists() for name in "01"):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(Interruption) as stop:
        launch(2, wait_for_signal, tmp_path)
    sender.join()
    assert stop.value.number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
