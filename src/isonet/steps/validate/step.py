"""Is what fills the wedge true? Withhold measured tilts, train and predict without them, compare with them.

::

    tomograms.star ──> withheld/tomograms.star ──> withheld/results ──> withheld/corrected ──> validation.json
                       outermost tilts removed     trained anew         predicted              compared
"""

import logging
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

import torch

from isonet.config import RefineConfig, StepConfig, ValidateConfig
from isonet.core.comparison.metrics import correlation, wedge_correlation
from isonet.core.tilts.measured import Measured
from isonet.errors import InputError
from isonet.io import checkpoint
from isonet.io.formats import open_volume
from isonet.io.volume import Volume
from isonet.models.folder import MODEL_NAME, STATE_NAME, holds_run, move_aside
from isonet.project.table import HALF_COLUMNS, Project, Tomogram
from isonet.running.processes import refuse_launchers
from isonet.running.runs import Run, start
from isonet.steps.predict import HALVES, input_columns, predict_in_folder
from isonet.steps.prepare import warn_of_other_wedge
from isonet.steps.refine import refine_as_part
from isonet.steps.validate.contradictions import measured_files, refuse_contradictions
from isonet.steps.validate.gold import with_beads
from isonet.steps.validate.independent import agreement_numbers, predict_independently, write_confidence
from isonet.steps.validate.passed_on import as_begun, prediction_options
from isonet.steps.validate.pictures import draw_independent, draw_withheld
from isonet.steps.validate.result import read_numbers, subject, write_numbers
from isonet.steps.validate.withhold import kept_part, withhold
from isonet.validation.balance import wedge_balance_numbers
from isonet.validation.bins import coarsest_detail, measured_bins, reach_of, shell_width
from isonet.validation.numbers import Numbers, numbers_of, withheld_numbers
from isonet.validation.scores import Case, Products, compare, score
from isonet.volumes.beads import painted, read_beads
from isonet.volumes.padding import find_padding
from isonet.volumes.pixel_size import pixel_size
from isonet.volumes.products import inputs_mark, labels_of, output_paths

log = logging.getLogger("isonet")
Config = TypeVar("Config", bound=StepConfig)


def validate(star: Path, config: ValidateConfig) -> Path | None:
    """Validate the method, a model or a result on the tomograms of a table; what is done already is kept.

    Parameters
    ----------
    star : Path
        Table of measured tomograms.
    config : ValidateConfig
        Options.

    Returns
    -------
    Path or None
        `validation.json`; None if the time was over before, or only the withheld tomograms were asked for.

    Raises
    ------
    InputError
        If the tomograms, a model or a prediction cannot be used, or one has seen what is withheld.
    """
    refuse_launchers("validate")
    project, config = Project.read(star), as_begun(config)
    with start(config.output_dir, "validate", config, inputs=(star,)) as run:
        chosen = project.selected(config.tomo_idx)
        output_paths(chosen, config.output_dir, "corrected")  # refuses two of one name in time
        refuse_contradictions(chosen, config)
        for tomogram in chosen:
            warn_of_other_wedge(tomogram)
        if not config.only_withhold:
            chosen = with_beads(chosen, config.output_dir)
        if config.independent:
            return _compare_independent(chosen, config, run)
        _refuse_too_small(chosen, config)
        if config.prediction:
            _refuse_unwritten(chosen, config)
        left = withhold(project, config, run)
        if config.only_withhold:
            log.info("%s: lists what can be corrected by any program", left.path)
            return None
        cases = _cases(chosen, left, config)
        if cases is None:
            _say_it_stopped(run)
            return None
        return _judge(cases, chosen, config, run)


def _say_it_stopped(run: Run) -> None:
    run.stopped_early = True
    log.info("to go on, give the same command again")


def _compare_independent(chosen: Sequence[Tomogram], config: ValidateConfig, run: Run) -> Path | None:
    """Compare two networks trained on one half each; write the numbers, the figure and where they agree."""
    pairs = predict_independently(chosen, config)
    if pairs is None:
        _say_it_stopped(run)
        return None
    pixel = pixel_size(chosen[0], pairs[0].volumes[0]) or 1.0
    found = agreement_numbers(pairs, pixel)
    for pair in pairs:
        name = "confidence.mrc" if len(pairs) == 1 else f"{pair.tomogram.name}_confidence.mrc"
        write_confidence(pair, config.output_dir / name, config, run)
    draw_independent(config.output_dir / "independent.png", found)
    others = read_numbers(config.output_dir, chosen, pixel)
    return write_numbers({**others, **subject(chosen, pixel), "independent": found}, found["status"], config.output_dir)


