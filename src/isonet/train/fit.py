"""Training and evaluating the network on a device; the only file that knows the training engine."""

import copy
import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor

from isonet.core import fourier
from isonet.train.batch_norm import share_statistics
from isonet.train.device import Precision, choose_precision, is_out_of_memory
from isonet.train.optimizer import OptimizerName, optimizers
from isonet.train.pairs import Batch
from isonet.train.team import ALONE, Team
from isonet.train.unet import UNet, fix_normalization, for_evaluation

_SHARE_OF_GPU = 0.7
log = logging.getLogger("isonet")
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)


class _Meeting(LightningEnvironment):  # type: ignore[misc]
    """Tells the engine which process this is, whoever started it: each counts as a machine with one device."""

    def __init__(self, team: Team, address: str, port: int) -> None:
        super().__init__()
        self._team, self._address, self._port = team, address, port

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return self._address

    @property
    def main_port(self) -> int:
        return self._port

    def node_rank(self) -> int:
        return self._team.rank

    def local_rank(self) -> int:
        return 0


def _engine(device: torch.device, precision: Precision, team: Team = ALONE) -> Fabric:
    resolved = choose_precision(device, precision)
    shared = DDPStrategy() if team.size > 1 else "auto"
    engine = Fabric(
        accelerator=device.type,
        devices=[device.index] if device.type == "cuda" else 1,
        num_nodes=team.size,
        strategy=shared,
        precision="bf16-mixed" if resolved == "bf16" else "32-true",
        plugins=_Meeting(team, team.address, team.port),
    )
    if team.size > 1:
        engine.launch()
    return engine


@contextmanager
def gathered(team: Team, device: torch.device) -> Iterator[None]:
    """Connect the processes of a team, each of which calls this with the device it computes on."""
    if team.size == 1:
        yield
        return
    try:
        with team.connected():
            _engine(device, "float32", team)
            team.connect()
            yield
    finally:
        team.disconnect()


def _channels_last(network: UNet) -> UNet:
    """Lay the weights out so that convolutions run on channels-last volumes, the faster layout on CPU and GPU."""
    for parameter in network.parameters():
        if parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    return network


class Evaluator:
    """A trained network, ready to correct volumes.

    Parameters
    ----------
    network : UNet
        With its trained weights.
    device : torch.device
        Where to compute.
    precision : str
        `float32`, `bf16` or `auto`.
    """

    def __init__(self, network: UNet, device: torch.device, precision: Precision) -> None:
        self.device = device
        self.network = network
        self.divisor = network.shape.divisor
        engine = _engine(device, precision)
        self._network = engine.setup_module(_channels_last(for_evaluation(network)))

    def room(self, memory: int) -> int:
        """Bytes that evaluating may take where the process has `memory` left: on a GPU most of what that has free."""
        if self.device.type != "cuda":
            return memory
        return round(_SHARE_OF_GPU * torch.cuda.mem_get_info(self.device)[0])

    @torch.inference_mode()
    def __call__(self, volumes: Float[Tensor, "b 1 z y x"]) -> Float[Tensor, "b 1 z y x"]:
        """Return the network's output for a batch, in float32 on its device."""
        result: Tensor = self._network(volumes.to(self.device))
        return result.float()

    def loss(self, batch: Batch, exponent: int) -> float:
        """Return the loss of a batch that is not trained on."""
        return float(mean_error(self(batch.inputs), batch.targets, batch.error_filter, exponent))


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


def mean_error(prediction: Tensor, targets: Tensor, error_filter: Tensor, exponent: int) -> Tensor:
    """Mean of the filtered errors' absolute value, or of their square."""
    errors = fourier.apply(prediction - targets, error_filter)
    return errors.abs().mean() if exponent == 1 else errors.square().mean()


class Trainer:
    """A network in training: Muon or AdamW, gradients clipped, weights averaged over the last steps.

    Parameters
    ----------
    network : UNet
        Trained in place.
    device : torch.device
        Where to compute.
    precision : str
        `float32`, `bf16` or `auto`.
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
        self.network = _channels_last(network.train())
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        if team.size > 1:
            share_statistics(self.network)
        self._engine = _engine(device, precision, team)
        self._module = self._engine.setup_module(self.network)
        made = optimizers(self.network, self.options.optimizer, self.options.weight_decay)
        self._optimizers = [self._engine.setup_optimizers(one) for one in made]
        self.averaged.to(device)
        self._steps = 0
        self._fix_normalization()

    def step(self, batch: Batch, learning_rate: float) -> Float[Tensor, ""]:
        """Take one optimisation step and return the loss, still on the device.

        In a team `batch` is this process's part of the whole, and what is returned adds up to the loss.
        """
        with self.team.connected():
            total = self._gradients(batch)
        self._clip()
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            optimizer.step()
            optimizer.zero_grad()
        self._average()
        self._fix_normalization()
        return total

    def _fix_normalization(self) -> None:
        """Use running averages from the step on that the options say."""
        last = self.options.batch_statistics_until
        if last is not None and self._steps >= last:
            fix_normalization(self.network)

    def _gradients(self, batch: Batch) -> Float[Tensor, ""]:
        """Sum the gradients of a batch and return its loss.

        It goes through the network in more and more parts while memory does not suffice, unless others wait for it.
        """
        most = batch.pairs // self.team.size  # parts that all processes can make of their shares
        while True:
            try:
                return self._gradients_in_parts(batch, min(self.accumulate, most))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self.accumulate >= most or self.team.size > 1:
                    raise
            for optimizer in self._optimizers:
                optimizer.zero_grad()
            self.accumulate = min(2 * self.accumulate, most)
            if self._engine.device.type == "cuda":
                torch.cuda.empty_cache()
            log.warning("out of memory; each batch now goes through the network in %d parts", self.accumulate)

    def _gradients_in_parts(self, batch: Batch, parts: int) -> Float[Tensor, ""]:
        """Gradients are the mean over the processes, so that each one's loss counts as often as there are any."""
        total = torch.zeros((), device=self._engine.device)
        for number, (inputs, targets, error_filter) in enumerate(batch.parts(parts), start=1):
            with self._alone_until(number == parts):
                prediction = self._module(inputs).float()
                error = mean_error(prediction, targets, error_filter, self.options.exponent)
                loss = len(inputs) / batch.pairs * error
                self._engine.backward(self.team.size * loss)
            total += loss.detach()
        return total

    def _alone_until(self, last: bool) -> AbstractContextManager[None]:
        """Keep gradients to this process but for the last part of a batch."""
        if self.team.size == 1:
            return nullcontext()
        waits: AbstractContextManager[None] = self._engine.no_backward_sync(self._module, enabled=not last)
        return waits

    def _clip(self) -> None:
        """Scale the gradient down to the greatest norm allowed, without waiting for the device."""
        gradients = [parameter.grad for parameter in self.network.parameters() if parameter.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        scale = (self.options.clip / (norm + 1e-12)).clamp(max=1.0)
        torch._foreach_mul_(gradients, scale)

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
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state given by :meth:`state`."""
        self.network.load_state_dict(state["weights"])
        self.averaged.load_state_dict(state["averaged"])
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self._steps = int(state["steps"])
        self._fix_normalization()
