"""Kernels as short as those of a fresh network, so that steps turn those of a trained one as far.

A step changes kernels by as much however long they are, and training lengthens them: the longer they are, the less a
step turns them. What a network with batch normalisation computes does not depend on their lengths, which the next
normalisation takes out (van Laarhoven 2017, "L2 regularization versus batch and weight normalization").
"""

import math

import torch
from torch import Tensor, nn

from isonet.train.network.unet import LEAK, UNet

_LENGTH = math.sqrt(2 / (1 + LEAK**2))  # of each filter after He's initialisation, on average


@torch.no_grad()
def shorten_kernels(network: UNet) -> None:
    """Bring the kernels of a network, in place, to the length they have after He's initialisation (2015), if longer.

    What it computes with its running averages stays the same but for rounding; with the statistics of a batch it does
    as far as these are large beside the small number that normalisations add to them. The values between convolutions
    that no normalisation separates, at the bottom, remain larger than a fresh network's. Networks without batch
    normalisation are left as they are.

    Parameters
    ----------
    network : UNet
        Network with the weights of a model.
    """
    shape = network.shape
    if shape.normalization != "batch":
        return
    grown = 1.0  # how much larger the values are than they were
    for level, down in zip(network.encoders, network.downs, strict=True):
        _shorten_level(level, grown, slice(None))
        grown = _shorten_chain(down, 1.0)
    grown = _shorten_chain(network.bottom, grown)
    for level, up in reversed(list(zip(network.decoders, network.ups, strict=True))):
        grown = _shorten_chain(up, grown)
        _shorten_level(level, grown, slice(up.out_channels))  # before the values of the same level on the way down
        grown = 1.0


def _shorten_level(level: nn.Module, grown: float, inputs: slice) -> None:
    """Shorten convolutions before normalisations, whose output stays the same; `inputs` of the first have grown."""
    convolutions = [layer for layer in level.children() if isinstance(layer, nn.Conv3d)]
    normalizations = [layer for layer in level.children() if isinstance(layer, nn.BatchNorm3d)]
    convolutions[0].weight[:, inputs] /= grown
    for convolution, normalization in zip(convolutions, normalizations, strict=True):
        _shorten_normalized(convolution, normalization)


def _shorten_normalized(convolution: nn.Conv3d, normalization: nn.BatchNorm3d) -> None:
    """Shorten each filter; one whose output hardly varies only as far as a variance can account for it."""
    mean, variance, bias = normalization.running_mean, normalization.running_var, convolution.bias
    if mean is None or variance is None or bias is None:
        raise TypeError("convolutions of a level have biases, its normalisations running averages")
    varied = variance + normalization.eps
    least = (normalization.eps / varied).sqrt()
    factors = torch.maximum(_factors(convolution.weight.flatten(1), _LENGTH), least)
    convolution.weight *= factors[:, None, None, None, None]
    bias *= factors
    mean *= factors
    variance.copy_((factors**2 * varied - normalization.eps).clamp(min=0))


def _factors(rows: Tensor, length: float) -> Tensor:
    """Return what brings each row that is longer to a length; 1 for the others."""
    lengths = torch.linalg.vector_norm(rows, dim=1)
    return torch.where(lengths > length, length / lengths, 1.0)


def _shorten_chain(layers: nn.Module, grown: float) -> float:
    """Shorten convolutions without normalisations; return how much larger the values behind them are."""
    for convolution in layers.modules():
        if isinstance(convolution, nn.Conv3d | nn.ConvTranspose3d):
            factor = float(_factors(convolution.weight.flatten()[None], _LENGTH * math.sqrt(convolution.out_channels)))
            convolution.weight *= factor
            grown *= factor
            if convolution.bias is not None:
                convolution.bias *= grown
    return grown
