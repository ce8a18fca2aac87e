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
from at_work import LONG, wait_for

from isonet.errors import InputError
from isonet.gui.jobs import queue as jobs_module
from isonet.gui.jobs.forms import OFFERED
from isonet.gui.jobs.job import Job
from isonet.gui.jobs.processes import Process
from isonet.gui.jobs.queue import Jobs
from isonet.gui.jobs.run_folder import Curves, curves, newest_status, previews, progress, run_folder, tail


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
from isonet.gui.jobs.queue import Jobs
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


def ended(jobs: Jobs, words: list[str], folder: Path, **report: object) -> Job:
    """A job that has ended, as its runner would have written."""
    job = jobs.add(words, run_folder=folder)
    (jobs.folder / f"{job.number}.run.json").write_text(json.dumps({"exit_code": 0, **report}))
    return jobs.get(job.number)


def test_a_run_whose_time_was_over_is_stopped_and_not_finished(jobs: Jobs, tmp_path: Path) -> None:
    job = ended(jobs, ["refine", "tomograms.star", "--max-time=1min"], tmp_path / "results", run_state="stopped")
    assert (job.state, job.reason) == ("stopped", "its time was over; what was finished is kept")
    assert ended(jobs, ["mask", "tomograms.star"], tmp_path / "mask", run_state="finished").state == "finished"
    assert ended(jobs, ["prepare", "tomograms"], tmp_path / "nothing", run_state=None).state == "finished"


