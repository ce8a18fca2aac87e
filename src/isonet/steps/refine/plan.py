"""How much the next iteration of a refine does, and whether there is anything left to do."""

import logging
import math
import time
from collections.abc import Iterator

from isonet.config import RefineConfig
from isonet.core.sampling import random_stream
from isonet.io.text import counted
from isonet.running.console import duration_text
from isonet.steps.refine.pace import Amount, amount_asked, amount_that_fits, seconds_left
from isonet.steps.refine.record import stagnates
from isonet.steps.refine.setup import Refinement
from isonet.steps.refine.subvolumes.drawing import training_pairs
from isonet.train.fit import Trainer
from isonet.train.pairs import Batch

log = logging.getLogger("isonet")
_PROBE_STEPS = 3
_FEWEST_STEPS = 100  # benchmarks/LOG.md, "Trainings that are too short"
_USUAL_PATIENCE = 8


def why_done(refinement: Refinement) -> str | None:
    """Say that all iterations are done, or that nothing changes any more; None while there is something to do."""
    config, position = refinement.config, refinement.position
    iterations = _iterations_decided(refinement) or config.iterations
    if position.iteration > iterations and (config.time_budget is None or position.budget == config.time_budget):
        return "the one iteration is done" if iterations == 1 else f"all {iterations} iterations are done"
    comparable = [
        line for line in refinement.run.metrics() if line["iteration"] >= _last_change(refinement, iterations)
    ]
    patience = patience_of(config)
    if position.epoch == position.step == 0 and stagnates(comparable, patience):
        return f"neither held-out loss nor wedge balance changed in {counted(patience, 'iteration')}; done"
    return None


def patience_of(config: RefineConfig) -> int:
    """Return the iterations without change after which training ends: as asked, else only where it has no course."""
    if config.patience is not None:
        return config.patience
    return _USUAL_PATIENCE if config.schedule == "constant" and config.time_budget is None else 0


def _last_change(refinement: Refinement, iterations: int) -> int:
    """Return the iteration of the run's last change of noise level: losses before it cannot be compared."""
    if refinement.method != "isonet":
        return 1
    return max((start for start in refinement.config.noise_start_iter if start <= iterations), default=1)


def _iterations_decided(refinement: Refinement) -> int | None:
    """Iterations that fit the time budget as last decided; None before that, and without a budget."""
    position, budget = refinement.position, refinement.config.time_budget
    if position.amount is None or budget is None or position.budget != budget:
        return None
    return position.amount.iterations


def probe(refinement: Refinement) -> None:
    """Measure what a step and a sub-volume take, with a copy of the network."""
    config, costs = refinement.config, refinement.costs
    network = refinement.evaluator(refinement.trainer.weights()).network
    trial = Trainer(network, refinement.device, config.precision, refinement.trainer.options, refinement.team)
    batches, taken = _trial_batches(refinement), []
    for _ in range(_PROBE_STEPS):
        before = time.monotonic()
        float(trial.step(next(batches), 0.0))
        taken.append(time.monotonic() - before)
    costs.measured("step", min(taken))
    costs.measured("iteration", 2 * costs.step + 2.0)
    log.info("a training step takes about %.2f s", costs.step)


def _trial_batches(refinement: Refinement) -> Iterator[Batch]:
    """Iterate over batches to try, without end; what the sub-volumes take that they are made of is measured before."""
    config, device, team = refinement.config, refinement.device, refinement.team
    if refinement.imagined is not None:
        while True:
            yield refinement.imagined.batch(0).on(device).part(team.share(config.batch_size))
    began = time.monotonic()
    predict = refinement.evaluator(refinement.trainer.weights())
    pairs = training_pairs(refinement.training, refinement.recipe(1), config, (0, 0), config.batch_size, predict, team)
    count = len(pairs.filled)
    refinement.costs.measured("subvolume", (time.monotonic() - began) / count)
    while True:
        yield pairs.batch(range(count), random_stream(config.seed, 0), device, team.share(count))


def decide_amount(refinement: Refinement) -> Amount:
    """Decide what the next iteration does."""
    config, position = refinement.config, refinement.position
    if config.time_budget is None:
        return amount_asked(config, refinement.subvolumes, position.iteration)
    refinement.keep_time()
    before = position.amount if position.budget == config.time_budget else None
    done = 0.0 if before is None else before.ends
    used, first = position.seconds, position.iteration
    amount = amount_that_fits(config, refinement.subvolumes, refinement.costs, config.time_budget, used, first, done)
    if before is None:
        takes = used + seconds_left(config, refinement.costs, amount, first)
        _warn_of_too_little_time(config.time_budget, amount, takes)
        _warn_of_few_steps(config.time_budget, position.taken + _steps_left(amount, first), takes)
    return amount


def _steps_left(amount: Amount, first: int) -> int:
    return (amount.iterations - first + 1) * amount.epochs * amount.steps


def _warn_of_few_steps(budget: float, steps: int, takes: float) -> None:
    """Warn where a training is too short to teach more than the network knows that it begins with."""
    if steps < _FEWEST_STEPS and takes <= budget + 1:
        log.warning(
            "--time-budget %s: %s fit, and fewer than %d seldom teach more than the starter shows; give %s or more",
            *(duration_text(budget), counted(steps, "training step"), _FEWEST_STEPS),
            duration_text(math.ceil(takes * _FEWEST_STEPS / steps / 60) * 60),
        )


def _warn_of_too_little_time(budget: float, amount: Amount, takes: float) -> None:
    """Warn where the least that is done takes longer than the time that the user gave."""
    if takes > budget + 1:
        log.warning(
            "--time-budget %s: the least that is done, %s of %s, takes about %s; give more time",
            *(duration_text(budget), counted(amount.iterations, "iteration"), counted(amount.steps, "step")),
            duration_text(takes),
        )
