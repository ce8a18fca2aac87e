"""Jobs: exactly the command shown, detached, and their true state whatever went down meanwhile."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from at_work import wait_for

from isonet.errors import InputError
from isonet.gui import jobs as jobs_module
from isonet.gui.job import Job
from isonet.gui.jobs import Jobs
from isonet.gui.processes import Process
from isonet.gui.run_folder import curves, progress, tail

LONG = ["check", "--seconds=60", "--device=cpu"]


def is_at_work(job: Job) -> bool:
    return job.state == "running" and job.process is not None


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(tmp_path)
    yield made
    for job in made.all():
        if job.process is not None:
            job.process.signal(signal.SIGKILL)
    wait_for(lambda: not any(job.state == "running" for job in made.all()))
    wait_for(lambda: jobs_module.reap() is None and not jobs_module._RUNNERS)


def test_a_failing_job_tells_its_exit_code_and_its_last_line(jobs: Jobs) -> None:
    job = jobs.add(["prepare", "no such folder"])
    assert (job.state, job.command) == ("queued", "isonet prepare 'no such folder'")
    assert jobs.start_waiting() == [job.number]
    wait_for(lambda: jobs.get(job.number).state != "running")
    ended = jobs.get(job.number)
    assert ended.state == "failed"
    assert ended.reason.startswith("exit code 2: isonet: no such folder")
    assert "Traceback" not in jobs.log(job.number)


def test_jobs_of_a_device_wait_and_stop_and_survive_the_interface(jobs: Jobs) -> None:
    first, second, third = jobs.add(LONG), jobs.add(LONG), jobs.add(["--version"], device="cuda:1")
    assert jobs.start_waiting() == [first.number, third.number]
    assert jobs.start_waiting() == []
    wait_for(lambda: is_at_work(jobs.get(first.number)))
    process = jobs.get(first.number).process
    assert process is not None
    told = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")[1:-1]
    assert told == [b"-m", b"isonet", *(word.encode() for word in LONG)]
    assert os.getsid(process.pid) != os.getsid(0)  # a hang-up of the interface's terminal does not reach it
    assert Jobs(jobs.project).get(first.number).state == "running"  # as an interface started anew finds it

    jobs.stop(second.number)
    assert jobs.get(second.number).state == "cancelled"
    jobs.stop(first.number)
    wait_for(lambda: jobs.get(first.number).state == "stopped")
    wait_for(lambda: jobs.get(third.number).state == "finished")
    again = jobs.continue_(first.number)
    assert again.words == first.words
    with pytest.raises(InputError, match="stop it first"):
        jobs.continue_(again.number)


def test_a_job_runs_on_when_the_interface_is_killed(jobs: Jobs) -> None:
    job = jobs.add(LONG)
    script = f"""
import time
from pathlib import Path
from isonet.gui.jobs import Jobs
Jobs(Path({str(jobs.project)!r})).start_waiting()
time.sleep(60)
"""
    interface = subprocess.Popen([sys.executable, "-c", script])
    wait_for(lambda: is_at_work(jobs.get(job.number)))
    interface.kill()
    interface.wait()
    time.sleep(0.2)
    assert jobs.get(job.number).state == "running"


def test_a_reboot_or_a_reused_number_is_no_running_job(jobs: Jobs, tmp_path: Path) -> None:
    job = jobs.add(["refine", "tomograms.star", "--output-dir=results"], run_folder=tmp_path / "results")
    mine = Process.of(os.getpid())
    assert mine is not None
    report = jobs.folder / f"{job.number}.run.json"
    for other in (
        {**mine.record(), "boot": "before"},
        {**mine.record(), "started": mine.started - 1},
    ):
        report.write_text(json.dumps({"command": other}))
        assert jobs.get(job.number).state == "lost"
    report.write_text(json.dumps({"command": mine.record()}))
    assert jobs.get(job.number).state == "running"
    report.write_text(json.dumps({"command": {**mine.record(), "boot": "before"}, "runner": mine.record()}))
    assert jobs.get(job.number).state == "running"  # its runner has yet to say how it ended
    report.write_text("{")  # the disk was full
    assert jobs.get(job.number).state == "lost"

    (tmp_path / "results").mkdir()
    (tmp_path / "results/trainer.pt").touch()
    assert jobs.continue_(job.number).words == ("refine", "--continue-from=results")


def test_the_run_folder_tells_of_the_end_that_nobody_saw(jobs: Jobs, tmp_path: Path) -> None:
    job = jobs.add(["mask", "tomograms.star"], run_folder=tmp_path / "mask")
    (tmp_path / "mask").mkdir()
    gone = {"pid": 1, "started": 0, "boot": "before"}
    (jobs.folder / f"{job.number}.run.json").write_text(json.dumps({"command": gone}))
    status = tmp_path / "mask/status.json"
    status.write_text(json.dumps({"pid": 1, "state": "finished"}))
    assert jobs.get(job.number).state == "finished"
    status.write_text(json.dumps({"pid": 2, "state": "finished"}))  # of another run
    assert jobs.get(job.number).state == "lost"


def test_two_interfaces_do_not_run_a_job_twice(jobs: Jobs) -> None:
    job = jobs.add(["--version"])
    words = [sys.executable, "-m", "isonet.gui.runner", str(jobs.folder), job.number]
    runners = [subprocess.Popen(words) for _ in range(2)]
    assert [runner.wait() for runner in runners] == [0, 0]
    assert jobs.get(job.number).state == "finished"
    assert jobs.log(job.number).count("\n") == 1


def test_curves_and_progress_are_read_while_they_are_written(tmp_path: Path) -> None:
    lines = [
        {"iteration": 1, "epoch": 1, "loss": 0.5},
        {"iteration": 1, "epoch": 2, "loss": 0.4},
        {"iteration": 1, "held_out_loss": 0.45, "wedge_balance": None},
        {"iteration": 2, "epoch": 1, "loss": 0.3},
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"iteration": 2, "los')
    assert curves(tmp_path) == {
        "training loss": [(0.5, 0.5), (1.0, 0.4), (2.0, 0.3)],
        "held-out loss": [(1, 0.45)],
    }
    shown = progress({"doing": "training", "done": 3, "total": 9, "seconds_left": 3661})
    assert shown is not None
    assert shown.text == "training: 3 of 9, 1:01:01 left"
    assert progress({"doing": "training", "done": "x", "total": 9}) is None
    assert tail(tmp_path / "nothing") == ""
