"""Processes of this machine, known by their number and the time they started, so that none is taken for another."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START_FIELD = 19  # of /proc/PID/stat, counted after the name in brackets


@dataclass(frozen=True)
class Process:
    """A process as it was once seen.

    Attributes
    ----------
    pid : int
        Its number.
    started : int
        Clock ticks between the start of the machine and its own.
    boot : str
        Identifier of the machine's start.
    """

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """Look at a process; None if there is none, or it has ended and nobody has asked for its exit code."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return None
        return None if fields[0] in ("Z", "X") else cls(pid, int(fields[_START_FIELD]), boot)

    @classmethod
    def read(cls, record: Any) -> "Process | None":
        """Take a process from a record that :meth:`record` made."""
        try:
            return cls(int(record["pid"]), int(record["started"]), str(record["boot"]))
        except (TypeError, KeyError, ValueError):
            return None

    def record(self) -> dict[str, object]:
        """Return what identifies it, for a JSON file."""
        return {"pid": self.pid, "started": self.started, "boot": self.boot}

    @property
    def since(self) -> float:
        """When it started, in seconds since 1970; 0 where the system does not say when it was started itself."""
        try:
            lines = Path("/proc/stat").read_text().splitlines()
        except OSError:
            return 0.0
        boot = next((int(line.split()[1]) for line in lines if line.startswith("btime ")), 0)
        return boot + self.started / os.sysconf("SC_CLK_TCK") if boot else 0.0

    def is_alive(self) -> bool:
        """Tell whether this very process is still at work."""
        return Process.of(self.pid) == self

    def signal(self, number: int) -> bool:
        """Send a signal, if the process is still there."""
        if not self.is_alive():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True
