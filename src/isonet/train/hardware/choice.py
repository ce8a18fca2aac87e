"""How to compute on a device: what was measured to be fastest there, or what is usual."""

from dataclasses import dataclass

import torch
from torch import nn

from isonet.train.hardware.precision import Arithmetic, prefer


@dataclass(frozen=True)
class Choice:
    """How to compute.

    Attributes
    ----------
    channels_last : bool
        Whether the channels of a voxel lie side by side in memory.
    precision : str, optional
        What `auto` means; what the device has units for if left out.
    benchmark : bool
        Whether cuDNN tries its algorithms before it takes one.
    compiled : bool
        Whether networks are compiled.
    """

    channels_last: bool = True
    precision: Arithmetic | None = None
    benchmark: bool = False
    compiled: bool = False


USUAL = Choice()
_adopted: dict[torch.device, Choice] = {}


def adopt(device: torch.device, choice: Choice) -> None:
    """Compute on a device, from now on and in this process, as chosen."""
    _adopted[device] = choice
    prefer(device, choice.precision)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = choice.benchmark


def adopted(device: torch.device) -> Choice:
    """Return how this process computes on a device."""
    return _adopted.get(device, USUAL)


def laid_out(network: nn.Module, device: torch.device) -> None:
    """Lay the kernels of a network out in memory, in place, and have it compiled, as is chosen for a device.

    The layout of a kernel for one channel is in its strides alone, which are written out on a GPU: cuDNN goes by them.
    """
    choice = adopted(device)
    layout = torch.channels_last_3d if choice.channels_last else torch.contiguous_format
    for parameter in network.parameters():
        if parameter.ndim == 5:
            if device.type == "cuda":
                parameter.data = torch.empty_like(parameter, memory_format=layout).copy_(parameter.detach())
            else:
                parameter.data = parameter.data.contiguous(memory_format=layout)
    if choice.compiled:
        network.compile()


def named(device: torch.device) -> str:
    """Return what a choice is remembered by: the GPU and the versions that it was measured with."""
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}, cuDNN {cudnn}"
