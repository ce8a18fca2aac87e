"""The phantom is reproducible, inside its box, band-limited, closed where it should be, and crowded."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from isonet.core import fourier
from isonet.core.rotation import random_rotations
from isonet.core.simulation import particles, phantom

SHAPE = (48, 80, 72)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_same_seed_same_cell() -> None:
    first, again, other = (phantom.cell(SHAPE, 10.0, seeded(seed)).density for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("pixel_size", [6.0, 10.0, 14.0])
def test_objects_lie_wholly_inside(pixel_size: float) -> None:
    volume = phantom.cell(SHAPE, pixel_size, seeded(0)).density
    faces = [volume.movedim(axis, 0)[[0, -1]] for axis in range(3)]
    assert max(float(face.abs().max()) for face in faces) < 0.05
    assert float(volume.max()) > 0.8


def test_nothing_beyond_two_thirds_of_nyquist() -> None:
    volume = phantom.cell(SHAPE, 10.0, seeded(0)).density
    power = fourier.transform(volume).abs().square()
    assert float(power[fourier.radial_frequency(SHAPE) > 0.38].sum()) < 1e-6 * float(power.sum())


def test_membranes_are_closed() -> None:
    """Filling from outside never reaches the inside of a vesicle."""
    volume = phantom.cell((56, 64, 64), 10.0, seeded(1), species=0, vesicles=1, filaments=0).density
    parts, count = ndimage.label(volume.numpy() < 0.4)
    assert count >= 2
    inside = parts != parts[0, 0, 0]
    assert (inside & (parts > 0)).sum() > 300


def test_crowding_is_the_filled_fraction() -> None:
    volume = phantom.cell(SHAPE, 10.0, seeded(2), vesicles=0, filaments=0, crowding=0.05).density
    assert float((volume > 0.3).float().mean()) == pytest.approx(0.05, abs=0.015)


def test_particles_are_irregular_and_of_the_promised_width() -> None:
    generator = seeded(0)
    for _ in range(10):
        cloud = particles.particle(generator, 8.0)
        centred = cloud.positions - cloud.positions.mean(0)
        across = 2 * float(centred.norm(dim=1).max()) + 3 * cloud.sigma
        assert 60 < across < 260
        mirrored = torch.cdist(-centred, centred).min(1).values.max()
        assert float(mirrored) > 0.5 * cloud.sigma


def test_turning_a_cloud_and_its_density_agree() -> None:
    """A density turned as voxels correlates with the cloud turned exactly."""
    cloud = particles.particle(seeded(5), 8.0)
    matrix = random_rotations(1, seeded(6))[0]
    exact, _ = particles.turned(cloud, matrix, 8.0)
    voxels, _ = particles.turned(particles.turned(cloud, torch.eye(3), 8.0)[0], matrix, 8.0)
    centres = [torch.tensor(ndimage.center_of_mass(block.numpy())) for block in (exact, voxels)]
    shift = (centres[0] - centres[1]).numpy()
    moved = torch.from_numpy(ndimage.shift(_padded(voxels), shift, order=3))
    overlap = (moved * torch.from_numpy(_padded(exact))).sum() / (moved.norm() * exact.norm())
    assert float(overlap) > 0.98


def _padded(block: torch.Tensor) -> np.ndarray:
    size = 48
    full = torch.zeros(size, size, size)
    full[tuple(slice(0, n) for n in block.shape)] = block
    return full.numpy()


def test_template_is_placed_with_unit_density() -> None:
    grid = torch.meshgrid(*[torch.arange(20.0) - 9.5] * 3, indexing="ij")
    ball = 250 * (sum(axis.square() for axis in grid) < 49).float()
    volume = phantom.cell(SHAPE, 10.0, seeded(0), species=0, vesicles=0, filaments=0, templates=[ball]).density
    solid = ndimage.binary_erosion(volume.numpy() > 0.5, iterations=3)
    assert solid.sum() > 100
    assert float(volume[torch.from_numpy(solid)].mean()) == pytest.approx(1, abs=0.1)


def test_placements_say_where_particles_are_and_how_they_are_turned() -> None:
    """Three balls of a template are found in the phantom where its coordinates and matrix take their centres."""
    corners = torch.tensor([[6.0, 6.0, 6.0], [6.0, 6.0, 24.0], [14.0, 6.0, 6.0]])
    grid = torch.stack(torch.meshgrid(*[torch.arange(n).float() for n in (21, 13, 31)], indexing="ij"), dim=-1)
    template = sum((-0.5 * (grid - corner).square().sum(-1) / 4).exp() for corner in corners)
    options = {"species": 0, "vesicles": 0, "filaments": 0, "crowding": 0.02}
    cell = phantom.cell(SHAPE, 10.0, seeded(4), templates=[template], **options)
    assert len(cell.placements) >= 3
    middle = (torch.tensor(template.shape) - 1) / 2
    for placement in cell.placements:
        where = placement.centre + (corners - middle) @ placement.matrix.T
        found = ndimage.map_coordinates(cell.density.numpy(), where.T.numpy(), order=1)
        assert found.min() > 0.7 * cell.density.max()
        reflected = placement.centre + (middle - corners) @ placement.matrix.T
        assert ndimage.map_coordinates(cell.density.numpy(), reflected.T.numpy(), order=1).min() < 0.3
        long = torch.nn.functional.normalize(where[1] - where[0], dim=0)
        assert abs(float(long @ placement.axis)) > 0.9


def test_species_lie_where_their_placements_say() -> None:
    cell = phantom.cell(SHAPE, 10.0, seeded(5), species=1, vesicles=0, filaments=0, crowding=0.01)
    assert len(cell.placements) > 1
    voxels = np.indices(SHAPE)
    apart = [np.square(voxels - one.centre.numpy()[:, None, None, None]).sum(0) for one in cell.placements]
    owner = np.argmin(apart, axis=0)
    for number, placement in enumerate(cell.placements):
        mine = np.where(owner == number, cell.density.numpy(), 0)
        offset = np.array(ndimage.center_of_mass(mine)) - placement.centre.numpy()
        assert np.linalg.norm(offset) < 2
        assert placement.solid == pytest.approx((mine > 0.3).sum(), rel=0.2)


def test_a_sheet_is_flat_and_across_the_beam() -> None:
    empty = {"species": 0, "vesicles": 0, "filaments": 0}
    volume = phantom.cell(SHAPE, 10.0, seeded(1), sheets=1, **empty).density
    middle = volume[:, 20:60, 20:50]
    assert float(middle.std(dim=(1, 2)).max()) < 0.02
    peak = int(middle.mean((1, 2)).argmax())
    assert 9 <= peak <= 38
    assert float(volume[peak, 40, 36]) > 0.7
    assert float(volume[peak, 0].max()) < 0.15


def test_microtubule_is_hollow_and_250_angstrom_wide() -> None:
    line = torch.tensor([[200.0, 200.0, 50.0], [200.0, 200.0, 550.0]])
    volume = torch.zeros(40, 40, 60)
    particles.draw(volume, particles.microtubule(line, 10.0), torch.zeros(3), 10.0)
    section = volume[:, :, 20:40].mean(-1)
    y, x = torch.meshgrid(torch.arange(40.0) - 20, torch.arange(40.0) - 20, indexing="ij")
    radius = torch.hypot(y, x).round() * 10
    profile = {int(r): float(section[radius == r].mean()) for r in (0, 50, 100, 110, 150, 170)}
    assert profile[0] < 0.05 and profile[170] < 0.05
    assert min(profile[100], profile[110]) > 0.3


def test_membrane_has_two_leaflets() -> None:
    distance = torch.linspace(-60, 60, 121)[None, None]
    profile = phantom.bilayer(distance, 4.0)[0, 0]
    inner = (profile[1:-1] > profile[:-2]) & (profile[1:-1] > profile[2:])
    assert (torch.arange(-59, 60)[inner]).tolist() == [-18, 18]
    assert math.isclose(float(profile.max()), 0.9, rel_tol=0.02)
