"""Train a general network on imagined samples: a starting point for refine, and a preview for predict."""

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from isonet.config import TrainStarterConfig
from isonet.core.simulation.scenery import Template
from isonet.errors import InputError, RunError
from isonet.io import checkpoint
from isonet.io.structure import read_density
from isonet.io.text import counted
from isonet.models.first_network import network_options, refuse_other_network
from isonet.models.folder import MODEL_NAME, STATE_NAME, refuse_existing, start_weights
from isonet.models.record import STARTER_METHOD, describe_starter
from isonet.running.continuing import continued_options
from isonet.running.devices import take_device
from isonet.running.runs import Run, start
from isonet.train.fit import Trainer, TrainerOptions
from isonet.train.network.kernel_length import shorten_kernels
from isonet.train.network.unet import UNet, UNetShape, initialize, named_shape, parameter_count
from isonet.train.schedule import learning_rate
from isonet.train.simulated import SimulatedPairs

log = logging.getLogger("isonet")
_REPORT = 50  # steps between lines of metrics
_OWN_STATISTICS = 0.4  # share of the steps in which batches are normalised by their own statistics
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
        _train(_begin(config), run)
    return config.output_dir / MODEL_NAME


def _continued(config: TrainStarterConfig) -> TrainStarterConfig:
    """Options of the run in `config.continue_from`, with the changes that were asked for."""
    folder = config.continue_from
    if folder is None or not (folder / STATE_NAME).is_file():
        raise InputError(f"--continue-from {folder}: there is no train-starter to continue; leave it out to begin")
    return continued_options(config, folder, _CHANGEABLE)


@dataclass(frozen=True)
class _Training:
    """A training at work: what it consists of, what its model says of itself, and the steps that are done."""

    config: TrainStarterConfig
    device: torch.device
    trainer: Trainer
    pairs: SimulatedPairs
    about: Mapping[str, Any]
    done: int

    def save(self, step: int) -> None:
        """Write the model, and what a continued run needs."""
        folder = self.config.output_dir
        checkpoint.save_state(folder / STATE_NAME, {**self.trainer.state(), "step": step, "about": dict(self.about)})
        checkpoint.save_model(folder / MODEL_NAME, self.trainer.weights(), {**self.about, "steps": step})


def _begin(config: TrainStarterConfig) -> _Training:
    """Make network, trainer and pairs, anew, from a model, or as the run left them."""
    device = take_device(config.device)
    state = None if config.continue_from is None else checkpoint.load_state(config.output_dir / STATE_NAME)
    shape, weights, about = _first(config) if state is None else _described(config, state)
    if config.cube_size % shape.divisor:
        raise InputError(f"--cube-size {config.cube_size}: the network needs a multiple of {shape.divisor}; choose one")
    templates = [Template(*read_density(path)) for path in config.templates]
    torch.manual_seed(config.seed)
    network = UNet(shape)
    initialize(network, config.initialization)
    if weights is not None:
        network.load_state_dict(weights)
        shorten_kernels(network)
    options = TrainerOptions(
        exponent=2,
        optimizer="muon",
        weight_decay=0.01,
        averaging=config.weight_averaging,
        batch_statistics_until=round(_OWN_STATISTICS * config.steps),
    )
    trainer = Trainer(network, device, config.precision, options)
    lowest, highest = config.snr
    pairs = SimulatedPairs(
        *(templates, config.cube_size, config.batch_size, config.wedge_weight, config.seed), snr=(lowest, highest)
    )
    done = 0 if state is None else _restored(trainer, config, state)
    return _Training(config, device, trainer, pairs, about, done)


def _first(config: TrainStarterConfig) -> tuple[UNetShape, Mapping[str, Tensor] | None, Mapping[str, Any]]:
    """Network, weights to begin with, and description: small unless options say otherwise, not added to the input."""
    path = config.pretrained_model
    if path is not None:
        shape, weights, begun = start_weights(path)
        if begun.get("method") != STARTER_METHOD:
            raise InputError(
                f"--pretrained-model {path}: trained on tomograms, which a starter must not have "
                "seen; give a model of train-starter"
            )
        refuse_other_network(config, shape, path)
        return shape, weights, describe_starter(config, shape, begun)
    given = {name: value for name, value in network_options(config).items() if value is not None}
    shape = named_shape("small" if config.arch == "auto" else config.arch, **{"residual": False, **given})
    return shape, None, describe_starter(config, shape)


def _described(config: TrainStarterConfig, state: Mapping[str, Any]) -> tuple[UNetShape, None, Mapping[str, Any]]:
    """Network and description that the state of a run holds, which it goes on with; its weights are restored later."""
    with _of_this_run(config):
        return UNetShape(**state["about"]["network"]), None, state["about"]


def _restored(trainer: Trainer, config: TrainStarterConfig, state: Mapping[str, Any]) -> int:
    """Bring the trainer to where a run was left and return the steps it has done."""
    with _of_this_run(config):
        trainer.restore(state)
        return int(state["step"])


@contextmanager
def _of_this_run(config: TrainStarterConfig) -> Iterator[None]:
    """Refuse a state that does not hold what it must."""
    try:
        yield
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        path = config.output_dir / STATE_NAME
        raise InputError(f"{path}: not the state of this run; start again in another folder") from error


def _train(training: _Training, run: Run) -> None:
    """Train to the last step, or to a signal or the end of the time, and leave model and state behind."""
    config, done = training.config, training.done
    run.keep_metrics(lambda line: bool(line["step"] <= done))
    left = config.steps - done
    parameters, templates = parameter_count(training.trainer.network), len(config.templates)
    log.info("%d parameters, %s, %d of %d steps to go", parameters, counted(templates, "template"), left, config.steps)
    losses: list[Tensor] = []
    began = time.monotonic()
    with run.deferred_signals(), run.progress("training", left) as advance:
        batches = training.pairs.batches(done, config.steps, config.workers, training.device)
        for step, batch in enumerate(batches, start=done + 1):
            rate = learning_rate(config.learning_rate, step / config.steps, step - 1, config.warmup_steps, "cosine")
            losses.append(training.trainer.step(batch, rate))
            advance()
            stop = run.interrupted is not None or run.out_of_time()
            last = stop or step == config.steps
            if step % _REPORT == 0 or last:
                seconds = (time.monotonic() - began) / (step - done)
                run.metric(step=step, loss=_mean(losses, step, run), seconds=seconds)
                losses = []
            if step % _CHECKPOINT == 0 or last:
                training.save(step)
            if stop and step < config.steps:
                run.stopped_early = run.interrupted is None
                break
    _say_how_it_ended(run)


def _mean(losses: Sequence[Tensor], step: int, run: Run) -> float:
    """Mean loss of the last steps.

    Raises
    ------
    RunError
        If it is not finite: what was saved before is the last good state.
    """
    mean = float(torch.stack(tuple(losses)).mean())
    if not math.isfinite(mean):
        raise RunError(
            f"{run.folder}: the loss is not finite at step {step}; start anew with a smaller --learning-rate"
        )
    return mean


def _say_how_it_ended(run: Run) -> None:
    """Say where the model is, or how to go on; raise the signal that came, if it was one."""
    if run.stopped_early or run.interrupted:
        log.info("what was computed is saved; go on with: isonet train-starter --continue-from %s", run.folder)
    else:
        log.info("the model is %s", run.folder / MODEL_NAME)
    if run.interrupted is not None:
        raise run.interrupted
