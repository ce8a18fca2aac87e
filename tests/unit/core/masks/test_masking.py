"""Masks of density: filters against scipy's, percentiles against numpy's, and slabs against the whole."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_closing, maximum_filter

from isonet.core.masks import masking
from isonet.core.masks.order import Selector


def noise(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def halved(volume: Any) -> Any:
    depth = volume.shape[0]
    return masking.halve(volume[masking.halving_indices(0, masking.halved(depth), depth)])


@pytest.mark.parametrize("edge", [8, 9])
def test_binning_by_two_averages_around_each_pair(edge: int) -> None:
    ramp = np.broadcast_to(np.arange(edge, dtype=np.float32), (edge, edge, edge))
    binned = halved(ramp)
    assert binned.shape == (masking.halved(edge),) * 3
    assert binned[2, 2, 1:-1] == pytest.approx(2 * np.arange(1, masking.halved(edge) - 1) + 0.5)
    assert halved(np.full((edge, 6, 7), 3.0, np.float32)) == pytest.approx(3)


def test_binning_does_not_alias() -> None:
    """A wave near Nyquist, which plain 2 x 2 x 2 means would turn into one ten times as strong."""
    wave = np.cos(2 * np.pi * 0.45 * np.arange(64)).astype(np.float32)
    volume = np.broadcast_to(wave[:, None, None], (64, 4, 4))
    assert np.abs(halved(volume)[1:-1]).max() < 0.005
    slow = np.cos(2 * np.pi * 0.02 * np.arange(64)).astype(np.float32)
    assert np.abs(halved(np.broadcast_to(slow[:, None, None], (64, 4, 4)))).max() > 0.95


def test_local_maximum_is_that_of_scipy() -> None:
    volume = noise((9, 10, 11))
    assert np.array_equal(masking.local_maximum(volume, 2), maximum_filter(volume, 5, mode="nearest"))


def test_local_deviation_is_that_of_the_voxels_around() -> None:
    """At the borders and corners too, where fewer of them lie in the volume."""
    volume, patch = noise((7, 8, 9)), 2
    result = masking.local_deviation(volume, patch, 0, 7)
    for z, y, x in [(0, 0, 0), (3, 4, 4), (6, 7, 8), (0, 4, 8), (5, 1, 3)]:
        near = volume[tuple(slice(max(0, c - patch), c + patch + 1) for c in (z, y, x))]
        assert result[z, y, x] == pytest.approx(near.std(), rel=1e-4)


def test_local_deviation_of_a_constant_is_nothing() -> None:
    assert masking.local_deviation(np.full((5, 6, 7), 2.0, np.float32), 1, 0, 5).max() < 2e-3


def test_filters_see_no_slabs() -> None:
    """A slab with enough neighbours gives the very bits that the whole volume gives."""
    volume, patch = noise((40, 9, 10)), 2
    reach = masking.blur_reach(patch)
    blurred = masking.blur(volume, patch, (0,))
    whole = masking.local_deviation(blurred, patch, 0, 40)
    for first, last in [(0, 7), (7, 20), (20, 39), (39, 40)]:
        low, high = max(0, first - reach - patch), min(40, last + reach + patch)
        part = masking.blur(volume[low:high], patch, (0,))
        inner = slice(first - low, last - low)
        assert np.array_equal(masking.local_deviation(part, patch, low, 40)[inner], whole[first:last])
        assert np.array_equal(
            masking.local_maximum(part, patch)[inner], masking.local_maximum(blurred, patch)[first:last]
        )


def test_features_follow_the_sign_to_the_bit() -> None:
    volume = noise((12, 13, 14))
    one, other = (masking.blur(halved(sign * volume), 2, (1, 2, 0)) for sign in (1, -1))
    assert np.array_equal(one, -other)
    assert np.array_equal(masking.local_deviation(one, 2, 0, 6), masking.local_deviation(other, 2, 0, 6))


def test_closing_fills_gaps_and_leaves_the_outline() -> None:
    mask = np.zeros((20, 20, 20), np.bool_)
    mask[5:8, 5:15, 5:15] = mask[10:13, 5:15, 5:15] = True
    expected = mask.copy()
    expected[8:10, 5:15, 5:15] = True
    assert np.array_equal(masking.closed(mask, 2), expected)
    random = np.random.default_rng(1).random((20, 20, 20)) < 0.02
    inner = (slice(4, -4),) * 3
    assert np.array_equal(masking.closed(random, 2)[inner], binary_closing(random, np.ones((5, 5, 5)))[inner])
    assert (masking.closed(random, 2) >= random).all()


@given(
    values=st.lists(st.floats(-1024, 1024, width=32), min_size=1, max_size=60),
    keep=st.floats(0.01, 0.99),
    cut=st.integers(0, 60),
)
@example(values=[0.0, -0.0], keep=0.5, cut=0)
@settings(max_examples=150, deadline=None)
def test_selector_keeps_the_fraction_exactly(values: list[float], keep: float, cut: int) -> None:
    numbers = np.array(values, np.float32)
    selector = Selector(keep)
    for part in (numbers[:cut], numbers[cut:]):
        selector.count_coarse(part)
    for part in (numbers[cut:], numbers[:cut]):
        selector.count_fine(part)
    above = int((numbers > selector.threshold).sum())
    wanted = int(np.ceil(keep * len(numbers) - 1e-9))
    ordered = np.sort(numbers)
    boundary = ordered[max(0, len(numbers) - 1 - wanted)]
    ties = int((numbers == boundary).sum())
    assert above >= 1
    assert wanted - ties <= above <= wanted + ties
    assert above == wanted or ties > 1 or wanted == len(numbers)


def test_selector_is_a_percentile_of_many() -> None:
    numbers = noise((200_000,))
    selector = Selector(0.3)
    for count in (selector.count_coarse, selector.count_fine):
        for part in np.array_split(numbers, 7):
            count(part)
    assert abs(int((numbers > selector.threshold).sum()) - 60_000) <= 1
    assert selector.threshold == pytest.approx(np.percentile(numbers, 70), abs=1e-4)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("rounding", ["down", "up"])
def test_masks_binned_by_whole_numbers_fit(factor: int, rounding: str) -> None:
    shape = (21, 34, 45)
    small = tuple(edge // factor if rounding == "down" else -(-edge // factor) for edge in shape)
    indices = masking.nearest_indices(small, shape)
    assert [len(index) for index in indices] == list(shape)
    for index, edge in zip(indices, small, strict=True):
        assert (index[0], index[-1]) == (0, edge - 1)
        assert np.bincount(index)[:-1].tolist() == [factor] * (edge - 1)
    fine = masking.nearest_indices(tuple(edge * factor for edge in shape), shape)
    assert all(
        np.array_equal(index, np.arange(edge) * factor + factor // 2) for index, edge in zip(fine, shape, strict=True)
    )


@pytest.mark.parametrize("small", [(20, 34, 45), (10, 17, 11), (21, 45, 34), (7, 11, 14)])
def test_other_shapes_do_not_fit(small: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"\(21, 34, 45\)"):
        masking.nearest_indices(small, (21, 34, 45))
