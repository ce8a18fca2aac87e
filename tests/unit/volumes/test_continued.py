"""A padded volume gives the statistics and the blocks of its data, from a file, piece by piece."""

from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isonet.core.sampling import random_stream
from isonet.io.formats import open_volume
from isonet.volumes.continued import Resized, Within, continue_over_padding, open_continued, restore
from isonet.volumes.padding import Padding, find_padding
from isonet.volumes.source import pooled_statistics

SHAPE = (16, 24, 28)
laws = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def data(seed: int = 0) -> Any:
    return (40 + 10 * np.random.default_rng(seed).standard_normal(SHAPE)).astype(np.float32)


def written(path: Path, volume: Any) -> Path:
    mrcfile.write(path, volume, overwrite=True)
    return path


def found(path: Path, volume: Any) -> Padding:
    padding = find_padding(open_volume(written(path, volume)))
    assert padding is not None
    return padding


rims = st.tuples(*[st.tuples(st.integers(0, edge // 5), st.integers(0, edge // 5)) for edge in SHAPE]).filter(
    lambda rim: any(map(any, rim))
)


def inside(rim: Any) -> tuple[slice, slice, slice]:
    z, y, x = (slice(low, edge - high) for (low, high), edge in zip(rim, SHAPE, strict=True))
    return z, y, x


def with_rim(volume: Any, rim: Any, value: float = 0.0) -> Any:
    result = np.full_like(volume, value)
    result[inside(rim)] = volume[inside(rim)]
    return result


@laws
@given(rim=rims, value=st.sampled_from([0.0, 40.0, -1e5]), seed=st.integers(0, 9))
def test_padding_does_not_change_mean_and_deviation(tmp_path: Path, rim: Any, value: float, seed: int) -> None:
    volume = data(seed)
    path = written(tmp_path / "v.mrc", with_rim(volume, rim, value))
    assert find_padding(open_volume(path)).box == inside(rim)  # type: ignore[union-attr]
    part = volume[inside(rim)].astype(np.float64)
    assert pooled_statistics([open_continued(path)]) == pytest.approx((part.mean(), part.std()))


@laws
@given(rim=rims, block=st.tuples(*[st.tuples(st.integers(0, edge - 1), st.integers(1, edge)) for edge in SHAPE]))
def test_blocks_are_those_of_the_whole_and_hold_data_alone(tmp_path: Path, rim: Any, block: Any) -> None:
    volume = data()
    continued = open_continued(written(tmp_path / "v.mrc", with_rim(volume, rim)))
    whole = continued.read()
    assert (whole[inside(rim)] == volume[inside(rim)]).all()
    assert np.isin(whole, volume[inside(rim)]).all()
    z, y, x = (slice(min(ends), max(ends[1], ends[0] + 1)) for ends in block)
    assert (continued[z, y, x] == whole[z, y, x]).all()
    assert (continued.read_rows(z, y) == whole[z, y]).all()
    assert (continued[::3, ::2, ::5] == whole[::3, ::2, ::5]).all()


def test_sections_are_turned_as_beyond_the_faces(tmp_path: Path) -> None:
    """A turn about y leaves the missing wedge in place, a mirror along z would swap its ends."""
    volume = data()
    whole = open_continued(written(tmp_path / "v.mrc", with_rim(volume, ((2, 1), (0, 0), (0, 0))))).read()
    assert (whole[1] == volume[3, :, ::-1]).all()
    assert (whole[0] == volume[4, :, ::-1]).all()
    assert (whole[15] == volume[13, :, ::-1]).all()


def test_rows_with_little_are_continued_from_rows_with_much(tmp_path: Path) -> None:
    """The tip of a section that was turned would repeat its few voxels all over."""
    y, x = np.ogrid[:24, :28]
    volume = data()
    volume[:, (np.abs(y - 11.5) + np.abs(x - 13.5)) > 13] = 0
    whole = open_continued(written(tmp_path / "v.mrc", volume)).read()
    assert (whole != 0).all()
    assert len(np.unique(whole[0, 1])) > 12
    assert whole.std(axis=(0, 2)) == pytest.approx(10, rel=0.25)


@laws
@given(rim=rims, section=st.integers(0, 15), row=st.integers(0, 23))
def test_padding_is_put_back_exactly(tmp_path: Path, rim: Any, section: int, row: int) -> None:
    volume = with_rim(data(), rim, 3.25)
    padding = found(tmp_path / "v.mrc", volume)
    block = np.full((SHAPE[0] - section, SHAPE[1] - row, SHAPE[2]), -1, np.float32)
    restore([padding], section, row, block)
    assert ((block == 3.25) == (volume == 3.25)[section:, row:]).all()
    assert (block[block != 3.25] == -1).all()


def test_of_halves_what_both_lack_is_put_back_as_their_mean(tmp_path: Path) -> None:
    first = found(tmp_path / "1.mrc", with_rim(data(1), ((0, 0), (0, 0), (3, 0)), 1.0))
    second = found(tmp_path / "2.mrc", with_rim(data(2), ((0, 0), (0, 0), (5, 0)), 2.0))
    block = np.zeros(SHAPE, np.float32)
    restore([first, second], 0, 0, block)
    assert (block[:, :, :3] == 1.5).all()
    assert not block[:, :, 3:].any()
    restore([first, None], 0, 0, block)
    assert (block[:, :, :3] == 1.5).all()


def test_a_mask_leaves_padding_out(tmp_path: Path) -> None:
    volume = with_rim(data(), ((0, 2), (4, 0), (0, 0)))
    mask = np.random.default_rng(0).random(SHAPE) < 0.5
    within = Within(found(tmp_path / "v.mrc", volume), mask)
    expected = mask & (volume != 0)
    places = random_stream(0).integers(0, SHAPE, size=(50, 3))
    assert (within[tuple(places.T)] == expected[tuple(places.T)]).all()
    assert (within[3, 2:20, 5:9] == expected[3, 2:20, 5:9]).all()


def test_padding_on_another_grid(tmp_path: Path) -> None:
    padding = found(tmp_path / "v.mrc", with_rim(data(), ((0, 0), (8, 0), (0, 0)), 7.0))
    block = np.zeros((8, 6, 14), np.float32)
    Resized(padding, (2.0, 2.0, 2.0)).restore(0, 2, block)
    assert (block[:, :2] == 7).all()
    assert not block[:, 2:].any()


def test_a_value_that_bytes_hold_too_is_padding_only_where_it_lies_together(tmp_path: Path) -> None:
    volume = np.rint(data()).astype(np.int8)
    volume[:, :6] = 40
    padding = found(tmp_path / "v.mrc", volume)
    assert padding.share == pytest.approx(6 / 24, abs=0.01)
    values = continue_over_padding(padding.volume, padding).read()
    assert values[:, :6].std() == pytest.approx(10, rel=0.1)
    assert (values[:, 7:] == volume[:, 7:]).mean() > 0.999
