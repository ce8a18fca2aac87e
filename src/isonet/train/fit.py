"""Training and evaluating the network on a device; the only file that knows the training engine."""

import copy
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor

from isonet.core import fourier
from isonet.train.optimizer import OptimizerName, optimizers
from isonet.train.pairs import Batch
from isonet.train.unet import UNet, for_evaluation

Precision = Literal["auto", "float32", "bf16"]
_SHARE_OF_GPU = 0.7
log = logging.getLogger("isonet")
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)


def choose_device(name: str) -> torch.device:
    """Turn `auto`, `cpu`, `cuda` or `cuda:N` into a device; auto is the first GPU if there is one.

    Raises
    ------
    ValueError
        If the device does not exist on this machine.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda:0" if gpus else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device {name!r} is not known; use auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= gpus:
        raise ValueError(f"device {name!r} is not there; this machine offers {gpus} CUDA devices")
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device {name!r} cannot be used; use auto, cpu, cuda or cuda:N")
    return torch.device("cuda", device.index or 0) if device.type == "cuda" else device


def choose_precision(device: torch.device, precision: Precision) -> Literal["float32", "bf16"]:
    """Resolve `auto`: bf16 where the device computes in it natively."""
    if precision != "auto":
        return precision
    native = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_computes_bf16()
    return "bf16" if native else "float32"


def _cpu_computes_bf16() -> bool:
    """Tell whether the CPU has bf16 instructions (elsewhere bf16 is emulated and slower than float32)."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _engine(device: torch.device, precision: Precision) -> Fabric:
    resolved = choose_precision(device, precision)
    return Fabric(
        accelerator=device.type,
        devices=[device.index] if device.type == "cuda" else 1,
        precision="bf16-mixed" if resolved == "bf16" else "32-true",
    )


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
    """

    exponent: Literal[1, 2] = 1
    optimizer: OptimizerName = "adamw"
    weight_decay: float = 0.0
    clip: float = 1.0
    averaging: float = 0.98
    accumulate: int = 1


def mean_error(prediction: Tensor, targets: Tensor, error_filter: Tensor, exponent: int) -> Tensor:
    """Mean of the filtered errors' absolute value, or of their square."""
    errors = fourier.apply(prediction - targets, error_filter)
    return errors.abs().mean() if exponent == 1 else errors.square().mean()


def _is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out; that of the CPU's allocator is a plain RuntimeError."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "not enough memory" in str(error)


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

    Attributes
    ----------
    accumulate : int
        Parts in which batches go through the network now: more than the options say once memory ran out.
    """

    def __init__(
        self, network: UNet, device: torch.device, precision: Precision, options: TrainerOptions | None = None
    ) -> None:
        self.options = options or TrainerOptions()
        self.accumulate = self.options.accumulate
        self.network = _channels_last(network.train())
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self._engine = _engine(device, precision)
        self._module = self._engine.setup_module(self.network)
        made = optimizers(self.network, self.options.optimizer, self.options.weight_decay)
        self._optimizers = [self._engine.setup_optimizers(one) for one in made]
        self.averaged.to(device)
        self._steps = 0

    def step(self, batch: Batch, learning_rate: float) -> Float[Tensor, ""]:
        """Take one optimisation step and return the loss, still on the device."""
        total = self._gradients(batch)
        self._clip()
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            optimizer.step()
            optimizer.zero_grad()
        self._average()
        return total

    def _gradients(self, batch: Batch) -> Float[Tensor, ""]:
        """Sum the gradients of a batch and return its loss; in more and more parts while memory does not suffice."""
        while True:
            try:
                return self._gradients_in_parts(batch, min(self.accumulate, len(batch.inputs)))
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error) or self.accumulate >= len(batch.inputs):
                    raise
            for optimizer in self._optimizers:
                optimizer.zero_grad()
            self.accumulate = min(2 * self.accumulate, len(batch.inputs))
            if self._engine.device.type == "cuda":
                torch.cuda.empty_cache()
            log.warning("out of memory; each batch now goes through the network in %d parts", self.accumulate)

    def _gradients_in_parts(self, batch: Batch, parts: int) -> Float[Tensor, ""]:
        total = torch.zeros((), device=self._engine.device)
        for inputs, targets, error_filter in batch.parts(parts):
            share = len(inputs) / len(batch.inputs)
            loss = share * mean_error(self._module(inputs).float(), targets, error_filter, self.options.exponent)
            self._engine.backward(loss)
            total += loss.detach()
        return total

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
