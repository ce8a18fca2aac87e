"""Evaluating a trained network on a device."""

import copy
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from isonet.train.device import free_memory
from isonet.train.hardware.choice import laid_out
from isonet.train.hardware.precision import Precision, autocast, choose_precision
from isonet.train.hardware.versions import most_values, warning
from isonet.train.loss import mean_error
from isonet.train.network.unet import UNet, for_evaluation
from isonet.train.pairs import Batch

_SHARE_OF_GPU = 0.7
_REVERSED = {"y": (-3, -1), "z": (-2, -1), "x": (-3, -2)}  # by half a turn about each axis
_ABOUT = "yzx"


class Evaluator:
    """A trained network, ready to correct volumes.

    Parameters
    ----------
    network : UNet
        With its trained weights.
    device : torch.device
        Where to compute.
    precision : str
        `float32`, `bf16`, `fp16` or `auto`.
    """

    def __init__(self, network: UNet, device: torch.device, precision: Precision) -> None:
        self.device = device
        self.network = network
        self.divisor = network.shape.divisor
        self.turns, self._about = 1, ""
        self._arithmetic = choose_precision(device, precision)
        evaluated = for_evaluation(network)
        laid_out(evaluated, device)
        self._network = evaluated.to(device)

    def room(self, memory: int, sharers: int = 1) -> int:
        """Bytes that evaluating may take where the process has `memory` left: on a GPU most of what that has free.

        Of a GPU that several processes share, each takes its part.
        """
        return memory if self.device.type != "cuda" else round(_SHARE_OF_GPU * free_memory(self.device, sharers))

    @property
    def most_values(self) -> int:
        """Values that one array of the network may have at most."""
        return most_values(self.device, self._arithmetic)

    @property
    def warning(self) -> str | None:
        """What is known to go wrong on its device, and what helps."""
        return warning(self.device, self._arithmetic)

    def release_memory(self) -> None:
        """Give memory that is kept without being used back to the device."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def turned(self, turns: Literal[1, 2, 4], about: str = _ABOUT) -> "Evaluator":
        """Return one of the same network that averages over so many half-turns.

        Parameters
        ----------
        turns : int
            Outputs that are averaged: of the volume as it is (1), also of it turned by half a turn about one axis (2),
            or about all three (4). They should leave the wedge what it is, as one about the tilt axis does.
        about : str
            The axes; of 2 the first one counts.
        """
        other = copy.copy(self)
        other.turns, other._about = turns, about[: turns - 1]
        return other

    @torch.inference_mode()
    def __call__(self, volumes: Float[Tensor, "b 1 z y x"]) -> Float[Tensor, "b 1 z y x"]:
        """Return the network's output for a batch, in float32 on its device."""
        total = self._once(volumes)
        for axes in (_REVERSED[axis] for axis in self._about):
            total += self._once(volumes.flip(axes)).flip(axes)
        return total / self.turns if self.turns > 1 else total

    def _once(self, volumes: Tensor) -> Tensor:
        """Evaluate the network."""
        with autocast(self.device, self._arithmetic):
            result: Tensor = self._network(volumes.to(self.device, non_blocking=True))
        return result.float()

    def loss(self, batch: Batch, exponent: int) -> float:
        """Return the loss of a batch that is not trained on."""
        return float(mean_error(self(batch.inputs), batch.targets, batch.error_filter, exponent))
