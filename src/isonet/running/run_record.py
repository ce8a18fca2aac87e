"""What the files of a run folder remember: its numbers, how long runs took, and how much memory."""

import fcntl
import json
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STATUS_NAME, LOCK_NAME = "status.json", ".lock"
METRICS_NAME = "metrics.jsonl"
REPORT_MARK = '<meta name="generator" content="isonet'
"""What the head of a report holds, by which it is known."""
_REMEMBERED = 100  # earlier runs in a folder


def read_status(folder: Path) -> Mapping[str, Any]:
    """Read `status.json` of a run folder; empty where there is none that can be read."""
    try:
        status = json.loads((folder / STATUS_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return status if isinstance(status, dict) else {}


def standing(folder: Path) -> Mapping[str, Any]:
    """Read `status.json` of a run folder; its state is `killed` where it says running and nobody holds the lock."""
    status = read_status(folder)
    gone = status.get("state") == "running" and not _is_held(folder / LOCK_NAME)
    return {**status, "state": "killed"} if gone else status


def _is_held(lock: Path) -> bool:
    """Tell whether a process holds a lock file; where a file system has no locks, whether who signed it is there."""
    try:
        with lock.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError) as error:
        return isinstance(error, BlockingIOError)
    except OSError:
        return _signer_is_there(lock)
    return False


def _signer_is_there(lock: Path) -> bool:
    """Tell whether the process that signed a lock file is there; of another machine it is thought to be."""
    try:
        signed = re.match(r"process (\d+) on (\S+),", lock.read_text(encoding="utf-8"))
        if signed is not None and signed[2] == socket.gethostname():
            os.kill(int(signed[1]), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except (OSError, ValueError):  # it is another user's
        return True
    return signed is not None


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Read the lines of `metrics.jsonl` of a run folder, but for one that a crash cut off; none without such a file."""
    try:
        lines = (folder / METRICS_NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line for line in map(_parsed, lines) if isinstance(line, dict)]


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def earlier_runs(folder: Path, command: str) -> list[dict[str, Any]]:
    """What the runs of a command in a folder took so far; those that were killed, as far as they told."""
    last = read_status(folder)
    earlier = last.get("earlier", [])
    if last.get("command") != command or not isinstance(earlier, list):
        return []
    told = {name: last[name] for name in ("started", "seconds", "peak_memory", "state") if name in last}
    if told.get("state") == "running":
        told["state"] = "killed"
    return [*earlier, told][-_REMEMBERED:]


def peak_memory() -> int | None:
    """Most bytes this process has had in memory so far; None where the system does not say."""
    return _memory("VmHWM")


def resident() -> int | None:
    """Bytes this process has in memory now; None where the system does not say."""
    return _memory("VmRSS")


def _memory(name: str) -> int | None:
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith(name)), None)
