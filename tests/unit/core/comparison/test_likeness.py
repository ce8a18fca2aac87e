"""Halves are told from those of other samples, at any noise; nothing is said of too little."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from isonet.core.comparison.likeness import (
    EDGE,
    PARTS,
    SAMPLES,
    Likeness,
    alike,
    are_one_sample,
    binned,
    blocks_of,
)
from isonet.core.voxels import Mirrored

SHAPE = (48, 96, 96)


def sample(seed: int) -> np.ndarray:
    """Blobs of a few voxels, standard deviation 1."""
    density = gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), 2.5)
    return density / density.std()


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(1000 + seed).standard_normal(SHAPE)


def likeness(first: np.ndarray, second: np.ndarray) -> Likeness:
    found = Likeness()
    for block in blocks_of(first.shape):
        found.add(*(volume[block].astype(np.float32) for volume in (first, second)))
    return found


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 99), st.sampled_from((0.5, 2.0, 4.0)), st.sampled_from((0.0, 1.0, 2.0)))
def test_own_halves_and_those_of_others(seed: int, strength: float, lowpass: float) -> None:
    """Noise of 4 standard deviations of the sample in each half, and low-passed ones too."""
    even, odd = (sample(seed) + strength * noise(10 * seed + half) for half in (1, 2))
    other = sample(seed + 1) + strength * noise(10 * seed + 3)
    full = gaussian_filter((even + odd) / 2, lowpass)
    assert likeness(full, even).of_parts > PARTS[0]
    assert likeness(full, -even).of_parts < -PARTS[0]
    assert abs(likeness(full, other).of_parts) < 0.8 * PARTS[0]
    assert likeness(gaussian_filter(even, lowpass), gaussian_filter(odd, lowpass)).of_samples > SAMPLES[1]
    assert likeness(even, other).of_samples < SAMPLES[1]  # refused, or in a rare case warned of


def test_what_says_nothing_is_left_out() -> None:
    volume = sample(1)[:, :48, :48].astype(np.float32)
    found = Likeness()
    for first, second in (
        (volume, np.zeros_like(volume)),
        (volume, volume * np.float32("nan")),
        (volume[:8], volume[:8]),
        (volume, volume * np.float32("inf")),
    ):
        found.add(first, second)
    assert found.correlations is None
    assert found.of_parts is None
    assert found.of_samples is None
    found.add(volume, 3 * volume + 7)
    assert found.correlations == pytest.approx([1] * 5, abs=1e-5)


@given(st.tuples(*(st.integers(2, 400) for _ in range(3))), st.integers(16, 192))
def test_blocks_lie_inside_and_are_no_longer_than_asked(shape: tuple[int, int, int], edge: int) -> None:
    blocks = blocks_of(shape, edge)
    assert 1 <= len(blocks) <= 9
    for block in blocks:
        for part, length in zip(block, shape, strict=True):
            assert 0 <= part.start < part.stop <= length
            assert part.stop - part.start == min(edge, length)


def test_binning_is_a_mean() -> None:
    block = np.arange(4 * 6 * 9, dtype=np.float32).reshape(4, 6, 9)
    assert binned(block, 1) is block
    assert binned(block, 2).shape == (2, 3, 4)
    assert binned(block, 2)[1, 2, 3] == block[2:4, 4:6, 6:8].mean()
    assert EDGE >= 32


def test_pairs_that_are_one_sample_are_found_among_all() -> None:
    """Two samples of either shape, each as a whole and its halves, and a constant volume."""
    volumes = []
    for seed in (1, 2):
        even, odd = ((sample(seed) + noise(10 * seed + half)).astype(np.float32) for half in (1, 2))
        volumes += [(even + odd) / 2, even, odd, even[:, :64]]
    volumes.append(np.zeros(SHAPE, np.float32))
    assert alike(volumes) == [(*pair, ()) for pair in ((0, 1), (0, 2), (1, 2), (4, 5), (4, 6), (5, 6))]
    assert are_one_sample(volumes[0], volumes[1]) is True
    assert are_one_sample(volumes[0], volumes[4]) is False
    assert are_one_sample(volumes[0], volumes[8]) is None


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=1, unique=True).map(sorted), st.tuples(*[st.integers(0, 1)] * 3))
def test_mirrored_and_turned_copies_are_found(axes: list[int], odd: tuple[int, int, int]) -> None:
    """Also where the middle of a volume lies between two voxels of its blocks."""
    part = tuple(slice(one, None) for one in odd)
    one, other, unlike = ((sample(seed) + noise(seed)).astype(np.float32)[part] for seed in (1, 2, 3))
    assert alike([one, other, np.flip(one, axes), unlike]) == [(0, 2, tuple(axes))]
    assert np.array_equal(Mirrored(one, tuple(axes))[3:9, 40:42, 5:7], np.flip(one, axes)[3:9, 40:42, 5:7])
