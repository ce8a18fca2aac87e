"""Objects of the phantom: clouds of Gaussian blobs shaped as particles and filaments, and how they are drawn.

Turning a cloud turns coordinates and resamples nothing. The solid parts of every object come to about 1.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from scipy import ndimage
from torch import Generator, Tensor

_REACH = 3.5


@dataclass(frozen=True)
class Cloud:
    """Gaussian blobs about the origin.

    Attributes
    ----------
    positions : Tensor
        `(blobs, 3)` in Å, order z, y, x.
    weights : Tensor
        `(blobs,)` peak density of each blob.
    sigma : float
        Standard deviation of every blob in Å.
    """

    positions: Float[Tensor, "blobs 3"]
    weights: Float[Tensor, " blobs"]
    sigma: float


def particle(generator: Generator, pixel_size: float) -> Cloud:
    """Invent an irregular, asymmetric particle 80 to 250 Å wide: blobs grown from one another by random steps.

    Parameters
    ----------
    generator : Generator
        Source of all randomness.
    pixel_size : float
        Å per voxel; blobs are no narrower than 0.9 of it, for sampling's sake.
    """
    sigma = max(11.0, 0.9 * pixel_size)
    half = 40 + 85 * float(torch.rand((), generator=generator)) - 1.5 * sigma
    axes = half * torch.tensor([1.0, 0.85, 0.7])
    blobs = max(5, int(0.45 * float(axes.prod()) * 4.19 / (1.7 * sigma) ** 3))
    positions = torch.zeros(1, 3)
    for _ in range(100 * blobs):
        parent = positions[int(torch.randint(len(positions), (), generator=generator))]
        candidate = parent + 1.5 * sigma * torch.randn(3, generator=generator)
        apart = float((positions - candidate).norm(dim=1).min())
        if float((candidate / axes).norm()) <= 1 and apart > 1.3 * sigma:
            positions = torch.cat([positions, candidate[None]])
        if len(positions) == blobs:
            break
    weights = 0.6 + 0.8 * torch.rand(len(positions), generator=generator)
    return _solid(Cloud(positions - positions.mean(0), weights, sigma))


def microtubule(line: Float[Tensor, "points 3"], pixel_size: float) -> Cloud:
    """Wrap 13 protofilaments of 40 Å subunits around a line (Å, any spacing): a hollow tube 250 Å wide."""
    return _helix(line, rise=40 / 13, turn=360 / 13, radius=105.0, sigma=max(13.0, 0.9 * pixel_size))


def actin(line: Float[Tensor, "points 3"], pixel_size: float) -> Cloud:
    """Wind subunits around a line (Å, any spacing) as F-actin does: rise 27.5 Å, turn -166.7 degrees."""
    return _helix(line, rise=27.5, turn=-166.7, radius=18.0, sigma=max(16.0, 0.9 * pixel_size))


def thread(line: Float[Tensor, "points 3"], pixel_size: float) -> Cloud:
    """String blobs along a line (Å, any spacing), 20 to 25 Å wide, as DNA or a thin filament."""
    return _helix(line, rise=14.0, turn=100.0, radius=2.0, sigma=max(9.0, 0.7 * pixel_size))


def draw(volume: Float[Tensor, "z y x"], cloud: Cloud, centre: Float[Tensor, "3"], pixel_size: float) -> None:
    """Add a cloud to a volume in place, its origin at `centre` (voxels z, y, x); what lies outside is left away."""
    sigma = cloud.sigma / pixel_size
    reach = math.ceil(_REACH * sigma)
    where = cloud.positions / pixel_size + centre
    voxels = where.round()[..., None].long() + torch.arange(-reach, reach + 1)
    profile = torch.exp(-0.5 * ((voxels - where[..., None]) / sigma).square())
    for axis, size in enumerate(volume.shape):
        profile[:, axis] *= (voxels[:, axis] >= 0) & (voxels[:, axis] < size)
        voxels[:, axis] = voxels[:, axis].clamp(0, size - 1)
    blobs = torch.einsum("n,ni,nj,nk->nijk", cloud.weights, *profile.unbind(1))
    z, y, x = voxels.unbind(1)
    rows = z[:, :, None, None] * volume.shape[1] + y[:, None, :, None]
    index = rows * volume.shape[2] + x[:, None, None, :]
    volume.view(-1).index_add_(0, index.flatten(), blobs.flatten())


def turned(
    kind: Cloud | Tensor, matrix: Float[Tensor, "3 3"], pixel_size: float, scale: float = 1.0
) -> tuple[Float[Tensor, "d h w"], Float[Tensor, "3"]]:
    """Turn a cloud or a density by a rotation matrix (z, y, x order).

    `scale` is the size of the block's voxels in units of a density's own.

    Returns
    -------
    block : Tensor
        The smallest block that holds it.
    origin : Tensor
        Where the particle's own origin lies in the block: z, y, x in voxels.
    """
    if isinstance(kind, Tensor):
        return _turned_density(kind, matrix, scale)
    positions = kind.positions @ matrix.T
    reach = (positions.abs().amax(0) + _REACH * kind.sigma) / pixel_size
    block = torch.zeros([2 * math.ceil(float(edge)) + 1 for edge in reach])
    middle = torch.tensor([float(n // 2) for n in block.shape])
    draw(block, Cloud(positions, kind.weights, kind.sigma), middle, pixel_size)
    return block, middle


def long_axis(kind: Cloud | Tensor) -> Float[Tensor, "3"]:
    """Unit vector z, y, x along which a particle's mass spreads the most; its sign means nothing."""
    if isinstance(kind, Tensor):
        mass = kind.clamp_min(0).double()
        positions, weights = torch.nonzero(mass).double(), mass[mass > 0]
    else:
        positions, weights = kind.positions.double(), kind.weights.double()
    shares = weights / weights.sum()
    centred = positions - shares @ positions
    return torch.linalg.eigh(centred.T @ (shares[:, None] * centred)).eigenvectors[:, -1].float()


