"""One epoch of a refine: its steps, its record, and the way back where it diverged."""

import logging
import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from isonet.config import RefineConfig
from isonet.core.sampling import random_stream
from isonet.steps.refine.diverged import step_back
from isonet.steps.refine.pace import Amount
from isonet.steps.refine.setup import Refinement
from isonet.steps.refine.state import Position
from isonet.train.pairs import Batch, PairMaker
from isonet.train.schedule import learning_rate

log = logging.getLogger("isonet")
_CHECKPOINT_SECONDS = 600.0
_THREADS = 1  # that imagine samples while the network trains


def train_epoch(
    refinement: Refinement, pairs: PairMaker | None, amount: Amount, advance: Callable[[], None]
) -> float | None:
    """Take the steps that are left of an epoch and record it.

    Returns
    -------
    float or None
        Its mean loss; None if it was stopped before its end.

    Raises
    ------
    RunError
        If it diverges again and again.
    """
    began, left = time.monotonic(), amount.steps - refinement.position.step
    total = _take_steps(refinement, pairs, amount, advance)
    if total is None:
        return None
    loss = _finish(refinement, total / amount.steps, amount.steps)
    if left:
        refinement.costs.measured("step", (time.monotonic() - began) / left)
    return loss


def _take_steps(
    refinement: Refinement, pairs: PairMaker | None, amount: Amount, advance: Callable[[], None]
) -> float | None:
    """Return the sum of the losses of an epoch; None if it was stopped before its end."""
    position = refinement.position
    saved = time.monotonic()
    before = position.loss_sum if refinement.team.first else 0.0
    total = torch.full((), before, dtype=torch.float64, device=refinement.device)
    for batch in _batches(refinement, pairs, amount):
        total += _step(refinement, batch)
        position.step, position.taken = position.step + 1, position.taken + 1
        advance()
        stop, save = _asked_for(refinement, time.monotonic() - saved > _CHECKPOINT_SECONDS)
        if stop or save:
            position.loss_sum = refinement.team.total(float(total))
            if not (math.isfinite(position.loss_sum) and refinement.trainer.finite):
                return math.nan  # the state that is saved is the last good one
            refinement.save()
            saved = time.monotonic()
        if stop:
            return None
    return refinement.team.total(float(total))


def _asked_for(refinement: Refinement, save: bool) -> tuple[bool, bool]:
    """Tell whether any process is to stop after this step, and whether process 0 wants to save."""
    run = refinement.run
    signal = 0 if run.interrupted is None else run.interrupted.number
    signal, late, saves = refinement.team.largest(signal, run.out_of_time(), save and refinement.team.first)
    if signal and run.interrupted is None:
        run.take_signal(signal)
    return bool(signal or late), bool(saves)


def _batches(refinement: Refinement, pairs: PairMaker | None, amount: Amount) -> Iterator[Batch]:
    """Iterate over the batches of the steps that are left of an epoch, made of the data, or of imagined samples.

    What is random in a step, also in the network, is a function of where in the run it is.
    """
    at, team, device = refinement.position, refinement.team, refinement.device
    if pairs is None:
        yield from _imagined(refinement, amount.steps - at.step)
        return
    for indices in _order(refinement.config, at, len(pairs.filled), amount.steps)[at.step :]:
        yield pairs.batch(indices, _seeded(refinement), device, team.share(len(indices)))


def _imagined(refinement: Refinement, steps: int) -> Iterator[Batch]:
    """Iterate over this process's part of batches of imagined samples, the next ones of which are made meanwhile."""
    taken = refinement.position.taken
    if refinement.imagined is None:
        raise ValueError("neither data nor imagined samples to train on")
    for batch in refinement.imagined.batches(taken, taken + steps, _THREADS, refinement.device):
        _seeded(refinement)
        yield batch.part(refinement.team.share(batch.pairs))


def _seeded(refinement: Refinement) -> np.random.Generator:
    """Seed what is random in the network in the next step, and return the numbers that its pairs are drawn by."""
    at = refinement.position
    random = random_stream(refinement.config.seed, at.iteration, at.epoch, at.step)
    torch.manual_seed(int(random.integers(2**62)) + refinement.team.rank)  # dropout
    return random


def _step(refinement: Refinement, batch: Batch) -> torch.Tensor:
    """Take one training step."""
    at, config = refinement.position, refinement.config
    rate = learning_rate(refinement.peak_rate, at.fraction, at.taken, config.warmup_steps, config.schedule)
    return refinement.trainer.step(batch, rate)


def _order(config: RefineConfig, at: Position, count: int, steps: int) -> list[list[int]]:
    """Sub-volumes of every step of an epoch: each one as often as any other."""
    random = random_stream(config.seed, at.iteration, at.epoch)
    rounds = -(-steps * config.batch_size // count)
    order = np.concatenate([random.permutation(count) for _ in range(rounds)])[: steps * config.batch_size]
    return [[int(index) for index in batch] for batch in order.reshape(steps, config.batch_size)]


def _finish(refinement: Refinement, loss: float, steps: int) -> float:
    """Record an epoch and save the state after it; go back to the one before if that is not finite any more."""
    run, position = refinement.run, refinement.position
    if not (math.isfinite(loss) and refinement.trainer.finite):
        step_back(refinement)
        return math.nan
    run.metric(iteration=position.iteration, epoch=position.epoch + 1, loss=loss, steps=steps)
    log.debug("iteration %d, epoch %d: mean training error %.4f", position.iteration, position.epoch + 1, loss)
    position.epoch, position.step, position.loss_sum = position.epoch + 1, 0, 0.0
    if refinement.worth_saving:
        refinement.save()
    return loss
