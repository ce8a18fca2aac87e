"""Noise as back-projection makes it, straight in Fourier space.

White noise on every projection, filtered with `F(k)` and back-projected, has the power `|F(k)|^2 / k` in the
volume, `k = sqrt(k_x^2 + k_z^2)`, because the planes of the tilts crowd towards the tilt axis; it is confined to the
measured region. So a white cube times the square root of that power is such noise, for any tilt range, at the
cost of one transform. Where two tilt axes have measured, their mean is taken.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core import fourier
from isonet.core.fourier import Shape
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured, Sweep, Tilts
from isonet.core.tilts.ranges import LARGEST_GAP

NoiseMode = Literal["unfiltered", "ramp", "hamming"]


def amplitude(
    shape: Shape,
    tilts: Tilts,
    mode: NoiseMode,
    device: torch.device | None = None,
    gap: float = LARGEST_GAP,
) -> Float[Tensor, "z y kx"]:
    """Amplitude spectrum of back-projected white noise, in arbitrary units.

    Parameters
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    tilts : sequence of float or Measured
        Degrees: range or list of tilts, or what was measured in general.
    mode : str
        Filter of the projections: `unfiltered` (SIRT-like), `ramp` (weighted back-projection) or `hamming` (ramp
        with a Hamming window that falls to 0.08 at the Nyquist frequency).
    device : torch.device, optional
        Where to compute.
    gap : float
        As in :func:`isonet.core.tilts.wedge.face_distance`.

    Returns
    -------
    tensor
        `[z, y, x // 2 + 1]` in the rfft layout; y is 1 where nothing depends on it.
    """
    at, smallest = fourier.frequencies(shape, device), 0.5 / max(shape[0], shape[2])

    def one(sweep: Sweep) -> tuple[Tensor, Tensor]:
        """Amplitude that one sweep would have everywhere, and its weight."""
        kz, _, kx = wedge.home(at, sweep.turn)
        radius = torch.sqrt(kz**2 + kx**2).clamp(min=smallest)
        response = torch.ones_like(radius) if mode == "unfiltered" else radius
        if mode == "hamming":
            response = response * (0.54 + 0.46 * torch.cos(2 * math.pi * radius.clamp(max=0.5)))
        return response / torch.sqrt(radius), wedge.weight(shape, Measured((sweep,)), device=device, gap=gap)

    amplitudes, weights = zip(*map(one, Measured.of(tilts).sweeps), strict=True)
    if len(weights) == 1:
        return amplitudes[0] * weights[0]
    power = sum((amplitude * share).square() for amplitude, share in zip(amplitudes, weights, strict=True))
    return torch.sqrt(torch.as_tensor(power)) / torch.as_tensor(sum(weights)).clamp(min=1)


def like_back_projection(white: Float[Tensor, "*b z y x"], spectrum: Tensor) -> Float[Tensor, "*b z y x"]:
    """Colour white noise with an amplitude spectrum and scale each volume to mean 0 and standard deviation 1."""
    coloured = fourier.apply(white, spectrum)
    axes = (-3, -2, -1)
    return (coloured - coloured.mean(axes, keepdim=True)) / coloured.std(axes, keepdim=True)
