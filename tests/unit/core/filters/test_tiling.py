"""Tiles cover any volume, and their weights sum to one at every voxel."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isonet.core import sampling
from isonet.core.filters import tiling

laws = settings(max_examples=60, deadline=None)
sizes = st.integers(1, 24).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size // 2)))


def test_two_tiles_fade_into_each_other_like_this() -> None:
    """Twelve voxels, tiles of 8 that share 4.

    The outer quarter of the overlap is thrown away, over its middle half one fades into the other.
    """
    axis = tiling.cover(12, 8, 4)
    assert axis.starts == (0, 4)
    first, second = axis.weights()
    assert np.allclose(first, [1, 1, 1, 1, 1, 0.75, 0.25, 0], atol=1e-6)
    assert np.allclose(second, [0, 0.25, 0.75, 1, 1, 1, 1, 1], atol=1e-6)


def test_every_cover_begins_and_ends_with_the_volume() -> None:
    """What a network makes of the last voxels depends on where its input ends, and must not depend on the tiles."""
    assert tiling.cover(11, 8, 4).starts == (0, 3)
    assert tiling.cover(100, 64, 16, 8).starts == (0, 40)  # of 64, up to 104: tiles begin at steps of 8


def test_an_axis_shorter_than_the_tile_takes_a_smaller_one() -> None:
    axis = tiling.cover(5, 90, 4, 2)
    assert (axis.size, axis.starts) == (6, (0,))
    assert axis.weights()[0].tolist() == [1, 1, 1, 1, 1, 0]


def test_no_tile_is_as_short_as_one_step_of_a_network() -> None:
    """One voxel on the coarsest level has no spread that a network could normalise by."""
    assert tiling.cover(6, 90, 32, 8).size == 16


def test_tiles_are_no_larger_than_as_many_of_them_need() -> None:
    """Three tiles are needed where two of 64 do not reach; they are made smaller, in steps of 8, and begin at them."""
    axis = tiling.cover(126, 64, 16, 8)
    assert (axis.size, axis.starts) == (56, (0, 40, 72))


@laws
@given(length=st.integers(1, 90), size_overlap=sizes, step=st.sampled_from([1, 2, 8]))
def test_weights_of_an_axis_are_a_partition_of_unity(length: int, size_overlap: tuple[int, int], step: int) -> None:
    size, overlap = (step * value for value in size_overlap)
    axis = tiling.cover(length, size, overlap, step)
    total = np.zeros(length + 4 * size)
    for start, weights in zip(axis.starts, axis.weights(), strict=True):
        assert weights.min() >= 0
        total[2 * size + start :][: axis.size] += weights
    assert np.allclose(total[2 * size :][:length], 1, atol=1e-6)
    assert total[: 2 * size].sum() == 0 and total[2 * size + length :].sum() == 0
    assert axis.size <= size
    assert all(value % step == 0 for value in (axis.size, *axis.starts))
    assert all(axis.size - (after - before) >= overlap for before, after in pairwise(axis.starts))


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
    axes = [tiling.cover(length, edge, overlap) for length, edge in zip(shape, edges, strict=True)]
    for tile in tiling.tiles(axes):
        block = sampling.cut(volume, tile.corner, [axis.size for axis in axes])
        result[tile.target] += tile.weights * block[tile.source]
    assert np.allclose(result, volume, atol=1e-5)


def test_tiles_come_with_x_fastest() -> None:
    axes = [tiling.cover(length, 8, 4) for length in (12, 4, 12)]
    corners = [tile.corner for tile in tiling.tiles(axes)]
    assert corners == [(0, 0, 0), (0, 0, 4), (4, 0, 0), (4, 0, 4)]


@pytest.mark.parametrize(("size", "overlap"), [(8, 5), (8, -1), (1, 1)])
def test_overlaps_of_more_than_half_a_tile_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="cannot overlap"):
        tiling.cover(20, size, overlap)


@laws
@example(shape=(25, 193, 385), voxels=175617, overlap=16)
@given(
    shape=st.tuples(*[st.integers(1, 400)] * 3), voxels=st.integers(20**3, 300**3), overlap=st.sampled_from([0, 8, 16])
)
def test_no_cover_by_equal_tiles_is_less_work_than_the_one_chosen(
    shape: tuple[int, int, int], voxels: int, overlap: int
) -> None:
    try:
        axes = tiling.roomiest(shape, voxels, overlap, 8)
    except ValueError:
        assert voxels < max(8, 2 * overlap) ** 3 * 8
        return
    assert math.prod(axis.size for axis in axes) <= voxels
    edge = int(voxels ** (1 / 3))
    if edge >= max(8, 2 * overlap) and edge % 8 == 0:
        cubes = [tiling.cover(length, edge, overlap, 8) for length in shape]
        work, other = (math.prod(axis.size * len(axis.starts) for axis in one) for one in (axes, cubes))
        assert work <= other
