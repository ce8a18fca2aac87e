"""Rotations of cubes: the exact ones that map the voxel grid onto itself, and uniformly random ones.

Matrices act on column vectors in z, y, x order: the rotated volume is `v'(r) = v(R^-1 r)` about the cube's centre.
"""

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation
from torch import Tensor


@lru_cache
def cube_rotations() -> Int[Tensor, "24 3 3"]:
    """Return the 24 rotations of the cube as signed permutation matrices, identity first."""
    matrices = torch.from_numpy(Rotation.create_group("O").as_matrix()).round().to(torch.int64)
    identity_first = sorted(matrices, key=lambda matrix: -int(matrix.trace()))
    return torch.stack(identity_first)


def rotate_cube(volume: Float[Tensor, "*b n n n"], matrix: Int[Tensor, "3 3"]) -> Float[Tensor, "*b n n n"]:
    """Rotate cubes by a signed permutation matrix, exactly (axes are permuted and flipped)."""
    lead = volume.ndim - 3
    # v'(r) = v(R^T r): output axis i runs along input axis j where R[i, j] != 0.
    source = matrix.abs().argmax(dim=1).tolist()
    signs = matrix.sum(dim=1).tolist()
    turned = volume.permute(*range(lead), *(lead + axis for axis in source))
    return turned.flip([lead + axis for axis in range(3) if signs[axis] < 0])


def random_rotations(count: int, generator: torch.Generator) -> Float[Tensor, "count 3 3"]:
    """Return rotation matrices uniform over SO(3), from normalised Gaussian quaternions (Shoemake 1992)."""
    quaternion = torch.randn(count, 4, generator=generator, dtype=torch.float64)
    return torch.from_numpy(Rotation.from_quat(quaternion.numpy()).as_matrix()).float()


def random_rotation(random: np.random.Generator) -> Float[Tensor, "3 3"]:
    """Return one rotation matrix uniform over SO(3), decided by a NumPy generator."""
    return random_rotations(1, torch.Generator().manual_seed(int(random.integers(2**62))))[0]


def relion_angles(matrix: Float[Tensor, "3 3"]) -> tuple[float, float, float]:
    """Return rlnAngleRot, rlnAngleTilt and rlnAnglePsi in degrees of a particle turned by `matrix` (z, y, x order).

    RELION's matrix `A(rot, tilt, psi) = R_z(-psi) R_y(-tilt) R_z(-rot)`, in x, y, z order, takes the coordinates of
    the reference to those of the particle in the tomogram.
    """
    in_xyz = matrix.flip(0, 1).double().numpy()
    rot, tilt, psi = Rotation.from_matrix(in_xyz).inv().as_euler("ZYZ", degrees=True)
    return float(rot), float(tilt), float(psi)


def resample(volume: Float[Tensor, "*b n n n"], matrix: Float[Tensor, "3 3"]) -> Float[Tensor, "*b n n n"]:
    """Rotate cubes by any rotation matrix.

    The cubes are oversampled twice in Fourier space and then interpolated linearly; what that takes away of each
    frequency on the average, `sinc^2`, is put back beforehand. Beyond the cube's faces the content is reflected.

    Parameters
    ----------
    volume : tensor
        Cubes `[..., n, n, n]`.
    matrix : tensor
        `[3, 3]`, z, y, x order.

    Returns
    -------
    tensor
        The rotated cubes, of the input's shape.
    """
    edge = volume.shape[-1]
    fine = _oversample(volume.reshape(1, -1, edge, edge, edge))
    axis = torch.arange(edge, device=volume.device, dtype=torch.float32) - (edge - 1) / 2
    target = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
    origin = target @ matrix.to(target) + (edge - 1) / 2  # rows times R = R^T r
    # Fine sample i lies at coarse coordinate i / 2; grid_sample wants x, y, z in [-1, 1] over the fine grid.
    grid = (origin.flip(-1) * 2) / (2 * edge - 1) * 2 - 1
    turned = F.grid_sample(fine, grid[None], mode="bilinear", padding_mode="reflection", align_corners=True)
    return turned.reshape(volume.shape)


def _oversample(volume: Float[Tensor, "1 b n n n"]) -> Float[Tensor, "1 b m m m"]:
    """Sample twice as finely by zero-padding the Fourier transform, axis by axis, and undo linear interpolation."""
    edge = volume.shape[-1]
    interpolation = torch.sinc(torch.fft.rfftfreq(edge, device=volume.device) / 2) ** 2
    for axis in (-3, -2, -1):
        coefficients = torch.fft.rfft(volume, dim=axis)
        coefficients = (coefficients.movedim(axis, -1) / interpolation).movedim(-1, axis).contiguous()
        if edge % 2 == 0:  # the Nyquist coefficient is shared by both signs
            coefficients.select(axis, edge // 2).mul_(0.5)
        volume = torch.fft.irfft(coefficients, n=2 * edge, dim=axis) * 2
    return volume
