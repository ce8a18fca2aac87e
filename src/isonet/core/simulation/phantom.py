"""A piece of a cell made by the program itself, with vesicles, filaments and particles: a known truth.

Density is in arbitrary units, bright is mass, and the solid parts of every object come to about 1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from isonet.core import fourier, rotation
from isonet.core.simulation import particles

Shape = tuple[int, int, int]
_BAND = (0.30, 0.37)
_ATTEMPTS = 40
_MARGIN = 3.0
_EMPTY = 0.03
_SOLID = 0.3


@dataclass(frozen=True)
class Placement:
    """Where a particle lies and how it is turned.

    Attributes
    ----------
    kind : int
        Which particle: species are counted from 0, templates follow.
    centre : Tensor
        Where the particle's origin lies: z, y, x in voxels, counted from 0 at the middle of the first voxel. The
        origin is the centre of a species' blobs, and the middle `(n - 1) / 2` of a template.
    matrix : Tensor
        `[3, 3]`, z, y, x order: turns the particle's own coordinates into those of the volume.
    axis : Tensor
        Unit vector z, y, x along the turned particle's longest axis.
    solid : int
        Its solid voxels.
    """

    kind: int
    centre: Float[Tensor, "3"]
    matrix: Float[Tensor, "3 3"]
    axis: Float[Tensor, "3"]
    solid: int


@dataclass(frozen=True)
class Cell:
    """A phantom and what lies in it.

    Attributes
    ----------
    density : Tensor
        `[z, y, x]`, band-limited to 2/3 of Nyquist.
    placements : tuple of Placement
        Its particles; membranes and filaments are not among them.
    """

    density: Float[Tensor, "z y x"]
    placements: tuple[Placement, ...]


def cell(
    shape: Shape,
    pixel_size: float,
    generator: Generator,
    *,
    species: int = 5,
    crowding: float = 0.1,
    vesicles: int = 3,
    filaments: int = 3,
    sheets: int = 0,
    templates: Sequence[Float[Tensor, "_d _h _w"]] = (),
) -> Cell:
    """Make a cell-like volume; the same state of the generator gives the same volume.

    Objects lie wholly inside and do not overlap; what finds no room is left out.

    Parameters
    ----------
    shape : tuple of int
        Voxels along z, y, x.
    pixel_size : float
        Å per voxel.
    generator : Generator
        Source of all randomness.
    species : int
        Kinds of irregular particles to invent, 80 to 250 Å wide.
    crowding : float
        Fraction of the volume that particles fill.
    vesicles, filaments : int
        How many closed bilayers, and how many microtubules and actin filaments (in turn), to place.
    sheets : int
        How many flat bilayers, across the beam and as wide as the volume, to place at random depths.
    templates : sequence of Tensor
        Densities `(d, h, w)` at `pixel_size`, bright = mass, to place as further species.
    """
    volume = torch.zeros(shape)
    for _ in range(sheets):
        _add_sheet(volume, pixel_size, generator)
    for index in range(filaments):
        _add_filament(volume, pixel_size, generator, index)
    for _ in range(vesicles):
        _add_vesicle(volume, pixel_size, generator)
    kinds: list[particles.Cloud | Tensor] = [particles.particle(generator, pixel_size) for _ in range(species)]
    kinds += [particles.normalised(template) for template in templates]
    placements = _crowd(volume, kinds, pixel_size, crowding, generator)
    return Cell(_band_limited(volume), tuple(placements))


def _add_sheet(volume: Float[Tensor, "z y x"], pixel_size: float, generator: Generator) -> None:
    """Place a flat bilayer across z where it touches nothing, with soft edges inside the borders."""
    depth, height, width = volume.shape
    clear = 60 / pixel_size + _MARGIN
    for _ in range(_ATTEMPTS):
        middle = clear + (depth - 1 - 2 * clear) * _uniform(generator)
        distance = pixel_size * (torch.arange(depth) - middle)[:, None, None]
        if depth > 2 * clear and float(volume[distance.flatten().abs() < 60].max()) < _EMPTY:
            edge = fourier.taper((height, width), max(4, min(height, width) // 16))
            volume += bilayer(distance, pixel_size) * edge
            return


def _add_filament(volume: Float[Tensor, "z y x"], pixel_size: float, generator: Generator, index: int) -> None:
    """Place a bent filament where it touches nothing."""
    make, radius = ((particles.microtubule, 160.0), (particles.actin, 80.0))[index % 2]
    clear = radius / pixel_size + _MARGIN
    if min(volume.shape) <= 2 * clear:
        return
    for _ in range(_ATTEMPTS):
        cloud = make(_bent_line(volume.shape, clear, generator) * pixel_size, pixel_size)
        voxels = (cloud.positions / pixel_size).round().long()
        if float(volume[voxels.unbind(1)].max()) < _EMPTY:
            particles.draw(volume, cloud, torch.zeros(3), pixel_size)
            return


def _bent_line(shape: Sequence[int], clear: float, generator: Generator) -> Float[Tensor, "points 3"]:
    """Draw a gently bent line (voxels) across the volume, `clear` voxels off every border."""
    room = torch.tensor(shape) - 2 * clear
    ends = clear + room * torch.rand(2, 3, generator=generator)
    along = 1 + int(torch.randint(2, (), generator=generator))
    ends[:, along] = torch.stack([torch.tensor(clear), clear + room[along]])
    bend = 0.15 * room * torch.randn(3, generator=generator)
    part = torch.linspace(0, 1, 200)[:, None]
    line = ends[0] + (ends[1] - ends[0]) * part + bend * torch.sin(math.pi * part)
    return torch.minimum(line.clamp_min(clear), clear + room)


def _add_vesicle(volume: Float[Tensor, "z y x"], pixel_size: float, generator: Generator) -> None:
    """Place a closed bilayer, a sphere or an ellipsoid, where it touches nothing: smaller after each failure."""
    shell = 60 / pixel_size
    largest = min(volume.shape) / 2 - _MARGIN - shell
    for attempt in range(_ATTEMPTS):
        outer = largest * (1 - 0.6 * attempt / _ATTEMPTS) * (0.7 + 0.3 * _uniform(generator))
        flattening = 0.4 * torch.rand(3, generator=generator) * (_uniform(generator) > 0.4)
        axes = outer * (1 - flattening)
        centre = _place(volume.shape, float(axes.max()) + shell, generator)
        if centre is None or float(axes.min()) * pixel_size < 80:
            continue
        reach = math.floor(float(axes.max()) + shell)
        corner = [int(c) - reach for c in centre]
        box = volume[tuple(slice(c, c + 2 * reach + 1) for c in corner)]
        distance = pixel_size * ellipsoid_distance(
            box.shape, centre - torch.tensor(corner), axes, rotation.random_rotations(1, generator)[0]
        )
        if float(box[distance.abs() < 60].max()) < _EMPTY:
            box += bilayer(distance, pixel_size)
            return


def ellipsoid_distance(
    shape: Sequence[int], centre: Float[Tensor, "3"], axes: Float[Tensor, "3"], turn: Float[Tensor, "3 3"]
) -> Float[Tensor, "z y x"]:
    """Distance (voxels, first order, positive outside) from an ellipsoid turned by a rotation matrix."""
    grid = torch.stack(torch.meshgrid(*[torch.arange(n).float() for n in shape], indexing="ij"), dim=-1)
    scaled = (grid - centre) @ turn / axes
    radius = scaled.norm(dim=-1)
    steepness = (scaled / axes).norm(dim=-1).clamp_min(1e-6)
    distance: Tensor = (radius - 1) * radius / steepness
    return distance


def bilayer(distance: Float[Tensor, "z y x"], pixel_size: float) -> Float[Tensor, "z y x"]:
    """Two leaflets 36 Å apart on either side of distance 0 (Å)."""
    sigma = max(9.0, 0.8 * pixel_size)
    inner, outer = (torch.exp(-0.5 * ((distance - side) / sigma).square()) for side in (-18.0, 18.0))
    return 0.9 * (inner + outer)


def _crowd(
    volume: Float[Tensor, "z y x"],
    kinds: Sequence[particles.Cloud | Tensor],
    pixel_size: float,
    crowding: float,
    generator: Generator,
) -> list[Placement]:
    """Place copies of all kinds in turn, at random orientations, until `crowding` is reached or nothing fits."""
    axes = [particles.long_axis(kind) for kind in kinds]
    room, failures, index = crowding * volume.numel(), 0, 0
    placements: list[Placement] = []
    while room > 0 and failures < 2 * len(kinds):
        kind, matrix = index % len(kinds), rotation.random_rotations(1, generator)[0]
        block, origin = particles.turned(kinds[kind], matrix, pixel_size)
        corner = _add_block(volume, block, generator)
        failures = failures + 1 if corner is None else 0
        if corner is not None:
            solid = int((block > _SOLID).sum())
            placements.append(Placement(kind, corner + origin, matrix, matrix @ axes[kind], solid))
            room -= solid
        index += 1
    return placements


def _add_block(
    volume: Float[Tensor, "z y x"], block: Float[Tensor, "d h w"], generator: Generator
) -> Float[Tensor, "3"] | None:
    """Add a block where its solid part meets nothing; return its first corner (voxels), None where no place is."""
    solid, half = block > _SOLID, torch.tensor(block.shape) / 2
    for _ in range(_ATTEMPTS):
        centre = _place(volume.shape, half, generator)
        if centre is None:
            return None
        corner = (centre - half).round()
        target = volume[tuple(slice(a, a + n) for a, n in zip(corner.long().tolist(), block.shape, strict=True))]
        if float(target[solid].mean()) < _EMPTY:
            target += block
            return corner
    return None


def _place(shape: Sequence[int], reach: float | Tensor, generator: Generator) -> Float[Tensor, "3"] | None:
    """Draw a centre (voxels) whose reach stays a margin off every border; None where nothing does."""
    clear = torch.as_tensor(reach) + _MARGIN
    room = torch.tensor(shape) - 2 * clear
    return None if float(room.min()) < 0 else clear + room * torch.rand(3, generator=generator)


def _uniform(generator: Generator) -> float:
    return float(torch.rand((), generator=generator))


def _band_limited(volume: Float[Tensor, "z y x"]) -> Float[Tensor, "z y x"]:
    """Take away what lies beyond 2/3 of Nyquist, with a raised-cosine edge."""
    low, high = _BAND
    edge = ((fourier.radial_frequency(fourier.spatial_shape(volume)) - low) / (high - low)).clamp(0, 1)
    return fourier.apply(volume, 0.5 + 0.5 * torch.cos(math.pi * edge))
