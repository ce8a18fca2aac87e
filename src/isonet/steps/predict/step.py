"""Correct the tomograms of a table with a trained network."""

import logging
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from isonet.config import DeconvConfig, PredictConfig
from isonet.errors import InputError
from isonet.io.files import refuse_read_only
from isonet.io.formats import open_volume
from isonet.io.volume_files import container, is_volume, is_zarr, title
from isonet.models.record import STARTER_METHOD, UNKNOWN_INPUT
from isonet.models.trained import PREVIEW_LABEL, Model, read_model
from isonet.project.table import HALF_COLUMNS, Project, Tomogram
from isonet.running.companions import start_together
from isonet.running.devices import take_device
from isonet.running.memory import with_its_share
from isonet.running.processes import side_by_side
from isonet.running.runs import Run
from isonet.running.sharing import nobodys
from isonet.steps.deconv import FOLDER, deconv, for_corrected
from isonet.steps.predict.calibration import calibrate
from isonet.steps.predict.comparison import warn_of_other_tomogram
from isonet.steps.predict.correction import Correction, LazyGains, plan, refuse_coarse
from isonet.steps.predict.results import (
    HALVES,
    beside_of,
    copy_to_zarr,
    ending,
    half_paths,
    refuse_full_disk_of_results,
    refuse_without_zarr,
)
from isonet.steps.prepare import warn_of_other_wedge
from isonet.train.correct import TilePlan
from isonet.train.evaluate import Evaluator
from isonet.volumes.pixel_size import corrected_size
from isonet.volumes.products import is_withheld, kind_in, labels_of, made_before, output_paths, product_label
from isonet.volumes.source import MeanSource, Source, choose_column, mean_source, open_sources, standardised
from isonet.volumes.where import comment_on_thickness

log = logging.getLogger("isonet")
_SYMMETRIC = 6.0  # degrees that both ends of a tilt range may differ by
_HALF_TURNS = {"y": (-1, 1, -1), "z": (1, -1, -1), "x": (-1, -1, 1)}  # what becomes of z, y, x
_USUAL_TURNS: Literal[2] = 2
_PROCEDURE = 7  # counts changes of what is computed: results of an older one are made again


def predict_in_folder(star: Path, model: Path, config: PredictConfig) -> Project:
    """Correct the tomograms of a table into `config.output_dir`."""
    return side_by_side(config, _predict, star, model, config)


def _predict(star: Path, model: Path, config: PredictConfig) -> Project:
    project = Project.read(star)
    refuse_read_only(project.path)
    with start_together(config.output_dir, "predict", config, inputs=(star, model), parts=(HALVES, FOLDER)) as run:
        return predict(project, model, config, run)


def predict(project: Project, model: Path, config: PredictConfig, run: Run) -> Project:
    """Correct the tomograms of a table.

    Parameters
    ----------
    project : Project
        The table.
    model : Path
        Model made by `refine`, or its run folder.
    config : PredictConfig
        Options.
    run : Run
        The run folder.

    Returns
    -------
    Project
        With `rlnCorrectedTomoName` filled in, and `rlnCorrectedDeconvTomoName` where asked for, also on disk after each
        tomogram.

    Raises
    ------
    InputError
        If a tomogram or the model cannot be used.
    RunError
        If the result cannot be written.
    """
    refuse_without_zarr(config, config.output_dir)
    trained = read_model(model)
    _refuse_with_undone_contrast(trained, model, config)
    chosen = project.selected(config.tomo_idx)
    columns = input_columns(chosen, trained.about, config.input_column)
    if columns == HALF_COLUMNS:
        _refuse_without_halves(chosen, model)
    run.status(model=str(model), model_identity=trained.identity)
    evaluator = Evaluator(trained.network, take_device(config.device), config.precision)
    if run.leads and evaluator.warning is not None:
        log.warning("%s", evaluator.warning)
    if trained.is_starter and not is_withheld(open_volume(chosen[0].file(columns[0]))):  # `validate` tells
        what = "a preview" if trained.is_untailored else "a result"
        learns = "refine" if columns == HALF_COLUMNS else "refine --method recorrupted"
        log.warning(
            "%s was trained on simulations alone: this is %s made from prior knowledge, which may invent; isonet "
            "validate %s --model %s tells in minutes how much of it is true, %s learns from the data",
            *(model, what, shlex.quote(str(project.path)), shlex.quote(str(model)), learns),
        )
    paths = output_paths(chosen, config.output_dir, "corrected", ending(config))
    _refuse_unreadable(chosen, columns)
    if trained.is_untailored and not config.overwrite:
        _refuse_to_replace_trained(paths)
    deconvolution = _deconvolution(chosen, columns[0], config) if config.deconvolve else None
    if config.float16:
        for source in chain.from_iterable(open_sources(tomogram, columns) for tomogram in chosen):
            refuse_coarse(source)
    if run.leads:
        refuse_full_disk_of_results(chosen, columns, paths, config)
    for tomogram, path in nobodys(chosen, paths):
        sources = open_sources(tomogram, columns)
        warn_of_other_wedge(tomogram)
        warn_of_other_tomogram(sources[0], trained, model)
        cube = int(trained.about["cube_size"])
        comment_on_thickness(sources, cube, cube)
        if len(sources) == 1:
            gains = _lazy_gains(sources, sources[0], trained, evaluator, config)
            _correct(sources[0], trained, _turned(evaluator, sources[0], config), config, run, path, gains)
        else:
            _correct_halves(sources, trained, evaluator, config, run, path)
        project.recorded(tomogram.index, rlnCorrectedTomoName=project.entry(path))
    if deconvolution is not None:
        deconv(Project.read(project.path), deconvolution, run)
    return Project.read(project.path)


