"""Train the network on the tomograms themselves, iteration by iteration.

For each iteration: draw sub-volumes -> fill their wedge with the last network -> train on rotated pairs -> record.

Everything random is a function of (seed, iteration, epoch, step), so that a continued run takes the same path as an
uninterrupted one.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from isonet.config import RefineConfig
from isonet.core.sampling import random_stream
from isonet.errors import RunError
from isonet.io import checkpoint
from isonet.models.folder import MODEL_NAME, STATE_NAME, model_name
from isonet.project.table import Project
from isonet.running.console import duration_text
from isonet.running.runs import Run
from isonet.running.signals import Interruption
from isonet.steps.refine.diverged import step_back
from isonet.steps.refine.drawing import training_pairs
from isonet.steps.refine.pace import Amount
from isonet.steps.refine.plan import decide_amount, probe, why_done
from isonet.steps.refine.record import record_iteration
from isonet.steps.refine.setup import Refinement, begin
from isonet.steps.refine.state import Position
from isonet.train.evaluate import Evaluator
from isonet.train.pairs import PairMaker
from isonet.train.schedule import learning_rate
from isonet.train.team import ALONE, Team

log = logging.getLogger("isonet")
_CHECKPOINT_SECONDS = 600.0


def refine(project: Project, config: RefineConfig, run: Run, device: torch.device, team: Team = ALONE) -> Project:
    """Train a network on the tomograms of a table.

    Parameters
    ----------
    project : Project
        The table, of tomograms or of sub-volumes.
    config : RefineConfig
        Options; with `continue_from` the run in that folder goes on.
    run : Run
        The run folder: models, metrics and previews go there.
    device : torch.device
        Where to train.
    team : Team
        Processes that train together, each of which calls this.

    Returns
    -------
    Project
        As it was.

    Raises
    ------
    InputError
        If the tomograms, the options or the model to start from cannot be used.
    RunError
        If the training diverges again and again or a file cannot be written.
    Interruption
        After a signal, once everything is saved.
    """
    refinement = begin(project, config, run, device, team)
    done = team.agreed(lambda: why_done(refinement))
    if config.time_budget is not None and done is None:
        probe(refinement)
    try:
        while done is None and not run.stopped_early:
            _run_iteration(refinement)
            done = None if run.stopped_early else team.agreed(lambda: why_done(refinement))
    except (Interruption, RunError, MemoryError, RuntimeError):  # torch's own lack of memory is one of the last
        _say_how_to_continue(run)
        raise
    if run.stopped_early:
        _say_how_to_continue(run)
    else:
        log.info("%s; the model is %s", done, run.folder / MODEL_NAME)
    return project


def _say_how_to_continue(run: Run) -> None:
    if not (run.folder / STATE_NAME).exists():
        return
    log.info("what was computed is saved; go on with: isonet refine --continue-from %s", run.folder)


def _run_iteration(refinement: Refinement) -> None:
    """Draw, fill and train through one iteration, and record it unless it was stopped before its end."""
    if refinement.position.epoch == refinement.position.step == 0:
        refinement.position.amount = amount = refinement.team.agreed(lambda: decide_amount(refinement))
        refinement.position.budget = refinement.config.time_budget
        if refinement.position.taken == 0:
            log.info(
                "%d sub-volumes of %d voxels an epoch, %d steps of %d cubes; %d epochs an iteration, %d iterations",
                amount.subvolumes,
                refinement.config.subvolume_size,
                amount.steps,
                refinement.config.batch_size,
                amount.epochs,
                amount.iterations,
            )
    loss = _train_iteration(refinement)
    if refinement.run.stopped_early:
        return
    ended = time.monotonic()
    _finish_iteration(refinement, loss)
    refinement.save()
    refinement.costs.measured("iteration", time.monotonic() - ended)


def _train_iteration(refinement: Refinement) -> float:
    """Train from the current position to the end of its iteration and return the last epoch's mean loss."""
    run = refinement.run
    amount, position = _decided(refinement.position), refinement.position
    if position.epoch >= amount.epochs:  # killed between the last epoch and the end of the iteration
        return refinement.team.agreed(lambda: _last_loss(run))
    predict = _last_network(refinement)
    left = (amount.epochs - position.epoch) * amount.steps - position.step
    loss = float("nan")
    with run.deferred_signals(), run.progress(f"iteration {position.iteration}: training", left) as advance:
        while refinement.position.epoch < amount.epochs:
            before = time.monotonic()
            pairs = training_pairs(
                refinement.training,
                refinement.recipe(position.iteration),
                refinement.config,
                (position.iteration, refinement.position.epoch),
                amount.subvolumes,
                predict,
                refinement.team,
            )
            refinement.costs.measured("subvolume", (time.monotonic() - before) / max(1, len(pairs.filled)))
            total = _train_epoch(refinement, pairs, amount, advance)
            if total is None:
                return _stop(refinement)
            loss = _finish_epoch(refinement, total / amount.steps)
    return loss


def _last_loss(run: Run) -> float:
    """Loss of the last epoch on record; nan where the record was lost."""
    return next((float(line["loss"]) for line in reversed(run.metrics()) if "loss" in line), float("nan"))


def _decided(position: Position) -> Amount:
    if position.amount is None:
        raise RuntimeError("no iteration begins before it is decided what it does")
    return position.amount


