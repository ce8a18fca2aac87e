"""Presets: options of refine that suit a kind of sample, in small YAML files that come with the program."""

from importlib.resources import files
from typing import Any, Literal, get_args

import yaml

Preset = Literal["purified", "cellular", "phase-plate", "plastic", "paper"]
PRESETS: tuple[Preset, ...] = get_args(Preset)


def preset_options(name: Preset) -> dict[str, Any]:
    """Return the options of a preset: those of `refine` that it sets otherwise than their defaults."""
    options: dict[str, Any] = yaml.safe_load(files("isonet").joinpath(f"presets/{name}.yaml").read_text("utf-8"))
    return options
