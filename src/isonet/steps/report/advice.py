"""Warnings of a report, each with its remedy: what the numbers say that their reader should not have to find."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from isonet.core.comparison.balance import EMPTY
from isonet.errors import InputError
from isonet.io.checkpoint import STARTER
from isonet.io.formats import open_volume
from isonet.io.options import read_options
from isonet.io.storage.version import stamp
from isonet.io.volume import fingerprint
from isonet.io.volume_files import COMPRESSED
from isonet.models.trained import PREVIEW_LABEL, Model
from isonet.project.older_tilts import tilts_of_older_version
from isonet.project.table import HALF_COLUMNS, Tomogram
from isonet.running.runs import CONFIG_NAME
from isonet.steps.report.commands import validate_command
from isonet.steps.report.data import CORRECTED, DECONVOLVED, existing
from isonet.steps.report.sources import RunFolder, Sources
from isonet.volumes.products import labels_of

Numbers = Mapping[str, Any]
Warning_ = dict[str, str]
_RISES = 1.1  # times its best that a held-out loss may end at
_FEWEST_STEPS = 100  # of a training, before which its losses tell little
_FEW = 0.05
_CONTROL = 0.1


def find_warnings(numbers: Numbers, sources: Sources, model: Model | None) -> list[Warning_]:
    """Say what is wrong or doubtful, and what to do."""
    return [
        _warning(about, what, remedy)
        for about, what, remedy in (
            *_of_the_training(numbers["training"]),
            *_of_the_data(numbers["data"], sources, model),
            *_of_the_prediction(sources, model),
            *_of_the_results(numbers["tomograms"], _filled_by_the_network(numbers["training"], sources)),
            *_not_validated(numbers, sources),
            *_of_the_validation(numbers["validation"], sources),
        )
    ]


def _warning(about: str, what: str, remedy: str) -> Warning_:
    return {"about": about, "what": what, "remedy": remedy}


Found = Iterator[tuple[str, str, str]]


def _of_the_training(training: Numbers | None) -> Found:
    if training is None:
        return
    if training["state"] in ("failed", "interrupted", "stopped", "killed"):
        go_on = f"go on with: isonet refine --continue-from {training['folder']}"
        yield "training", f"the training has not ended: it is {training['state']}", go_on
    if training["iterations"] == 0:
        return
    too_short = training["steps"] is not None and training["steps"] < _FEWEST_STEPS
    since = max((start for start in training["noise_changes"] if start <= training["iterations"]), default=1)
    for name, points in (("held-out loss", training["held_out"]), ("loss", _mean_by_iteration(training["loss"]))):
        values = [math.inf if value is None else value for iteration, value in points if iteration >= since]
        rises = len(values) > 2 and values[-1] > _RISES * min(values)
        scatters = too_short or training["method"] == "tailored"  # imagined samples are unlike one another
        if rises and not (scatters and math.isfinite(values[-1])):
            what = f"the {name} diverged: it ended at {values[-1]:.4g}, its best was {min(values):.4g}"
            yield "training", what, "train anew with half the --learning-rate, or another --seed"
            break


def _mean_by_iteration(losses: Sequence[Sequence[float | None]]) -> list[tuple[int, float]]:
    found: dict[int, list[float]] = {}
    for iteration, _, loss in losses:
        found.setdefault(int(iteration or 0), []).append(math.inf if loss is None else loss)
    return [(iteration, sum(values) / len(values)) for iteration, values in found.items()]


def _of_the_data(data: Sequence[Numbers], sources: Sources, model: Model | None) -> Found:
    for tomogram, one in zip(sources.project.tomograms, data, strict=True):
        if one["mask_coverage"] is not None and one["mask_coverage"] < _FEW:
            what = f"the mask keeps only {100 * one['mask_coverage']:.1f} % of the voxels"
            yield one["name"], what, "raise --density-percentage and --std-percentage of mask, or crop less"
        if not existing(tomogram, tomogram.full_column):
            yield one["name"], f"{one['file']} is gone", "bring it back, or mend the table"
        elif model is not None and _changed_since(tomogram, model, sources.runs["refine"]):
            yield one["name"], "its voxels have changed since the model was trained on it", "train again, then predict"
        older = tilts_of_older_version(tomogram)
        if older is not None:
            remedy = "make the table anew with isonet prepare, train again, then predict"
            yield one["name"], older, remedy


def _changed_since(tomogram: Tomogram, model: Model, run: RunFolder) -> bool:
    """Tell whether a tomogram's input is newer than the model and not among what that has seen."""
    column = str(model.about.get("input_column", ""))
    columns = HALF_COLUMNS if column == "halves" else (DECONVOLVED if column == DECONVOLVED else tomogram.full_column,)
    paths = [path for path in (existing(tomogram, one) for one in columns) if path is not None]
    marks = {one.get("data") for one in model.about.get("seen", [])}
    began = run.folder / "config.yaml"
    made = min(path.stat().st_mtime for path in (began, run.folder / "model.safetensors") if path.exists())
    for path in paths:
        if path.name.lower().endswith(COMPRESSED) or stamp(path)[1] <= 1e9 * made:
            continue
        try:
            if fingerprint(open_volume(path)) not in marks:
                return True
        except InputError:
            return True
    return False


