"""Commands that wait for others say for whom, come to an end, and end at once where a signal asks for it."""

import os
import signal
import threading
import time
from pathlib import Path

import commandline as isonet
import pytest

from isonet.io import files
from isonet.train import meeting

TINY = {**isonet.TINY, "batch_size": 4}
SHELL = {  # of `srun -n 4 --pty bash`
    **{"SLURM_JOB_ID": "77", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "0"},
    **{"SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_STEP_TASKS_PER_NODE": "4"},
    "SLURM_STEP_NODELIST": "localhost",
}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four tasks, of which this is the first and the only one that runs the program."""
    for name, value in SHELL.items():
        monkeypatch.setenv(name, value)
    for name, seconds in (("_QUIET", 0.3), ("_BUSY", 0.3), ("_PATIENCE", 1.0)):
        monkeypatch.setattr(meeting, name, seconds)


@pytest.mark.usefixtures("shell")
def test_refine_in_a_shell_of_srun_ends_and_can_be_tried_again(prepared: Path) -> None:
    for _ in range(2):
        outcome = isonet.call("refine", prepared, **TINY)
        assert "waiting for 3 of 4 processes of this Slurm step (SLURM_STEP_NUM_TASKS)" in outcome.err
        assert "unset SLURM_STEP_NUM_TASKS" in outcome.err
        isonet.assert_refused(outcome, "3 of 4", "SLURM_STEP_NUM_TASKS", "did not come", "srun --pty", code=1)
    assert not (prepared.parent / "results").exists()


@pytest.mark.usefixtures("shell")
def test_a_signal_ends_it_at_once(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meeting, "_PATIENCE", 60.0)
    meet, began = meeting._Watch.until, threading.Event()

    def told(*given: object, **options: object) -> None:
        began.set()
        meet(*given, **options)  # type: ignore[arg-type]

    def send() -> None:
        began.wait(60)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(meeting._Watch, "until", told)
    sender = threading.Thread(target=send)
    sender.start()
    outcome = isonet.call("refine", prepared, **TINY)
    sender.join()
    assert outcome.code == 128 + signal.SIGTERM
    assert "stopped by SIGTERM" in outcome.err
    assert not (prepared.parent / "results").exists()


@pytest.mark.usefixtures("shell")
def test_commands_that_need_no_others_wait_for_none(prepared: Path, model: Path) -> None:
    room = {"max_memory": "64GB"}  # of which a task gets a quarter, and the process of many tests holds much
    isonet.done("predict", prepared, model, **room)
    isonet.done("mask", prepared, **room)


def test_a_table_that_another_process_holds_is_named(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_QUIET", 0.1)
    monkeypatch.setattr(files, "_LONGEST", 0.4)
    with files.locked(prepared.with_name(f".{prepared.name}.lock"), wait=True):
        outcome = isonet.call("mask", prepared)
    assert "waiting for process" in outcome.err
    isonet.assert_refused(outcome, ".tomograms.star.lock", f"held by process {os.getpid()} on", "since", code=1)
    isonet.done("mask", prepared)


def test_a_folder_in_which_another_run_is_at_work_says_whose(prepared: Path, model: Path) -> None:
    with files.locked(Path("corrected/.lock"), wait=False):
        isonet.assert_refused(
            isonet.call("predict", prepared, model), "corrected", f"process {os.getpid()} on", "wait for it"
        )
