"""Training and evaluating the network on a device; the only file that knows the training engine."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor

from isonet.core import fourier
from isonet.train.unet import UNet

Precision = Literal["auto", "float32", "bf16"]
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
        self.divisor = network.shape.divisor
        engine = _engine(device, precision)
        self._network = engine.setup_module(_channels_last(network.eval()))

    @torch.inference_mode()
    def __call__(self, volumes: Float[Tensor, "b 1 z y x"]) -> Float[Tensor, "b 1 z y x"]:
        """Return the network's output for a batch, in float32 on its device."""
        result: Tensor = self._network(volumes.to(self.device))
        return result.float()


class Trainer:
    """A network in training: mean absolute error, Adam.

    Parameters
    ----------
    network : UNet
        Trained in place.
    learning_rate : float
        Of Adam.
    device : torch.device
        Where to compute.
    precision : str
        `float32`, `bf16` or `auto`.
    """

    def __init__(self, network: UNet, learning_rate: float, device: torch.device, precision: Precision) -> None:
        self.network = _channels_last(network.train())
        self._engine = _engine(device, precision)
        optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
        self._module, self._optimizer = self._engine.setup(self.network, optimizer)

    def step(
        self, inputs: Float[Tensor, "b 1 z y x"], targets: Float[Tensor, "b 1 z y x"], loss_weights: Tensor
    ) -> Float[Tensor, ""]:
        """Take one optimisation step.

        Parameters
        ----------
        inputs, targets : tensor
            `[b, 1, z, y, x]`.
        loss_weights : tensor
            Weight of the errors at each frequency, rfft layout; 1 gives the plain mean absolute error.

        Returns
        -------
        tensor
            The loss, still on the device.
        """
        prediction: Tensor = self._module(inputs)
        loss = fourier.apply(prediction.float() - targets, loss_weights).abs().mean()
        self._engine.backward(loss)
        self._optimizer.step()
        self._optimizer.zero_grad()
        return loss.detach()

    def weights(self) -> dict[str, Tensor]:
        """Weights of the network as it stands."""
        return dict(self.network.state_dict())

    def state(self) -> dict[str, Any]:
        """Everything a continued training needs: weights and optimiser."""
        return {"weights": self.weights(), "optimizer": self._optimizer.state_dict()}

    def restore(self, state: Mapping[str, Any], learning_rate: float) -> None:
        """Go back to a state given by :meth:`state`, to go on with a learning rate."""
        self.network.load_state_dict(state["weights"])
        self._optimizer.load_state_dict(state["optimizer"])
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
