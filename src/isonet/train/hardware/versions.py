"""Versions of libraries that are known to go wrong, and how to stay clear of what they do.

cuDNN 9.8 to 9.14 computes 3-D convolutions of contiguous arrays in 16 bits wrongly where these are large, and says
nothing. Known of is an input of 16 x 124 x 1282 x 722, 1.8e9 values, for which 32-bit indices suffice
(https://github.com/pytorch/pytorch/issues/163539). From 2.9.0 on torch does without cuDNN there, which takes several
times the memory and the time (https://github.com/pytorch/pytorch/issues/166643, .../166122); 2.9.1 uses it again where
cuDNN is 9.15 or newer, which 2.10 brings along. Both concern contiguous arrays alone: the condition in
aten/src/ATen/native/Convolution.cpp is `91500 > version >= 90800`, 16 bits, a kernel larger than 1, and that neither
input nor kernel is channels-last.

oneDNN 3.12 (torch 2.13) reads memory that nobody has written where it computes gradients of kernels in bf16 on a CPU,
over volumes whose edges are no longer than 2 voxels: now and then they are NaN.
"""

import torch

from isonet.train.hardware.precision import Arithmetic

_WRONG_IN_16_BITS = range(90800, 91500)
_MOST_VALUES = 1 << 31  # what convolutions can count
_FEWER_VALUES = 1 << 29  # a third of the least that is known to go wrong
_SHORTEST_IN_BF16 = 3  # voxels


def most_values(device: torch.device, arithmetic: Arithmetic) -> int:
    """Values that one array of a network may have at most on a device."""
    return _MOST_VALUES if warning(device, arithmetic) is None else _FEWER_VALUES


def learns_in(device: torch.device, arithmetic: Arithmetic, coarsest: int) -> Arithmetic:
    """Arithmetic in which a network can be trained whose coarsest level is so many voxels wide: as chosen, or float32.

    Parameters
    ----------
    device : torch.device
        Where to train.
    arithmetic : str
        What was chosen for it.
    coarsest : int
        Shortest edge of the volumes that the bottom of the network sees.
    """
    wrong = device.type == "cpu" and arithmetic == "bf16" and coarsest < _SHORTEST_IN_BF16
    return "float32" if wrong else arithmetic


def warning(device: torch.device, arithmetic: Arithmetic) -> str | None:
    """Say what is known to go wrong on a device and what helps; None where nothing is."""
    if device.type != "cuda" or arithmetic == "float32" or torch.version.cuda is None:
        return None
    version = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    if version not in _WRONG_IN_16_BITS:
        return None
    major, minor, patch = version // 10000, version // 100 % 100, version % 100
    package = f"nvidia-cudnn-cu{torch.version.cuda.partition('.')[0]}"
    return (
        f"cuDNN {major}.{minor}.{patch} computes large 3-D convolutions in {arithmetic} wrongly or slowly; arrays are "
        f"kept small and channels-last; install a newer one (pip install '{package}>=9.15') or give --precision float32"
    )
