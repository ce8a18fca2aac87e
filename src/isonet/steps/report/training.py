"""The training in numbers: what was trained, on what, and how its losses went."""

import math
from collections.abc import Sequence
from typing import Any

from isonet.errors import InputError
from isonet.models.folder import IMAGINED, MODEL_NAME
from isonet.models.trained import Model, read_model
from isonet.running.run_record import read_metrics
from isonet.running.runs import PREVIEWS
from isonet.steps.report.sources import RunFolder

Numbers = dict[str, Any]
_OF_OPTIONS = ("tailored", "recorrupted")
"""Methods that the options of a training name, not its model, which says how pairs were made."""


def trained_model(run: RunFolder | None) -> Model | None:
    """Read the model of a training; None where there is none that can be read."""
    if run is None or not (run.folder / MODEL_NAME).is_file():
        return None
    try:
        return read_model(run.folder / MODEL_NAME)
    except InputError:
        return None


def input_column(model: Model | None) -> str:
    """Column of the table that a model was trained on; empty where there is none."""
    return "" if model is None else str(model.about.get("input_column", ""))


def describe_training(run: RunFolder, model: Model | None) -> Numbers:
    """Say what was trained and how the losses went, iteration by iteration."""
    lines = [line for line in read_metrics(run.folder) if isinstance(line.get("iteration"), int)]
    losses = [[line["iteration"], line["epoch"], _finite(line["loss"])] for line in lines if "loss" in line]
    ended = [line for line in lines if "wedge_balance" in line]
    about = {} if model is None else dict(model.about)
    asked = run.options.get("method")
    pictures = [run.folder / PREVIEWS / name for name in IMAGINED]
    return {
        "folder": str(run.folder),
        "model": str(run.folder / MODEL_NAME) if model else None,
        "identity": model.identity if model else None,
        "method": asked if asked in _OF_OPTIONS else about.get("method", asked),
        "input_column": about.get("input_column"),
        "imagined": [str(path) for path in pictures if path.is_file()] if asked == "tailored" else [],
        "parameters": sum(one.numel() for one in model.network.parameters()) if model else None,
        "iterations": max((line["iteration"] for line in ended), default=0),
        "state": run.status.get("state"),
        "steps": _steps(lines),
        "loss": losses,
        "held_out": [
            [one["iteration"], _finite(one["held_out_loss"])] for one in ended if one.get("held_out_loss") is not None
        ],
        "wedge_balance": [
            [one["iteration"], one["wedge_balance"]] for one in ended if one["wedge_balance"] is not None
        ],
        "first_loss": losses[0][2] if losses else None,
        "last_loss": losses[-1][2] if losses else None,
        "noise_changes": [start for start in run.options.get("noise_start_iter", []) if start > 1]
        if about.get("method") == "isonet"
        else [],
    }


def _steps(lines: Sequence[Numbers]) -> int | None:
    """Steps of all epochs; None where a run does not say."""
    known = [line.get("steps") for line in lines if "loss" in line]
    steps = [int(count) for count in known if count is not None]
    return sum(steps) if len(steps) == len(known) else None


def _finite(value: float) -> float | None:
    """Return a number for JSON; None where training diverged."""
    return value if math.isfinite(value) else None
