"""Inputs of a validation that contradict each other, or that cannot be read."""

from collections.abc import Sequence
from pathlib import Path

from isonet.config import ValidateConfig
from isonet.errors import InputError
from isonet.io import checkpoint
from isonet.io.formats import open_volume
from isonet.models.record import refuse_having_seen
from isonet.project.table import HALF_COLUMNS, Tomogram
from isonet.steps.validate.withhold import kept_part


def refuse_contradictions(chosen: Sequence[Tomogram], config: ValidateConfig) -> None:
    """Refuse inputs that cannot be read or compared."""
    for path in (*config.prediction, *([] if config.truth is None else [config.truth])):
        open_volume(path)
    if config.input_column not in ("auto", "full", "halves", "rlnDeconvTomoName", chosen[0].full_column):
        raise InputError(f"--input-column {config.input_column}: may know what is withheld; leave it out, or use full")
    for flag, given in (("--prediction", config.prediction), ("--truth", config.truth)):
        if given and len(chosen) > 1:
            raise InputError(f"{flag}: is of one tomogram, {chosen[0].table} has {len(chosen)}; choose by --tomo-idx")
    if len(config.prediction) == 2 and not chosen[0].has_halves:
        raise InputError(f"--prediction: two are given, but {chosen[0].table} has no halves; give one")
    for model in (config.model, None if config.from_scratch else config.pretrained_model):
        if model is not None:
            about = checkpoint.load_model(model)[1]
            for tomogram in chosen:
                kept = kept_part(tomogram, config.withhold)
                refuse_having_seen(model, about, [open_volume(path) for path in measured_files(tomogram)], kept)


def measured_files(tomogram: Tomogram) -> list[Path]:
    """All volumes of a tomogram that hold what is withheld."""
    columns = [tomogram.full_column, *HALF_COLUMNS, "rlnDeconvTomoName"]
    return [tomogram.file(column) for column in columns if tomogram.text(column) is not None]
