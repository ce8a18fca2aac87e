"""Rims of copied edges are told from data, from padding of one value, and from what was enlarged voxel by voxel."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from isonet.core.masks.rims import Rims, sections_inside

SHAPE = (20, 36, 40)
WHOLE = tuple(slice(0, edge) for edge in SHAPE)


def data(seed: int = 0, blur: float = 0.6, deviation: float = 20) -> Any:
    """Whole numbers, as files of bytes have them."""
    smooth = gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), blur)
    return np.round(deviation * smooth / smooth.std()).astype(np.float32)


def rims_of(volume: Any) -> Rims:
    rims = Rims()
    for first in range(0, len(volume), 7):
        rims.look(volume[first : first + 7])
    return rims


@settings(max_examples=30, deadline=None)
@given(widths=st.tuples(*[st.tuples(st.integers(0, 5), st.integers(0, 5))] * 3), seed=st.integers(0, 9))
def test_copied_edges_are_found_as_wide_as_they_are(widths: Any, seed: int) -> None:
    """Together with the edge itself, as one value of each line may be no data either."""
    inner = data(seed)[tuple(slice(low, edge - high) for (low, high), edge in zip(widths, SHAPE, strict=True))]
    volume = np.pad(inner, widths, mode="edge")
    found = sections_inside(volume), *rims_of(volume).inside
    assert found == tuple(
        slice(low + (low > 0), edge - high - (high > 0)) for (low, high), edge in zip(widths, SHAPE, strict=True)
    )


@pytest.mark.parametrize("deviation", [0.4, 2, 20])
@pytest.mark.parametrize("blur", [0, 2])
def test_data_and_padding_of_one_value_have_no_such_rim(deviation: float, blur: float) -> None:
    volume = data(1, blur, deviation)
    for axis in range(4):
        if axis < 3:
            np.moveaxis(volume, axis, 0)[:4] = 0
        assert (sections_inside(volume), *rims_of(volume).inside) == WHOLE


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_what_was_enlarged_has_none(axis: int) -> None:
    volume = data().take(range(SHAPE[axis] // 2), axis).repeat(2, axis)
    assert (sections_inside(volume), *rims_of(volume).inside) == WHOLE
    assert not rims_of(volume).lined


@pytest.mark.parametrize(("axis", "along"), [(0, 1), (0, 2), (1, 2), (2, 1)])
def test_lines_at_the_end_of_an_axis_are_seen(axis: int, along: int) -> None:
    volume = data()
    assert not rims_of(volume).lined
    layer = np.moveaxis(volume, axis, 0)[-1:]
    layer[:] = layer.take([0], 1 if along == min({0, 1, 2} - {axis}) else 2)
    assert rims_of(volume).lined
