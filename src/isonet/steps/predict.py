"""Correct whole tomograms with a trained network: cut tiles, predict, blend."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isonet.config import PredictConfig
from isonet.core import wedge
from isonet.errors import InputError
from isonet.io import mrc
from isonet.io.checkpoint import load_model
from isonet.project import Project
from isonet.runs import Run
from isonet.steps.products import made_before, output_paths, product_label
from isonet.steps.source import Source, open_source
from isonet.train.correct import TilePlan, corrected_tiles, plan_tiles
from isonet.train.fit import Evaluator, choose_device
from isonet.train.unet import UNet, UNetShape

log = logging.getLogger("isonet")
_FLOAT16_LIMIT = 65504.0


@dataclass(frozen=True)
class Model:
    """A trained network and what it was trained on.

    Attributes
    ----------
    network : UNet
        With its weights.
    about : mapping
        Metadata written by `refine`.
    identity : str
        Short hash of the weights.
    """

    network: UNet
    about: Mapping[str, Any]
    identity: str


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
        With `rlnCorrectedTomoName` filled in, also on disk after each tomogram.

    Raises
    ------
    InputError
        If a tomogram or the model cannot be used.
    RunError
        If the result cannot be written.
    """
    trained = read_model(model)
    column = _input_column(project, trained, config.input_column)
    evaluator = _evaluator(trained, config)
    chosen = project.selected(config.tomo_idx)
    for tomogram, path in zip(chosen, output_paths(chosen, config.output_dir, "corrected"), strict=True):
        source = open_source(tomogram, column)
        _compare(source, trained, model)
        plan = _plan(source, config, trained)
        label = _label(source, trained, plan, config)
        if not made_before(path, label, overwrite=config.overwrite):
            _correct(source, evaluator, plan, config, run, path, label)
            log.info("%s: written", path)
        project = project.recorded(tomogram.index, rlnCorrectedTomoName=project.entry(path))
    return project


def read_model(path: Path) -> Model:
    """Read a model file (or the model in a run folder of `refine`).

    Raises
    ------
    InputError
        If the file is no model or its weights do not fit its description.
    """
    weights, about = load_model(path)
    try:
        network = UNet(UNetShape(**about["network"]))
        network.load_state_dict(weights)
    except (KeyError, TypeError, RuntimeError) as error:
        raise InputError(f"{path}: weights and description do not match; the file is damaged") from error
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(weights[name].numpy().tobytes())
    return Model(network, about, digest.hexdigest()[:8])


def _evaluator(model: Model, config: PredictConfig) -> Evaluator:
    try:
        device = choose_device(config.device)
    except ValueError as error:
        raise InputError(str(error)) from error
    return Evaluator(model.network, device, config.precision)


def _input_column(project: Project, model: Model, asked: str) -> str:
    """Column the model was trained on; refuse another."""
    trained_on = str(model.about["input_column"])
    full = project.tomograms[0].full_column
    column = full if trained_on == "full" else trained_on
    if asked not in ("auto", column):
        raise InputError(f"the model was trained on {column}, --input-column {asked} would be other data; train on it")
    return column


def _compare(source: Source, model: Model, path: Path) -> None:
    """Warn where a tomogram differs from those the model was trained on."""
    name = source.volume.path.name
    pixel = source.tomogram.number("rlnPixelSize") or source.volume.header.pixel_size
    trained = [float(size) for size in model.about["pixel_sizes"] if size]
    if trained and pixel and not any(abs(pixel / size - 1) < 0.05 for size in trained):
        log.warning("%s: %g A/voxel, %s was trained at %g; rescale one or train again", name, pixel, path, trained[0])
    low, high = source.tomogram.tilt_range
    ranges = [(min(tilts), max(tilts)) for tilts in model.about["tilts"]]
    if not any(abs(low - a) <= 5 and abs(high - b) <= 5 for a, b in ranges):
        log.warning("%s: tilts %g to %g degrees, %s was trained at %g to %g", name, low, high, path, *ranges[0])


def _plan(source: Source, config: PredictConfig, model: Model) -> TilePlan:
    """Choose the tiles; by default one and a half times as wide as the training cubes."""
    divisor = model.network.shape.divisor
    crop = config.crop_size or max(1, round(1.5 * model.about["cube_size"] / divisor)) * divisor
    stride = config.cube_size or round(crop * 2 / 3)
    try:
        return plan_tiles(source.volume.shape, crop, stride, divisor)
    except ValueError as error:
        raise InputError(f"--crop-size {crop}, --cube-size {stride}: {error}; choose other sizes") from error


def _label(source: Source, model: Model, plan: TilePlan, config: PredictConfig) -> str:
    """Text that tells which input, model and options a file was made from."""
    asked = (plan, config.keep_measured, config.float16, config.precision, source.normalization, source.tomogram.tilts)
    return product_label("corrected", (source.volume.path,), (model.identity, asked))


def _correct(
    source: Source, evaluator: Evaluator, plan: TilePlan, config: PredictConfig, run: Run, path: Path, label: str
) -> None:
    """Predict all tiles of one tomogram into a file with the input's sign, mean, scale and header."""
    header = source.volume.header
    header = replace(header, labels=(*header.labels[:9], label))
    tiles = corrected_tiles(source.cut, source.tomogram.tilts, plan, evaluator, config.batch_size)
    grey = source.normalization
    with run.progress(f"predict {source.tomogram.name}", plan.count) as advance:

        def fill_in(result: mrc.FloatArray) -> None:
            for tile, block in tiles:
                result[tile.target] += tile.weights * grey.inverse(block)
                advance()
            if config.keep_measured:
                _restore_measured(source, result)

        if not config.float16:
            with mrc.create(path, plan.shape, header) as whole:
                fill_in(whole)
            return
        with mrc.scratch(path.parent, plan.shape) as whole, mrc.create(path, plan.shape, header, np.float16) as half:
            fill_in(whole)
            for section, values in enumerate(whole):
                if np.abs(values).max() > _FLOAT16_LIMIT:
                    raise InputError(f"{path}: grey values beyond {_FLOAT16_LIMIT:g}; leave out --float16")
                half[section] = values


def _restore_measured(source: Source, result: mrc.FloatArray) -> None:
    """Put the measured Fourier content of the whole tomogram back in place of the network's (in memory)."""
    measured = torch.from_numpy(source.volume.read())
    weights = wedge.weight(source.volume.shape, source.tomogram.tilts)
    result[:] = wedge.fill(measured, torch.from_numpy(np.array(result)), weights).numpy()
