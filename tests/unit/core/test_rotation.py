"""Rotations of cubes: the exact group, uniform random ones, and resampling."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import Tensor

from isonet.core import fourier, rotation
from isonet.core.tilts import wedge

GROUP = rotation.cube_rotations()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(edge: int, seed: int, batch: tuple[int, ...] = ()) -> Tensor:
    return torch.randn(*batch, edge, edge, edge, generator=seeded(seed))


def ball(edge: int, radius: float) -> Tensor:
    axis = (torch.arange(edge) - (edge - 1) / 2) ** 2
    return ((axis[:, None, None] + axis[:, None] + axis).sqrt() - radius).neg().sigmoid()


def test_there_are_24_proper_rotations_and_they_form_a_group() -> None:
    flat = {tuple(matrix.flatten().tolist()) for matrix in GROUP}
    assert len(flat) == 24
    assert torch.equal(GROUP[0], torch.eye(3, dtype=torch.int64))
    assert torch.linalg.det(GROUP.double()).tolist() == pytest.approx([1] * 24)
    for one, two in itertools.product(GROUP, GROUP):
        assert tuple((one @ two).flatten().tolist()) in flat


@pytest.mark.parametrize(
    ("tilts", "count"), [((-60, 60), 20), ((-60, 0, 60), 20), ((-40, 62), 22), ((-60, -3, 45), 22), ((-60.2, 60), 20)]
)
def test_the_rotations_that_move_the_wedge_are_those_that_change_its_weight(
    tilts: tuple[float, ...], count: int
) -> None:
    moving = {tuple(matrix.flatten().tolist()) for matrix in wedge.moving_rotations(tilts)}
    assert len(moving) == count
    lying = wedge.face_distance((15, 15, 15), (tilts[0], tilts[-1])).expand(15, 15, 8)
    for matrix in GROUP:
        turned = wedge.face_distance((15, 15, 15), (tilts[0], tilts[-1]), matrix.float()).expand(15, 15, 8)
        moved = not torch.allclose(turned, lying, atol=0.1)
        assert moved == (tuple(matrix.flatten().tolist()) in moving)


@settings(max_examples=20, deadline=None)
@given(edge=st.integers(3, 9), seed=st.integers(0, 99))
def test_turning_a_cube_there_and_back_restores_every_bit(edge: int, seed: int) -> None:
    volume = noise(edge, seed, (2,))
    for matrix in GROUP:
        assert torch.equal(rotation.rotate_cube(rotation.rotate_cube(volume, matrix), matrix.T), volume)


@pytest.mark.parametrize("edge", [6, 7])
def test_a_turned_cube_holds_at_r_what_lay_at_the_inverse_of_r(edge: int) -> None:
    volume = noise(edge, 0)
    middle = (edge - 1) / 2
    grid = np.stack(np.meshgrid(*[np.arange(edge) - middle] * 3, indexing="ij")).reshape(3, -1)
    for matrix in GROUP:
        source = np.rint(matrix.numpy().T @ grid + middle).astype(int)
        assert np.array_equal(rotation.rotate_cube(volume, matrix).numpy().ravel(), volume.numpy()[tuple(source)])


def test_a_quarter_turn_about_the_tilt_axis_is_that_of_numpy() -> None:
    volume = noise(5, 0)
    matrix = torch.tensor([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])  # x goes to z, z to -x
    assert np.array_equal(rotation.rotate_cube(volume, matrix), np.rot90(volume, axes=(2, 0)))


def test_random_rotations_are_proper_and_come_back_with_the_seed() -> None:
    matrices = rotation.random_rotations(50, seeded(1))
    assert torch.allclose(matrices @ matrices.mT, torch.eye(3).expand(50, 3, 3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(matrices), torch.ones(50), atol=1e-5)
    assert torch.equal(matrices, rotation.random_rotations(50, seeded(1)))
    assert not torch.equal(matrices, rotation.random_rotations(50, seeded(2)))


def test_random_rotations_are_uniform() -> None:
    """Angles have the density `(1 - cos w) / pi` of the Haar measure, and directions have no preference."""
    count = 20000
    matrices = rotation.random_rotations(count, seeded(0)).double()
    assert float(matrices.mean(0).abs().max()) < 4 / math.sqrt(3 * count)
    second = torch.einsum("nij,nkl->ijkl", matrices, matrices) / count
    expected = torch.einsum("ik,jl->ijkl", torch.eye(3), torch.eye(3)) / 3
    assert torch.allclose(second, expected.double(), atol=0.015)
    angle = torch.arccos(((matrices.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2).clamp(-1, 1)).sort().values
    haar = (angle - angle.sin()) / math.pi
    assert float((haar - torch.arange(count) / count).abs().max()) < 1.6 / math.sqrt(count)


@pytest.mark.parametrize("edge", [12, 13])
def test_resampling_a_smooth_cube_by_a_rotation_of_the_cube_permutes_its_voxels(edge: int) -> None:
    volume = fourier.apply(noise(edge, 3, (2,)), fourier.low_pass((edge,) * 3, 0.06))
    for matrix in GROUP:
        exact = rotation.rotate_cube(volume, matrix)
        assert float((rotation.resample(volume, matrix.float()) - exact).norm() / exact.norm()) < 0.02


def test_resampling_agrees_with_splines_of_scipy() -> None:
    edge, matrix = 32, rotation.random_rotations(1, seeded(4))[0]
    volume = fourier.apply(noise(edge, 5), fourier.low_pass((edge,) * 3, 0.1)) * ball(edge, 11)
    middle = np.full(3, (edge - 1) / 2)
    inverse = matrix.numpy().T
    expected = ndimage.affine_transform(volume.numpy(), inverse, middle - inverse @ middle, order=5)
    difference = (rotation.resample(volume, matrix).numpy() - expected) * ball(edge, 13).numpy()
    assert np.linalg.norm(difference) < 0.03 * np.linalg.norm(expected)


def test_resampling_there_and_back_restores_the_middle() -> None:
    edge, inside = 32, ball(32, 11)
    volume = fourier.apply(noise(edge, 5), fourier.low_pass((edge,) * 3, 0.12))
    for matrix in rotation.random_rotations(3, seeded(6)):
        again = rotation.resample(rotation.resample(volume, matrix), matrix.T)
        assert float(((again - volume) * inside).norm() / (volume * inside).norm()) < 0.06


@pytest.mark.parametrize("frequency", [0.05, 0.125, 0.25, 0.35])
def test_resampling_keeps_the_power_of_every_frequency(frequency: float) -> None:
    shape, inside = (40, 40, 40), ball(40, 14)
    radius = fourier.radial_frequency(shape)
    band = ((radius - frequency).abs() < 0.015).float()
    ratios = []
    for seed, matrix in enumerate(rotation.random_rotations(6, seeded(7))):
        volume = fourier.apply(noise(40, seed), band)
        turned = rotation.resample(volume, matrix)
        ratios.append(float((turned * inside).square().sum() / (volume * inside).square().sum()))
    assert float(np.mean(ratios)) == pytest.approx(1, abs=0.03 if frequency > 0.1 else 0.06)


def test_relion_angles_give_back_the_matrix() -> None:
    """RELION's Euler matrix, written out, is the rotation in x, y, z order."""
    for matrix in rotation.random_rotations(5, torch.Generator().manual_seed(1)):
        rot, tilt, psi = (math.radians(angle) for angle in rotation.relion_angles(matrix))
        ca, cb, cg, sa, sb, sg = *map(math.cos, (rot, tilt, psi)), *map(math.sin, (rot, tilt, psi))
        written = [
            [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb],
            [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb],
            [sb * ca, sb * sa, cb],
        ]
        assert torch.allclose(torch.tensor(written), matrix.flip(0, 1), atol=1e-5)
