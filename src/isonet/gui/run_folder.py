"""What a run folder tells while its run is at work: state, progress, numbers, previews."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isonet import run_record
from isonet.console import duration_text

_TAIL = 1 << 16
_LARGEST = 1 << 24


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    doing : str
        What it does.
    done, total : int
        Items of it.
    seconds_left : int
        As the run expects.
    """

    doing: str
    done: int
    total: int
    seconds_left: int

    @property
    def text(self) -> str:
        """One line."""
        return f"{self.doing}: {self.done} of {self.total}, {duration_text(self.seconds_left)} left"


def read_status(folder: Path, pid: int | None = None) -> Mapping[str, Any]:
    """Read `status.json`; empty if there is none, or if it is that of another process than `pid`."""
    status = run_record.read_status(folder)
    return {} if pid is not None and status.get("pid") != pid else status


def progress(status: Mapping[str, Any]) -> Progress | None:
    """Take the progress out of a status."""
    try:
        numbers = (int(status["done"]), int(status["total"]), int(status.get("seconds_left", 0)))
        return Progress(str(status["doing"]), *numbers) if numbers[1] > 0 else None
    except (KeyError, TypeError, ValueError):
        return None


def curves(folder: Path) -> dict[str, list[tuple[float, float]]]:
    """Curves of `metrics.jsonl`: losses and wedge balance, as (iteration, value)."""
    found: dict[str, list[tuple[float, float]]] = {}
    epochs: dict[int, list[float]] = {}
    for line in run_record.read_metrics(folder):
        iteration = line.get("iteration")
        if not isinstance(iteration, int):
            continue
        if isinstance(line.get("loss"), int | float):
            epochs.setdefault(iteration, []).append(float(line["loss"]))
        for column, name in (("held_out_loss", "held-out loss"), ("wedge_balance", "power inside / outside the wedge")):
            if isinstance(line.get(column), int | float):
                found.setdefault(name, []).append((iteration, float(line[column])))
    losses = [
        (iteration - 1 + (number + 1) / len(values), value)
        for iteration, values in sorted(epochs.items())
        for number, value in enumerate(values)
    ]
    return {**({"training loss": losses} if losses else {}), **found}


def previews(folder: Path) -> list[Path]:
    """Pictures of a run, the newest first."""
    pictures = [*folder.glob("*.png"), *folder.glob("*/*.png")]
    return sorted((each for each in pictures if each.is_file()), key=lambda each: -each.stat().st_mtime)


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
