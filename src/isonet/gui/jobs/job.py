"""One job: the command that was asked for, and how it stands."""

import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isonet.gui.jobs.processes import Process
from isonet.gui.jobs.run_folder import Progress, newest_status, progress, read_status

ENDED = ("finished", "stopped", "failed", "lost", "cancelled")
_TIME_OVER = "its time was over; what was finished is kept"
NOW = "now"
"""Device of jobs that wait for no other."""


@dataclass(frozen=True)
class Job:
    """One command and how it stands.

    Attributes
    ----------
    number : str
        Name of its files.
    words : tuple of str
        Command line after `isonet`.
    device : str
        Jobs of one device run one after another; those of `NOW` wait for none.
    run_folder : Path or None
        Where the command records its run.
    created : str
        When it was asked for.
    state : str
        `queued`, `running`, or one of `ENDED`.
    reason : str
        Why it ended, where it did not finish.
    report : mapping
        What the runner wrote.
    """

    number: str
    words: tuple[str, ...]
    device: str
    run_folder: Path | None
    created: str
    state: str
    reason: str
    report: Mapping[str, Any]

    @property
    def command(self) -> str:
        """The command as a user would type it."""
        return command_text(self.words)

    @property
    def process(self) -> Process | None:
        """The command's process, also after it has ended."""
        return Process.read(self.report.get("command"))

    @property
    def progress(self) -> Progress | None:
        """How far it is, while it runs."""
        if self.state != "running" or self.run_folder is None or self.process is None:
            return None
        return progress(newest_status(self.run_folder, self.process.pid))


def command_text(words: Sequence[str]) -> str:
    """Write a command line for a shell."""
    return shlex.join(["isonet", *words])


def state_of(
    order: Mapping[str, Any], claimed: bool, report: Mapping[str, Any], run_folder: Path | None
) -> tuple[str, str]:
    """Find how a job stands, and why.

    Parameters
    ----------
    order : mapping
        What was asked for.
    claimed : bool
        Whether a runner has taken it.
    report : mapping
        What the runner wrote.
    run_folder : Path or None
        Where the command records its run; it knows of an end that nobody saw.
    """
    if not claimed:
        return ("cancelled", "taken out of the queue") if order.get("cancelled") else ("queued", "")
    code = report.get("exit_code")
    if isinstance(code, int):
        if code == 0:
            return ("stopped", _TIME_OVER) if report.get("run_state") == "stopped" else ("finished", "")
        stopped = code in (-signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGINT)
        return ("stopped", "stopped; what was finished is kept") if stopped else ("failed", "")
    command, runner = (Process.read(report.get(name)) for name in ("command", "runner"))
    known = command or runner
    if known is None:
        return "lost", "its record is damaged; continue it"
    # A command that has ended still counts as running while its runner lives: it has yet to say how it ended.
    if any(each.is_alive() for each in (command, runner) if each is not None):
        return "running", ""
    return _end_unseen(read_status(run_folder, known.pid) if run_folder else {})


def _end_unseen(status: Mapping[str, Any]) -> tuple[str, str]:
    """Take from the run folder how a command ended whose runner was gone."""
    if status.get("state") == "finished":
        return "finished", ""
    if status.get("state") == "stopped":
        return "stopped", _TIME_OVER
    told = f", {status['reason']}" if status.get("reason") else ""
    return "lost", f"it ended with nobody watching, perhaps as the machine went down{told}; continue it"
