"""Several processes, one result: training together, sharing tomograms, and ending together."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import commandline as isonet
import numpy as np
import pytest

from isonet.config import PredictConfig
from isonet.running.companions import start_together
from isonet.running.runs import locked

TOGETHER = {
    **isonet.TINY,
    **{"epochs": 2, "steps_per_epoch": 3, "batch_size": 4, "schedule": "constant", "normalization": "batch"},
    **{"noise_level": 0.2, "noise_start_iter": 2},
}
LONG = {**TOGETHER, "steps_per_epoch": 200, "iterations": 50}


@pytest.fixture(scope="module")
def star(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Table of three tomograms."""
    folder = tmp_path_factory.mktemp("three")
    for number in range(3):
        isonet.write(folder / f"v{number}.mrc", isonet.specimen(seed=number))
    isonet.done("prepare", *sorted(folder.glob("v*.mrc")), output=folder / "tomograms.star")
    return folder / "tomograms.star"


@pytest.fixture(scope="module")
def alone(star: Path) -> Path:
    """Run folder of one process."""
    isonet.done("refine", star, output_dir=star.parent / "alone", **TOGETHER)
    return star.parent / "alone"


def children(process: isonet.Process) -> list[int]:
    """Numbers of the processes that it has started, process 0 first."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [pid for pid in map(int, found) if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]


def in_training(process: isonet.Process, folder: Path) -> list[int]:
    """Wait until it trains; return its children."""
    process.wait_for((folder / "metrics.jsonl").exists, seconds=900)
    return children(process)


def assert_gone(pids: list[int]) -> None:
    """No process of a run is left, also of those that have not yet loaded what they were to do."""
    end = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.01)


def assert_same_course(folder: Path, other: Path) -> None:
    """Losses agree to rounding, which a training makes grow."""
    one, two = isonet.losses(folder), isonet.losses(other)
    assert [line[:2] for line in one] == [line[:2] for line in two]
    np.testing.assert_allclose([line[2] for line in one], [line[2] for line in two], rtol=2e-3)


def test_two_processes_take_the_path_of_one_and_one_goes_on_with_it(here: Path, star: Path, alone: Path) -> None:
    options = {**TOGETHER, "devices": 2, "iterations": 1}
    outcome = isonet.Process(here / "err", "refine", star, output_dir=here / "r", **options).outcome(900)
    assert outcome.code == 0, outcome.err
    assert not outcome.complaints, outcome.err
    assert "2 processes" in outcome.err
    assert len(re.findall("sub-volumes of 24", outcome.err)) == 1
    assert len(isonet.losses(here / "r")) == 2
    isonet.done("refine", "--continue-from", here / "r", iterations=2, devices=1)
    assert_same_course(here / "r", alone)
    isonet.done("predict", star, here / "r")


def test_a_signal_to_one_stops_all_at_the_same_step(here: Path, star: Path) -> None:
    process = isonet.Process(here / "err", "refine", star, devices=2, output_dir=here / "r", **LONG)
    pids = in_training(process, here / "r")
    assert len(pids) == 2
    os.kill(pids[1], signal.SIGUSR1)
    outcome = process.outcome(900)
    isonet.assert_refused(outcome, "SIGUSR1", code=128 + signal.SIGUSR1)
    assert "--continue-from" in outcome.err
    assert isonet.state(here / "r") == "interrupted"
    assert_gone(pids)
    isonet.done("refine", "--continue-from", here / "r", devices=1, max_time="0.01s")


def test_a_killed_process_ends_the_run_in_one_line(here: Path, star: Path) -> None:
    process = isonet.Process(here / "err", "refine", star, devices=2, output_dir=here / "r", **LONG)
    pids = in_training(process, here / "r")
    os.kill(pids[1], signal.SIGKILL)
    isonet.assert_refused(process.outcome(900), "process 1 of 2", "SIGKILL", "--continue-from", code=1)
    assert_gone(pids)
    assert isonet.state(here / "r") == "failed"
    isonet.done("refine", "--continue-from", here / "r", devices=1, max_time="0.01s")


def test_all_die_with_the_process_that_started_them(here: Path, star: Path) -> None:
    process = isonet.Process(here / "err", "refine", star, devices=2, output_dir=here / "r", **LONG)
    process.wait_for(lambda: len(children(process)) == 2, seconds=900)
    pids = children(process)
    process.signal(signal.SIGKILL)
    assert_gone(pids)


def test_time_is_over_for_all_of_two_machines_under_torchrun(here: Path, star: Path, alone: Path) -> None:
    """Two agents of torchrun on one machine."""
    port = 29000 + os.getpid() % 1000
    words = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d"]
    words += [f"--rdzv-endpoint=127.0.0.1:{port}", "-m", "isonet", "refine", str(star)]
    words += isonet.flags(**TOGETHER, output_dir=here / "r", max_time="1h")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    agents = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    for agent in agents:
        _, err = agent.communicate(timeout=900)
        assert agent.returncode == 0, err
    assert_same_course(here / "r", alone)
    assert isonet.state(here / "r") == "finished"


def test_more_processes_than_cubes(here: Path, star: Path) -> None:
    isonet.assert_refused(isonet.call("refine", star, devices=3, **isonet.TINY), "--batch-size 2", "3 processes")


def test_machines_that_nobody_started(here: Path, star: Path) -> None:
    isonet.assert_refused(isonet.call("refine", star, num_nodes=2, **isonet.TINY), "--num-nodes 2", "torchrun")


def voxels(folder: Path) -> dict[str, bytes]:
    return {path.name: isonet.read(path).tobytes() for path in folder.glob("*.mrc")}


def written(*texts: str) -> list[str]:
    return [line.split()[1] for text in texts for line in text.splitlines() if line.endswith(": written")]


def test_commands_at_once_make_no_tomogram_twice(here: Path, star: Path, alone: Path) -> None:
    isonet.done("predict", star, alone, output_dir=here / "one", calibrate=False)
    commands = [
        isonet.Process(here / f"err{i}", "predict", star, alone, output_dir=here / "c", calibrate=False)
        for i in range(3)
    ]
    outcomes = [command.outcome() for command in commands]
    assert [outcome.code for outcome in outcomes] == [0, 0, 0], outcomes
    made = written(*(outcome.err for outcome in outcomes))
    assert len(made) == len(set(made)) == 3
    assert voxels(here / "c") == voxels(here / "one")
    assert len(written((here / "c" / "run.log").read_text().replace(" INFO", ""))) in (0, 3)
    assert isonet.state(here / "c") == "finished"
    assert not list((here / "c").glob(".*.mrc.lock"))
    rows = isonet.table(star)
    assert {(star.parent / row["rlnCorrectedTomoName"]).resolve().parent for row in rows} == {here / "c"}


def test_processes_share_what_is_to_be_corrected(here: Path, star: Path, alone: Path) -> None:
    isonet.done("predict", star, alone, output_dir=here / "one", calibrate=False)
    outcome = isonet.Process(
        here / "err", "predict", star, alone, output_dir=here / "c", devices=2, calibrate=False
    ).outcome(900)
    assert outcome.code == 0, outcome.err
    made = written(outcome.err)
    assert len(made) == len(set(made)) == 3
    assert voxels(here / "c") == voxels(here / "one")


def test_only_the_same_command_joins(here: Path, star: Path, alone: Path) -> None:
    with start_together(here / "c", "predict", PredictConfig(output_dir=here / "c", batch_size=2)):
        outcome = isonet.call("predict", star, alone, output_dir=here / "c")
        isonet.assert_refused(outcome, "c: another run", "other options")
        isonet.done("predict", star, alone, output_dir=here / "c", batch_size=2, tomo_idx=1)
        assert isonet.state(here / "c") == "running"
    with locked(here / "c"):
        isonet.assert_refused(isonet.call("predict", star, alone, output_dir=here / "c"), "c: another run")


def test_deconvolution_and_masks_are_shared(here: Path, star: Path) -> None:
    words = {"deconv": {"defocus": 20000}, "mask": {}}
    for command, options in words.items():
        commands = [isonet.Process(here / f"err{i}", command, star, output_dir=here / command, **options) for i in "ab"]
        assert [one.outcome().code for one in commands] == [0, 0]
        assert len(list((here / command).glob("*.mrc"))) == 3
        assert json.loads((here / command / "status.json").read_text())["state"] == "finished"
