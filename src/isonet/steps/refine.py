"""Train the network on the tomograms themselves, iteration by iteration.

For each iteration: draw sub-volumes -> fill their wedge with the last network -> train on rotated pairs -> record.

Everything random is a function of (seed, iteration, epoch, step), so that a continued run takes the same path as an
uninterrupted one.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from isonet.config import RefineConfig
from isonet.console import duration_text
from isonet.core.sampling import random_stream
from isonet.errors import InputError, RunError
from isonet.io import checkpoint
from isonet.project import Project
from isonet.runs import Interruption, Run
from isonet.steps.refine_files import Position, RunFiles, describe, model_name, start_weights
from isonet.steps.refine_pictures import PREVIEWS, curves, picture
from isonet.steps.source import choose_column
from isonet.steps.subvolume_files import input_of, open_subvolume_files
from isonet.steps.subvolumes import Samples, filled_pairs, open_training_set
from isonet.train.fit import Evaluator, Trainer, choose_device, choose_precision
from isonet.train.pairs import PairMaker
from isonet.train.unet import UNet, UNetShape, named_shape, parameter_count

log = logging.getLogger("isonet")
_CHECKPOINT_SECONDS = 600.0


def refine(project: Project, config: RefineConfig, run: Run) -> Project:
    """Train a network on the tomograms of a table.

    Parameters
    ----------
    project : Project
        The table, of tomograms or of sub-volumes.
    config : RefineConfig
        Options; with `continue_from` the run in that folder goes on.
    run : Run
        The run folder: models, metrics and previews go there.

    Returns
    -------
    Project
        As it was.

    Raises
    ------
    InputError
        If the tomograms, the options or the model to start from cannot be used.
    RunError
        If the training diverges or a file cannot be written.
    Interruption
        After a signal, once everything is saved.
    """
    try:
        device = choose_device(config.device)
    except ValueError as error:
        raise InputError(str(error)) from error
    column, training = _open_training(project, config, device)
    refinement = _begin(project, column, training, config, device, run)
    _introduce(refinement)
    try:
        while refinement.position.iteration <= config.iterations and not run.stopped_early:
            _run_iteration(refinement)
    except (Interruption, RunError):
        _say_how_to_continue(run)
        raise
    if run.stopped_early:
        _say_how_to_continue(run)
    return project


def _open_training(project: Project, config: RefineConfig, device: torch.device) -> tuple[str, Sequence[Samples]]:
    """Name the column trained on, as the model records it, and open what sub-volumes come from."""
    if config.subvolume_size < config.cube_size:
        raise InputError(f"--crop-size {config.crop_size} is smaller than --cube-size, {config.cube_size}; give both")
    rows = project.selected(config.tomo_idx)
    if project.holds_subvolumes:
        return input_of(rows, config.input_column), open_subvolume_files(rows, config, device)
    column = choose_column(rows, config.input_column)
    training = open_training_set(rows, column, config, device)
    return "full" if column == rows[0].full_column else column, training


def _say_how_to_continue(run: Run) -> None:
    log.warning("what was computed is saved; go on with: isonet refine --continue-from %s", run.folder)


@dataclass
class _Refinement:
    """A refine run at work."""

    config: RefineConfig
    training: Sequence[Samples]
    device: torch.device
    run: Run
    files: RunFiles
    shape: UNetShape
    trainer: Trainer
    position: Position

    def last_network(self) -> Evaluator | None:
        """Return the network of the iteration before; None before the first training."""
        path = self.run.folder / model_name(self.position.iteration - 1)
        if self.position.iteration == 1 and self.config.pretrained_model is None:
            return None
        return self.evaluator(checkpoint.load_model(path)[0])

    def evaluator(self, weights: Mapping[str, torch.Tensor]) -> Evaluator:
        """Return the network with other weights, to evaluate."""
        network = UNet(self.shape)
        network.load_state_dict(weights)
        return Evaluator(network, self.device, self.config.precision)


def _begin(
    project: Project,
    column: str,
    training: Sequence[Samples],
    config: RefineConfig,
    device: torch.device,
    run: Run,
) -> _Refinement:
    """Make the network and its trainer, anew or as a run left them."""
    shape, weights = _network_shape(config, device), None
    if config.pretrained_model is not None:
        copy = run.folder / model_name(0)
        shape, weights = start_weights(config.pretrained_model if config.continue_from is None else copy)
    _check_sizes(config, shape)
    torch.manual_seed(config.seed)
    network = UNet(shape)
    if weights is not None:
        network.load_state_dict(weights)
    trainer = Trainer(network, config.learning_rate, device, config.precision)
    files = RunFiles(run.folder, describe(shape, column, training, config), project.path)
    position = Position()
    if config.continue_from is not None:
        position = files.resume(trainer, config.learning_rate)
    else:
        if weights is not None:
            files.save_model(trainer, iteration=0)
        files.save_state(trainer, position)
    run.keep_metrics(position.comes_after)
    return _Refinement(config, training, device, run, files, shape, trainer, position)


def _network_shape(config: RefineConfig, device: torch.device) -> UNetShape:
    """Resolve the network: a named one with the options that were given in its place."""
    automatic = "paper" if device.type == "cuda" else "small"
    return named_shape(
        automatic if config.arch == "auto" else config.arch,
        depth=config.unet_depth,
        filter_base=config.filter_base,
        convs_per_depth=config.convs_per_depth,
        kernel=config.kernel,
        pool=config.pool,
        normalization=config.normalization,
        drop_out=config.drop_out,
    )


def _check_sizes(config: RefineConfig, shape: UNetShape) -> None:
    """Refuse cubes that the network cannot halve often enough."""
    for flag, edge in (("--cube-size", config.cube_size), ("--crop-size", config.subvolume_size)):
        if edge % shape.divisor:
            raise InputError(f"{flag} {edge} is not a multiple of {shape.divisor}, which this network needs")


def _introduce(refinement: _Refinement) -> None:
    """Say what is about to happen."""
    config, position = refinement.config, refinement.position
    log.info(
        "network: depth %d, %d filters, %s parameters, on %s in %s",
        refinement.shape.depth,
        refinement.shape.filter_base,
        f"{parameter_count(refinement.trainer.network):,}",
        refinement.device,
        choose_precision(refinement.device, config.precision),
    )
    total = sum(one.count for one in refinement.training)
    log.info(
        "%d tomograms, %d sub-volumes of %d voxels an iteration, %d steps of %d cubes an epoch",
        len(refinement.training),
        total,
        config.subvolume_size,
        steps_per_epoch(config, total),
        config.batch_size,
    )
    if position.iteration > config.iterations:
        log.info("all %d iterations are done; ask for more with --iterations", config.iterations)
    elif position != Position():
        log.info("going on in iteration %d after %d epochs", position.iteration, position.epoch)


def _run_iteration(refinement: _Refinement) -> None:
    """Draw, fill and train through one iteration, and record it unless it was stopped before its end."""
    started = time.monotonic()
    loss = _train_iteration(refinement)
    if not refinement.run.stopped_early:
        _finish_iteration(refinement, loss, started)


def _train_iteration(refinement: _Refinement) -> float:
    """Train from the current position to the end of its iteration and return the last epoch's mean loss."""
    config, run, position = refinement.config, refinement.run, refinement.position
    if position.epoch >= config.epochs:  # killed between the last epoch and the end of the iteration
        return float(run.metrics()[-1]["loss"])
    pairs = filled_pairs(refinement.training, config, position.iteration, refinement.last_network(), run)
    steps = steps_per_epoch(config, len(pairs.filled))
    left = (config.epochs - position.epoch) * steps - position.step
    loss = float("nan")
    with run.deferred_signals(), run.progress(f"iteration {position.iteration}: training", left) as advance:
        while position.epoch < config.epochs:
            saved = time.monotonic()
            total = torch.tensor(position.loss_sum, dtype=torch.float64, device=refinement.device)
            for indices in _order(config, position, len(pairs.filled), steps)[position.step :]:
                total += _step(refinement, pairs, indices)
                position.step += 1
                advance()
                stop = run.interrupted is not None or run.out_of_time()
                if stop or time.monotonic() - saved > _CHECKPOINT_SECONDS:
                    position.loss_sum = float(total)
                    refinement.files.save_state(refinement.trainer, position)
                    saved = time.monotonic()
                if stop:
                    return _stop(refinement)
            loss = _finish_epoch(refinement, float(total) / steps)
    return loss


