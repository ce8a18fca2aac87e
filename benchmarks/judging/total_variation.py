"""A reconstruction by a prior instead of a network: least total variation that agrees with what was measured.

Minimises `||W (u - v)||^2 / 2 + strength sigma TV(u)` over volumes `u`, where `v` is the tomogram and `W` its missing
wedge's weight (Fourier coefficients that were measured stay near the measured ones, the others are free), by
accelerated proximal gradients (Beck & Teboulle 2009); the proximal step is Chambolle's (2004), as in scikit-image.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from skimage.restoration import denoise_tv_chambolle
from torch import Tensor

from isonet.core import fourier
from isonet.core.tilts import wedge

ITERATIONS = 30
INNER = 15


def reconstruct(
    tomogram: Tensor, tilts: Sequence[float], sigma: float, *, strength: float = 1.0, iterations: int = ITERATIONS
) -> Tensor:
    """Fill the wedge of a tomogram, and denoise it, with the volume of least total variation.

    Parameters
    ----------
    tomogram : tensor
        `[z, y, x]`.
    tilts : sequence of float
        Degrees: range or list.
    sigma : float
        Standard deviation of the noise in the tomogram.
    strength : float
        Weight of the total variation, in units of sigma.
    iterations : int
        Steps of the gradient.

    Returns
    -------
    tensor
        The reconstruction, with the tomogram's mean.
    """
    mean = float(tomogram.mean())
    weights = wedge.weight(fourier.spatial_shape(tomogram), (min(tilts), max(tilts)))
    measured = tomogram - mean
    estimate = ahead = fourier.apply(measured, weights)
    momentum = 1.0
    for _ in range(iterations):
        consistent = wedge.fill(measured, ahead, weights)
        smooth = denoise_tv_chambolle(consistent.numpy(), weight=strength * sigma, eps=0, max_num_iter=INNER)
        following = torch.from_numpy(np.asarray(smooth, dtype=np.float32))
        faster = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead = following + (momentum - 1) / faster * (following - estimate)
        estimate, momentum = following, faster
    return estimate + mean
