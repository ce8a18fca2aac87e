"""Trained models that a project has, with when they were trained and how well."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from isonet.io.text import counted
from isonet.running import run_record

STARTER = "starter"
"""What the model that comes with the program is called where a model is asked for."""
STARTER_TEXT = "starter: comes with the program, a preview in minutes without training"
_LARGEST = 1 << 24  # bytes of a file that numbers are read from


@dataclass(frozen=True)
class Trained:
    """A model that a run left.

    Attributes
    ----------
    path : Path
        Its file.
    text : str
        Its folder, when it was written, and how well it did, in a line.
    """

    path: Path
    text: str


def find(project: Path) -> list[Trained]:
    """Models in the run folders of a project, the newest first."""
    found = [path for path in project.glob("*/model.safetensors") if path.is_file()]
    ages = {path: path.stat().st_mtime for path in found}
    return [Trained(path, _text(path, ages[path])) for path in sorted(found, key=lambda path: -ages[path])]


def _text(path: Path, age: float) -> str:
    written = datetime.fromtimestamp(age).strftime("%d %b %Y, %H:%M")
    return ", ".join([f"{path.parent.name}: {written}", *_score(path.parent)])


def _score(folder: Path) -> list[str]:
    """What the numbers of a run say of its model."""
    lines = run_record.read_metrics(folder) if _size(folder / run_record.METRICS_NAME) <= _LARGEST else []
    told = []
    ended = [line for line in lines if isinstance(line.get("iteration"), int) and "wedge_balance" in line]
    if ended:
        told.append(counted(ended[-1]["iteration"], "iteration"))
        told += [f"held-out loss {loss:.3g}" for loss in [_number(ended[-1], "held_out_loss")] if loss is not None]
        balance = _number(ended[-1], "wedge_balance")
        told += [f"fills the wedge to {100 * balance:.0f} %"] if balance is not None else []
    withheld = _read(folder / "validation.json").get("withheld")
    resolution = _number(withheld, "resolution_0143") if isinstance(withheld, Mapping) else None
    return told + ([] if resolution is None else [f"validated to {resolution:.3g} Å"])


def _number(line: Mapping[str, Any], name: str) -> float | None:
    """A finite number of a record, if it is one."""
    value = line.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None  # type: ignore[arg-type]  # is a number


def _read(path: Path) -> Mapping[str, Any]:
    if not 0 < _size(path) <= _LARGEST:
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