def _refuse_unreadable(tomograms: Sequence[Tomogram], columns: Sequence[str]) -> None:
    """Raise `InputError` before the first tomogram is corrected where the file of any is gone or not whole."""
    for tomogram in tomograms:
        whole = tomogram.file(tomogram.full_column)
        for path in (*map(tomogram.file, columns), *([whole] if is_volume(whole) else [])):
            open_volume(path)


def _refuse_to_replace_trained(paths: Sequence[Path]) -> None:
    """Refuse to put a preview in the place of what a trained network has made."""
    for path in paths:
        labels = labels_of(path)
        if "corrected" in map(kind_in, labels) and PREVIEW_LABEL not in labels:
            raise InputError(
                f"{path}: made by a trained network, and a preview would take its place; give --output-dir preview, or "
                "--overwrite"
            )


def _deconvolution(tomograms: Sequence[Tomogram], column: str, config: PredictConfig) -> DeconvConfig:
    """How what is made of tomograms will be deconvolved."""
    options = {"max_memory": config.max_memory, "overwrite": config.overwrite}
    return with_its_share(for_corrected(tomograms, column, config.output_dir, **options))


def _correct_halves(
    halves: Sequence[Source], model: Model, evaluator: Evaluator, config: PredictConfig, run: Run, path: Path
) -> None:
    """Correct the mean of both halves, and where asked each of them into `halves/`.

    The mean has half the noise variance of what the network was trained on and the same signal. A starter was trained
    on tomograms with noise of every strength, but of one standard deviation.
    """
    paths = half_paths(path, config)
    whole = mean_source(*halves)
    if model.is_starter:
        whole = standardised(whole)
    gains = _lazy_gains(halves, whole, model, evaluator, config)
    if config.halves:
        for half, into in zip(halves, paths, strict=True):
            _correct(half, model, evaluator, config, run, into, gains)
    _correct(whole, model, _turned(evaluator, whole, config), config, run, path, gains)


def _lazy_gains(
    sources: Sequence[Source], whole: Source, model: Model, evaluator: Evaluator, config: PredictConfig
) -> LazyGains:
    """Gains of a network on a tomogram; none without being asked for, or where the data have what it undoes.

    A preview of one map goes without: it should take seconds.
    """
    if not config.calibrate or model.undoes_contrast_transfer or (model.is_untailored and len(sources) == 1):
        return lambda: None
    return lru_cache(lambda: calibrate(sources, whole, evaluator, int(model.about["cube_size"])))


