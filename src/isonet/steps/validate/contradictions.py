"""Inputs of a validation that contradict each other, or that cannot be read."""

import logging
from collections.abc import Sequence
from pathlib import Path

from isonet.config import ValidateConfig
from isonet.core.comparison.likeness import SAMPLES
from isonet.core.comparison.shift import NONE, shift_between
from isonet.errors import InputError
from isonet.io import checkpoint
from isonet.io.formats import open_volume
from isonet.models.record import refuse_having_seen
from isonet.project.table import HALF_COLUMNS, Tomogram
from isonet.steps.validate.withhold import kept_part
from isonet.volumes.half_likeness import likeness_of_halves
from isonet.volumes.pixel_size import pixel_size
from isonet.volumes.source import pooled_statistics

log = logging.getLogger("isonet")
_SAME = 0.01  # relative difference of pixel sizes that are one


def refuse_contradictions(chosen: Sequence[Tomogram], config: ValidateConfig) -> None:
    """Refuse inputs that cannot be read or compared."""
    for path in (*config.prediction, *([] if config.truth is None else [config.truth])):
        open_volume(path)
    if config.input_column not in ("auto", "full", "halves", "rlnDeconvTomoName", chosen[0].full_column):
        raise InputError(f"--input-column {config.input_column}: may know what is withheld; leave it out, or use full")
    for flag, given in (("--prediction", config.prediction), ("--truth", config.truth)):
        if given and len(chosen) > 1:
            raise InputError(f"{flag}: is of one tomogram, {chosen[0].table} has {len(chosen)}; choose by --tomo-idx")
    _refuse_several_sizes(chosen)
    if config.truth is not None:
        _look_at_truth(config.truth, chosen[0])
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


def _refuse_several_sizes(chosen: Sequence[Tomogram]) -> None:
    """Refuse tomograms of several pixel sizes, whose details of one size lie in different shells."""
    sizes = [pixel_size(one, open_volume(one.file(one.full_column))) for one in chosen]
    if max(sizes) > (1 + _SAME) * min(sizes):
        raise InputError(
            f"{chosen[0].table}: pixel sizes of {min(sizes):g} to {max(sizes):g} A, which cannot be compared together; "
            "choose tomograms of one by --tomo-idx"
        )


def _look_at_truth(path: Path, tomogram: Tomogram) -> None:
    """Refuse a truth that cannot be compared with its tomogram; warn where it does not lie or look as that does."""
    truth, measured = open_volume(path), open_volume(tomogram.file(tomogram.full_column))
    if truth.shape != measured.shape:
        theirs, own = (" x ".join(map(str, one.shape)) for one in (truth, measured))
        raise InputError(f"--truth {path}: {theirs} voxels, {measured.path} has {own}; give that of all of it")
    pooled_statistics([truth])  # refuses NaN
    likeness = likeness_of_halves(measured, truth)
    if likeness is None:
        return
    said = None
    shift = shift_between(measured, truth)
    if likeness <= -SAMPLES[0]:
        said = f"is light where {measured.path} is dark; invert one of them"
    elif shift != NONE:
        said = f"is shifted against {measured.path} by {', '.join(map(str, shift))} voxels along z, y, x; move it back"
    elif likeness <= SAMPLES[0]:
        said = f"has little in common with {measured.path}; look whether it is of this tomogram, and not mirrored"
    if said is not None:
        log.warning("--truth %s: %s (correlation %.2f at low resolution)", path, said, likeness)
