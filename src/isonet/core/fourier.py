"""Frequency grids and filters in the unshifted layout of `torch.fft.rfftn`.

Frequencies are in cycles per voxel: `k_z` and `k_y` run through `fftfreq`, `k_x` through `rfftfreq`.
"""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

Shape = tuple[int, int, int]
Transfer = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Takes `k_z`, `k_y`, `k_x` in cycles per voxel, shaped to broadcast, and returns the factors there."""


def frequencies(shape: Shape, device: torch.device | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Return `k_z`, `k_y`, `k_x` in cycles per voxel, shaped to broadcast over the rfft layout of `shape`."""
    depth, height, width = shape
    return (
        torch.fft.fftfreq(depth, device=device)[:, None, None],
        torch.fft.fftfreq(height, device=device)[None, :, None],
        torch.fft.rfftfreq(width, device=device)[None, None, :],
    )


def radial_frequency(shape: Shape, device: torch.device | None = None) -> Float[Tensor, "z y kx"]:
    """Length of the frequency vector in cycles per voxel."""
    kz, ky, kx = frequencies(shape, device)
    return torch.sqrt(kz**2 + ky**2 + kx**2)


def multiplicity(shape: Shape, device: torch.device | None = None) -> Float[Tensor, "1 1 kx"]:
    """How many coefficients of the full transform each one of the rfft layout stands for (1 or 2)."""
    count = torch.full((1, 1, shape[2] // 2 + 1), 2.0, device=device)
    count[..., 0] = 1
    if shape[2] % 2 == 0:
        count[..., -1] = 1
    return count


def transform(volume: Float[Tensor, "*b z y x"]) -> Tensor:
    """Fourier transform over the last three axes, in the rfft layout."""
    return torch.fft.rfftn(volume, dim=(-3, -2, -1))


def inverse(coefficients: Tensor, shape: Shape) -> Tensor:
    """Inverse of :func:`transform` for volumes of `shape`."""
    return torch.fft.irfftn(coefficients, s=shape, dim=(-3, -2, -1))


def spatial_shape(volume: Tensor) -> Shape:
    """Return the last three edges of a tensor."""
    depth, height, width = volume.shape[-3:]
    return depth, height, width


def apply(volume: Float[Tensor, "*b z y x"], transfer: Tensor) -> Float[Tensor, "*b z y x"]:
    """Multiply the Fourier transform of a volume by a real transfer function.

    Parameters
    ----------
    volume : tensor
        `[..., z, y, x]`, real.
    transfer : tensor
        Broadcastable to the rfft layout `[..., z, y, x // 2 + 1]`; symmetric under `k -> -k`.

    Returns
    -------
    tensor
        The filtered volume, of the input's shape.
    """
    return inverse(transform(volume) * transfer, spatial_shape(volume))


def low_pass(shape: Shape, cutoff: float, device: torch.device | None = None) -> Float[Tensor, "z y kx"]:
    """Gaussian low-pass that falls to one half at `cutoff` cycles per voxel."""
    return half_at(radial_frequency(shape, device), cutoff)


def half_at(frequency: Float[Tensor, "*k"], cutoff: float) -> Float[Tensor, "*k"]:
    """Gaussian of a frequency that falls to one half at `cutoff`, of the same unit."""
    return torch.exp(-math.log(2.0) * (frequency / cutoff) ** 2)


def taper(shape: Sequence[int], width: int, device: torch.device | None = None) -> Tensor:
    """Window that falls to zero over `width` voxels at each face, as a raised cosine.

    Parameters
    ----------
    shape : sequence of int
        Edges of the window.
    width : int
        Width of the edge in voxels, at most half the edge of an axis (narrower axes take their half).

    Returns
    -------
    tensor
        `shape`, values in (0, 1].
    """
    window = torch.ones((), device=device)
    for edge in shape:
        ramp = min(width, edge // 2)
        profile = torch.ones(edge, device=device)
        if ramp:
            rise = torch.sin(torch.arange(1, ramp + 1, device=device) / (ramp + 1) * (math.pi / 2)) ** 2
            profile[:ramp] = rise
            profile[edge - ramp :] = rise.flip(0)
        window = window[..., None] * profile
    return window


def power_spectrum_centred(images: Float[Tensor, "*b h w"]) -> Float[Tensor, "h w"]:
    """Mean power spectrum of tapered images, zero frequency in the middle (index `n // 2`)."""
    height, width = images.shape[-2:]
    window = taper((height, width), min(height, width) // 8, images.device)
    mean = images.mean(dim=(-2, -1), keepdim=True)
    power = torch.fft.fft2((images - mean) * window).abs() ** 2
    return torch.fft.fftshift(power.reshape(-1, height, width).mean(0), dim=(-2, -1))