def normalised(density: Float[Tensor, "d h w"]) -> Float[Tensor, "d h w"]:
    """Scale a density to about 1 in its solid parts, without what is negative."""
    positive = density.float().clamp_min(0)
    return positive / positive[positive > 0.2 * positive.max()].mean()


def _turned_density(
    density: Float[Tensor, "d h w"], matrix: Float[Tensor, "3 3"], scale: float
) -> tuple[Float[Tensor, "p q r"], Float[Tensor, "3"]]:
    """Turn a density about its centre by cubic splines, and trim what is empty."""
    edge = math.ceil(math.sqrt(sum(n * n for n in density.shape)) / scale)
    inverse = scale * matrix.T.double().numpy()
    offset = (np.array(density.shape) - 1) / 2 - inverse @ np.full(3, (edge - 1) / 2)
    result = ndimage.affine_transform(density.numpy(), inverse, offset, output_shape=(edge,) * 3, order=3)
    result = np.clip(result, 0, None)
    found = ndimage.find_objects((result > 0.02).astype(np.int32))[0]
    first = torch.tensor([float(part.start) for part in found])
    return torch.from_numpy(np.ascontiguousarray(result[found])), (edge - 1) / 2 - first


def _helix(line: Float[Tensor, "points 3"], *, rise: float, turn: float, radius: float, sigma: float) -> Cloud:
    """Set blobs on a helix (rise in Å and turn in degrees per blob, radius in Å) around a line."""
    lengths = torch.cat([torch.zeros(1), line.diff(dim=0).norm(dim=1).cumsum(0)])
    along = torch.arange(0, float(lengths[-1]), rise)
    part = torch.searchsorted(lengths, along, right=True).clamp(1, len(line) - 1)
    start, end = line[part - 1], line[part]
    fraction = (along - lengths[part - 1]) / (lengths[part] - lengths[part - 1]).clamp_min(1e-6)
    tangent = nnf.normalize(end - start, dim=1)
    across = torch.zeros(3)
    across[int((line[-1] - line[0]).abs().argmin())] = 1
    side = nnf.normalize(torch.linalg.cross(tangent, across.expand_as(tangent)), dim=1)
    angle = torch.deg2rad(turn * torch.arange(len(along)))[:, None]
    around = angle.cos() * side + angle.sin() * torch.linalg.cross(tangent, side)
    positions = start + fraction[:, None] * (end - start) + radius * around
    return _solid(Cloud(positions, torch.ones(len(along)), sigma))


def _solid(cloud: Cloud) -> Cloud:
    """Scale a cloud so that the density at its blobs is 1 on average."""
    apart = torch.cdist(cloud.positions, cloud.positions) / cloud.sigma
    density = torch.exp(-0.5 * apart.square()) @ cloud.weights
    return Cloud(cloud.positions, cloud.weights / density.mean(), cloud.sigma)
