"""Other voxel sizes: what is below the new Nyquist frequency stays, what is above vanishes."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample as scipy_resample
from test_streamed import InMemory

from isonet.core.filters import resampling
from isonet.core.filters.resampling import Resampling, matrix, size_after
from isonet.core.filters.streamed import NotFiniteError


def cosine(size: int, order: int, positions: Any) -> torch.Tensor:
    """Wave of a volume continued by reflection: an even one about both faces."""
    return torch.cos(math.pi * order * (2 * torch.as_tensor(positions, dtype=torch.float64) + 1) / (2 * size))


@given(st.integers(4, 80), st.floats(1.0, 5.0), st.data())
@settings(max_examples=60, deadline=None)
def test_waves_below_the_new_nyquist_stay_and_those_above_vanish(size: int, step: float, data: Any) -> None:
    order = data.draw(st.integers(0, size - 1))
    wave = cosine(size, order, np.arange(size))
    result = matrix(size, step).double() @ wave
    distance = order / size - 1 / step  # frequency in units of the old Nyquist, less the new one
    if distance < -1e-4:
        assert torch.allclose(result, cosine(size, order, step * np.arange(size_after(size, step))), atol=1e-5)
    elif distance > 1e-4:
        assert float(result.abs().max()) < 1e-5


def test_same_grid_changes_nothing() -> None:
    assert torch.allclose(matrix(31, 1.0), torch.eye(31), atol=1e-6)


def test_numbers_of_voxels() -> None:
    assert [size_after(*pair) for pair in ((128, 2.0), (128, 1.5), (105, 2.0), (100, 10 / 3), (10, 0.5))] == [
        64,
        86,
        53,
        30,
        20,
    ]
    assert size_after(96, 1 / (0.1 * 10)) == 96
    assert size_after(300, 13.48 / (13.48 / 3)) == 100


def test_agrees_with_scipy_on_a_volume_continued_by_reflection() -> None:
    random = np.random.default_rng(0)
    row = random.standard_normal(60)
    mirrored = np.concatenate([row, row[::-1]])
    expected = scipy_resample(mirrored, 40)[:20]
    assert (
        np.abs(matrix(60, 3.0).double().numpy() @ row - expected).max()
        < 1e-5 + 2 * abs(np.fft.rfft(mirrored)[20]) / 120
    )


def test_periodic_wave_keeps_its_amplitude_away_from_the_faces() -> None:
    x = np.arange(240)
    for step in (2.0, 1.37):
        wave = np.sin(2 * np.pi * 0.05 * x)
        expected = np.sin(2 * np.pi * 0.05 * step * np.arange(size_after(240, step)))
        middle = slice(len(expected) // 4, -len(expected) // 4)
        assert np.abs(matrix(240, step).double().numpy() @ wave - expected)[middle].max() < 0.02
        above = np.sin(2 * np.pi * 0.45 * x)
        assert np.abs(matrix(240, step).double().numpy() @ above)[middle].max() < 0.02


def test_opposite_faces_do_not_see_each_other() -> None:
    """A step at one face would ring at the other one if the volume were taken for periodic."""
    row = np.zeros(100)
    row[:3] = 1
    result = np.abs(matrix(100, 2.0).double().numpy() @ row)
    periodic = np.abs(scipy_resample(row, 50))
    assert result[-5:].max() < 0.1 * periodic[-5:].max()


@pytest.mark.parametrize("steps", [(2.0, 2.0, 2.0), (1.3, 1.7, 2.9), (0.8, 1.0, 1.5)])
@pytest.mark.parametrize("spare", [0, 2_000, 10**8])
def test_streamed_is_whole(steps: tuple[float, float, float], spare: int) -> None:
    shape = (14, 15, 16)
    volume = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    least = 4 * sum(a * size_after(a, step) for a, step in zip(shape, steps, strict=True)) + 4 * 4 * 20 * 20
    how = Resampling(shape, steps, least + spare)
    between, target = (InMemory(np.zeros(each, dtype=np.float32)) for each in (how.between, how.result))
    reported: list[int] = []
    moments = resampling.resample(InMemory(volume), between, target, how, lambda: reported.append(1))
    assert len(reported) == how.count
    expected = np.einsum(
        "zyx,az,by,cx->abc", volume, *(matrix(n, s).numpy() for n, s in zip(shape, steps, strict=True))
    )
    assert target.voxels.shape == expected.shape == how.result
    assert np.abs(target.voxels - expected).max() < 1e-5
    assert (moments.mean, moments.std) == pytest.approx((expected.mean(), expected.std()), rel=1e-4)


def test_memory_that_is_too_little_is_refused_with_what_is_needed() -> None:
    with pytest.raises(ValueError, match=r"100 x 1000 x 1000 voxels need 0\.02"):
        Resampling((100, 1000, 1000), (2.0, 2.0, 2.0), 10_000_000)


def test_what_is_no_number_is_found() -> None:
    volume = np.ones((6, 4, 4), dtype=np.float32)
    volume[3, 1, 1] = np.nan
    how = Resampling((6, 4, 4), (2.0, 2.0, 2.0), 10**6)
    with pytest.raises(NotFiniteError):
        room = (InMemory(np.zeros(each, dtype=np.float32)) for each in (how.between, how.result))
        resampling.resample(InMemory(volume), *room, how, lambda: None)