def _refuse_too_small(chosen: Sequence[Tomogram], config: ValidateConfig) -> None:
    """Refuse, before anything is trained, tomograms in which nothing could be measured afterwards."""
    volumes = [open_volume(one.file(one.full_column)) for one in chosen]
    width = shell_width([volume.shape for volume in volumes])
    for tomogram, volume in zip(chosen, volumes, strict=True):
        kept = kept_part(tomogram, config.withhold)
        measured_bins(volume, tomogram.measured, kept, width, reach_of([tomogram.measured], kept))


def _refuse_unwritten(chosen: Sequence[Tomogram], config: ValidateConfig) -> None:
    """Refuse a prediction that was not made from what was written here, as far as that can be told."""
    folder = config.output_dir / "withheld"
    if not (folder / "full").is_dir():
        raise InputError(
            f"--prediction {config.prediction[0]}: must be made from the withheld tomogram; write that with "
            f"--only-withhold into {config.output_dir}, correct it, then give the result"
        )
    measured = measured_files(chosen[0])
    marks = {inputs_mark([path]) for path in measured} | {inputs_mark(pair) for pair in _pairs(chosen[0])}
    for path in config.prediction:
        for label in labels_of(path):
            if label.startswith("isonet ") and any(f" input {mark} " in label for mark in marks):
                raise InputError(f"--prediction {path}: made from the measured tomogram; correct the withheld one")


def _pairs(tomogram: Tomogram) -> list[tuple[Path, Path]]:
    return [(tomogram.file(HALF_COLUMNS[0]), tomogram.file(HALF_COLUMNS[1]))] if tomogram.has_halves else []


def _cases(chosen: Sequence[Tomogram], left: Project, config: ValidateConfig) -> list[Case] | None:
    """What is compared of each tomogram; None if the time was over before there was a prediction."""
    folder = config.output_dir / "withheld"
    if config.prediction:
        columns = HALF_COLUMNS if len(config.prediction) == 2 else (chosen[0].full_column,)
        return [_case(chosen[0], left.tomograms[0], config.prediction, columns, config)]
    model = config.model or _train(left, config)
    if model is None:
        return None
    corrected = folder / "corrected" if config.model is None else config.output_dir / "model"
    predict_in_folder(left.path, model, prediction_options(config, corrected))
    corrects = input_columns(left.tomograms, checkpoint.load_model(model)[1])
    paths = output_paths(left.tomograms, corrected, "corrected")
    cases = []
    for measured, given, path in zip(chosen, left.tomograms, paths, strict=True):
        stem = path.name.removesuffix("_corrected.mrc")
        made = [corrected / HALVES / f"{stem}_half{number}_corrected.mrc" for number in (1, 2)]
        cases.append(_case(measured, given, made if len(corrects) == 2 else [path], corrects, config))
    return cases


def _train(left: Project, config: ValidateConfig) -> Path | None:
    """Train on what is left, or go on; None if the time was over."""
    results = config.output_dir / "withheld" / "results"
    given = {
        name: getattr(config, name)
        for name in config.model_fields_set
        if name in RefineConfig.model_fields and name not in ("output_dir", "tomo_idx", "overwrite", "continue_from")
    }
    if config.overwrite and holds_run(results):
        move_aside(results.resolve())
    where = "continue_from" if (results / STATE_NAME).exists() else "output_dir"
    _, stopped = refine_as_part(left.path, RefineConfig(**given, **{where: results}))
    return None if stopped else results / MODEL_NAME


