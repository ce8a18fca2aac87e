"""Train the network on the tomograms themselves, iteration by iteration.

For each iteration: draw sub-volumes -> fill their wedge with the last network -> train on rotated pairs -> record.

Everything random is a function of (seed, iteration, epoch, step), so that a continued run takes the same path as an
uninterrupted one.
"""

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch

from isonet.config import RefineConfig
from isonet.errors import RunError
from isonet.io import checkpoint
from isonet.io.text import counted
from isonet.models.folder import MODEL_NAME, STATE_NAME, model_name
from isonet.project.table import Project
from isonet.running.console import duration_text
from isonet.running.runs import Run
from isonet.running.signals import Interruption
from isonet.steps.refine.epoch import train_epoch
from isonet.steps.refine.likeness import draw_likeness
from isonet.steps.refine.pace import Amount
from isonet.steps.refine.plan import decide_amount, probe, why_done
from isonet.steps.refine.record import record_iteration
from isonet.steps.refine.setup import Refinement, begin
from isonet.steps.refine.state import Position
from isonet.steps.refine.subvolumes.drawing import training_pairs
from isonet.train.evaluate import Evaluator
from isonet.train.hardware.overlap import ahead
from isonet.train.pairs import PairMaker
from isonet.train.team import ALONE, Team

log = logging.getLogger("isonet")


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
    if refinement.imagined is not None and team.first and config.continue_from is None:
        draw_likeness(refinement.imagined, refinement.training[0].sources, run.folder)
    done = team.agreed(lambda: why_done(refinement))
    if config.time_budget is None and refinement.position.iteration > config.iterations:
        log.info("nothing is left to do; --iterations %d or more goes further", config.iterations + 1)
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
    if (run.folder / STATE_NAME).exists() and not run.is_part:
        log.info("what was computed is saved; %s", how_to_continue(run))


def how_to_continue(run: Run) -> str:
    """Name the command that goes on with a run, which the command that it is part of does itself."""
    alone = f"go on with: isonet refine --continue-from {run.folder}"
    return "give the same command again" if run.is_part else alone


def _run_iteration(refinement: Refinement) -> None:
    """Draw, fill and train through one iteration, and record it unless it was stopped before its end."""
    if refinement.position.epoch == refinement.position.step == 0:
        refinement.position.amount = amount = refinement.team.agreed(lambda: decide_amount(refinement))
        refinement.position.budget = refinement.config.time_budget
        if refinement.position.taken == 0:
            what = counted(amount.subvolumes, "sub-volume"), refinement.config.subvolume_size
            log.info(
                "%s an epoch, %s of %s; %s an iteration, %s",
                "imagined samples" if refinement.imagined else f"{what[0]} of {what[1]} voxels",
                counted(amount.steps, "step"),
                counted(refinement.config.batch_size, "cube"),
                counted(amount.epochs, "epoch"),
                counted(amount.iterations, "iteration"),
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
        while refinement.position.epoch < amount.epochs:  # again where it had to go back
            for pairs in _draws(refinement, amount, predict):
                mean = train_epoch(refinement, pairs, amount, advance)
                if mean is None:
                    return _stop(refinement)
                loss = mean
                if not math.isfinite(loss):
                    break
    return loss


def _draws(refinement: Refinement, amount: Amount, predict: Evaluator | None) -> Iterator[PairMaker | None]:
    """Iterate over the filled sub-volumes of the epochs that are left; a GPU fills the next while it trains.

    None of each where nothing is learnt from the data.
    """
    iteration, config = refinement.position.iteration, refinement.config
    if refinement.imagined is not None:
        yield from (None for _ in range(refinement.position.epoch, amount.epochs))
        return

    def draw(epoch: int) -> PairMaker:
        at = (iteration, epoch)
        recipe = refinement.recipe(iteration)
        return training_pairs(refinement.training, recipe, config, at, amount.subvolumes, predict, refinement.team)

    epochs = range(refinement.position.epoch, amount.epochs)
    waited = time.monotonic()
    for pairs in ahead((partial(draw, epoch) for epoch in epochs), refinement.device):
        refinement.costs.measured("subvolume", (time.monotonic() - waited) / max(1, len(pairs.filled)))
        yield pairs
        waited = time.monotonic()


def _last_loss(run: Run) -> float:
    """Loss of the last epoch on record; nan where the record was lost."""
    return next((float(line["loss"]) for line in reversed(run.metrics()) if "loss" in line), float("nan"))


def _decided(position: Position) -> Amount:
    if position.amount is None:
        raise RuntimeError("no iteration begins before it is decided what it does")
    return position.amount


def _last_network(refinement: Refinement) -> Evaluator | None:
    """Return the network of the iteration before, which fills the wedge; None before the first training.

    Also where nothing is to be filled.
    """
    path = refinement.run.folder / model_name(refinement.position.iteration - 1)
    if refinement.imagined is not None or (refinement.position.iteration == 1 and not path.exists()):
        return None
    return refinement.evaluator(refinement.team.agreed(lambda: checkpoint.load_model(path)[0]))


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
