"""What the steps were asked: options that differ from the defaults, and the commands to repeat them."""

import importlib.metadata
import json
import platform
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from isonet import __version__
from isonet.config import (
    DeconvConfig,
    ExtractConfig,
    MaskConfig,
    PredictConfig,
    RefineConfig,
    RunConfig,
    StepConfig,
    ValidateConfig,
)
from isonet.steps.report.sources import STEPS, RunFolder
from isonet.validation.command import differing, option, validate_words

Numbers = dict[str, Any]
_KINDS: Mapping[str, type[StepConfig]] = {
    "run": RunConfig,
    "deconv": DeconvConfig,
    "mask": MaskConfig,
    "extract": ExtractConfig,
    "refine": RefineConfig,
    "predict": PredictConfig,
    "validate": ValidateConfig,
}
_LIBRARIES = ("torch", "numpy", "scipy", "mrcfile", "starfile", "matplotlib", "pydantic")
_NOT_REPEATED = ("continue_from", "overwrite")


def settings(run: RunFolder) -> list[Numbers]:
    """Options of a step that differ from its defaults: name, value, default and whether the preset set it."""
    kind = _KINDS[run.command]
    explained = {name: field.description or "" for name, field in kind.model_fields.items()}
    try:
        return [
            _setting(name, value, usual, explained[name], by_preset)
            for name, value, usual, by_preset in differing(kind, run.options)
        ]
    except (ValidationError, TypeError):  # written by another version
        return [_setting(name, value, None, "") for name, value in run.options.items()]


def _setting(name: str, value: Any, usual: Any, explained: str, by_preset: bool = False) -> Numbers:
    return {"option": name, "value": value, "default": usual, "meaning": explained, "by_preset": by_preset}


def command_line(run: RunFolder) -> str:
    """Write the command that repeats a step, with all options that are not its defaults or its preset's."""
    words = ["isonet", run.command, *map(str, run.status.get("inputs", []))]
    for one in settings(run):
        if not one["by_preset"] and one["option"] not in _NOT_REPEATED and one["value"] is not None:
            words.append(option(one["option"], one["value"]))
    return shlex.join(words)


def validate_command(trained: RunFolder | None, table: Path) -> str:
    """Write the command that validates with the options of a training."""
    try:
        words = validate_words(table, {} if trained is None else trained.options)
    except (ValidationError, TypeError):  # written by another version
        words = validate_words(table, {})
    return shlex.join(words)


def commands(runs: Mapping[str, RunFolder]) -> list[Numbers]:
    """Commands to repeat what was done, in order; the steps that `run` called are left to it."""
    whole = runs.get("run")
    listed = []
    for name in STEPS:
        one = runs.get(name)
        if (
            one is None
            or "inputs" not in one.status
            or (whole is not None and one is not whole and _is_below(one, whole))
        ):
            continue
        listed.append({"folder": str(one.status.get("working_folder", "")), "command": command_line(one)})
    return listed


def _is_below(one: RunFolder, whole: RunFolder) -> bool:
    return one.command != "validate" and one.folder.resolve().is_relative_to(whole.folder.resolve())


def versions(runs: Mapping[str, RunFolder]) -> Numbers:
    """Versions of the program, of what it stands on, and of the program that made each result."""
    return {
        "isonet": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _LIBRARIES},
        "made_with": {name: str(runs[name].status["version"]) for name in STEPS if _tells_version(runs.get(name))},
    }


def _tells_version(run: RunFolder | None) -> bool:
    return run is not None and "version" in run.status


def shown(value: Any) -> str:
    """Write a value of an option for people."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "automatic"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.10g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)
