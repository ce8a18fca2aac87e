"""Run folders tell how a run goes and ended, whatever ended it."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import isonet
from isonet.config import CheckConfig
from isonet.errors import InputError, RunError
from isonet.running import runs
from isonet.running.companions import follow, start_together
from isonet.running.signals import Interruption

CONFIG = CheckConfig(seconds=3)


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Give back the handlers and the level of the program's log."""
    handlers, level = list(runs.log.handlers), runs.log.level
    runs.log.handlers.clear()
    runs.log.setLevel(logging.DEBUG)
    yield
    runs.log.handlers[:] = handlers
    runs.log.setLevel(level)


def status(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "status.json").read_text())


def test_a_run_that_ends_well_leaves_its_configuration_log_and_status(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    with runs.start(folder, "check", CONFIG) as run:
        assert status(folder)["state"] == "running"
        assert status(folder)["pid"] == os.getpid()
        runs.log.info("half way")
        run.status(done=3)
    assert status(folder)["state"] == "finished"
    assert status(folder)["done"] == 3
    assert status(folder)["command"] == "check"
    assert yaml.safe_load((folder / "config.yaml").read_text()) == {"device": "auto", "seconds": 3.0, "fastest": True}
    assert "INFO half way" in (folder / "run.log").read_text()
    assert not runs.log.handlers


def test_a_run_that_stops_early_says_so(tmp_path: Path) -> None:
    with runs.start(tmp_path, "check", CONFIG, max_time=0) as run:
        assert run.out_of_time()
        run.stopped_early = True
    assert status(tmp_path)["state"] == "stopped"
    with runs.start(tmp_path, "check", CONFIG, max_time=1000) as run:
        assert not run.out_of_time()
    with runs.start(tmp_path, "check", CONFIG) as run:
        assert not run.out_of_time()


@pytest.mark.parametrize("error", [ValueError("two\nlines"), RunError("no disk"), KeyboardInterrupt()])
def test_a_run_that_fails_says_why_in_one_line(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(error)), runs.start(tmp_path, "check", CONFIG):
        raise error
    assert status(tmp_path)["state"] == "failed"
    assert status(tmp_path)["reason"] == (" ".join(str(error).split()) or "KeyboardInterrupt")
    assert type(error).__name__ in (tmp_path / "run.log").read_text()


def test_a_signal_interrupts_a_run(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interruption) as caught, runs.start(tmp_path, "check", CONFIG):
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.number == signal.SIGTERM
    assert status(tmp_path)["state"] == "interrupted"
    assert status(tmp_path)["reason"] == "stopped by SIGTERM"
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_deferred_signal_is_noted_raised_at_the_end_and_at_once_if_it_comes_again(tmp_path: Path) -> None:
    reached = False
    with pytest.raises(Interruption), runs.start(tmp_path, "check", CONFIG) as run:
        with run.deferred_signals():
            assert run.interrupted is None
            signal.raise_signal(signal.SIGUSR1)
            assert run.interrupted is not None
            assert run.interrupted.number == signal.SIGUSR1
            with pytest.raises(Interruption):
                signal.raise_signal(signal.SIGUSR1)
        reached = True
    assert not reached
    assert status(tmp_path)["state"] == "interrupted"
    assert status(tmp_path)["reason"] == "stopped by SIGUSR1"


def test_a_signal_that_is_not_deferred_interrupts_at_once(tmp_path: Path) -> None:
    with pytest.raises(Interruption), runs.start(tmp_path, "check", CONFIG):
        signal.raise_signal(signal.SIGINT)
        raise AssertionError
    assert status(tmp_path)["reason"] == "stopped by SIGINT"


def fail_in_own_words() -> None:
    """As a library written in C does whose call back into Python was interrupted."""
    try:
        signal.raise_signal(signal.SIGTERM)
    finally:
        raise RuntimeError("unexpected position 64 in the archive")


@pytest.mark.parametrize("begin", [runs.start, start_together])
def test_a_folder_of_a_run_whose_input_is_refused_is_gone_again(begin: Any, tmp_path: Path) -> None:
    """It would hold nothing but its record; one that was there, or that holds more, stays and says why."""
    folder = tmp_path / "new" / "results"
    with pytest.raises(InputError), begin(folder, "check", CONFIG):
        assert status(folder)["state"] == "running"
        raise InputError("no such file")
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError), begin(folder, "check", CONFIG):
        (folder / "model").touch()
        raise InputError("no such file")
    assert status(folder)["state"] == "failed"
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError), begin(tmp_path / "there", "check", CONFIG):
        raise InputError("no such file")
    assert status(tmp_path / "there")["reason"] == "no such file"


def test_a_signal_is_told_from_what_a_library_makes_of_it(tmp_path: Path) -> None:
    with pytest.raises(Interruption) as caught, runs.start(tmp_path, "check", CONFIG):
        fail_in_own_words()
    assert caught.value.number == signal.SIGTERM
    assert status(tmp_path)["state"] == "interrupted"
    assert status(tmp_path)["reason"] == "stopped by SIGTERM"


def test_an_error_that_stands_in_the_way_of_ending_in_good_order_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no space"), runs.start(tmp_path, "check", CONFIG):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            raise RunError("no space left")
    assert status(tmp_path)["state"] == "failed"


