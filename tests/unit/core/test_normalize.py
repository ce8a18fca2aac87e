"""Normalisation is undone exactly and knows dark from bright."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.ndimage import gaussian_filter

from isonet.core.normalize import Moments, Normalization, skewness
from isonet.core.spikes import without_spikes


@settings(max_examples=30, deadline=None)
@given(mean=st.floats(-1e3, 1e3), std=st.floats(0.1, 1e3), sign=st.sampled_from([-1, 1]))
def test_inverse_undoes_forward(mean: float, std: float, sign: int) -> None:
    volume = np.random.default_rng(0).normal(mean, std, (4, 5, 6)).astype(np.float32)
    scale = Normalization(mean, std, sign)
    tolerance = 1e-5 * (abs(mean) + std)
    assert np.allclose(scale.inverse(scale.forward(volume)), volume, atol=tolerance)
    both = scale.inverse(scale.forward(torch.from_numpy(volume)))
    assert np.allclose(both.numpy(), volume, atol=tolerance)


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_network_sees_the_same_whatever_the_sign_and_scale_of_the_file(sign: int) -> None:
    volume = np.random.default_rng(0).gamma(2, size=(8, 9, 10)).astype(np.float32)
    stored = 40 - 7 * volume if sign < 0 else 40 + 7 * volume
    seen = Normalization(float(stored.mean()), float(stored.std()), sign).forward(stored)
    assert np.allclose(seen, (volume - volume.mean()) / volume.std(), atol=1e-4)
    assert seen.dtype == np.float32


def test_skewness_is_that_of_scipy_and_negative_for_dark_density() -> None:
    values = np.random.default_rng(0).gamma(2, size=4000).astype(np.float32)
    assert skewness(values) == pytest.approx(float(stats.skew(values.astype(float))), rel=1e-5)
    assert skewness(-values) < 0 < skewness(values)
    assert skewness(np.full(9, 3, dtype=np.float32)) == 0


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(1, 999), max_size=4), mean=st.floats(-1e4, 1e4), std=st.floats(0.1, 100))
def test_moments_of_pieces_are_those_of_the_whole(cuts: list[int], mean: float, std: float) -> None:
    values = np.random.default_rng(0).normal(mean, std, 1000).astype(np.float32)
    moments = Moments()
    for piece in np.split(values, sorted(set(cuts))):
        moments.add(piece)
    whole = values.astype(np.float64)
    assert moments.count == 1000
    assert (moments.low, moments.high) == (whole.min(), whole.max())
    assert moments.mean == pytest.approx(whole.mean(), rel=1e-12)
    assert moments.std == pytest.approx(whole.std(), rel=1e-7)
    assert moments.finite
    assert not moments.constant


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("position", [0, 9])
def test_moments_tell_what_is_no_number(bad: float, position: int) -> None:
    values = np.ones(10, dtype=np.float32)
    values[position] = bad
    moments = Moments()
    moments.add(np.ones(10, dtype=np.float32))
    assert moments.finite
    assert moments.constant
    moments.add(values)
    assert not moments.finite


@pytest.mark.parametrize(("values", "constant"), [((-1, 1), False), ((0, 0), True), ((1e4, 1.0001e4), False)])
def test_values_about_zero_are_not_constant(values: tuple[float, float], constant: bool) -> None:
    moments = Moments()
    moments.add(np.array(values, dtype=np.float32))
    assert moments.constant is constant


def test_in_a_label_numbers_are_the_same_however_sums_were_made() -> None:
    one = Normalization(40.123456789, 10.0, -1)
    assert one.in_words == Normalization(40.123456788, 10.000000001, -1).in_words
    assert one.in_words != Normalization(40.124, 10.0, -1).in_words


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), height=st.floats(12, 1e6), count=st.integers(1, 40), mean=st.floats(-100, 100))
def test_hot_voxels_are_taken_out_and_nothing_else_is_changed(
    seed: int, height: float, count: int, mean: float
) -> None:
    random = np.random.default_rng(seed)
    block = random.normal(mean, 1, (24, 32, 40)).astype(np.float32)
    hot = block.copy()
    places = np.unravel_index(random.choice(block.size // 7, count, replace=False) * 7, block.shape)
    hot[places] += height * random.choice([-1, 1], count)
    found = without_spikes(hot)
    assert np.abs(found - mean).max() < 6
    assert np.count_nonzero(found != block) == count


def test_beads_samples_without_noise_and_blank_blocks_stay() -> None:
    random = np.random.default_rng(0)
    gold = random.standard_normal((24, 32, 40)).astype(np.float32)
    gold[8:11, 9:12, 10:13] -= 30
    phantom = np.maximum(gaussian_filter(random.standard_normal((24, 32, 40)), 2) - 0.2, 0).astype(np.float32)
    for block in (gold, phantom, np.zeros((24, 32, 40), np.float32), np.full((24, 32, 40), np.nan, np.float32)):
        assert without_spikes(block) is block or np.array_equal(without_spikes(block), block)
