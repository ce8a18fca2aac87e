"""Training the network, a step at a time."""

import copy
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isonet.train.engine import engine_for
from isonet.train.hardware.choice import laid_out
from isonet.train.hardware.precision import LossScale, Precision, autocast, choose_precision, rounded
from isonet.train.hardware.versions import learns_in
from isonet.train.loss import mean_error
from isonet.train.memory import is_out_of_memory
from isonet.train.network.batch_norm import share_statistics
from isonet.train.network.unet import UNet, fix_normalization
from isonet.train.optimizer import OptimizerName, optimizers
from isonet.train.pairs import Batch
from isonet.train.team import ALONE, Team

log = logging.getLogger("isonet")


@dataclass(frozen=True)
class TrainerOptions:
    """How a network is trained.

    Attributes
    ----------
    exponent : int
        Power of the errors whose mean is minimised: 1 (absolute) or 2 (square).
    optimizer : str
        `muon` or `adamw`.
    weight_decay : float
        Share of the weights, times the learning rate, that each step takes off.
    clip : float
        Greatest norm of a gradient; longer ones are scaled down to it.
    averaging : float
        Share of the averaged weights kept at each step; 0 evaluates with the present weights.
    accumulate : int
        Parts in which a batch goes through the network, one after the other, to save memory.
    batch_statistics_until : int or None
        Step after which batch normalisations use their running averages as they are instead of each batch's own;
        None for never.
    """

    exponent: Literal[1, 2] = 1
    optimizer: OptimizerName = "adamw"
    weight_decay: float = 0.0
    clip: float = 1.0
    averaging: float = 0.98
    accumulate: int = 1
    batch_statistics_until: int | None = None