def _last_network(refinement: Refinement) -> Evaluator | None:
    """Return the network of the iteration before, which fills the wedge; None before the first training."""
    path = refinement.run.folder / model_name(refinement.position.iteration - 1)
    if refinement.position.iteration == 1 and not path.exists():
        return None
    return refinement.evaluator(refinement.team.agreed(lambda: checkpoint.load_model(path)[0]))


def _train_epoch(refinement: Refinement, pairs: PairMaker, amount: Amount, advance: Callable[[], None]) -> float | None:
    """Take the steps that are left of an epoch; return the sum of its losses, None if it was stopped before its end."""
    config, position = refinement.config, refinement.position
    began = saved = time.monotonic()
    before = position.loss_sum if refinement.team.first else 0.0
    total = torch.tensor(before, dtype=torch.float64, device=refinement.device)
    order = _order(config, position, len(pairs.filled), amount.steps)[position.step :]
    for indices in order:
        total += _step(refinement, pairs, indices)
        position.step, position.taken = position.step + 1, position.taken + 1
        advance()
        stop, save = _asked_for(refinement, time.monotonic() - saved > _CHECKPOINT_SECONDS)
        if stop or save:
            position.loss_sum = refinement.team.total(float(total))
            if not math.isfinite(position.loss_sum):
                return position.loss_sum  # the state that is saved is the last good one
            refinement.save()
            saved = time.monotonic()
        if stop:
            return None
    summed = refinement.team.total(float(total))
    if order:
        refinement.costs.measured("step", (time.monotonic() - began) / len(order))
    return summed


def _asked_for(refinement: Refinement, save: bool) -> tuple[bool, bool]:
    """Tell whether any process is to stop after this step, and whether process 0 wants to save."""
    run = refinement.run
    signal = 0 if run.interrupted is None else run.interrupted.number
    signal, late, saves = refinement.team.largest(signal, run.out_of_time(), save and refinement.team.first)
    if signal and run.interrupted is None:
        run.take_signal(signal)
    return bool(signal or late), bool(saves)


def _step(refinement: Refinement, pairs: PairMaker, indices: Sequence[int]) -> torch.Tensor:
    """Take one training step, its randomness a function of where in the run it is."""
    at, config = refinement.position, refinement.config
    random = random_stream(config.seed, at.iteration, at.epoch, at.step)
    torch.manual_seed(int(random.integers(2**62)) + refinement.team.rank)  # dropout
    rate = learning_rate(refinement.peak_rate, at.fraction, at.taken, config.warmup_steps, config.schedule)
    batch = pairs.batch(indices, random, refinement.device, refinement.team.share(len(indices)))
    return refinement.trainer.step(batch, rate)


def _order(config: RefineConfig, at: Position, count: int, steps: int) -> list[list[int]]:
    """Sub-volumes of every step of an epoch: each one as often as any other."""
    random = random_stream(config.seed, at.iteration, at.epoch)
    rounds = -(-steps * config.batch_size // count)
    order = np.concatenate([random.permutation(count) for _ in range(rounds)])[: steps * config.batch_size]
    return [[int(index) for index in batch] for batch in order.reshape(steps, config.batch_size)]


def _finish_epoch(refinement: Refinement, loss: float) -> float:
    """Record an epoch and save the state after it; go back to the one before if the loss is not finite any more."""
    run, position = refinement.run, refinement.position
    if not math.isfinite(loss):
        step_back(refinement)
        return loss
    run.metric(iteration=position.iteration, epoch=position.epoch + 1, loss=loss)
    log.debug("iteration %d, epoch %d: mean training error %.4f", position.iteration, position.epoch + 1, loss)
    position.epoch, position.step, position.loss_sum = position.epoch + 1, 0, 0.0
    refinement.save()
    return loss


def _stop(refinement: Refinement) -> float:
    """Leave a usable model behind; raise the signal that came, if it was one."""
    run = refinement.run
    if refinement.team.first:
        refinement.files.save_model(refinement.trainer, refinement.position.iteration, finished=False)
    if run.interrupted is not None:
        raise run.interrupted
    run.stopped_early = True
    return float("nan")


def _finish_iteration(refinement: Refinement, loss: float) -> None:
    """Save the model, record how it went, and move on."""
    position = refinement.position
    if refinement.team.first:
        _record(refinement, loss)
    refinement.position = replace(position, iteration=position.iteration + 1, epoch=0, step=0, loss_sum=0.0)
    if refinement.team.first:
        refinement.files.prune(position.iteration, refinement.config.keep_models)


def _record(refinement: Refinement, loss: float) -> None:
    """Save the model of an iteration and say how it went."""
    position = refinement.position
    refinement.files.save_model(refinement.trainer, position.iteration)
    recorded = record_iteration(refinement)
    amount = _decided(position)
    refinement.keep_time()
    left = (amount.iterations - position.iteration) * position.seconds / position.iteration
    log.info(
        "iteration %d of %d: mean training error %.4f%s; %s; %s used, %s left",
        position.iteration,
        amount.iterations,
        loss,
        "" if recorded.held_out is None else f", {recorded.held_out:.4f} on the part held out",
        recorded.balance_text,
        duration_text(position.seconds),
        duration_text(left),
    )
