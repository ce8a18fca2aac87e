"""What a refine run records of each iteration: held-out loss, wedge balance, pictures and curves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from isonet.core.sampling import random_stream
from isonet.core.tilts import wedge
from isonet.running.runs import PREVIEWS
from isonet.steps.refine.setup import Refinement
from isonet.steps.refine.subvolumes.drawing import held_out_pairs
from isonet.train.evaluate import Evaluator
from isonet.volumes.pixel_size import pixel_size
from isonet.volumes.preview import mean_balance, save_comparison, save_curves, wedge_balance
from isonet.volumes.source import Source

_EDGES = (64, 128, 128)  # of the part that is shown, at most
_LOSS_MOVES, _BALANCE_MOVES, _BALANCE_MATTERS = 0.001, 0.02, 0.002


@dataclass(frozen=True)
class Record:
    """Numbers of an iteration.

    Attributes
    ----------
    held_out : float or None
        Loss on what is held out; None where nothing is.
    balance : float
        Power of the network's own output inside the missing wedge relative to outside, where `predict` may add data.
    """

    held_out: float | None
    balance: float

    @property
    def balance_text(self) -> str:
        """Say what the balance means."""
        if math.isnan(self.balance):
            return "too small to measure how full the wedge is"
        share = f"{100 * self.balance:.0f} % of the power density outside it (0 empty, 100 filled)"
        return f"in the network's own output the wedge holds {share}"


def record_iteration(refinement: Refinement) -> Record:
    """Measure and draw how the network does after an iteration, into `metrics.jsonl` and the previews."""
    iteration, run = refinement.position.iteration, refinement.run
    evaluator = refinement.evaluator(refinement.trainer.weights())
    held_out = _held_out_loss(refinement, evaluator)
    one = refinement.training[0]
    before, after = _middle(one.sources, evaluator)
    source, measured = one.sources[0], one.sources[0].tomogram.measured
    save_comparison(
        run.folder / PREVIEWS / f"iter{iteration:02d}.png",
        {"before": before.numpy(), "after": after.numpy()},
        measured,
        pixel_size(source.tomogram, source.volume),
        f"{source.tomogram.name}, middle, after iteration {iteration} (density bright)",
    )
    shells = wedge_balance(after.numpy(), measured)
    balance = mean_balance(shells)
    run.metric(
        iteration=iteration,
        held_out_loss=held_out,
        wedge_balance=balance if math.isfinite(balance) else None,
        balance_by_shell=[[round(frequency, 4), round(ratio, 4)] for frequency, ratio in shells],
        seconds=round(refinement.position.seconds, 1),
    )
    _draw_curves(refinement)
    return Record(held_out, balance)


def _held_out_loss(refinement: Refinement, evaluator: Evaluator) -> float | None:
    """Loss of the averaged network on the same pairs each time; None where nothing is held out, or learnt from data."""
    if refinement.imagined is not None:
        return None
    config, position = refinement.config, refinement.position
    recipe = refinement.recipe(position.iteration)
    pairs = held_out_pairs(refinement.training, recipe, config, evaluator)
    if pairs is None:
        return None
    count, losses = len(pairs.filled), []
    for start in range(0, count, config.batch_size):
        indices = range(start, min(start + config.batch_size, count))
        batch = pairs.batch(indices, random_stream(config.seed, 0, 0, start), refinement.device)
        losses.append(evaluator.loss(batch, recipe.exponent) * len(indices))
    return sum(losses) / count


def _middle(sources: Sequence[Source], evaluator: Evaluator) -> tuple[torch.Tensor, torch.Tensor]:
    """Middle of a tomogram before and after correction; of halves the mean."""
    parts = [
        -(-min(edge, limit) // evaluator.divisor) * evaluator.divisor
        for edge, limit in zip(sources[0].volume.shape, _EDGES, strict=True)
    ]
    corner = [(edge - part) // 2 for edge, part in zip(sources[0].volume.shape, parts, strict=True)]
    before = torch.stack([torch.from_numpy(source.cut(corner, parts)) for source in sources])
    given = [wedge.apply(one.to(evaluator.device), s.measured) for one, s in zip(before, sources, strict=True)]
    after = torch.stack([evaluator(one[None, None])[0, 0].cpu() for one in given])
    return before.mean(0), after.mean(0)


def _draw_curves(refinement: Refinement) -> None:
    """Draw losses and wedge balance over the run so far into `loss.png`."""
    metrics = refinement.run.metrics()
    losses = [line["loss"] for line in metrics if "loss" in line]
    ended = [line for line in metrics if "wedge_balance" in line]
    curves: dict[str, Sequence[tuple[float, float]]] = {"training loss, by epoch": list(enumerate(losses, start=1))}
    for name, column in (
        ("held-out loss, by iteration", "held_out_loss"),
        ("power inside / outside the wedge, by iteration", "wedge_balance"),
    ):
        points = [(line["iteration"], line[column]) for line in ended if line.get(column) is not None]
        if points:
            curves[name] = points
    save_curves(refinement.run.folder / PREVIEWS / "loss.png", curves)


def stagnates(metrics: Sequence[Mapping[str, Any]], patience: int) -> bool:
    """Tell whether neither held-out loss nor wedge balance has moved in the last `patience` iterations.

    The loss moves if its best falls by a thousandth, the balance if it ends 2 % (and 0.002) away from where it was.
    """
    ended = [line for line in metrics if line.get("held_out_loss") is not None]
    if patience == 0 or len(ended) <= patience:
        return False
    before, after = ended[:-patience], ended[-patience:]
    best = min(line["held_out_loss"] for line in before)
    falls = min(line["held_out_loss"] for line in after) < best * (1 - _LOSS_MOVES)
    start, end = (line["wedge_balance"] or 0.0 for line in (before[-1], after[-1]))
    return not falls and abs(end - start) < max(_BALANCE_MOVES * start, _BALANCE_MATTERS)