class Trainer:
    """A network in training: Muon or AdamW, gradients clipped, weights averaged over the last steps.

    Parameters
    ----------
    network : UNet
        Trained in place.
    device : torch.device
        Where to compute.
    precision : str
        `float32`, `bf16`, `fp16` or `auto`.
    options : TrainerOptions
        How to train.
    team : Team
        Processes that train it together, each of which gives its part of every batch.

    Attributes
    ----------
    accumulate : int
        Parts in which batches go through the network now: more than the options say once memory ran out.
    """

    def __init__(
        self,
        network: UNet,
        device: torch.device,
        precision: Precision,
        options: TrainerOptions | None = None,
        team: Team = ALONE,
    ) -> None:
        self.team = team
        self.options = options or TrainerOptions()
        self.accumulate = self.options.accumulate
        self.network = network.train()
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        laid_out(self.averaged, device)
        laid_out(self.network, device)
        if team.size > 1:
            share_statistics(self.network, device)
        self._engine = engine_for(device, team)
        self._arithmetic = choose_precision(device, precision)
        self._scale = LossScale() if self._arithmetic == "fp16" else None
        self._module = self._engine.setup_module(self.network)
        made = optimizers(self.network, self.options.optimizer, self.options.weight_decay)
        self._optimizers = [self._engine.setup_optimizers(one) for one in made]
        self.averaged.to(device)
        self._steps = 0
        self._rehearsed = False
        self._fix_normalization()

    def step(self, batch: Batch, learning_rate: float) -> Float[Tensor, ""]:
        """Take one optimisation step and return the loss, still on the device.

        In a team `batch` is this process's part of the whole, and what is returned adds up to the loss.
        """
        with self.team.connected():
            total = self._gradients(batch)
        if self._clip():
            for optimizer in self._optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate
                optimizer.step()
            self._average()
            self._fix_normalization()
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        return total

    def _fix_normalization(self) -> None:
        """Use running averages from the step on that the options say."""
        last = self.options.batch_statistics_until
        if last is not None and self._steps >= last:
            fix_normalization(self.network)

    def _gradients(self, batch: Batch) -> Float[Tensor, ""]:
        """Sum the gradients of a batch and return its loss.

        It goes through the network in more and more parts while memory does not suffice. Processes of a team, which
        wait for each other on the way, agree on that before the first step.
        """
        if self.team.size > 1 and not self._rehearsed:
            self._rehearse(batch)
        elif self.team.size == 1:
            return self._in_parts_that_fit(batch, partial(self._gradients_in_parts, batch))
        return self._gradients_in_parts(batch, min(self.accumulate, self._most(batch)))

    def _most(self, batch: Batch) -> int:
        """Parts that all processes can make of their shares."""
        return batch.pairs // self.team.size

    def _in_parts_that_fit(self, batch: Batch, compute: Callable[[int], Tensor]) -> Tensor:
        """Compute on a batch in as few parts as memory allows, from now on."""
        most = self._most(batch)
        while True:
            try:
                return compute(min(self.accumulate, most))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self.accumulate >= most:
                    raise
            for optimizer in self._optimizers:
                optimizer.zero_grad()
            self.accumulate = min(2 * self.accumulate, most)
            if self._engine.device.type == "cuda":
                torch.cuda.empty_cache()
            log.info("out of memory; each batch now goes through the network in %d parts", self.accumulate)

    def _rehearse(self, batch: Batch) -> None:
        """Find out alone in how many parts a batch fits, and agree with the others of the team on the most."""
        gpus = [self._engine.device] if self._engine.device.type == "cuda" else []
        with torch.random.fork_rng(gpus), self._engine.no_backward_sync(self._module):
            fix_normalization(self.network)  # which would wait for the others
            self._in_parts_that_fit(batch, partial(self._pass, batch))
            self.network.train()
            self._fix_normalization()
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        (self.accumulate,) = self.team.largest(self.accumulate)
        self._rehearsed = True

    def _pass(self, batch: Batch, parts: int) -> Tensor:
        """Go forth and back through the network with one part of a batch, past the engine."""
        inputs, targets, error_filter = next(batch.parts(parts))
        loss = self._loss(self.network, inputs, targets, error_filter)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    def _gradients_in_parts(self, batch: Batch, parts: int) -> Float[Tensor, ""]:
        """Gradients are the mean over the processes, so that each one's loss counts as often as there are any."""
        total = torch.zeros((), device=self._engine.device)
        for number, (inputs, targets, error_filter) in enumerate(batch.parts(parts), start=1):
            with self._alone_until(number == parts):
                error = self._loss(self._module, inputs, targets, error_filter)
                loss = len(inputs) / batch.pairs * error
                self._engine.backward(self.team.size * self._scaled(loss))
            total += loss.detach()
        return total

    def _loss(self, network: nn.Module, inputs: Tensor, targets: Tensor, error_filter: Tensor) -> Tensor:
        """Mean error of some pairs."""
        coarsest = min(inputs.shape[2:]) // self.network.shape.divisor
        arithmetic = learns_in(self._engine.device, self._arithmetic, coarsest)
        with autocast(self._engine.device, arithmetic):
            prediction = network(rounded(inputs, arithmetic)).float()
        return mean_error(prediction, targets, error_filter, self.options.exponent)

    def _scaled(self, loss: Tensor) -> Tensor:
        """Loss whose gradients the arithmetic can hold."""
        return loss if self._scale is None else self._scale.factor * loss

    def _alone_until(self, last: bool) -> AbstractContextManager[None]:
        """Keep gradients to this process but for the last part of a batch."""
        if self.team.size == 1:
            return nullcontext()
        waits: AbstractContextManager[None] = self._engine.no_backward_sync(self._module, enabled=not last)
        return waits

    def _clip(self) -> bool:
        """Scale the gradient down to the greatest norm allowed; tell whether it can be used.

        It is taken to be, without waiting for the device, but in fp16, where it may be beyond the largest number.
        """
        gradients = [parameter.grad for parameter in self.network.parameters() if parameter.grad is not None]
        if self._scale is not None:
            torch._foreach_mul_(gradients, 1 / self._scale.factor)
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        if self._scale is not None:
            finite = bool(norm.isfinite())
            self._scale.follow(finite=finite)
            if not finite:
                return False
        scale = (self.options.clip / (norm + 1e-12)).clamp(max=1.0)
        torch._foreach_mul_(gradients, scale)
        return True

    @torch.no_grad()
    def _average(self) -> None:
        """Move the averaged weights towards the present ones; early on over a ninth of the steps so far."""
        self._steps += 1
        share = max(1 - self.options.averaging, 9 / (self._steps + 9)) if self.options.averaging else 1.0
        averaged, present = self.averaged.state_dict(), self.network.state_dict()
        floating = [name for name, value in present.items() if value.is_floating_point()]
        torch._foreach_lerp_([averaged[name] for name in floating], [present[name] for name in floating], share)
        for name in present.keys() - set(floating):
            averaged[name].copy_(present[name])

    @property
    def finite(self) -> bool:
        """Whether all weights are numbers; after a step whose gradient was none they are not, whatever its loss."""
        sums = [value.sum() for value in self.averaged.state_dict().values() if value.is_floating_point()]
        return bool(torch.stack(sums).isfinite().all())

    def weights(self) -> dict[str, Tensor]:
        """Averaged weights: those to evaluate with."""
        return dict(self.averaged.state_dict())

    def state(self) -> dict[str, Any]:
        """Everything a continued training needs."""
        return {
            "weights": dict(self.network.state_dict()),
            "averaged": self.weights(),
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
            "steps": self._steps,
            "loss_scale": None if self._scale is None else self._scale.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state given by :meth:`state`."""
        self.network.load_state_dict(state["weights"])
        self.averaged.load_state_dict(state["averaged"])
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self._steps = int(state["steps"])
        if self._scale is not None and state.get("loss_scale") is not None:
            self._scale = LossScale(**state["loss_scale"])
        self._fix_normalization()
