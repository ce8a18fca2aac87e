"""Projection and back-projection obey the laws of tomography and agree with scikit-image."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float
from skimage.transform import iradon, radon
from torch import Tensor

from isonet.core import fourier
from isonet.core.simulation.projection import align, angular_weights, back_project, project, ramp_filter

SHAPE = (40, 12, 48)
EVEN_TILTS = torch.arange(-60.0, 61.0, 3.0)
UNEVEN_TILTS = torch.tensor([-52.0, -50, -47, -45, -40, *range(-36, 37, 2), 39, 43, 44, 48, 52, 55, 58, 61, 64])


def blobs(shape: tuple[int, int, int], seed: int = 0, sigma: float = 1.2) -> Float[Tensor, "z y x"]:
    """Gaussian blobs in a ball-like middle of the volume, seen whole at every tilt."""
    generator = torch.Generator().manual_seed(seed)
    grid = torch.meshgrid(*[torch.arange(n) - n // 2 for n in shape], indexing="ij")
    volume = torch.zeros(shape)
    for _ in range(25):
        place = (torch.rand(3, generator=generator) - 0.5) * torch.tensor(shape) * 0.55
        distance = sum((axis - at).square() for axis, at in zip(grid, place, strict=True))
        volume += torch.exp(-distance / (2 * sigma**2))
    return volume


@settings(max_examples=25, deadline=None)
@given(z=st.integers(-12, 12), x=st.integers(-12, 12), tilt=st.floats(-90, 90))
def test_a_point_lands_at_x_cos_plus_z_sin(z: int, x: int, tilt: float) -> None:
    grid = torch.meshgrid(torch.arange(40) - 20 - z, torch.arange(48) - 24 - x, indexing="ij")
    volume = torch.exp(-(grid[0].square() + grid[1].square()) / (2 * 1.5**2))[:, None, :]
    image = project(volume, torch.tensor([tilt]), width=64)[0, 0]
    u = (image * (torch.arange(64) - 32)).sum() / image.sum()
    angle = math.radians(tilt)
    assert float(u) == pytest.approx(x * math.cos(angle) + z * math.sin(angle), abs=0.01)
    assert float(image.sum()) == pytest.approx(float(volume.sum()), rel=1e-4)


def test_projection_without_tilt_is_the_sum_along_the_beam() -> None:
    volume = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(project(volume, torch.zeros(1))[0], volume.sum(0), atol=1e-3)


def test_projection_is_a_central_slice() -> None:
    """At 45 degrees the image's transform is read off the volume's on the diagonal k_z = k_x."""
    volume = blobs((48, 6, 48))
    image = project(volume, torch.tensor([45.0]), width=96)[0]
    centre = torch.roll(volume, (-24, -24), (0, 2))
    spectrum = torch.fft.fft2(centre.double(), dim=(0, 2))
    for step in (1, 3, 6):
        k = step * math.sqrt(2) / 48
        wave = torch.exp(-2j * math.pi * k * (torch.arange(96, dtype=torch.float64) - 48))
        assert torch.allclose((image * wave).sum(-1), spectrum[step, :, step], atol=2e-2)


def test_measured_plane_has_the_sign_of_the_tilt() -> None:
    """Power of a back-projected image at +30 degrees lies on k_z = k_x tan(30), none on the mirror plane."""
    image = torch.randn(1, 1, 64, generator=torch.Generator().manual_seed(0)) * fourier.taper((64,), 16)
    volume = back_project(image, torch.tensor([30.0]), 64)[:, 0] * fourier.taper((64, 64), 24)
    power = torch.fft.fft2(volume).abs().square()
    k = torch.arange(4, 20)
    up = (k * math.tan(math.radians(30))).round().long()
    assert float(power[up, k].sum()) > 20 * float(power[-up, k].sum())


@pytest.mark.parametrize("tilts", [EVEN_TILTS, UNEVEN_TILTS], ids=["even", "uneven"])
def test_reconstruction_returns_the_grey_scale_where_measured(tilts: Tensor) -> None:
    truth = blobs(SHAPE)
    shape = fourier.spatial_shape(truth)
    result = back_project(ramp_filter(project(truth, tilts, width=66)), tilts, shape[0], shape[2])
    kz, ky, kx = fourier.frequencies(shape)
    angle = torch.rad2deg(torch.atan2(kz, kx))
    across = torch.hypot(kz, kx) + 0 * ky
    measured = (angle > tilts.min() + 6) & (angle < tilts.max() - 6) & (across > 2.5 / 40)
    first, second = (fourier.transform(volume.double()) for volume in (truth, result))
    for low, high in ((0.05, 0.1), (0.1, 0.15), (0.15, 0.2), (0.2, 0.25)):
        shell = measured & (fourier.radial_frequency(shape) >= low) & (fourier.radial_frequency(shape) < high)
        product = (first * second.conj()).real[shell].sum()
        powers = [volume.abs().square()[shell].sum() for volume in (first, second)]
        assert float(product / powers[0]) == pytest.approx(1, abs=0.05)
        assert float(product / (powers[0] * powers[1]).sqrt()) > 0.97


def test_back_projection_is_nearly_the_adjoint_of_projection() -> None:
    volume, other = blobs(SHAPE, seed=1), blobs(SHAPE, seed=2)
    images = project(other, EVEN_TILTS, width=80)
    weighted = angular_weights(EVEN_TILTS)[:, None, None] * project(volume, EVEN_TILTS, width=80)
    smeared = back_project(images, EVEN_TILTS, SHAPE[0], SHAPE[2])
    assert float((weighted * images).sum()) == pytest.approx(float((volume * smeared).sum()), rel=0.02)


def test_project_agrees_with_radon() -> None:
    """scikit-image turns the other way: theta = -a with rows = z, columns = x."""
    inside = np.hypot(*np.mgrid[-24:24, -24:24]) < 23
    volume = blobs((48, 3, 48), sigma=2.0) * torch.from_numpy(inside)[:, None]
    tilts = torch.tensor([-60.0, -20.0, 0.0, 35.0, 60.0])
    ours = project(volume, tilts).numpy()
    for row in range(3):
        theirs = radon(volume[:, row].numpy().astype(float), theta=-tilts.numpy(), circle=True).T
        assert np.abs(ours[:, row] - theirs).max() < 0.02 * np.abs(theirs).max()


def test_back_project_agrees_with_iradon() -> None:
    volume = blobs((48, 2, 48), sigma=2.0)
    tilts = torch.arange(-90.0, 90.0, 3.0)
    images = project(volume, tilts)
    ours = back_project(ramp_filter(images), tilts, 48).numpy()
    inside = np.hypot(*np.mgrid[-24:24, -24:24]) < 22
    for row in range(2):
        sinogram = images[:, row].T.double().numpy()
        theirs = iradon(sinogram, theta=-tilts.numpy(), filter_name="ramp", circle=True)
        assert np.abs(ours[:, row] - theirs)[inside].max() < 0.05 * theirs.max()


def test_rows_are_independent() -> None:
    images = torch.randn(5, 6, 20, generator=torch.Generator().manual_seed(0))
    tilts = torch.tensor([-40.0, -10, 0, 20, 50])
    whole = back_project(images, tilts, 16)
    assert torch.equal(whole[:, 2:4], back_project(images[:, 2:4], tilts, 16))


def test_weights_are_the_angles_between_neighbours() -> None:
    weights = torch.rad2deg(angular_weights(torch.tensor([10.0, -20, 0, 0, 4])))
    assert torch.allclose(weights, torch.tensor([6.0, 20, 6, 6, 5]))


def test_ramp_does_not_wrap_around() -> None:
    image = torch.zeros(1, 1, 64)
    image[..., 0] = 1
    filtered = ramp_filter(image)[0, 0]
    assert float(filtered[-8:].abs().max()) < 1e-3
    assert float(filtered[0]) > 0.2


def test_hamming_leaves_low_and_lowers_high_frequencies() -> None:
    x = torch.arange(200.0) - 100
    window = torch.exp(-x.square() / 800)
    for frequency, ratio in ((0.05, 0.977), (0.45, 0.1025)):
        wave = (window * torch.cos(2 * math.pi * frequency * x))[None, None]
        ramp, hamming = (ramp_filter(wave, name).norm() for name in ("ramp", "hamming"))
        assert float(hamming / ramp) == pytest.approx(ratio, rel=0.05)


def test_align_moves_a_spot_as_imod_says() -> None:
    """`r' = A (r - c_in) + d + c_out`, with c_in = (n - 1) / 2 and c_out = n // 2."""
    y, x = torch.meshgrid(torch.arange(40), torch.arange(50), indexing="ij")
    image = torch.exp(-((x - 30).square() + (y - 12).square()) / 8)
    cosine, sine = math.cos(math.radians(20)), math.sin(math.radians(20))
    matrix, shift = torch.tensor([[cosine, -sine], [sine, cosine]]), torch.tensor([2.5, -1.25])
    result = align(image, matrix, shift, (44, 60))
    expected = matrix @ torch.tensor([30 - 24.5, 12 - 19.5]) + shift + torch.tensor([30.0, 22.0])
    rows, columns = torch.meshgrid(torch.arange(44), torch.arange(60), indexing="ij")
    found = torch.stack([(result * columns).sum(), (result * rows).sum()]) / result.sum()
    assert torch.allclose(found, expected, atol=0.05)
    assert float(result.sum()) == pytest.approx(float(image.sum()), rel=0.01)


def test_align_without_transform_keeps_the_image() -> None:
    image = torch.rand(9, 11, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(align(image, torch.eye(2), torch.zeros(2), (9, 11)), image, atol=1e-4)