def _step(refinement: _Refinement, pairs: PairMaker, indices: Sequence[int]) -> torch.Tensor:
    """Take one training step, its randomness a function of where in the run it is."""
    at = refinement.position
    random = random_stream(refinement.config.seed, at.iteration, at.epoch, at.step)
    torch.manual_seed(int(random.integers(2**62)))  # dropout
    return refinement.trainer.step(*pairs.batch(indices, random, refinement.device))


def _order(config: RefineConfig, at: Position, count: int, steps: int) -> list[list[int]]:
    """Sub-volumes of every step of an epoch: each one as often as any other."""
    random = random_stream(config.seed, at.iteration, at.epoch)
    rounds = -(-steps * config.batch_size // count)
    order = np.concatenate([random.permutation(count) for _ in range(rounds)])[: steps * config.batch_size]
    return [[int(index) for index in batch] for batch in order.reshape(steps, config.batch_size)]


def steps_per_epoch(config: RefineConfig, subvolumes: int) -> int:
    """Training steps of an epoch: as asked, or six pairs of each sub-volume but at most 200 steps."""
    return config.steps_per_epoch or min(max(1, 6 * subvolumes // config.batch_size), 200)


def _finish_epoch(refinement: _Refinement, loss: float) -> float:
    """Record an epoch and save the state after it."""
    run, position = refinement.run, refinement.position
    if not np.isfinite(loss):
        raise RunError(
            f"{run.folder}: the loss is not finite any more in iteration {position.iteration}; go on from the last "
            "good state with a smaller --learning-rate"
        )
    run.metric(iteration=position.iteration, epoch=position.epoch + 1, loss=loss)
    position.epoch, position.step, position.loss_sum = position.epoch + 1, 0, 0.0
    refinement.files.save_state(refinement.trainer, position)
    return loss


def _stop(refinement: _Refinement) -> float:
    """Leave a usable model behind; raise the signal that came, if it was one."""
    run = refinement.run
    refinement.files.save_model(refinement.trainer, refinement.position.iteration, finished=False)
    if run.interrupted is not None:
        raise run.interrupted
    run.stopped_early = True
    return float("nan")


def _finish_iteration(refinement: _Refinement, loss: float, started: float) -> None:
    """Save the model, draw the previews, say how it went, and move on."""
    config, iteration, run = refinement.config, refinement.position.iteration, refinement.run
    refinement.files.save_model(refinement.trainer, iteration)
    evaluator = refinement.evaluator(refinement.trainer.weights())
    balance = picture(refinement.training[0].source, evaluator, run.folder / PREVIEWS, iteration)
    seconds = time.monotonic() - started
    run.metric(iteration=iteration, wedge_balance=balance if np.isfinite(balance) else None, seconds=round(seconds, 1))
    curves(run.metrics(), run.folder / PREVIEWS)
    log.info(
        "iteration %d of %d: loss %.4f, power in the wedge %.1f %% of that outside, %s, %s left",
        iteration,
        config.iterations,
        loss,
        100 * balance,
        duration_text(seconds),
        duration_text(seconds * (config.iterations - iteration)),
    )
    refinement.position = Position(iteration + 1)
    refinement.files.save_state(refinement.trainer, refinement.position)
    refinement.files.prune(iteration, config.keep_models)
