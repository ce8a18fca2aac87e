"""Runs the command of one job in a session of its own and writes down how it ends.

`python -m isonet.gui.jobs.runner JOBS_FOLDER NUMBER`. The interface may be closed or killed meanwhile.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from isonet.gui.jobs.processes import Process
from isonet.gui.jobs.run_folder import read_status
from isonet.io.files import write_json

_NOT_STARTED = 126


def run(folder: Path, number: str) -> int:
    """Run a job unless somebody else has taken it; return the exit code of its command, -n after signal n."""
    order = json.loads((folder / f"{number}.json").read_text(encoding="utf-8"))
    report = folder / f"{number}.run.json"
    record: dict[str, object] = {"begun": _now(), "runner": _identity(os.getpid())}
    try:
        with report.open("x", encoding="utf-8") as file:  # takes the job
            file.write(json.dumps(record))
    except FileExistsError:
        return 0
    words = [sys.executable, "-m", "isonet", *order["words"]]
    with (folder / f"{number}.err").open("wb") as err, (folder / f"{number}.out").open("wb") as out:
        try:
            command = subprocess.Popen(words, cwd=order["cwd"], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        except (OSError, ValueError) as error:  # values that no command line can hold, or the folder is gone
            err.write(f"isonet: cannot be started ({' '.join(str(error).split())[:200]})\n".encode())
            write_json(report, {**record, "exit_code": _NOT_STARTED, "ended": _now()})
            return _NOT_STARTED
    record["command"] = _identity(command.pid)
    write_json(report, record)
    code = command.wait()
    write_json(report, {**record, "exit_code": code, "ended": _now(), "run_state": _run_state(order, command.pid)})
    return code


def _run_state(order: Mapping[str, Any], pid: int) -> object:
    """How the command's run ended by its own account, before another run in the folder replaces that."""
    folder = order.get("run_folder")
    return read_status(Path(folder), pid).get("state") if isinstance(folder, str) else None


def _identity(pid: int) -> dict[str, object] | None:
    seen = Process.of(pid)
    return None if seen is None else seen.record()


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


if __name__ == "__main__":
    for each in (signal.SIGHUP, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)  # they are for the interface; the command decides for itself
    run(Path(sys.argv[1]), sys.argv[2])
