"""Planes whose grey values lie far off all others are told, and no others."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isonet.core.planes import Planes

NOISE = np.random.default_rng(0).standard_normal((48, 64, 56)).astype(np.float32)


def told(volume: Any, step: int = 20) -> list[str]:
    planes = Planes()
    for first in range(0, len(volume), step):
        planes.add(volume[first : first + step], first)
    return planes.far_off(float(volume.std()))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("axis", "name"), [(0, "z"), (1, "y"), (2, "x")])
@settings(max_examples=10, deadline=None)
@given(place=st.integers(0, 47), step=st.sampled_from([1, 7, 48]), far=st.sampled_from([10, 30, 1e4]))
def test_one_plane_that_lies_off_is_named(axis: int, name: str, sign: int, place: int, step: int, far: float) -> None:
    volume = NOISE.copy()
    np.moveaxis(volume, axis, 0)[place] += sign * far
    (text,) = told(volume, step)
    assert text.startswith(f"its planes across {name} number {place} (from 0) lie up to ")


def test_noise_and_a_dense_slab_are_not_told() -> None:
    """A slab of sample between vacuum, and its faces, are what samples are."""
    slab = NOISE.copy()
    slab[12:36] -= 2
    slab[12] -= 1
    assert told(NOISE) == told(slab) == []


def test_a_side_is_not_told_here() -> None:
    volume = NOISE.copy()
    volume[:, :, 40:] += 30
    assert told(volume) == []


def test_of_several_the_first_are_named() -> None:
    volume = NOISE.copy()
    volume[:5] += 20
    assert "number 0, 1, 2 and 2 more" in told(volume)[0]
