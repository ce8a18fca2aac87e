"""The command that validates a result with the options of its training."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from isonet.config import PRESETS, RefineConfig, StepConfig, TrainingOptions, preset_options
from isonet.io.checkpoint import STARTER

_KEPT = set(TrainingOptions.model_fields) - {"max_time", "input_column", "pretrained_model"}
_METHOD_IN_ALL = "phase_flipped"
"""Option of all trainings whose method is said, and that begin with the starter where none is named."""
_DURATIONS = ("time_budget", "max_time")
_COLUMNS = ("full", "halves", "rlnDeconvTomoName")
"""Input columns that know nothing of what is withheld, or are made anew without it."""


def validate_words(table: Path, trained: Mapping[str, Any]) -> list[str]:
    """Write the command that validates with the options of a training, so that it measures what that does.

    Parameters
    ----------
    table : Path
        Table of the tomograms.
    trained : mapping
        Options of the training, as its run folder keeps them; none where it is not known.

    Returns
    -------
    list of str
        Words of the command. A model that the training began with is left out, as it may have seen what is withheld;
        the starter has not.
    """
    words = ["isonet", "validate", str(table)]
    if trained and _METHOD_IN_ALL not in trained and trained.get("pretrained_model") is None:
        words.append("--from-scratch")  # which trainings of older versions did without being told
    for name, value, _, by_preset in differing(RefineConfig, trained):
        kept = name in _KEPT or (name == "pretrained_model" and value == str(STARTER))
        kept = kept or (name == "input_column" and value in _COLUMNS)
        if kept and not by_preset and value is not None:
            words.append(option(name, value))
    return words


def differing(kind: type[StepConfig], options: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any, bool]]:
    """Iterate over options that differ from their defaults: name, value, default, and whether the preset set it.

    Raises
    ------
    ValidationError, TypeError
        If they are none of that kind, as where another version wrote them.
    """
    used, usual = kind(**options).model_dump(mode="json"), kind().model_dump(mode="json")
    preset = used.get("preset")
    by_preset = preset_options(preset) if preset in PRESETS else {}
    for name, value in used.items():
        if value != usual[name]:
            yield name, value, usual[name], name in by_preset and by_preset[name] == value


def option(name: str, value: Any) -> str:
    """Write an option as the command line takes it."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, list | tuple):
        text = ",".join(map(str, value))
    else:
        text = f"{value:.10g}" if isinstance(value, float) else str(value)
        text += "s" if name in _DURATIONS and value is not None else ""
    return f"--{name.replace('_', '-')}={text}"
