"""Train a general network on imagined samples: a starting point for refine, and a preview for predict."""

import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from isonet.config import TrainStarterConfig
from isonet.core.scenery import Template
from isonet.errors import InputError, RunError
from isonet.io import checkpoint
from isonet.io.options import read_options
from isonet.io.structure import read_density
from isonet.runs import CONFIG_NAME, Run, start
from isonet.steps.model_record import describe_starter
from isonet.steps.refine_files import MODEL_NAME, STATE_NAME, refuse_existing, start_weights
from isonet.train.device import choose_device
from isonet.train.fit import Trainer, TrainerOptions
from isonet.train.schedule import learning_rate
from isonet.train.simulated import SimulatedPairs
from isonet.train.unet import UNet, UNetShape, initialize, named_shape, parameter_count

log = logging.getLogger("isonet")
_REPORT = 50  # steps between lines of metrics
_CHECKPOINT = 250  # steps between saved states
_CHANGEABLE = {"max_time", "device", "precision", "workers", "continue_from"}


def train_starter(config: TrainStarterConfig) -> Path:
    """Train a starter model in a run folder, or go on with one.

    Returns
    -------
    Path
        The model.

    Raises
    ------
    InputError
        If the folder holds a run already, there is none to continue, or a template cannot be used.
    RunError
        If the loss is not finite any more.
    """
    if config.continue_from is not None:
        config = _continued(config)
    else:
        refuse_existing(config.output_dir)
    with start(config.output_dir, "train-starter", config, config.max_time) as run:
        _train(config, run)
    return config.output_dir / MODEL_NAME


def _continued(config: TrainStarterConfig) -> TrainStarterConfig:
    """Options of the run in `config.continue_from`, with the changes that were asked for."""
    folder = config.continue_from
    if folder is None or not (folder / STATE_NAME).is_file():
        raise InputError(f"--continue-from {folder}: there is no train-starter to continue")
    try:
        stored = TrainStarterConfig(**read_options(folder / CONFIG_NAME))
    except (InputError, ValidationError) as error:
        raise InputError(f"{folder / CONFIG_NAME}: not the options of a run; start again in another folder") from error
    asked = {name: getattr(config, name) for name in config.model_fields_set}
    for name, value in asked.items():
        if name not in _CHANGEABLE and value != getattr(stored, name):
            flag = name.replace("_", "-")
            raise InputError(f"--{flag} cannot change when a run is continued; leave it out, or start a new run")
    changes = {name: value for name, value in asked.items() if name in _CHANGEABLE}
    return stored.model_copy(update={"max_time": None, **changes, "output_dir": folder})


def _train(config: TrainStarterConfig, run: Run) -> None:
    """Train to the last step, or to a signal or the end of the time, and leave model and state behind."""
    try:
        device = choose_device(config.device)
    except ValueError as error:
        raise InputError(str(error)) from error
    shape, weights, begun = _shape(config), None, None
    if config.pretrained_model is not None:
        shape, weights, begun = start_weights(config.pretrained_model)
    if config.cube_size % shape.divisor:
        raise InputError(f"--cube-size {config.cube_size}: the network needs a multiple of {shape.divisor}")
    templates = [Template(*read_density(path)) for path in config.templates]
    torch.manual_seed(config.seed)
    network = UNet(shape)
    initialize(network, config.initialization)
    if weights is not None:
        network.load_state_dict(weights)
    options = TrainerOptions(
        exponent=2,
        optimizer="muon",
        weight_decay=0.01,
        averaging=config.weight_averaging,
        fixed_normalization=weights is not None,
    )
    trainer = Trainer(network, device, config.precision, options)
    done = _restored(trainer, config)
    run.keep_metrics(lambda line: bool(line["step"] <= done))
    pairs = SimulatedPairs(
        templates, config.cube_size, config.batch_size, config.wedge_weight, config.seed, (config.snr[0], config.snr[1])
    )
    log.info(
        "%d parameters, %d templates, %d of %d steps to go",
        parameter_count(network),
        len(templates),
        config.steps - done,
        config.steps,
    )
    total, began = torch.zeros((), device=device), time.monotonic()
    with run.deferred_signals(), run.progress("training", config.steps - done) as advance:
        for step, batch in enumerate(pairs.batches(done, config.steps, config.workers, device), start=done + 1):
            rate = learning_rate(config.learning_rate, step / config.steps, step - 1, config.warmup_steps, "cosine")
            total += trainer.step(batch, rate)
            advance()
            stop = run.interrupted is not None or run.out_of_time()
            if step % _REPORT == 0:
                _report(run, step, float(total) / _REPORT, (time.monotonic() - began) / (step - done))
                total.zero_()
            if step % _CHECKPOINT == 0 or stop or step == config.steps:
                _save(config, trainer, describe_starter(config, shape, step, begun))
            if stop and step < config.steps:
                run.stopped_early = run.interrupted is None
                break
    if run.stopped_early or run.interrupted:
        log.warning("what was computed is saved; go on with: isonet train-starter --continue-from %s", run.folder)
    else:
        log.info("the model is %s", config.output_dir / MODEL_NAME)
    if run.interrupted is not None:
        raise run.interrupted


def _shape(config: TrainStarterConfig) -> UNetShape:
    """Return the network: small unless options say otherwise, and its output not added to the noisy input."""
    return named_shape(
        "small" if config.arch == "auto" else config.arch,
        depth=config.unet_depth,
        filter_base=config.filter_base,
        convs_per_depth=config.convs_per_depth,
        kernel=config.kernel,
        pool=config.pool,
        normalization=config.normalization,
        drop_out=config.drop_out,
        residual=bool(config.residual),
    )


def _restored(trainer: Trainer, config: TrainStarterConfig) -> int:
    """Bring the trainer to where a run was left and return the steps it has done."""
    if config.continue_from is None:
        return 0
    path = config.output_dir / STATE_NAME
    state = checkpoint.load_state(path)
    try:
        trainer.restore(state)
        return int(state["step"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: not the state of this run; start again in another folder") from error


def _report(run: Run, step: int, loss: float, seconds: float) -> None:
    if not math.isfinite(loss):
        raise RunError(
            f"{run.folder}: the loss is not finite at step {step}; start anew with a smaller --learning-rate"
        )
    run.metric(step=step, loss=loss, seconds=seconds)


def _save(config: TrainStarterConfig, trainer: Trainer, about: Mapping[str, Any]) -> None:
    checkpoint.save_state(config.output_dir / STATE_NAME, {**trainer.state(), "step": about["steps"]})
    checkpoint.save_model(config.output_dir / MODEL_NAME, trainer.weights(), about)