def test_the_runner_keeps_how_the_run_ended_when_another_takes_its_folder(jobs: Jobs, tmp_path: Path) -> None:
    """The command here is a stand-in that leaves what a run whose time was over leaves."""
    jobs.add(["refine"], run_folder=tmp_path / "results")
    script = f"""
from pathlib import Path
from isonet.running import runs
from isonet.config import RefineConfig
with runs.start(Path({str(tmp_path / "results")!r}), "refine", RefineConfig()) as run:
    run.stopped_early = True
"""
    (tmp_path / "stand_in.py").write_text(script)
    code = f"""
import sys
from pathlib import Path
from isonet.gui.jobs import runner
popen = runner.subprocess.Popen
runner.subprocess.Popen = lambda words, **more: popen([sys.executable, {str(tmp_path / "stand_in.py")!r}], **more)
raise SystemExit(runner.run(Path({str(jobs.folder)!r}), "0001"))
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    (tmp_path / "results/status.json").write_text(json.dumps({"pid": 1, "state": "running"}))  # of another run
    assert jobs.get("0001").state == "stopped"


@pytest.mark.parametrize("command", ["refine", "train-starter"])
@pytest.mark.parametrize("place", ["results", "a folder/run 1"])
def test_a_training_goes_on_in_its_folder(jobs: Jobs, tmp_path: Path, command: str, place: str) -> None:
    folder = tmp_path / place
    job = ended(jobs, [command, "a.star", f"--output-dir={place}", "--max-time=1min"], folder, run_state="stopped")
    assert jobs.continue_(job.number).words == job.words  # it has left nothing to go on with
    jobs.stop("0002")
    folder.mkdir(parents=True)
    (folder / "trainer.pt").touch()
    again = jobs.continue_(job.number)
    assert (again.words, again.run_folder) == ((command, f"--continue-from={place}"), folder)
    with pytest.raises(InputError, match="job 0003 is queued in"):
        jobs.continue_(job.number)
    jobs.stop(again.number)
    typed = OFFERED[command].model.model_validate({"continue_from": place})
    assert run_folder(command, typed, tmp_path) == folder
    assert jobs.continue_(again.number).words == again.words  # as often as it takes


def test_a_training_elsewhere_is_named_in_full_and_other_commands_are_given_again(jobs: Jobs, tmp_path: Path) -> None:
    outside = tmp_path.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "trainer.pt").touch()
    job = ended(jobs, ["refine", "a.star"], outside, exit_code=-signal.SIGTERM)
    assert jobs.continue_(job.number).words == ("refine", f"--continue-from={outside}")
    for words in (["validate", "a.star", "--max-time=1h"], ["run", "tomograms"], ["predict", "a.star", "m"]):
        assert jobs.continue_(ended(jobs, words, tmp_path / words[0], run_state="stopped").number).words == tuple(words)


def test_the_run_folder_tells_of_the_end_that_nobody_saw(jobs: Jobs, tmp_path: Path) -> None:
    job = jobs.add(["mask", "tomograms.star"], run_folder=tmp_path / "mask")
    (tmp_path / "mask").mkdir()
    gone = {"pid": 1, "started": 0, "boot": "before"}
    (jobs.folder / f"{job.number}.run.json").write_text(json.dumps({"command": gone}))
    status = tmp_path / "mask/status.json"
    status.write_text(json.dumps({"pid": 1, "state": "finished"}))
    assert jobs.get(job.number).state == "finished"
    status.write_text(json.dumps({"pid": 1, "state": "stopped"}))
    assert jobs.get(job.number).state == "stopped"
    status.write_text(json.dumps({"pid": 2, "state": "finished"}))  # of another run
    assert jobs.get(job.number).state == "lost"


def test_two_interfaces_do_not_run_a_job_twice(jobs: Jobs) -> None:
    job = jobs.add(["--version"])
    words = [sys.executable, "-m", "isonet.gui.jobs.runner", str(jobs.folder), job.number]
    runners = [subprocess.Popen(words) for _ in range(2)]
    assert [runner.wait() for runner in runners] == [0, 0]
    assert jobs.get(job.number).state == "finished"
    assert jobs.log(job.number).count("torch ") == 1


def test_metrics_larger_than_any_training_writes_are_not_drawn(tmp_path: Path) -> None:
    line = '{"step": 1, "loss": 2.0}\n'
    (tmp_path / "metrics.jsonl").write_text(line)
    assert curves(tmp_path).lines
    (tmp_path / "metrics.jsonl").write_text(line + " " * (1 << 24))
    assert not curves(tmp_path).lines


def test_curves_and_progress_are_read_while_they_are_written(tmp_path: Path) -> None:
    lines = [
        {"iteration": 1, "epoch": 1, "loss": 0.5},
        {"iteration": 1, "epoch": 2, "loss": 0.4},
        {"iteration": 1, "held_out_loss": 0.45, "wedge_balance": None},
        {"iteration": 2, "epoch": 1, "loss": 0.3},
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"iteration": 2, "los')
    found = curves(tmp_path)
    assert found.axis == "iteration"
    assert found.lines == {
        "training loss": [(0.5, 0.5), (1.0, 0.4), (2.0, 0.3)],
        "held-out loss": [(1, 0.45)],
    }
    shown = progress({"doing": "training", "done": 3, "total": 9, "seconds_left": 3661})
    assert shown is not None
    assert shown.text == "training: 3 of 9, 1:01:01 left"
    begun = progress({"doing": "training", "done": 0, "total": 9, "seconds_left": None})
    assert begun is not None
    assert begun.text == "training: 0 of 9"
    assert progress({"doing": "training", "done": "x", "total": 9}) is None
    assert progress({"state": "running"}) is None
    assert tail(tmp_path / "nothing") == ""


def test_a_starter_s_loss_is_drawn_by_step(tmp_path: Path) -> None:
    lines = [{"step": 50, "loss": 0.5, "seconds": 0.1}, {"step": 100, "loss": float("nan"), "seconds": 0.1}]
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert curves(tmp_path) == Curves("step", {"training loss": [(50.0, 0.5)]})


def test_a_validation_shows_the_training_in_it(tmp_path: Path) -> None:
    nested = tmp_path / "withheld/results"
    (nested / "previews").mkdir(parents=True)
    (nested / "metrics.jsonl").write_text(json.dumps({"iteration": 1, "epoch": 1, "loss": 0.5}))
    (nested / "previews/iter01.png").touch()
    (nested / "status.json").write_text(json.dumps({"pid": 7, "updated": "2", "doing": "training"}))
    (tmp_path / "status.json").write_text(json.dumps({"pid": 7, "updated": "1"}))
    assert curves(tmp_path).lines == {"training loss": [(1.0, 0.5)]}
    assert previews(tmp_path) == [nested / "previews/iter01.png"]
    assert newest_status(tmp_path, 7)["doing"] == "training"
    assert newest_status(tmp_path, 8) == {}


def test_pictures_are_the_newest_first_without_the_curves(tmp_path: Path) -> None:
    assert previews(tmp_path) == []
    (tmp_path / "previews").mkdir()
    for age, name in enumerate(("iter03", "iter02", "iter01", "loss")):
        (tmp_path / f"previews/{name}.png").touch()
        os.utime(tmp_path / f"previews/{name}.png", (1000 - age, 1000 - age))
    assert [path.stem for path in previews(tmp_path)] == ["iter03", "iter02", "iter01"]