def input_columns(tomograms: Sequence[Tomogram], about: Mapping[str, Any], asked: str = "auto") -> Sequence[str]:
    """Choose the columns of what a model, as it describes itself, corrects: one, or both halves.

    Raises
    ------
    InputError
        If another one is asked for.
    """
    trained_on = str(about["input_column"])
    if trained_on == STARTER_METHOD:
        if asked in ("auto", "halves") and all(one.has_halves for one in tomograms):
            return HALF_COLUMNS
        return (choose_column(tomograms, asked),)
    if trained_on == UNKNOWN_INPUT:
        column = choose_column(tomograms, asked)
        log.info("the model does not say what its sub-volumes were cut from; %s is corrected", column)
        return (column,)
    column = choose_column(tomograms, trained_on)
    if asked not in ("auto", trained_on, column):
        raise InputError(f"the model was trained on {column}, --input-column {asked} would be other data; train on it")
    return HALF_COLUMNS if column == "halves" else (column,)


def _refuse_with_undone_contrast(trained: Model, model: Path, config: PredictConfig) -> None:
    """Refuse options that do not go together with a model that undoes the contrast transfer, which the data have."""
    for flag, asked in (("--keep-measured", config.keep_measured), ("--deconvolve", config.deconvolve)):
        if asked and trained.undoes_contrast_transfer:
            raise InputError(f"{flag}: {model} undoes the contrast transfer itself; leave it out")


def _refuse_without_halves(tomograms: Sequence[Tomogram], model: Path) -> None:
    for tomogram in tomograms:
        if not tomogram.has_halves:
            raise InputError(
                f"{tomogram.table}: tomogram {tomogram.index} has no even and odd halves, and {model} was trained on "
                "halves; give them to prepare, or take a model of full tomograms"
            )


def _turned(evaluator: Evaluator, source: Source, config: PredictConfig) -> Evaluator:
    """Average over as many half turns as asked, of those that leave the wedge where it is, and say where fewer do."""
    turns, name, measured = config.turns or _USUAL_TURNS, title(source.volume.path), source.measured
    about = [axis for axis, turn in _HALF_TURNS.items() if measured.stays(np.diag(turn), _SYMMETRIC + 1e-6)]
    if turns == 4 and len(about) < 3:
        (low, high), averaged = source.tomogram.tilt_range, 2 if about else 1
        needed = "both ends as far" if measured.at_home else "both ends as far and a wedge about y, x or z"
        log.warning(
            "%s: tilts %g to %g degrees; --turns 4 needs %s, %d are averaged", name, low, high, needed, averaged
        )
        turns = 2
    if turns == 2 and not about:
        tell = log.info if config.turns is None else log.warning
        tell("%s: a half turn would move its wedge, which is levelled; one prediction, not 2 averaged", name)
        turns = 1
    return evaluator.turned(turns, "".join(about))


def _label(
    path: Path, source: Source, model: Model, plan: TilePlan, evaluator: Evaluator, config: PredictConfig
) -> str:
    """Text that tells which input, model and options a file was made from."""
    asked = (
        plan if config.crop_size or config.cube_size else None,
        config.keep_measured,
        config.calibrate,
        evaluator.turns,
        config.float16,
        config.precision,
        *source.normalization.in_words,
        source.measured.sweeps[0].tilts if source.measured.at_home else source.measured,
        *corrected_size(source.tomogram, source.volume),
        *((config.zarr_version,) if is_zarr(path) else ()),
        *source.beads,
    )
    sources = source.halves if isinstance(source, MeanSource) else (source,)
    return product_label("corrected", [one.volume.path for one in sources], (_PROCEDURE, model.identity, asked))


def _correct(
    source: Source,
    model: Model,
    evaluator: Evaluator,
    config: PredictConfig,
    run: Run,
    path: Path,
    gains: LazyGains,
) -> None:
    """Correct one volume into a file, unless that is done; `metrics.jsonl` tells of which tiles."""
    plans = plan(source, evaluator, config)
    label = _label(path, source, model, plans.tiles, evaluator, config)
    if not made_before(path, label, overwrite=config.overwrite):
        labels = (*model.labels, label)
        correction = Correction(source, evaluator, int(model.about["cube_size"]), config, gains())
        tiles = correction.write(path, labels, plans, run)
        run.metric(
            file=container(path).name,
            tiles=[asdict(axis) for axis in tiles.axes],
            tilts=list(source.tomogram.tilt_range),
        )
    if config.format == "both":
        beside = beside_of(path)
        copy_to_zarr(path, beside, _label(beside, source, model, plans.tiles, evaluator, config), config)
