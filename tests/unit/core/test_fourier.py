"""Frequency grids and filters, against pictures and Parseval's theorem."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from isonet.core import fourier

Shape = tuple[int, int, int]
laws = settings(max_examples=25, deadline=None)
shapes = st.tuples(*[st.integers(6, 20)] * 3)


def noise(shape: Shape, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@laws
@given(shape=shapes)
def test_frequencies_are_those_of_plane_waves(shape: Shape) -> None:
    """A cosine of `k` cycles per voxel has all its power where the grid says `k`."""
    for axis, frequency in enumerate(fourier.frequencies(shape)):
        position = torch.arange(shape[axis]).reshape([-1 if other == axis else 1 for other in range(3)])
        wave = torch.cos(2 * math.pi * position * 2 / shape[axis]).expand(shape)
        power = fourier.transform(wave).abs().square()
        there = (frequency.abs() - 2 / shape[axis]).abs().expand(power.shape) < 1e-6
        assert float(power[there].sum()) > 0.999 * float(power.sum())


@laws
@given(shape=shapes, seed=st.integers(0, 99))
def test_multiplicity_makes_parseval_hold(shape: Shape, seed: int) -> None:
    volume = noise(shape, seed).double()
    power = (fourier.transform(volume).abs().square() * fourier.multiplicity(shape)).sum() / volume.numel()
    assert float(power) == pytest.approx(float(volume.square().sum()))


@laws
@given(shape=shapes, seed=st.integers(0, 99))
def test_transform_and_inverse_undo_each_other(shape: Shape, seed: int) -> None:
    volume = noise(shape, seed)[None]
    assert torch.allclose(fourier.inverse(fourier.transform(volume), shape), volume, atol=1e-5)


@pytest.mark.parametrize("cutoff", [0.1, 0.25])
def test_low_pass_is_a_gaussian_of_one_half_at_its_cutoff(cutoff: float) -> None:
    profile = fourier.low_pass((40, 40, 40), cutoff)
    assert float(profile[0, 0, 0]) == 1
    assert float(profile[0, 0, round(40 * cutoff)]) == pytest.approx(0.5, abs=1e-5)
    assert float(profile[0, round(80 * cutoff) % 40, 0]) == pytest.approx(0.5**4, abs=1e-5)


def test_low_pass_keeps_the_mean_and_takes_noise() -> None:
    volume = noise((20, 18, 16)) + 3
    smooth = fourier.apply(volume, fourier.low_pass((20, 18, 16), 0.1))
    assert float(smooth.mean()) == pytest.approx(float(volume.mean()), abs=1e-5)
    assert float(smooth.std()) < 0.3


def test_taper_is_this_raised_cosine() -> None:
    assert torch.allclose(fourier.taper((7,), 2), torch.tensor([0.25, 0.75, 1, 1, 1, 0.75, 0.25]))
    assert torch.allclose(fourier.taper((4,), 9), torch.tensor([0.25, 0.75, 0.75, 0.25]))
    assert fourier.taper((5, 1), 0).tolist() == [[1.0]] * 5


@laws
@given(shape=shapes, width=st.integers(0, 12))
def test_taper_is_a_product_of_axes_in_zero_to_one(shape: Shape, width: int) -> None:
    window = fourier.taper(shape, width)
    lines = [fourier.taper((edge,), width) for edge in shape]
    assert torch.allclose(window, lines[0][:, None, None] * lines[1][:, None] * lines[2])
    assert float(window.min()) > 0 and float(window.max()) <= 1
    assert torch.equal(window, window.flip(0, 1, 2))


def test_power_spectrum_shows_a_wave_on_either_side_of_the_middle() -> None:
    x = torch.arange(48)
    wave = torch.cos(2 * math.pi * 6 * x / 48).expand(3, 32, 48) + 10
    power = fourier.power_spectrum_centred(wave)
    assert power.shape == (32, 48)
    assert sorted(divmod(int(place), 48) for place in power.flatten().topk(2).indices) == [(16, 18), (16, 30)]
