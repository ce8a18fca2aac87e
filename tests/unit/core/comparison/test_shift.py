"""Shifts of volumes against each other are found as they were made, and none where there is none."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from isonet.core.comparison.shift import NONE, shift_between

VOXELS = st.integers(-3, 3)


def sample(seed: int) -> np.ndarray:
    """Blobs of a few voxels, standard deviation 1."""
    density = gaussian_filter(np.random.default_rng(seed).standard_normal((48, 64, 64)), 2.0, mode="wrap")
    return (density / density.std()).astype(np.float32)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(100 + seed).standard_normal((48, 64, 64)).astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 9), shift=st.tuples(VOXELS, VOXELS, VOXELS), level=st.floats(0.5, 3))
def test_a_part_that_was_shifted(seed: int, shift: tuple[int, int, int], level: float) -> None:
    whole, half = sample(seed) + level * noise(seed), sample(seed) + level * (noise(seed) + noise(seed + 10))
    assert shift_between(whole, np.roll(half, shift, (0, 1, 2))) == shift
    assert shift_between(whole, half) == NONE


@settings(max_examples=15, deadline=None)
@example(seed=7, level=26.0, other=False)  # was once called shifted
@given(seed=st.integers(0, 9), level=st.floats(0, 30), other=st.booleans())
def test_nothing_is_found_between_halves_in_place_or_of_two_samples(seed: int, level: float, other: bool) -> None:
    first, second = sample(seed) + level * noise(seed), sample(seed + 10 * other) + level * noise(seed + 10)
    assert shift_between(first, second) == NONE or (other and level < 1)


def test_blank_volumes_show_nothing() -> None:
    assert shift_between(np.zeros((48, 64, 64), np.float32), sample(0)) == NONE
