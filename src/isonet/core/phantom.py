"""A piece of a cell made by the program itself, with vesicles, filaments and particles: a known truth.

Density is in arbitrary units, bright is mass, and the solid parts of every object come to about 1.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from isonet.core import fourier, particles, rotation

Shape = tuple[int, int, int]
_BAND = (0.30, 0.37)
_ATTEMPTS = 40
_MARGIN = 3.0
_EMPTY = 0.03


def cell(
    shape: Shape,
    pixel_size: float,
    generator: Generator,
    *,
    species: int = 5,
    crowding: float = 0.1,
    vesicles: int = 3,
    filaments: int = 3,
    templates: Sequence[Float[Tensor, "_d _h _w"]] = (),
) -> Float[Tensor, "z y x"]:
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
    templates : sequence of Tensor
        Densities `(d, h, w)` at `pixel_size`, bright = mass, to place as further species.

    Returns
    -------
    Tensor
        Density of shape `(z, y, x)`, band-limited to 2/3 of Nyquist.
    """
    volume = torch.zeros(shape)
    for index in range(filaments):
        _add_filament(volume, pixel_size, generator, index)
    for _ in range(vesicles):
        _add_vesicle(volume, pixel_size, generator)
    kinds: list[particles.Cloud | Tensor] = [particles.particle(generator, pixel_size) for _ in range(species)]
    kinds += [particles.normalised(template) for template in templates]
    _crowd(volume, kinds, pixel_size, crowding, generator)
    return _band_limited(volume)


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
        distance = pixel_size * _distance(box.shape, centre - torch.tensor(corner), axes, generator)
        if float(box[distance.abs() < 60].max()) < _EMPTY:
            box += _bilayer(distance, pixel_size)
            return


def _distance(
    shape: Sequence[int], centre: Float[Tensor, "3"], axes: Float[Tensor, "3"], generator: Generator
) -> Float[Tensor, "z y x"]:
    """Distance (voxels, first order, positive outside) from an ellipsoid of random orientation."""
    grid = torch.stack(torch.meshgrid(*[torch.arange(n).float() for n in shape], indexing="ij"), dim=-1)
    scaled = (grid - centre) @ rotation.random_rotations(1, generator)[0] / axes
    radius = scaled.norm(dim=-1)
    steepness = (scaled / axes).norm(dim=-1).clamp_min(1e-6)
    distance: Tensor = (radius - 1) * radius / steepness
    return distance


def _bilayer(distance: Float[Tensor, "z y x"], pixel_size: float) -> Float[Tensor, "z y x"]:
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
) -> None:
    """Place copies of all kinds in turn, at random orientations, until `crowding` is reached or nothing fits."""
    room, failures, index = crowding * volume.numel(), 0, 0
    while room > 0 and failures < 2 * len(kinds):
        matrix = rotation.random_rotations(1, generator)[0]
        placed = _add_block(volume, particles.turned(kinds[index % len(kinds)], matrix, pixel_size), generator)
        failures = 0 if placed else failures + 1
        room -= placed
        index += 1


def _add_block(volume: Float[Tensor, "z y x"], block: Float[Tensor, "d h w"], generator: Generator) -> float:
    """Add a block where its solid part meets nothing; return its solid voxels, 0 where no place was found."""
    solid, half = block > 0.3, torch.tensor(block.shape) / 2
    for _ in range(_ATTEMPTS):
        centre = _place(volume.shape, half, generator)
        if centre is None:
            return 0.0
        corner = (centre - half).round().long().tolist()
        target = volume[tuple(slice(a, a + n) for a, n in zip(corner, block.shape, strict=True))]
        if float(target[solid].mean()) < _EMPTY:
            target += block
            return float(solid.sum())
    return 0.0


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
