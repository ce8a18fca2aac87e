"""Presets as `refine` and `run` take them: the YAML files beside this module."""

from importlib.resources import files
from typing import Any, Literal, get_args

import yaml

Preset = Literal["purified", "cellular", "phase-plate", "plastic", "paper"]
PRESETS: tuple[Preset, ...] = get_args(Preset)


PREPARING = ("deconv", "mask")
"""Steps before the training that a preset may leave out (false) or set options of; only `run` asks."""


def preset_options(name: Preset) -> dict[str, Any]:
    """Return the options of a preset: those of `refine` that it sets otherwise than their defaults."""
    return {option: value for option, value in _read(name).items() if option not in PREPARING}


def preset_step(name: Preset | None, step: Literal["deconv", "mask"]) -> dict[str, Any] | None:
    """Return the options that a preset sets of a step before the training; None where it leaves the step out."""
    asked = {} if name is None else _read(name).get(step, {})
    return None if asked is False else dict(asked)


def _read(name: Preset) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(files("isonet").joinpath(f"presets/{name}.yaml").read_text("utf-8"))
    return content