def _case(
    measured: Tomogram,
    given: Tomogram,
    corrected: Sequence[Path],
    columns: Sequence[str],
    config: ValidateConfig,
) -> Case:
    """What is compared of one tomogram, beads left out; predictions from halves are compared with the other half.

    Raises
    ------
    InputError
        If a volume is not of the tomogram's shape.
    """
    beads = read_beads(measured, open_volume(measured.file(columns[0])).shape)

    def opened(path: Path) -> Volume:
        return painted(open_volume(path), beads)

    predictions = [opened(path) for path in corrected]
    references = [opened(measured.file(column)) for column in columns]
    halves = [opened(measured.file(column)) for column in HALF_COLUMNS] if measured.has_halves else []
    truth = None if config.truth is None else opened(config.truth)
    for volume in (*predictions, *halves, *([] if truth is None else [truth])):
        if volume.shape != references[0].shape:
            shape = " x ".join(map(str, references[0].shape))
            raise InputError(
                f"{volume.path}: {' x '.join(map(str, volume.shape))} voxels, the tomogram has {shape}; give all of it"
            )
    case = Case(
        name=measured.name,
        predictions=tuple(predictions),
        inputs=tuple(opened(given.file(column)) for column in columns),
        references=tuple(reversed(references)),
        halves=tuple(halves),
        truth=truth,
        measured=tuple(reversed(measured.half_measured)) if len(columns) == 2 else (measured.measured,),
        of_halves=measured.half_measured if halves and measured.split == "tilts" else (),
        kept=kept_part(measured, config.withhold),
    )
    padding = next(filter(None, map(find_padding, references)), None)
    return case if padding is None else case.continued_over(padding)


def _judge(cases: Sequence[Case], chosen: Sequence[Tomogram], config: ValidateConfig, run: Run) -> Path:
    """Compare all, write validation.json and the figures, and say what was found."""
    width = shell_width([case.shape for case in cases])
    products = [compare(case, width, run) for case in cases]
    pixel = pixel_size(chosen[0], cases[0].references[0]) or 1.0
    numbers: Numbers = {
        **subject(chosen, pixel),
        "withhold": config.withhold,
        "withheld": _withheld(cases, products, pixel, width, config.withhold),
        "balance": [wedge_balance_numbers(case.predictions, case.kept, case.name) for case in cases],
        "tomograms": [
            {"name": case.name, **_brief(_withheld([case], [one], pixel, width, config.withhold))}
            for case, one in zip(cases, products, strict=True)
        ],
    }
    if config.truth is not None:
        numbers["truth"] = _truth_numbers(cases[0], chosen[0].measured)
    draw_withheld(config.output_dir / "withheld.png", numbers["withheld"])
    others = read_numbers(config.output_dir, chosen, pixel)
    numbers |= {name: others[name] for name in ("independent",) if name in others}
    return write_numbers(numbers, numbers["withheld"]["status"], config.output_dir)


def _truth_numbers(case: Case, measured: Measured) -> Numbers:
    """Compare the prediction (of halves, their mean) with the truth by shell, in memory.

    `inside` is all that was not given, withheld or never measured, `missing` what was never measured.
    """
    if case.truth is None:
        raise ValueError("no truth")
    truth = torch.from_numpy(case.truth.read())
    prediction = torch.stack([torch.from_numpy(one.read()) for one in case.predictions]).mean(0)
    inside, outside = wedge_correlation(prediction, truth, case.kept)
    missing, _ = wedge_correlation(prediction, truth, measured)
    curves = {"inside": inside, "outside": outside, "missing": missing}
    return {
        "frequency": numbers_of(inside.frequency),
        **{f"fsc_{name}": numbers_of(curve.correlation) for name, curve in curves.items()},
        **{name: numbers_of(torch.tensor([curve.mean()]))[0] for name, curve in curves.items()},
        "correlation": numbers_of(torch.tensor([correlation(prediction, truth)]))[0],
    }


def _withheld(cases: Sequence[Case], products: Sequence[Products], pixel: float, width: float, reach: float) -> Numbers:
    """Numbers of the withheld region of some tomograms together, in shells so wide."""
    found = [coarsest_detail(case.shape, case.measured[0], width) for case in cases]
    coarsest = min((one for one in found if one is not None), key=itemgetter(1), default=None)
    whole, by_sector = score(products, whole=True), score(products, whole=False)
    return withheld_numbers(whole, by_sector, pixel, cases[0].kept.sweeps[0].ends, reach, coarsest)


def _brief(numbers: Numbers) -> Numbers:
    """Resolutions and sentence of one tomogram."""
    return {name: numbers[name] for name in ("resolution_05", "resolution_0143", "measurable", "status")}
