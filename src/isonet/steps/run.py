"""All steps in one command; run again after an interruption, it goes on where it was."""

import logging
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from isonet.config import (
    DeconvConfig,
    FilterOptions,
    InputOptions,
    MaskConfig,
    MaskOptions,
    PredictConfig,
    PrepareConfig,
    RefineConfig,
    ReportConfig,
    RunConfig,
    StepConfig,
    WholeOptions,
    preset_step,
)
from isonet.config.deconv import CORRECTED, phase_plate
from isonet.errors import InputError
from isonet.io.options import read_options
from isonet.models.folder import MODEL_NAME, STATE_NAME
from isonet.project.pairing import grouped
from isonet.project.table import HALF_COLUMNS, TURNED_COLUMN, Project, Tomogram
from isonet.running.processes import refuse_launchers
from isonet.running.runs import CONFIG_NAME, start
from isonet.steps.deconv import FOLDER, deconv_in_folder, why_not
from isonet.steps.mask import mask_in_folder
from isonet.steps.predict import predict_in_folder, refuse_without_zarr
from isonet.steps.prepare import prepare
from isonet.steps.refine import as_trained, refine_as_part, tailors
from isonet.steps.report import report
from isonet.validation.command import differing, option
from isonet.volumes.products import data_mark, labels_of, mark_in, output_paths

log = logging.getLogger("isonet")
AVERAGES, TURNED, RESULTS = "average", "turned", "results"
DECONVOLVED = "rlnDeconvTomoName"
Config = TypeVar("Config", bound=StepConfig)
Whole = TypeVar("Whole", bound=WholeOptions)


def run(tomograms: Sequence[Path], config: RunConfig) -> Project:
    """Prepare, deconvolve, mask, refine, predict and report; what is done already is kept.

    What was not deconvolved before is deconvolved when it is corrected, where the defocus is known.

    Parameters
    ----------
    tomograms : sequence of Path
        Folders and files.
    config : RunConfig
        Options of all steps; those not given have the steps' defaults.

    Returns
    -------
    Project
        With the corrected tomograms, unless `max_time` ended the training first.

    Raises
    ------
    InputError
        If the folder holds a run of other tomograms, or a step refuses its input.
    """
    refuse_launchers("run")
    folder = config.output_dir
    table = folder / "tomograms.star"
    refuse_without_zarr(config, folder / "corrected")
    if table.exists():
        project = Project.read(table)
        config = as_begun(config, folder, table, elsewhere="choose another --output-dir")
        _refuse_others(project, tomograms, config)
    with start(folder, "run", config, inputs=tomograms) as whole:
        if not table.exists():
            project = prepared(tomograms, config, folder, table)
        # these refuse in time: two of one name, and a defocus that cannot be
        chosen = project.selected(config.tomo_idx)
        output_paths(chosen, folder / "corrected", "corrected")
        _restoring(chosen, chosen[0].full_column, config, folder)
        project, stopped = trained(project, config, folder)
        if stopped:
            whole.stopped_early = True
            log.info("to go on, give the same command again")
            return project
        asked = part(config, PredictConfig, without=("cube_size", "crop_size", "batch_size"))
        asked = asked.model_copy(update={"output_dir": folder / "corrected"})
        project = predict_in_folder(table, folder / RESULTS / MODEL_NAME, asked)
        restoring = _restoring(project.selected(config.tomo_idx), CORRECTED, config, folder)
        if restoring is not None:
            project = deconv_in_folder(table, restoring)
    report(folder, ReportConfig())
    return project


def prepared(tomograms: Sequence[Path], config: WholeOptions, folder: Path, table: Path) -> Project:
    """Prepare the table of a run; what is made on the way lies in its folder."""
    averages, turned = folder / AVERAGES, folder / TURNED
    return prepare(tomograms, part(config, PrepareConfig, output=table, average_dir=averages, turned_dir=turned))


def trained(project: Project, config: WholeOptions, folder: Path) -> tuple[Project, bool]:
    """Make what is trained on, and train into `results` of a folder, anew or on from where a training was.

    Returns
    -------
    project, stopped_early
        As :func:`isonet.steps.refine.refine_in_folder`.
    """
    results = folder / RESULTS
    if (results / STATE_NAME).exists():  # what is trained on stays as it was
        return refine_as_part(project.path, part(config, RefineConfig, continue_from=results))
    derive(project, config, folder)
    return refine_as_part(project.path, part(config, RefineConfig, output_dir=results))


def derive(project: Project, config: WholeOptions, folder: Path) -> None:
    """Deconvolve and make masks where the options, the preset and the tomograms ask for it."""
    if _deconvolves(project, config):
        asked = part(config, DeconvConfig, without=("input_column",), output_dir=folder / "deconv")
        deconv_in_folder(project.path, asked)
    preset = preset_step(config.preset, "mask")
    if config.mask == "on" or (config.mask == "auto" and preset is not None):
        masking = part(config, MaskConfig, without=("input_column",), output_dir=folder / "mask")
        by_preset = {name: value for name, value in (preset or {}).items() if name not in config.model_fields_set}
        mask_in_folder(project.path, MaskConfig(**{**masking.model_dump(exclude_unset=True), **by_preset}))