def _of_the_prediction(sources: Sources, model: Model | None) -> Found:
    corrected = [path for one in sources.project.tomograms if (path := existing(one, CORRECTED)) is not None]
    trained = sources.runs.get("refine")
    if not corrected:
        yield "prediction", "no tomogram is corrected yet", f"isonet predict {sources.project.path} MODEL"
        return
    if any(PREVIEW_LABEL in labels_of(path) for path in corrected):
        whose, learns = ("a preview by the starter model", "refine")
        if trained is not None and trained.options.get("method") == "tailored":
            whose, learns = "made by a network that knows simulations alone", "refine --method recorrupted"
        what = f"{whose}: it may show what it has often seen in place of what is there"
        remedy = f"isonet {learns} {sources.project.path} learns from the tomograms; then predict again"
        yield "prediction", what, remedy
    predicted = sources.runs.get("predict")
    if trained is None or model is None:
        return
    remedy = f"isonet predict {sources.project.path} {trained.folder / 'model.safetensors'}"
    used = predicted.status.get("model_identity") if predicted is not None else None
    if used is not None:
        if used != model.identity:
            yield "prediction", f"made with another model ({used}) than the latest ({model.identity})", remedy
    elif any(_age(path) < _age(trained.folder / "model.safetensors") for path in corrected):
        yield "prediction", "older than the latest model", remedy


def _age(path: Path) -> float:
    return stamp(path)[1] / 1e9


def _of_the_results(tomograms: Sequence[Numbers], by_network: float | None) -> Found:
    for one in tomograms:
        low, high = one["tilt_range"]
        if one["corrected_with"] not in (None, [low, high]):
            before, after = one["corrected_with"]
            what = f"corrected with tilts {before:g} to {after:g}, but the table says {low:g} to {high:g} now"
            yield one["name"], what, "train and predict again, or mend the table; the numbers here are of the table's"
        if "after" in one["balance"]:
            for text in one["balance"]["after"]["warnings"]:
                fault, _, remedy = text.partition(": ")
                what, remedy = _FAULTS.get(fault, fault), remedy.rpartition(": ")[2]
                if fault == "empty" and by_network is not None:
                    own = f"the network's own output fills it to {100 * by_network:.0f} %"
                    what, remedy = f"{what}: {own}, but is weak beside the data that is added outside", "train longer"
                yield one["name"], what, remedy
        seen = [axis for axis, seam in one["seams"].items() if seam["visible"]]
        if seen:
            worst = max(one["seams"][axis]["excess"] for axis in seen)
            what = f"seams at the borders of tiles along {', '.join(seen)}: steps are {100 * worst:.0f} % larger there"
            yield one["name"], what, "predict with a larger --crop-size, or a smaller --cube-size"


def _filled_by_the_network(training: Numbers | None, sources: Sources) -> float | None:
    """How full the wedge is in the network's own output, if that is not empty and the halves had data added."""
    predicted = sources.runs.get("predict")
    if training is None or predicted is None or not predicted.options.get("calibrate", True):
        return None
    share = training["wedge_balance"][-1][1] if training["wedge_balance"] else 0.0
    return share if training["input_column"] == "halves" and share >= EMPTY else None


def _not_validated(numbers: Numbers, sources: Sources) -> Found:
    if numbers["corrected"] and numbers["validation"] is None:
        what = "not validated: nothing here tells how much of the filled wedge is true"
        yield "validation", what, validate_command(sources.runs.get("refine"), sources.project.path)


_FAULTS = {
    "empty": "the wedge is still empty",
    "over-filled": "the wedge is over-filled: it holds more than twice the power of what was measured",
    "fake": "the YZ plane has a hole that no tilt explains (a fake wedge)",
}


def _of_the_validation(validation: Numbers | None, sources: Sources) -> Found:
    withheld = None if validation is None else validation.get("withheld")
    if withheld is None:
        return
    for name, value in withheld["controls"].items():
        if value is not None and abs(value) > _CONTROL:
            what = f"the control '{name}' is {value:.2f} and should be near zero: the claim cannot be trusted"
            yield (
                "validation",
                what,
                "look for a tilt range that is not true (isonet prepare warns), or use larger data",
            )
    trained, validated = sources.runs.get("refine"), sources.runs.get("validate")
    if trained is not None and validated is not None and _trains(validated):
        options = _options_of_its_training(validated)
        other = [name for name in _DECIDING if trained.options.get(name) != options.get(name)]
        if _begins_with_starter(trained.options) != _begins_with_starter(options):
            other.append("pretrained_model")
        if other:
            what = f"validated with other options than the training: {', '.join(other)}"
            yield "validation", what, "what was measured holds for its own options; validate with those of the training"


def _trains(validated: RunFolder) -> bool:
    """Tell whether a validation has trained anew on what it left, as the training was."""
    return not any(validated.options.get(name) for name in ("model", "prediction", "independent"))


def _options_of_its_training(validated: RunFolder) -> Mapping[str, Any]:
    """Options of the training that a validation has done, where they can be read; else its own."""
    try:
        return read_options(validated.folder / "withheld/results" / CONFIG_NAME)
    except InputError:
        return validated.options


def _begins_with_starter(options: Mapping[str, Any]) -> bool:
    """Tell whether a training began with the starter; one that began with another model cannot be validated so."""
    return options.get("pretrained_model") == str(STARTER) and not options.get("from_scratch")


_DECIDING = (
    "preset",
    "method",
    "arch",
    "cube_size",
    "crop_size",
    "wedge_weight",
    "unet_depth",
    "filter_base",
    "noise_level",
)
