"""Blocks continued by reflection, and centres drawn from a mask."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isonet.core import fourier, sampling
from isonet.core.tilts import wedge

laws = settings(max_examples=50, deadline=None)
shapes = st.tuples(*[st.integers(1, 8)] * 3)


@laws
@given(length=st.integers(1, 8), before=st.integers(0, 30), after=st.integers(0, 30))
def test_indices_are_those_of_reflecting_again_and_again(length: int, before: int, after: int) -> None:
    expected = np.pad(np.arange(length), (before, after), mode="reflect")
    assert np.array_equal(sampling.reflected_indices(-before, before + length + after, length), expected)


@laws
@given(shape=shapes, pad=st.integers(0, 12), data=st.data())
def test_a_block_is_that_of_the_padded_volume(shape: tuple[int, int, int], pad: int, data: st.DataObject) -> None:
    """Within the volume along z, and reflected along y and x."""
    volume = np.random.default_rng(0).integers(-100, 100, size=shape).astype(np.int8)
    pads = (0, pad, pad)
    corner = [data.draw(st.integers(-more, length + more - 1)) for length, more in zip(shape, pads, strict=True)]
    ends = [length + more for length, more in zip(shape, pads, strict=True)]
    size = [data.draw(st.integers(1, end - at)) for at, end in zip(corner, ends, strict=True)]
    padded = np.pad(volume, [(more, more) for more in pads], mode="reflect").astype(np.float32)
    starts = [at + more for at, more in zip(corner, pads, strict=True)]
    block = sampling.cut(volume, corner, size)
    assert block.dtype == np.float32
    assert np.array_equal(block, padded[tuple(slice(at, at + edge) for at, edge in zip(starts, size, strict=True))])


def test_beyond_the_faces_of_z_the_content_is_turned_about_y() -> None:
    volume = np.array([[[1, 2]], [[3, 4]], [[5, 6]]])
    block = sampling.cut(volume, (-2, 0, 0), (7, 1, 2))[:, 0]
    assert block.tolist() == [[5, 6], [4, 3], [1, 2], [3, 4], [5, 6], [4, 3], [1, 2]]


@pytest.mark.parametrize("tilts", [(-60.0, 60.0), (-40.0, 62.0)])
def test_a_thin_slab_continued_to_a_cube_keeps_its_wedge(tilts: tuple[float, float]) -> None:
    slab = wedge.apply(torch.randn((40, 64, 64), generator=torch.Generator().manual_seed(0)), tilts)
    cube = torch.from_numpy(sampling.cut(slab.numpy(), (-12, 0, 0), (64, 64, 64)))
    power = fourier.transform(cube * fourier.taper((64, 64, 64), 32)).abs().square()
    missing, _ = wedge.regions((64, 64, 64), tilts)
    assert float(power[missing].sum() / power.sum()) < 0.03


def test_blocks_are_cut_from_memory_maps(tmp_path: Path) -> None:
    stored = np.memmap(tmp_path / "volume", dtype=np.float16, mode="w+", shape=(6, 7, 8))
    stored[:] = np.arange(336).reshape(6, 7, 8)
    block = sampling.cut(stored, (0, 5, 6), (3, 4, 4))
    assert type(block) is np.ndarray
    assert np.array_equal(block, np.asarray(stored, dtype=np.float32)[np.ix_([0, 1, 2], [5, 6, 5, 4], [6, 7, 6, 5])])


@laws
@given(shape=st.tuples(*[st.integers(4, 30)] * 3), edge=st.integers(2, 12), seed=st.integers(0, 99))
def test_cubes_lie_inside_the_volume_where_it_is_thick_enough(
    shape: tuple[int, int, int], edge: int, seed: int
) -> None:
    centres = sampling.draw_centres(shape, 20, edge, np.random.default_rng(seed))
    assert centres.shape == (20, 3)
    for axis, length in enumerate(shape):
        first = centres[:, axis] - edge // 2
        if length >= edge:
            assert first.min() >= 0 and first.max() + edge <= length
        else:
            assert set(centres[:, axis]) == {length // 2}


def test_every_possible_centre_is_drawn() -> None:
    centres = sampling.draw_centres((8, 8, 8), 2000, 4, np.random.default_rng(0))
    assert [set(column) for column in centres.T] == [{2, 3, 4, 5, 6}] * 3


@pytest.mark.parametrize("share", [0.5, 0.001])
def test_centres_lie_in_the_mask_however_small_it_is(share: float, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    mask = np.memmap(tmp_path / "mask", dtype=np.uint8, mode="w+", shape=(24, 30, 28))
    mask[:] = random.random(mask.shape) < share
    mask[12, 12, 12] = 1
    centres = sampling.draw_centres(mask.shape, 40, 8, np.random.default_rng(1), mask)
    assert centres.shape == (40, 3)
    assert bool((np.asarray(mask)[tuple(centres.T)] == 1).all())
    assert np.array_equal(centres, sampling.draw_centres(mask.shape, 40, 8, np.random.default_rng(1), mask))


class OneSectionAtATime(np.ndarray[Any, Any]):
    """A mask too large to be looked at as a whole."""

    def __getitem__(self, index: Any) -> Any:
        assert isinstance(index[0], int | np.ndarray), "more than one section"
        return np.asarray(super().__getitem__(index))


def test_a_sparse_mask_is_never_listed_and_its_voxels_are_equally_likely() -> None:
    mask = np.zeros((40, 40, 40), dtype=np.uint8)
    places = [(20, 20, 20), (20, 20, 21), (20, 25, 3), (20, 25, 5), (30, 6, 33)]
    mask[tuple(np.array(places).T)] = 1
    inside = {place for place in places if place[2] >= 4}
    thin = mask.view(OneSectionAtATime)
    drawn = sampling.draw_centres(mask.shape, 4000, 8, np.random.default_rng(0), thin)
    counts = Counter(map(tuple, drawn.tolist()))
    assert set(counts) == inside
    assert min(counts.values()) > 900
    distinct = sampling.draw_distinct_centres(mask.shape, 10, 8, np.random.default_rng(0), thin)
    assert sorted(map(tuple, distinct.tolist())) == sorted(inside)


def test_a_mask_without_room_for_a_cube_is_refused() -> None:
    mask = np.zeros((20, 20, 20), dtype=np.uint8)
    mask[0, 0, 0] = 1
    with pytest.raises(ValueError, match="cube of 8 voxels"):
        sampling.draw_centres(mask.shape, 3, 8, np.random.default_rng(0), mask)


def test_streams_of_random_numbers_belong_to_their_seed_and_key() -> None:
    keys = [(0,), (1,), (0, 0), (0, 1), (1, 0), (12, 3), (1, 23)]
    first = [int(sampling.random_stream(5, *key).integers(2**62)) for key in keys]
    assert first == [int(sampling.random_stream(5, *key).integers(2**62)) for key in keys]
    assert len({*first, *(int(sampling.random_stream(6, *key).integers(2**62)) for key in keys)}) == 2 * len(keys)


@pytest.mark.parametrize("masked", [False, True])
def test_distinct_centres_are_distinct_and_all_that_there_are_where_fewer(masked: bool) -> None:
    """Three by five by two possible centres, half of them in the mask: each drawn at most once."""
    shape, edge = (10, 12, 9), 8
    mask = np.zeros(shape, np.int8)
    mask[:6] = 1
    possible = {(z, y, x) for z in (4, 5, 6) for y in (4, 5, 6, 7, 8) for x in (4, 5)}
    if masked:
        possible = {centre for centre in possible if mask[centre]}
    for count in (1, 7, len(possible), 1000):
        drawn = sampling.draw_distinct_centres(
            shape, count, edge, np.random.default_rng(count), mask if masked else None
        )
        found = {tuple(centre) for centre in drawn.tolist()}
        assert len(drawn) == len(found) == min(count, len(possible))
        assert found <= possible


def test_distinct_centres_are_uniform() -> None:
    shape, edge, hits = (9, 10, 8), 8, np.zeros((9, 10, 8))
    for seed in range(600):
        drawn = sampling.draw_distinct_centres(shape, 2, edge, np.random.default_rng(seed))
        np.add.at(hits, tuple(drawn.T), 1)
    assert hits.sum() == 1200
    assert hits[hits > 0].min() > 0.8 * 1200 / 6
    assert np.count_nonzero(hits) == 6


def test_distinct_centres_need_a_mask_with_room() -> None:
    with pytest.raises(ValueError, match="no voxel of the mask"):
        sampling.draw_distinct_centres((10, 10, 10), 3, 8, np.random.default_rng(0), np.zeros((10, 10, 10)))


def test_the_end_of_the_longest_axis_is_held_out() -> None:
    whole = (slice(0, 30), slice(0, 100), slice(0, 80))
    assert sampling.held_out_boxes((30, 100, 80), 0.25, 20) == (
        (whole[0], slice(0, 75), whole[2]),
        (whole[0], slice(75, 100), whole[2]),
    )
    assert sampling.held_out_boxes((30, 100, 80), 0.1, 20)[1] == (whole[0], slice(80, 100), whole[2])
    assert sampling.held_out_boxes((30, 100, 80), 0.1, 21) == (whole, None)  # more than a fifth
    assert sampling.held_out_boxes((30, 100, 80), 0.0, 20) == (whole, None)


@laws
@given(
    shape=st.tuples(*[st.integers(4, 90)] * 3),
    share=st.floats(0, 0.49),
    edge=st.integers(2, 16),
    seed=st.integers(0, 99),
)
def test_cubes_to_train_on_do_not_touch_those_held_out(
    shape: tuple[int, int, int], share: float, edge: int, seed: int
) -> None:
    train, test = sampling.held_out_boxes(shape, share, edge)
    if test is None:
        assert train == tuple(slice(0, length) for length in shape)
        return
    axis = int(np.argmax(shape))
    first, second = (
        sampling.draw_centres(shape, 20, edge, np.random.default_rng(seed), box=box)[:, axis] - edge // 2
        for box in (train, test)
    )
    assert first.min() >= 0
    assert first.max() + edge <= second.min()
    assert second.max() + edge <= shape[axis]


@laws
@given(counts=st.lists(st.integers(1, 500), min_size=1, max_size=8), total=st.integers(0, 900), seed=st.integers(0, 99))
def test_shares_add_up_and_are_in_proportion(counts: list[int], total: int, seed: int) -> None:
    given_out = sampling.shares(counts, total, np.random.default_rng(seed))
    assert sum(given_out) == total
    for share, count in zip(given_out, counts, strict=True):
        assert abs(share - count * total / sum(counts)) <= 1
    assert sampling.shares(counts, sum(counts), np.random.default_rng(seed)) == counts


def test_shares_are_fair_in_the_long_run() -> None:
    random = np.random.default_rng(0)
    mean = np.mean([sampling.shares([5, 1, 3], 4, random) for _ in range(4000)], axis=0)
    assert mean == pytest.approx([20 / 9, 4 / 9, 12 / 9], abs=0.03)
