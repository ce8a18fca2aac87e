"""Pieces of imagined cells and ice, as varied as samples are: what a general network learns from.

A scene holds invented macromolecules and given ones, membranes flat and curved, filaments, and now and then gold
beads, the edge of a carbon film, or the borders of the ice. Density is bright, in arbitrary units.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core import fourier, rotation
from isonet.core.simulation import assemblies, particles, phantom

PIXEL_SIZES = (6.0, 40.0)
"""Å per voxel, from and to."""
_USUAL_SIZES, _USUAL = (8.0, 20.0), 0.7  # those of most tomograms, and of so many scenes
_ATTEMPTS = 6
_EMPTY, _SOLID = 0.05, 0.3
_CROWDED = 0.3  # of all scenes
_KINDS = 4  # of large particles in a crowded scene, and of others


@dataclass(frozen=True)
class Template:
    """A density that particles are copies of.

    Attributes
    ----------
    density : tensor
        `[d, h, w]`, bright.
    pixel_size : float
        Å per voxel.
    """

    density: Float[Tensor, "d h w"]
    pixel_size: float


@dataclass(frozen=True)
class Scene:
    """A piece of an imagined sample.

    Attributes
    ----------
    density : tensor
        `[n, n, n]`, with mean 0 and standard deviation 1.
    pixel_size : float
        Å per voxel.
    spectrum : tensor
        Variance that each shell one Fourier pixel wide contributes, from 0 to the corners of the transform.
    """

    density: Float[Tensor, "n n n"]
    pixel_size: float
    spectrum: Float[Tensor, " shells"]


def scene(edge: int, random: np.random.Generator, templates: Sequence[Template] = ()) -> Scene:
    """Imagine a piece of a sample.

    Parameters
    ----------
    edge : int
        Edge in voxels.
    random : Generator
        Source of all randomness.
    templates : sequence of Template
        Densities to use beside invented particles.
    """
    finest, coarsest = _USUAL_SIZES if random.random() < _USUAL else PIXEL_SIZES
    pixel_size = finest * (coarsest / finest) ** random.random()
    fill = _crowded if random.random() < _CROWDED else _varied
    volume = fill(edge, random, pixel_size, templates)
    if random.random() < 0.4:
        volume += random.uniform(0.02, 0.15) * assemblies.field((edge,) * 3, 20 / pixel_size, random)
    if random.random() < 0.35:
        volume *= _ice(edge, random)
    if random.random() < 0.12:
        _add_beads(volume, pixel_size, random)
    if random.random() < 0.06:
        volume += _carbon(edge, pixel_size, random)
    return _standardised(volume, pixel_size)


def _varied(
    edge: int, random: np.random.Generator, pixel_size: float, templates: Sequence[Template]
) -> Float[Tensor, "n n n"]:
    """Imagine a piece of any sample, from empty to crowded; parameters as of :func:`scene`."""
    volume = torch.zeros((edge,) * 3)
    for _ in range(_some(random, 0.55, 3)):
        add_membrane(volume, pixel_size, random)
    for _ in range(_some(random, 0.45, 3)):
        add_filament(volume, pixel_size, random)
    _add_particles(volume, pixel_size, random, templates)
    return volume


def crowded(
    edge: int, random: np.random.Generator, pixel_size: float, templates: Sequence[Template] = ()
) -> Float[Tensor, "n n n"]:
    """Imagine a piece of a crowded sample, in which large particles dominate; parameters as of :func:`scene`.

    Returns
    -------
    tensor
        `[edge, edge, edge]`, its mean 0 and its solid parts about 1 above what is empty.
    """
    volume = _crowded(edge, random, pixel_size, templates)
    return volume - volume.mean()


def _crowded(
    edge: int, random: np.random.Generator, pixel_size: float, templates: Sequence[Template]
) -> Float[Tensor, "n n n"]:
    """Fill a piece with particles, the large ones before all."""
    volume = torch.zeros((edge,) * 3)
    for _ in range(int(random.integers(3))):
        add_membrane(volume, pixel_size, random)
    if random.random() < 0.3:
        add_filament(volume, pixel_size, random)
    large = [assemblies.large(random, pixel_size) for _ in range(_KINDS)]
    small = [_block(pixel_size, random, templates) for _ in range(_KINDS)]
    room, failures, turns = random.uniform(0.05, 0.3) * volume.numel(), 0, rotation.cube_rotations()
    while room > 0 and failures < 3 * _KINDS:
        kinds = large if random.random() < 0.6 else small
        block = _permuted(kinds[int(random.integers(_KINDS))], turns[int(random.integers(len(turns)))])
        failures += 1
        if _put(volume, random.uniform(0.8, 1.2) * block, random):
            room, failures = room - float((block > _SOLID).sum()), 0
    return volume


def _some(random: np.random.Generator, chance: float, most: int) -> int:
    """How many there are: none, unless luck has it."""
    return int(random.integers(1, most + 1)) if random.random() < chance else 0


def _standardised(volume: Float[Tensor, "n n n"], pixel_size: float) -> Scene:
    """Scale to mean 0 and standard deviation 1, and find how the variance spreads over frequency (Parseval)."""
    volume = (volume - volume.mean()) / volume.std().clamp_min(1e-6)
    shape, size = fourier.spatial_shape(volume), volume.numel()
    shell = torch.floor(fourier.radial_frequency(shape) * shape[0] + 0.5).long()
    power = fourier.multiplicity(shape) * fourier.transform(volume).abs().square() / size**2
    spectrum = torch.zeros(int(shell.max()) + 1).index_add_(0, shell.flatten(), power.flatten())
    return Scene(volume, pixel_size, spectrum)


def add_membrane(volume: Float[Tensor, "n n n"], pixel_size: float, random: np.random.Generator) -> None:
    """Add a bilayer: an ellipsoid 200 Å wide or so large that its piece here is nearly flat."""
    edge = volume.shape[0]
    axes = 100 * 40 ** random.random() * random.uniform(0.5, 1.0, 3) / pixel_size
    turn = rotation.random_rotation(random)
    passes = torch.from_numpy(random.uniform(0, edge, 3)).float()
    direction = torch.from_numpy(random.standard_normal(3)).float()
    centre = passes - turn @ (torch.from_numpy(axes).float() * direction / direction.norm())
    distance = pixel_size * phantom.ellipsoid_distance((edge,) * 3, centre, torch.from_numpy(axes).float(), turn)
    strength, lumen = random.uniform(0.5, 1.3), max(0.0, random.uniform(-0.3, 0.25))
    thickness = random.uniform(0.85, 1.25)
    volume += strength * phantom.bilayer(distance / thickness, pixel_size / thickness)
    volume += lumen * torch.sigmoid(-distance / 15)


def add_filament(volume: Float[Tensor, "n n n"], pixel_size: float, random: np.random.Generator) -> None:
    """Add a bent filament through the volume: a microtubule, actin, or a thin thread."""
    edge = volume.shape[0]
    ends = random.uniform(0, edge, (2, 3))
    axis = int(random.integers(3))
    ends[:, axis] = (-4, edge + 4)
    bend = 0.12 * edge * random.standard_normal(3)
    part = np.linspace(0, 1, 200)[:, None]
    line = torch.from_numpy(ends[0] + (ends[1] - ends[0]) * part + bend * np.sin(math.pi * part)).float() * pixel_size
    make = (particles.microtubule, particles.actin, particles.thread)[int(random.integers(3))]
    cloud = make(line, pixel_size)
    strength = random.uniform(0.6, 1.2)
    particles.draw(
        volume, particles.Cloud(cloud.positions, strength * cloud.weights, cloud.sigma), torch.zeros(3), pixel_size
    )


def _add_particles(
    volume: Float[Tensor, "n n n"], pixel_size: float, random: np.random.Generator, templates: Sequence[Template]
) -> None:
    """Crowd particles of several kinds until their share of the volume is reached or no room is found."""
    blocks = [_block(pixel_size, random, templates) for _ in range(int(random.integers(4, 14)))]
    room = 0.01 * 30 ** random.random() * volume.numel()
    failures = 0
    while room > 0 and failures < 2 * len(blocks):
        block = blocks[int(random.integers(len(blocks)))]
        turns = rotation.cube_rotations()
        block = _permuted(block, turns[int(random.integers(len(turns)))])
        if _put(volume, random.uniform(0.6, 1.3) * block, random):
            room -= float((block > _SOLID).sum())
            failures = 0
        else:
            failures += 1


def _block(pixel_size: float, random: np.random.Generator, templates: Sequence[Template]) -> Float[Tensor, "d h w"]:
    chance = random.random()
    if templates and chance < 0.3:
        template = templates[int(random.integers(len(templates)))]
        return assemblies.from_density(template.density, template.pixel_size, random, pixel_size)
    make = assemblies.irregular if chance < 0.7 else assemblies.symmetric
    return make(random, pixel_size)


def _permuted(block: Float[Tensor, "d h w"], turn: Tensor) -> Float[Tensor, "p q r"]:
    """Turn a block that need not be a cube by a rotation of the cube."""
    axes = turn.abs().argmax(dim=1).tolist()
    signs = turn.sum(dim=1).tolist()
    return block.permute(axes).flip([axis for axis in range(3) if signs[axis] < 0])


def _put(volume: Float[Tensor, "n n n"], block: Float[Tensor, "d h w"], random: np.random.Generator) -> bool:
    """Add a block where it hardly meets anything, also across the borders; tell whether there was room."""
    for _ in range(_ATTEMPTS):
        corner = [
            int(random.integers(-(size // 2), edge - size // 2))
            for size, edge in zip(block.shape, volume.shape, strict=True)
        ]
        inside = [
            slice(max(0, -c), min(size, edge - c))
            for c, size, edge in zip(corner, block.shape, volume.shape, strict=True)
        ]
        target = volume[tuple(slice(c + part.start, c + part.stop) for c, part in zip(corner, inside, strict=True))]
        shown = block[tuple(inside)]
        solid = shown > _SOLID
        if bool(solid.any()) and float(target[solid].mean()) < _EMPTY:
            target += shown
            return True
    return False


def _ice(edge: int, random: np.random.Generator) -> Float[Tensor, "p q r"]:
    """Window along one axis: within the ice 1, beyond its soft borders 0."""
    first, thickness = random.uniform(-0.2, 0.5) * edge, random.uniform(0.4, 1.0) * edge
    place = torch.arange(edge, dtype=torch.float32)
    window = torch.sigmoid((place - first) / 1.5) * torch.sigmoid((first + thickness - place) / 1.5)
    shape = [1, 1, 1]
    shape[int(random.integers(3))] = edge
    return window.reshape(shape)


def _add_beads(volume: Float[Tensor, "n n n"], pixel_size: float, random: np.random.Generator) -> None:
    """Add one to three gold beads, 5 to 15 nm wide and several times as dense as protein."""
    axis = torch.arange(volume.shape[0], dtype=torch.float32)
    for _ in range(int(random.integers(1, 4))):
        centre, radius = random.uniform(0, volume.shape[0], 3), random.uniform(25, 75) / pixel_size
        z, y, x = ((axis - float(c)).square() for c in centre)
        distance = (z[:, None, None] + y[:, None] + x).sqrt()
        volume += random.uniform(3, 10) * torch.sigmoid((radius - distance) * 2)


def _carbon(edge: int, pixel_size: float, random: np.random.Generator) -> Float[Tensor, "n n n"]:
    """Edge of a carbon film, 100 to 250 Å thick, grainy, ending along a straight line."""
    normal = torch.from_numpy(random.standard_normal(2)).float()
    normal = normal / normal.norm()
    axis = torch.arange(edge, dtype=torch.float32) - random.uniform(0.2, 0.8) * edge
    film = torch.sigmoid((axis[:, None] * normal[0] + axis * normal[1]) / 1.5)
    depth = (torch.arange(edge, dtype=torch.float32) - random.uniform(0, edge)).abs()
    sheet = torch.sigmoid((random.uniform(50, 125) / pixel_size - depth) / 1.5)[:, None, None] * film
    grains = assemblies.field((edge,) * 3, 12 / pixel_size, random)
    return random.uniform(0.4, 1.0) * sheet * (1 + 0.4 * grains)
