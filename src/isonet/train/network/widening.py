"""A network with twice the filters that computes what the narrow one does (Chen et al. 2016, "Net2Net")."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from isonet.train.network.unet import UNet

Convolution = nn.Conv3d | nn.ConvTranspose3d
_SPREAD = 0.5
"""Of shares about a half: what reads two copies then has, on average, kernels as long as before."""


@torch.no_grad()
def widened(network: UNet, seed: int = 0) -> UNet:
    """Return a network with twice the filters in each level that computes the same.

    Each filter is there twice. What reads both copies takes shares of them that add up to its former kernel. The shares
    are drawn, so that both copies have different gradients and training makes two filters of them.

    Parameters
    ----------
    network : UNet
        Stays as it is.
    seed : int
        Of the shares.
    """
    generator = torch.Generator().manual_seed(seed)
    made = UNet(replace(network.shape, filter_base=2 * network.shape.filter_base)).train(network.training)
    first = {next(level.children()) for level in network.decoders}  # read the level below and the skip, in this order
    for narrow, wide in zip(network.modules(), made.modules(), strict=True):
        if isinstance(narrow, Convolution) and isinstance(wide, Convolution):
            _widen_convolution(narrow, wide, 2 if narrow in first else 1, generator)
        elif isinstance(narrow, nn.BatchNorm3d | nn.InstanceNorm3d):
            for name, value in narrow.state_dict().items():
                wide.state_dict()[name].copy_(_twice(value, 0) if value.ndim else value)
    return made


def _widen_convolution(narrow: Convolution, wide: Convolution, joined: int, generator: torch.Generator) -> None:
    """Fill a convolution that reads `joined` widened volumes, unless it reads the tomogram or makes the result."""
    inputs, outputs = (0, 1) if isinstance(narrow, nn.ConvTranspose3d) else (1, 0)
    weights = narrow.state_dict()
    kernel, bias = weights["weight"], weights["bias"]
    if wide.in_channels > narrow.in_channels:
        kernel = torch.cat([_shared(part, inputs, generator) for part in kernel.chunk(joined, inputs)], inputs)
    if wide.out_channels > narrow.out_channels:
        kernel, bias = _twice(kernel, outputs), _twice(bias, 0)
    wide.load_state_dict({"weight": kernel, "bias": bias})


def _shared(kernel: Tensor, inputs: int, generator: torch.Generator) -> Tensor:
    """Give two copies of each input their shares of a kernel."""
    share = 0.5 + _SPREAD * torch.randn(kernel.shape, generator=generator).to(kernel)
    return torch.cat([share * kernel, (1 - share) * kernel], inputs)


def _twice(values: Tensor, axis: int) -> Tensor:
    return torch.cat([values, values], axis)
