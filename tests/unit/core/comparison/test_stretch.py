"""A volume that was enlarged or turned is told from its sample as it was, and own halves raise no alarm."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.ndimage import affine_transform, gaussian_filter

from isonet.core.comparison.stretch import Stretch, stretch_between
from isonet.core.tilts.measured import about

SHAPE = (48, 112, 96)


def made(seed: int, level: float = 1.0) -> np.ndarray:
    """Blobs of a few voxels in noise of its own."""
    noise = np.random.default_rng(100 + seed).standard_normal(SHAPE)
    density = gaussian_filter(np.random.default_rng(seed // 2).standard_normal(SHAPE), 2.0)
    return (density / density.std() + level * noise).astype(np.float32)


def stretched(volume: np.ndarray, enlarged: float, turned: float) -> np.ndarray:
    back = np.linalg.inv((1 + enlarged) * about("z", turned))
    back[0] = back[:, 0] = (1, 0, 0)
    middle = np.array(volume.shape) / 2
    return affine_transform(volume, back, middle - back @ middle, mode="reflect")


@settings(max_examples=12, deadline=None)
@given(
    enlarged=st.sampled_from([0, 0.04, 0.06, -0.06, -0.08]),
    turned=st.sampled_from([0, 2, -3.5]),
    number=st.integers(0, 4),
)
def test_what_was_done_to_a_half_is_found(enlarged: float, turned: float, number: int) -> None:
    found = stretch_between(made(2 * number), stretched(made(2 * number + 1), enlarged, turned))
    if enlarged == turned == 0:
        assert found is None
    else:
        assert found is not None
        assert found.enlarged == pytest.approx(enlarged, abs=0.011)
        assert found.turned == pytest.approx(turned, abs=0.51)


@settings(max_examples=12, deadline=None)
@example(seed=9, level=17.0, lowpass=1)  # was once called enlarged
@given(seed=st.integers(0, 9), level=st.floats(0.2, 20), lowpass=st.sampled_from([0, 1]))
def test_halves_in_place_and_other_samples_show_none(seed: int, level: float, lowpass: int) -> None:
    first = made(2 * seed, level)
    assert stretch_between(first, gaussian_filter(made(2 * seed + 1, level), lowpass)) is None
    assert stretch_between(first, made(2 * seed + 2, level)) is None


def test_words() -> None:
    assert Stretch(0.06, 0).in_words == "enlarged by about 6 %"
    assert Stretch(-0.05, -2.5).in_words == "reduced by about 5 % and turned by about -2.5 degrees about z"


def test_blank_and_thin_volumes_show_none() -> None:
    assert stretch_between(np.zeros(SHAPE, np.float32), made(0)) is None
    assert stretch_between(made(0)[:9], made(1)[:9]) is None
