"""Volumes that lie turned: a point is seen where the turns and the tilt put it, and comes back where it was."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float
from scipy.spatial.transform import Rotation
from torch import Tensor

from isonet.core import fourier
from isonet.core.simulation import levelling
from isonet.core.simulation.projection import back_project, project, ramp_filter
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured, about, angles_of, positioned

laws = settings(max_examples=6, deadline=None)
level, turn = st.floats(-40, 40), st.floats(-180, 180)
places = st.tuples(*[st.integers(-5, 5)] * 3)


def blob(shape: tuple[int, int, int], at: tuple[int, int, int]) -> Float[Tensor, "z y x"]:
    grid = torch.meshgrid(*[torch.arange(edge) - edge // 2 for edge in shape], indexing="ij")
    return torch.exp(-sum((axis - place).square() for axis, place in zip(grid, at, strict=True)) / (2 * 1.5**2))


def centre(volume: Float[Tensor, "z y x"]) -> list[float]:
    """Centre of mass from the centre voxel, z, y, x."""
    grid = torch.meshgrid(*[torch.arange(edge) - edge // 2 for edge in volume.shape], indexing="ij")
    return [float((axis * volume).sum() / volume.sum()) for axis in grid]


@laws
@given(at=places, about_x=level, about_z=turn, tilt=st.floats(-80, 80))
def test_a_point_is_seen_where_turns_and_tilt_put_it(
    at: tuple[int, int, int], about_x: float, about_z: float, tilt: float
) -> None:
    seen = levelling.as_in_microscope(blob((28, 30, 32), at), about_x, about_z)
    x, y, z = Rotation.from_euler("zx", [about_z, about_x], degrees=True).apply(at[::-1])
    assert centre(seen) == pytest.approx([z, y, x], abs=0.02)
    image = project(seen, torch.tensor([tilt]), width=90)[0]
    v, u = centre(image[:, :, None])[:2]
    radians = math.radians(tilt)
    assert (v, u) == pytest.approx((y, x * math.cos(radians) + z * math.sin(radians)), abs=0.03)


@laws
@given(at=places, about_x=level, about_z=turn)
def test_a_point_comes_back_where_it_was(at: tuple[int, int, int], about_x: float, about_z: float) -> None:
    tilts, shape = torch.arange(-90.0, 90.0, 6.0), (18, 20, 22)
    volume = blob(shape, at)
    images = levelling.finer(
        ramp_filter(project(levelling.as_in_microscope(volume, about_x, about_z), tilts, width=44))
    )
    sweep = positioned(tilts.tolist(), about_x, about_z)
    found = levelling.back_project_turned(images, sweep, shape)
    peak = np.unravel_index(int(found.argmax()), found.shape)
    assert tuple(int(one) - edge // 2 for one, edge in zip(peak, found.shape, strict=True)) == at
    assert float(found.max()) == pytest.approx(1, abs=0.12)
    rows = levelling.back_project_turned(images, sweep, shape, slice(5, 9))
    assert torch.allclose(rows, found[:, 5:9], atol=1e-6)


def test_without_turns_it_is_the_plain_back_projection() -> None:
    tilts = torch.arange(-60.0, 61, 5)
    images = ramp_filter(project(blob((20, 24, 26), (3, -2, 4)), tilts, width=40))
    plain = back_project(images, tilts, 20, 26)
    images = levelling.finer(images)
    found = levelling.back_project_turned(images, positioned(tilts.tolist()), (20, 24, 26))
    assert torch.allclose(found, plain, atol=0.03)


def test_finer_images_go_through_the_pixels() -> None:
    """A wave that both grids hold, times what interpolation asks for."""
    for height, width in ((12, 16), (13, 15)):
        v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        wave = torch.cos(2 * math.pi * (3 * v / height + 4 * u / width))
        gain = (np.sinc(4 / width) / np.sinc(2 / width) / np.sinc(1.5 / height)) ** 2
        found = levelling.finer(wave[None])[0]
        assert found.shape == (2 * height, 2 * width)
        assert torch.allclose(found[::2, ::2], gain * wave, atol=1e-5)
        assert torch.allclose(
            found[1::2, ::2], gain * torch.cos(2 * math.pi * (3 * (v + 0.5) / height + 4 * u / width)), atol=1e-5
        )


def test_turning_loses_no_detail() -> None:
    """Noise without its highest frequencies keeps its power and comes back by the opposite turn."""
    noise = torch.zeros(36, 36, 36)
    noise[8:28, 8:28, 8:28] = torch.randn(20, 20, 20, generator=torch.Generator().manual_seed(0))
    volume = fourier.apply(noise, fourier.low_pass((36, 36, 36), 0.2))
    turned = levelling.as_in_microscope(volume, 23.0)
    assert float(turned.square().sum() / volume.square().sum()) == pytest.approx(1, abs=0.002)
    back = levelling.as_in_microscope(turned, -23.0)
    first = [edge // 2 - 18 for edge in back.shape]
    assert torch.allclose(back[first[0] :, first[1] :][:36, :36], volume, atol=0.02)


@laws
@given(about_x=st.floats(-89, 89), about_y=turn, about_z=turn)
def test_angles_of_a_rotation(about_x: float, about_y: float, about_z: float) -> None:
    into = about("y", about_y) @ about("x", about_x) @ about("z", about_z)
    assert into[::-1, ::-1] == pytest.approx(
        Rotation.from_euler("zxy", [about_z, about_x, about_y], degrees=True).as_matrix(), abs=1e-9
    )
    x, y, z = angles_of(into)
    assert about("y", y) @ about("x", x) @ about("z", z) == pytest.approx(into, abs=1e-7)


def test_two_axes_are_joined_to_what_either_has_measured() -> None:
    shape = (21, 22, 23)
    volume = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    sweeps = [Measured((positioned((-60, 60), 5),)), Measured((positioned((-50, 40), -3, 90),))]
    made = levelling.joined([wedge.apply(volume, one) for one in sweeps], [wedge.weight(shape, one) for one in sweeps])
    both = wedge.weight(shape, Measured(tuple(one.sweeps[0] for one in sweeps)))
    change = (fourier.transform(made) - fourier.transform(volume)).abs()
    assert float(change[both == 1].max()) < 1e-2
    assert float(fourier.transform(made).abs()[both == 0].max()) < 1e-2