def test_a_second_run_in_the_folder_is_refused_while_the_first_is_at_work(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from typing import Any
import isonet
from isonet.running import runs
from isonet.running.companions import follow, start_together
from isonet.config import CheckConfig
with runs.start(Path({str(tmp_path)!r}), "check", CheckConfig()):
    print("begun", flush=True)
    input()
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "begun\n"
        before = (tmp_path / "status.json").read_text()
        with pytest.raises(InputError, match="another run is at work there"), runs.start(tmp_path, "check", CONFIG):
            pytest.fail("the block must not run")
        assert (tmp_path / "status.json").read_text() == before
        other.communicate("\n")
    with runs.start(tmp_path, "check", CONFIG):
        pass
    assert status(tmp_path)["state"] == "finished"


@pytest.mark.parametrize("begin", [runs.start, start_together])
def test_what_a_killed_run_half_wrote_is_cleared_away(tmp_path: Path, begin: Any) -> None:
    """Of the pictures too; what has another name, or is not this run's, stays."""
    left = [tmp_path / ".isonet-a.part", tmp_path / "previews/.isonet-b.part"]
    others = [tmp_path / "previews/a.png", tmp_path / "withheld/results/.isonet-c.part"]
    for path in (*left, *others):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with begin(tmp_path, "check", CONFIG):
        pass
    assert [path.exists() for path in (*left, *others)] == [False, False, True, True]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="choose another output folder"), runs.start(tmp_path / "file", "x", CONFIG):
        pytest.fail("the block must not run")


def test_metrics_outlive_a_crash_and_can_be_dropped(tmp_path: Path) -> None:
    run = runs.Run(tmp_path, "refine")
    assert run.metrics() == []
    for iteration in (1, 2, 3):
        run.metric(iteration=iteration, loss=1 / iteration)
    with run.metrics_path.open("a") as file:
        file.write('{"iteration": 4, "lo')
    assert [line["iteration"] for line in run.metrics()] == [1, 2, 3]
    run.keep_metrics(lambda line: line["iteration"] < 3)
    run.metric(iteration=3, loss=0.1)
    assert [(line["iteration"], line["loss"]) for line in run.metrics()] == [(1, 1.0), (2, 0.5), (3, 0.1)]


def told(folder: Path) -> tuple[object, ...]:
    """What a status says of the progress."""
    return tuple(status(folder).get(name, "nothing") for name in ("doing", "done", "total", "seconds_left"))


def test_the_status_tells_what_is_done_now_and_no_longer_what_was(tmp_path: Path) -> None:
    nothing = ("nothing",) * 4
    with runs.start(tmp_path, "check", CONFIG) as run:
        assert told(tmp_path) == nothing
        with run.progress("working", 3) as advance:
            assert told(tmp_path) == ("working", 0, 3, None)
            for _ in range(3):
                advance()
            assert told(tmp_path) == ("working", 3, 3, 0)
        assert told(tmp_path) == nothing
        with run.progress("other work", 2):
            assert told(tmp_path) == ("other work", 0, 2, None)
    assert told(tmp_path) == nothing


def test_a_run_that_fails_keeps_what_it_did(tmp_path: Path) -> None:
    with pytest.raises(ValueError), runs.start(tmp_path, "check", CONFIG) as run, run.progress("working", 3):
        raise ValueError
    assert told(tmp_path)[:3] == ("working", 0, 3)


def test_the_log_of_a_progress_is_what_it_was(tmp_path: Path) -> None:
    with runs.start(tmp_path, "check", CONFIG) as run, run.progress("working", 3) as advance:
        for _ in range(3):
            advance()
    assert "working" not in (tmp_path / "run.log").read_text()


def test_a_follower_notes_a_signal_until_all_stop(tmp_path: Path) -> None:
    with follow(tmp_path, "refine") as run:
        os.kill(os.getpid(), signal.SIGUSR1)
        with run.deferred_signals():
            pass
        assert run.interrupted is not None
        with pytest.raises(Interruption):
            os.kill(os.getpid(), signal.SIGUSR1)
    assert not list(tmp_path.iterdir())


def test_a_run_records_what_it_was_given_and_what_it_took(tmp_path: Path) -> None:
    with runs.start(tmp_path, "check", CONFIG, inputs=[Path("a.star"), Path("b c.mrc")]):
        pass
    told = status(tmp_path)
    assert told["inputs"] == ["a.star", "b c.mrc"]
    assert told["working_folder"] == str(Path.cwd())
    assert told["version"] == isonet.__version__
    assert 0 <= told["seconds"] < 10
    assert 10e6 < told["peak_memory"] < 1e12


def test_what_earlier_runs_in_a_folder_took_is_kept(tmp_path: Path) -> None:
    with runs.start(tmp_path, "check", CONFIG):
        pass
    with pytest.raises(ValueError), runs.start(tmp_path, "check", CONFIG):
        raise ValueError
    killed = {**status(tmp_path), "state": "running", "seconds": 7.5}
    (tmp_path / "status.json").write_text(json.dumps(killed))
    with runs.start(tmp_path, "check", CONFIG):
        assert [one["state"] for one in status(tmp_path)["earlier"]] == ["finished", "killed"]
    assert status(tmp_path)["earlier"][-1]["seconds"] == 7.5
    with runs.start(tmp_path, "demo", CONFIG):
        assert status(tmp_path)["earlier"] == []
