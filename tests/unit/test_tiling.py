"""Tiles cover any volume, and their weights sum to one at every voxel."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isonet.core import sampling, tiling

laws = settings(max_examples=60, deadline=None)
sizes = st.integers(1, 24).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size // 2)))


def test_two_tiles_fade_into_each_other_like_this() -> None:
    """Eight voxels, tiles of 8 that share 4 and reach half an overlap beyond the volume (weight 0 there).

    The outer quarter of the overlap is thrown away, over its middle half one fades into the other.
    """
    first, second = tiling.tile_axis(8, 8, 4)
    assert (first.start, second.start) == (-2, 2)
    assert np.allclose(first.weights, [0, 0, 1, 1, 1, 0.75, 0.25, 0], atol=1e-6)
    assert np.allclose(second.weights, [0, 0.25, 0.75, 1, 1, 1, 0, 0], atol=1e-6)


def test_an_axis_shorter_than_the_tile_is_centred_in_one() -> None:
    (only,) = tiling.tile_axis(5, 9, 2)
    assert only.start == -2
    assert only.weights.tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0]


@laws
@given(length=st.integers(1, 90), size_overlap=sizes)
def test_weights_of_an_axis_are_a_partition_of_unity(length: int, size_overlap: tuple[int, int]) -> None:
    size, overlap = size_overlap
    axis = tiling.tile_axis(length, size, overlap)
    total = np.zeros(length + 4 * size)
    for tile in axis:
        assert tile.weights.min() >= 0
        total[2 * size + tile.start :][:size] += tile.weights
    assert np.allclose(total[2 * size :][:length], 1, atol=1e-6)
    assert total[: 2 * size].sum() == 0 and total[2 * size + length :].sum() == 0
    starts = [tile.start for tile in axis]
    assert all(size - (after - before) >= overlap for before, after in pairwise(starts))
    assert len(axis) <= max(1, -(-(length + overlap) // max(1, size - overlap)) + 1)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 17)] * 3),
    edges=st.tuples(*[st.integers(4, 12)] * 3),
    overlap=st.integers(0, 2),
    seed=st.integers(0, 9),
)
def test_cutting_and_blending_gives_the_volume_back(
    shape: tuple[int, int, int], edges: tuple[int, int, int], overlap: int, seed: int
) -> None:
    volume = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    result = np.zeros(shape)
    for tile in tiling.tiles(shape, edges, overlap):
        block = sampling.cut(volume, tile.corner, edges)
        assert block.shape == edges
        result[tile.target] += tile.weights * block[tile.source]
    assert np.allclose(result, volume, atol=1e-5)


def test_tiles_come_with_x_fastest() -> None:
    corners = [tile.corner for tile in tiling.tiles((8, 4, 8), (8, 8, 8), 4)]
    assert corners == [(-2, -2, -2), (-2, -2, 2), (2, -2, -2), (2, -2, 2)]


@pytest.mark.parametrize(("size", "overlap"), [(8, 5), (8, -1), (1, 1)])
def test_overlaps_of_more_than_half_a_tile_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="cannot overlap"):
        tiling.tile_axis(20, size, overlap)
