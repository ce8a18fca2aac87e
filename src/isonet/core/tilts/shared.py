r"""What two halves from every other tilt have measured alike.

A tilt measures a plane of Fourier space. A slab of thickness `D` blurs it to about `1 / D` along `k_z`, the normal of
the slab. Planes of tilts `d` degrees apart are, at a distance `rho` from the tilt axis, `rho d / cos(a)` apart along
`k_z`. While that is less than `1 / D` they overlap, and a series has measured all between them (Crowther et al. 1970).
A half has every other tilt. Farther from the tilt axis than its planes reach each other, it has measured what the other
half has not: there halves differ though both are right, and their difference is no noise.
"""

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from isonet.core import fourier
from isonet.core.fourier import Shape
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured, Sweep, Tilts

_USUAL_STEP = 6.0  # degrees between neighbours of a half whose tilts are a range


def weight(
    shape: Shape,
    half: Measured,
    thickness: float,
    rotation: Float[Tensor, "3 3"] | None = None,
    device: torch.device | None = None,
) -> Float[Tensor, "z y kx"]:
    """How far the other half has measured a coefficient, too: 1 where planes of one half overlap, 0 where they part.

    Parameters
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    half : Measured
        Lists of the tilts of one half. The other half's lie between them.
    thickness : float
        Voxels of the tomogram along z that hold sample.
    rotation : tensor, optional
        `[3, 3]` in z, y, x order: of a volume rotated by it.
    device : torch.device, optional
        Where to compute.

    Returns
    -------
    tensor
        `[z, y, x // 2 + 1]` in the rfft layout, from 0 to 1, whether or not the wedge holds the coefficient.
    """
    turned = half if rotation is None else half.turned(rotation.cpu().numpy())
    at = fourier.frequencies(shape, device)
    return reduce(torch.maximum, (_overlap(at, sweep, thickness) for sweep in turned.sweeps))


def region(shape: Shape, halves: Sequence[Tilts], thickness: float) -> Bool[Tensor, "z y kx"]:
    """Coefficients that both halves have measured, and the same of them: those near the tilt axis.

    Parameters
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    halves : sequence
        Tilts of each half in degrees, or what it has measured in general.
    thickness : float
        Voxels of the tomogram along z that hold sample.

    Returns
    -------
    tensor of bool
        `[z, y, x // 2 + 1]` in the rfft layout.
    """
    found = torch.ones(shape[0], shape[1], shape[2] // 2 + 1, dtype=torch.bool)
    for half in map(Measured.of, halves):
        found &= (weight(shape, half, thickness) == 1) & (wedge.weight(shape, half.ends) == 1)
    return found


def _overlap(at: wedge.Frequency, sweep: Sweep, thickness: float) -> Tensor:
    """Overlap of neighbouring planes of one sweep: they part from a distance of `1 / D` to one of `2 / D`."""
    kz, _, kx = wedge.home(at, sweep.turn)
    step = math.radians(_USUAL_STEP if len(sweep.tilts) == 2 else np.median(np.diff(np.sort(sweep.tilts))))
    apart = (kz.square() + kx.square()) / kx.abs().clamp(min=1e-6) * step  # rho / cos(a), a = atan(k_z / k_x)
    return (2 - thickness * apart).clamp(0, 1)
