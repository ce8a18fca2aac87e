"""Jobs: commands of `isonet` that run detached from the interface, each recorded in files of the project folder.

`jobs/0001.json` says what was asked for, `0001.run.json` (written by the runner) which processes do it and how it
ended, `0001.err` and `0001.out` what it said. The state of a job is found from these files, from /proc and from the
run folder, so that it is true after the interface, the runner or the machine went down.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from isonet.errors import InputError
from isonet.gui.jobs.job import ENDED, NOW, Job, command_text, state_of
from isonet.gui.jobs.run_folder import tail
from isonet.io import files

FOLDER = "jobs"
_CONTINUED = ("refine", "train-starter")
_STATE = "trainer.pt"  # in the folder of a training that can go on
_STARTING = 10.0  # seconds within which a runner takes its job


class Jobs:
    """The jobs of one project folder."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.folder = project / FOLDER

    def all(self) -> list[Job]:
        """Every job, the oldest first."""
        orders = sorted(self.folder.glob("[0-9][0-9][0-9][0-9].json"))
        return [job for path in orders if (job := self._read(path)) is not None]

    def get(self, number: str) -> Job:
        """Return one job.

        Raises
        ------
        InputError
            If there is none.
        """
        for job in self.all():
            if job.number == number:
                return job
        raise InputError(f"no job {number}; choose one of the list")

    def add(self, words: Sequence[str], device: str = "auto", run_folder: Path | None = None) -> Job:
        """Write down a new job, which :meth:`start_waiting` will start.

        Raises
        ------
        RunError
            If the project folder cannot be written to.
        """
        with files.locked(self.folder / ".lock", wait=True):
            taken = [int(path.stem) for path in self.folder.glob("[0-9][0-9][0-9][0-9].json")]
            number = f"{max(taken, default=0) + 1:04d}"
            order = {
                "words": list(words),
                "command": command_text(words),
                "cwd": str(self.project),
                "device": device,
                "run_folder": None if run_folder is None else str(run_folder),
                "created": datetime.now().astimezone().isoformat(timespec="seconds"),
            }
            files.write_json(self.folder / f"{number}.json", order)
        return self.get(number)

    def start_waiting(self) -> list[str]:
        """Start the first queued job of every device that is free; return their numbers."""
        if not self.folder.is_dir():
            return []
        started = []
        try:
            with files.locked(self.folder / ".lock", wait=False):
                jobs = self.all()
                busy = {job.device for job in jobs if job.state == "running"}
                for job in jobs:
                    if job.state == "queued" and (job.device == NOW or job.device not in busy):
                        busy.add(job.device)
                        self._launch(job)
                        started.append(job.number)
        except BlockingIOError:
            return []  # another interface is doing the same
        return started

    def _launch(self, job: Job) -> None:
        """Start a job's runner and wait until it has taken the job."""
        words = [sys.executable, "-m", "isonet.gui.jobs.runner", str(self.folder), job.number]
        runner = subprocess.Popen(
            words,
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _RUNNERS.append(runner)
        end = time.monotonic() + _STARTING
        while not self._path(job.number, "run.json").exists() and runner.poll() is None and time.monotonic() < end:
            time.sleep(0.01)

    def stop(self, number: str) -> None:
        """Ask a job to end in good order, or take it out of the queue; asked again, it ends at once."""
        job = self.get(number)
        if job.state == "queued":
            path = self._path(number, "json")
            files.write_json(path, {**json.loads(path.read_text(encoding="utf-8")), "cancelled": True})
        elif job.state == "running" and job.process is not None:
            job.process.signal(signal.SIGTERM)

    def continue_(self, number: str) -> Job:
        """Add a job that goes on where one ended, with the words of :func:`going_on`.

        Raises
        ------
        InputError
            If the job has not ended, or another one is at work in its run folder.
        """
        job = self.get(number)
        if job.state not in ENDED:
            raise InputError(f"job {number} is {job.state}; stop it first")
        for other in self.all():
            if job.run_folder is not None and other.run_folder == job.run_folder and other.state not in ENDED:
                raise InputError(f"job {other.number} is {other.state} in {job.run_folder}; wait for it")
        return self.add(going_on(job, self.project), job.device, job.run_folder)

    def log(self, number: str) -> str:
        """What a job said last on standard error and standard output."""
        return tail(self._path(number, "err")) + tail(self._path(number, "out"))

    def last_line(self, number: str) -> str:
        """Last line on standard error that says something."""
        lines = [line for line in tail(self._path(number, "err")).splitlines() if line.strip()]
        return lines[-1] if lines else ""

    def _path(self, number: str, ending: str) -> Path:
        return self.folder / f"{number}.{ending}"

    def _read(self, path: Path) -> Job | None:
        """Read a job's files; None if they are not ours."""
        order = _load(path)
        words = order.get("words")
        if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
            return None
        number = path.stem
        place = order.get("run_folder")
        run_folder = Path(place) if isinstance(place, str) else None
        claimed = self._path(number, "run.json").exists()
        report = _load(self._path(number, "run.json"))
        state, reason = state_of(order, claimed, report, run_folder)
        if state == "lost":  # unless its runner wrote how it ended just after it was read
            report = _load(self._path(number, "run.json"))
            state, reason = state_of(order, claimed, report, run_folder)
        if state == "failed":
            reason = f"exit code {report.get('exit_code')}: {self.last_line(number) or 'it said nothing'}"
        device, created = str(order.get("device", "auto")), str(order.get("created", ""))
        return Job(number, tuple(words), device, run_folder, created, state, reason, report)


_RUNNERS: list[subprocess.Popen[bytes]] = []
"""Runners started here, kept so that they are waited for when they end."""


def reap() -> None:
    """Take note of runners that have ended, so that they do not stay as zombies."""
    _RUNNERS[:] = [runner for runner in _RUNNERS if runner.poll() is None]


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def going_on(job: Job, project: Path) -> tuple[str, ...]:
    """Words of the command that goes on where a job ended.

    Trainings that left their state behind go on in their folder with `--continue-from`; other commands are given
    again, and keep what they have finished.
    """
    folder = job.run_folder
    if job.words[0] not in _CONTINUED or folder is None or not (folder / _STATE).is_file():
        return job.words
    place = folder.relative_to(project) if folder.is_relative_to(project) else folder
    return (job.words[0], f"--continue-from={place}")