def _deconvolves(project: Project, config: WholeOptions) -> bool:
    """Tell whether to deconvolve: as asked, else where that is trained on and can be done with all tomograms."""
    if config.deconv != "auto" or preset_step(config.preset, "deconv") is None:
        return config.deconv == "on"
    chosen = project.selected(config.tomo_idx)
    halves = config.method != "isonet" and config.input_column == "auto" and all(one.has_halves for one in chosen)
    if halves or config.input_column not in ("auto", DECONVOLVED) or phase_plate(config.phase_shift):
        return False
    if config.method == "recorrupted" or tailors(project, part(config, RefineConfig)):
        return False
    known = [bool(one.number("rlnDefocus")) and not phase_plate(one.number("rlnPhaseShift")) for one in chosen]
    if any(known) and not all(known):
        log.info("not deconvolved: only %d of %d tomograms have a defocus and no phase shift", sum(known), len(known))
    return all(known)


def _restoring(chosen: Sequence[Tomogram], column: str, config: RunConfig, folder: Path) -> DeconvConfig | None:
    """How to deconvolve what is made of tomograms in a column; None where no contrast is left to be restored."""
    if config.deconv == "off" or (config.deconv == "auto" and preset_step(config.preset, "deconv") is None):
        return None
    options = part(config, DeconvConfig, without=("input_column",), output_dir=folder / "corrected" / FOLDER)
    options = options.model_copy(update={"input_column": CORRECTED})
    reasons = [why_not(one, column, options) for one in chosen]  # of all, for their faults
    return None if all(reasons) else options


def part(config: WholeOptions, kind: type[Config], without: Sequence[str] = (), **more: Path) -> Config:
    """Options of one step: those of the run that were given and that the step has."""
    given = {
        name: getattr(config, name)
        for name in config.model_fields_set
        if name in kind.model_fields and name != "output_dir" and name not in without
    }
    return kind(**given, **more)


def as_begun(config: Whole, folder: Path, table: Path, *, also: Collection[str] = (), elsewhere: str) -> Whole:
    """Return the options with those that the table in a folder was made with, what is trained on, and the training.

    Parameters
    ----------
    config : WholeOptions
        Options as they are asked for now.
    folder, table : Path
        Run folder, which tells the options it was begun with, and its table.
    also : collection of str
        Further options that must stay.
    elsewhere : str
        What a user can do who wants others.

    Raises
    ------
    InputError
        If another one of these, or of `also`, is asked for.
    """
    stored = _stored_options(type(config), folder / CONFIG_NAME)
    fixed = {*InputOptions.model_fields, *also} - {"accept"}
    if (folder / RESULTS / STATE_NAME).exists():
        fixed |= {"deconv", "mask", *FilterOptions.model_fields, *MaskOptions.model_fields}
    for name in sorted(config.model_fields_set & fixed):
        if stored is not None and getattr(config, name) != getattr(stored, name):
            flag = f"--{name.replace('_', '-')}"
            raise InputError(f"{table}: made with another {flag}; edit the table, or {elsewhere}")
    config = as_trained(config, folder / RESULTS)
    return config if stored is None else config.model_copy(update={name: getattr(stored, name) for name in fixed})


def _refuse_others(project: Project, tomograms: Sequence[Path], config: RunConfig) -> None:
    """Refuse tomograms, or halves without one, that are not those of the table."""
    averages = (config.output_dir / AVERAGES).resolve()
    known: set[Path] = set()
    marks: dict[str | None, Path] = {}
    for tomogram in project.tomograms:
        file = tomogram.file(_given_column(tomogram)).resolve()
        if file.parent == averages and tomogram.text(TURNED_COLUMN) is None:
            known |= {tomogram.file(half).resolve() for half in HALF_COLUMNS}
            continue
        known.add(file)
        if file.parent == averages:  # its halves in the table are turned ones
            marks |= {mark_in(label): file for label in labels_of(file)}
    full, lone = grouped(tomograms, config.even, config.odd, stacks="stack" in config.accept)
    asked = {volume.resolve(): [str(volume)] for volume in full}
    for pair in lone:
        mean = marks.get(data_mark(pair.halves)) if marks else None
        even, odd = map(str, pair.halves)
        words = ["--even", even, "--odd", odd, "--average-dir", str(config.output_dir / AVERAGES)]
        asked |= dict.fromkeys(map(Path.resolve, pair.halves) if mean is None else [mean], words)
    if asked and asked.keys() != known:
        what, remedy = _otherness(project, asked, known, config)
        raise InputError(f"{project.path}: {what}; {remedy}, or choose another --output-dir")


def _otherness(
    project: Project, asked: Mapping[Path, list[str]], known: set[Path], config: RunConfig
) -> tuple[str, str]:
    """Say which tomograms the table lacks, or has too many, and what to do.

    `asked` maps each file to the words that give it to prepare.
    """
    new, gone = sorted(asked.keys() - known), sorted(known - asked.keys())
    if new and gone:
        return f"made for other tomograms, {gone[0]} and not {new[0]}", "give those again"
    if gone:
        return f"made for other tomograms too, {gone[0]} among them", "give all of them"
    given = config.model_dump(mode="json", include=InputOptions.model_fields.keys() - {"even", "odd"})
    options = [option(name, value) for name, value, _, _ in differing(InputOptions, given)]
    words = ["isonet", "prepare", *asked[new[0]], "--append", "--output", str(project.path), *options]
    more = "" if len(new) == 1 else f" and {len(new) - 1} more of those given"
    return f"has no {new[0].name}{more}", f"add it with '{shlex.join(words)}' and give the same command again"


def _given_column(tomogram: Tomogram) -> str:
    """Column of the file that the user gave: the full tomogram, or what it was turned from."""
    return TURNED_COLUMN if tomogram.text(TURNED_COLUMN) is not None else tomogram.full_column


def _stored_options(kind: type[Whole], path: Path) -> Whole | None:
    """Options of the run that made a folder; None where they cannot be read."""
    try:
        return kind(**read_options(path))
    except (InputError, ValidationError):
        return None
