"""Whether images stand in the order of their tilts: those of neighbouring tilts look most alike."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

_COARSEST, _FINEST = 3, 32  # waves across an image: below lies its shading, above mostly noise
_FEWEST = 10
_DEVIATIONS = 3.5
_LEAST = 0.02


def structure(image: Float[Tensor, "y x"]) -> Float[Tensor, " coefficients"]:
    """Coarse structure of an image: its Fourier coefficients of some waves, as a vector of length 1."""
    height, width = image.shape
    edge = max(height, width)
    waves = torch.hypot(edge * torch.fft.fftfreq(height)[:, None], edge * torch.fft.rfftfreq(width)[None])
    coefficients = torch.fft.rfft2(image)[(waves >= _COARSEST) & (waves <= _FINEST)]
    return torch.nn.functional.normalize(torch.view_as_real(coefficients).flatten(), dim=0)


def likeness(structures: Float[Tensor, "images coefficients"], order: Sequence[int]) -> Float[Tensor, " images"]:
    """Mean correlation of each image with those before and behind it in an order."""
    ordered = structures[list(order)]
    pairs = (ordered[1:] * ordered[:-1]).sum(dim=1)
    found = torch.empty(len(structures))
    found[list(order)] = (torch.cat([pairs[:1], pairs]) + torch.cat([pairs, pairs[-1:]])) / 2
    return found


def clearly_higher(found: Float[Tensor, " images"], other: Float[Tensor, " images"]) -> bool:
    """Tell whether images look more alike in one order than in another, beyond noise; never of a few."""
    if len(found) < _FEWEST:
        return False
    error, difference = torch.std_mean(found - other)
    error *= math.sqrt(2 / len(found))  # each pair counts for two images
    return bool(difference > _DEVIATIONS * error and difference > _LEAST * other.mean().abs())
