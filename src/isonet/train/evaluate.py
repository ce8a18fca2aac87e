"""Evaluating a trained network on a device."""

import torch
from jaxtyping import Float
from torch import Tensor

from isonet.train.device import Precision, choose_precision
from isonet.train.loss import mean_error
from isonet.train.pairs import Batch
from isonet.train.unet import UNet, channels_last, for_evaluation

_SHARE_OF_GPU = 0.7


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
        self._mixed = choose_precision(device, precision) == "bf16"
        self._network = channels_last(for_evaluation(network)).to(device)

    def room(self, memory: int) -> int:
        """Bytes that evaluating may take where the process has `memory` left: on a GPU most of what that has free."""
        if self.device.type != "cuda":
            return memory
        return round(_SHARE_OF_GPU * torch.cuda.mem_get_info(self.device)[0])

    @torch.inference_mode()
    def __call__(self, volumes: Float[Tensor, "b 1 z y x"]) -> Float[Tensor, "b 1 z y x"]:
        """Return the network's output for a batch, in float32 on its device."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._mixed):
            result: Tensor = self._network(volumes.to(self.device))
        return result.float()

    def loss(self, batch: Batch, exponent: int) -> float:
        """Return the loss of a batch that is not trained on."""
        return float(mean_error(self(batch.inputs), batch.targets, batch.error_filter, exponent))
