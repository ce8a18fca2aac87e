"""What a run folder tells while its run is at work: state, progress, numbers, previews."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from isonet.config import StepConfig
from isonet.gui.jobs.processes import Process
from isonet.running import run_record
from isonet.running.console import WORD, duration_text

_CLOCKS = 60.0  # seconds by which the clocks of a machine may differ
_TAIL = 1 << 16
_LARGEST = 1 << 24  # bytes of metrics that are drawn
_CURVES = "loss.png"
_ITERATIONS = "*/previews/iter*.png"
_TIME = re.compile(r"\d\d:\d\d:\d\d")


def run_folder(command: str, model: StepConfig, project: Path) -> Path | None:
    """Where a command records its run: its output folder; prepare and others without one record nothing."""
    continued = getattr(model, "continue_from", None)
    folder = continued if continued is not None else getattr(model, "output_dir", None)
    if folder is None or command in ("simulate", "reconstruct"):
        return None
    nested = {"run": "results", "demo": "results"}.get(command)
    return project / folder / nested if nested else project / folder


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    doing : str
        What it does.
    done, total : int
        Items of it.
    seconds_left : int or None
        As the run expects; None before it knows.
    """

    doing: str
    done: int
    total: int
    seconds_left: int | None

    @property
    def text(self) -> str:
        """One line."""
        left = "" if self.seconds_left is None else f", {duration_text(self.seconds_left)} left"
        return f"{self.doing}: {self.done} of {self.total}{left}"


def read_status(folder: Path, pid: int | None = None) -> Mapping[str, Any]:
    """Read `status.json`; empty if there is none, or if it is that of another process than `pid`."""
    status = run_record.read_status(folder)
    return {} if pid is not None and status.get("pid") != pid else status


def is_at_work(status: Mapping[str, Any]) -> bool:
    """Tell whether the run of a status is at work: its process is there, and no later one that got its number."""
    pid, updated = status.get("pid"), status.get("updated")
    if status.get("state") != "running" or not isinstance(pid, int) or not isinstance(updated, str):
        return False
    process = Process.of(pid)
    try:
        told = datetime.fromisoformat(updated).timestamp()
    except (ValueError, OverflowError):
        return False
    return process is not None and process.since <= told + _CLOCKS


def progress(status: Mapping[str, Any]) -> Progress | None:
    """Take the progress out of a status."""
    try:
        done, total, left = int(status["done"]), int(status["total"]), status.get("seconds_left")
        return Progress(str(status["doing"]), done, total, None if left is None else int(left)) if total > 0 else None
    except (KeyError, TypeError, ValueError):
        return None


def trainings(folder: Path) -> list[Path]:
    """The folder, and those in it where `validate` trains."""
    nested = ("withheld/results", "independent/a/results", "independent/b/results")
    return [folder, *(folder / name for name in nested if (folder / name).is_dir())]


def newest_status(folder: Path, pid: int) -> Mapping[str, Any]:
    """Status that a process wrote last, into the folder or where it trains in it; empty if there is none."""
    found = [status for each in trainings(folder) if (status := read_status(each, pid))]
    return max(found, key=lambda status: str(status.get("updated", "")), default={})


@dataclass(frozen=True)
class Curves:
    """Curves of a training.

    Attributes
    ----------
    axis : str
        What they are drawn over.
    lines : mapping
        From the name to points (x, value).
    """

    axis: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


def curves(folder: Path) -> Curves:
    """Curves of the `metrics.jsonl` that was written last: losses and wedge balance by iteration, or loss by step."""
    newest = max(trainings(folder), key=_last_metric)
    lines = run_record.read_metrics(newest) if _size(newest / run_record.METRICS_NAME) <= _LARGEST else []
    steps = [
        (float(line["step"]), float(line["loss"]))
        for line in lines
        if _is_number(line.get("step")) and _is_number(line.get("loss"))
    ]
    return Curves("step", {"training loss": steps}) if steps else Curves("iteration", _by_iteration(lines))


def _by_iteration(lines: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """Losses of the epochs spread over their iteration, and what was measured at the end of each."""
    found: dict[str, list[tuple[float, float]]] = {}
    epochs: dict[int, list[float]] = {}
    for line in lines:
        iteration = line.get("iteration")
        if not isinstance(iteration, int):
            continue
        if _is_number(line.get("loss")):
            epochs.setdefault(iteration, []).append(float(line["loss"]))
        for column, name in (("held_out_loss", "held-out loss"), ("wedge_balance", "power inside / outside the wedge")):
            if _is_number(line.get(column)):
                found.setdefault(name, []).append((iteration, float(line[column])))
    losses = [
        (iteration - 1 + (number + 1) / len(values), value)
        for iteration, values in sorted(epochs.items())
        for number, value in enumerate(values)
    ]
    return {**({"training loss": losses} if losses else {}), **found}


def _is_number(value: object) -> bool:
    """Tell whether a value of a JSON file is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _last_metric(folder: Path) -> float:
    return _changed(folder / run_record.METRICS_NAME)


def _size(path: Path) -> int:
    """Bytes of a file; 0 if it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _changed(path: Path) -> float:
    """Time of a file's last change; 0 if it is not there."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def previews(folder: Path) -> list[Path]:
    """Pictures of a run, the newest first; the curves, which are drawn live, are left out."""
    pictures = {path for each in trainings(folder) for pattern in ("*.png", "*/*.png") for path in each.glob(pattern)}
    found = [path for path in pictures if path.is_file() and path.name != _CURVES]
    return sorted(found, key=lambda path: (-_changed(path), path.name))


def latest_picture(project: Path) -> Path | None:
    """Picture of an iteration that was drawn last in the run folders of a project; None if there is none."""
    return max((path for path in project.glob(_ITERATIONS) if path.is_file()), key=_changed, default=None)


def tail(path: Path) -> str:
    """Last part of a text file, whole lines; empty if there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return text.partition("\n")[2] if size > _TAIL else text


def warnings_in(log: str) -> list[str]:
    """What a command warned of, from what it said."""
    found = (line.partition(f" {WORD}") for line in log.splitlines())
    return list(dict.fromkeys(text for before, word, text in found if word and _TIME.fullmatch(before)))
