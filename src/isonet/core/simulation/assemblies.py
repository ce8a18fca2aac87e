"""Invented macromolecules: no two alike, from 60 to 400 Å wide, irregular or with the symmetry of rings and shells.

Each function returns a density `[d, h, w]` whose solid parts come to about 1, turned at random.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core import fourier, rotation
from isonet.core.simulation import particles
from isonet.core.simulation.particles import Cloud

_COARSE, _FINE = 55.0, 18.0  # Å: width of the lumps that shape a particle, and of the detail within


def irregular(random: np.random.Generator, pixel_size: float) -> Float[Tensor, "d h w"]:
    """Invent a particle without symmetry, 60 to 320 Å wide: a lumpy ball or rod with finer detail inside."""
    return _lumpy(30 * (160 / 30) ** random.random(), 0.45, (0.1, 0.45), (0.1, 0.7), random, pixel_size)


def large(random: np.random.Generator, pixel_size: float) -> Float[Tensor, "d h w"]:
    """Invent a particle like a ribosome, 220 to 300 Å wide: a lumpy ball with much finer detail inside."""
    return _lumpy(110 * (150 / 110) ** random.random(), 0.6, (0.2, 0.5), (0.3, 0.8), random, pixel_size)


def _lumpy(
    half: float,
    narrowest: float,
    lumpiness: tuple[float, float],
    contrast: tuple[float, float],
    random: np.random.Generator,
    pixel_size: float,
) -> Float[Tensor, "d h w"]:
    """Half of its greatest width in Å, the other axes relative to that at least, and ranges of lumps and of detail."""
    axes = torch.tensor(half * random.uniform(narrowest, 1.0, 3) / pixel_size, dtype=torch.float32)
    edge = 2 * math.ceil(1.5 * float(axes.max()) + 3) + 1
    turn = rotation.random_rotation(random)
    axis = torch.arange(edge, dtype=torch.float32) - edge // 2
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
    radius = (grid @ turn / axes).norm(dim=-1)
    lumps = field((edge,) * 3, _COARSE / pixel_size, random)
    detail = field((edge,) * 3, max(_FINE / pixel_size, 1.2), random)
    steepness = float(axes.min()) / max(1.0, 8.0 / pixel_size)
    inside = torch.sigmoid((1 - radius + random.uniform(*lumpiness) * lumps) * steepness)
    density = inside * (1 + random.uniform(*contrast) * detail).clamp_min(0)
    return density * fourier.taper((edge,) * 3, 2)


def symmetric(random: np.random.Generator, pixel_size: float) -> Float[Tensor, "d h w"]:
    """Invent a complex of equal subunits: 1 to 4 stacked rings of 2 to 9, or a hollow shell 200 to 400 Å wide."""
    radius = random.uniform(18, 42)
    subunit = _subunit(random, pixel_size, radius)
    if random.random() < 0.25:
        places = _shell(random.uniform(100, 200), 2.1 * radius, random)
    else:
        places = _rings(int(random.integers(2, 10)), int(random.integers(1, 5)), radius, random)
    turns, centres = places
    positions = (subunit.positions @ turns.transpose(1, 2) + centres[:, None]).reshape(-1, 3)
    weights = subunit.weights.repeat(len(turns))
    return _turned(Cloud(positions, weights, subunit.sigma), random, pixel_size)


def from_density(
    density: Float[Tensor, "p q r"], own_pixel_size: float, random: np.random.Generator, pixel_size: float
) -> Float[Tensor, "d h w"]:
    """Turn a density map at random and bring it to another voxel size."""
    scale = pixel_size / own_pixel_size
    smooth = density
    if scale > 1:
        shape = fourier.spatial_shape(density)
        smooth = fourier.apply(density, fourier.low_pass(shape, 0.4 / scale))
    turn = rotation.random_rotation(random)
    block, _ = particles.turned(particles.normalised(smooth), turn, pixel_size, scale)
    return block


def _subunit(random: np.random.Generator, pixel_size: float, radius: float) -> Cloud:
    """A few blobs in a ball (Å)."""
    count = int(random.integers(3, 9))
    directions = random.standard_normal((count, 3))
    directions *= (
        radius * 0.8 * random.random((count, 1)) ** (1 / 3) / np.linalg.norm(directions, axis=1, keepdims=True)
    )
    weights = 0.6 + 0.8 * random.random(count)
    sigma = max(11.0, 0.8 * pixel_size, radius / 3)
    return Cloud(torch.from_numpy(directions).float(), torch.from_numpy(weights).float(), sigma)


def _rings(
    count: int, layers: int, radius: float, random: np.random.Generator
) -> tuple[Float[Tensor, "n 3 3"], Float[Tensor, "n 3"]]:
    """Turns and places (Å) of subunits in stacked rings about z, every other ring upside down."""
    ring = 1.6 * radius / (2 * math.sin(math.pi / count))
    twist = random.uniform(0, 2 * math.pi / count)
    turns, centres = [], []
    for layer in range(layers):
        for number in range(count):
            angle = 2 * math.pi * number / count + twist * layer
            cos, sin = math.cos(angle), math.sin(angle)
            about_z = torch.tensor([[1.0, 0, 0], [0, cos, sin], [0, -sin, cos]])
            over = torch.diag(torch.tensor([-1.0, -1.0, 1.0])) if layer % 2 else torch.eye(3)
            turns.append(about_z @ over)
            height = (layer - (layers - 1) / 2) * 1.7 * radius
            centres.append(torch.tensor([height, ring * sin, ring * cos]))
    return torch.stack(turns), torch.stack(centres)


def _shell(
    radius: float, spacing: float, random: np.random.Generator
) -> tuple[Float[Tensor, "n 3 3"], Float[Tensor, "n 3"]]:
    """Turns and places (Å) of subunits on a sphere, evenly spread along a golden spiral."""
    count = max(12, min(150, round(4 * math.pi * radius**2 / spacing**2)))
    height = 1 - 2 * (torch.arange(count) + 0.5) / count
    angle = math.pi * (1 + math.sqrt(5)) * torch.arange(count)
    across = (1 - height.square()).sqrt()
    places = torch.stack([height, across * angle.sin(), across * angle.cos()], dim=1)
    turns = rotation.random_rotations(count, torch.Generator().manual_seed(int(random.integers(2**62))))
    return turns, radius * places


def _turned(cloud: Cloud, random: np.random.Generator, pixel_size: float) -> Float[Tensor, "d h w"]:
    """Draw a cloud turned at random, its solid parts about 1."""
    turn = rotation.random_rotation(random)
    return particles.normalised(particles.turned(cloud, turn, pixel_size)[0])


def field(shape: fourier.Shape, width: float, random: np.random.Generator) -> Float[Tensor, "z y x"]:
    """Smooth random field of mean 0 and standard deviation 1 with lumps about `width` voxels wide."""
    white = torch.from_numpy(random.standard_normal(shape, dtype=np.float32))
    smooth = fourier.apply(white, fourier.low_pass(shape, 0.6 / width))
    return (smooth - smooth.mean()) / smooth.std()
