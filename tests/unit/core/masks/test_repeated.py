"""Which grey values are padding: what is put there is found, and nothing is where there are only data."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from isonet.core.masks.continuation import level
from isonet.core.masks.repeated import Census

SHAPE = (20, 32, 32)
laws = settings(max_examples=30, deadline=None)
LEVELS = {"int8": (10.0, 20.0), "uint8": (10.0, 120.0), "int16": (300.0, 5.0), "float16": (10.0, 40.0)}


def noise(seed: int, blur: float = 0.6) -> Any:
    smooth = gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), blur)
    return smooth / smooth.std()


def stored(values: Any, dtype: str) -> Any:
    """Values as a file of some type gives them back."""
    if np.issubdtype(np.dtype(dtype), np.integer):
        values = np.clip(np.rint(values), np.iinfo(dtype).min, np.iinfo(dtype).max)
    return values.astype(dtype).astype(np.float32)


def census(volume: Any, step: int = 20) -> Census:
    found = Census()
    for show in (found.look, found.count):
        for first in range(0, len(volume), step):
            show(volume[first : first + step])
    return found


def values(found: Census) -> list[float]:
    return sorted(one.value for one in found.padding)


@st.composite
def paddings(draw: st.DrawFn) -> Any:
    """Return where voxels are padded: a rim at any face, corners, a third, a block, sections."""
    kind = draw(st.sampled_from(["rim", "corners", "part", "block", "tilted"]))
    where = np.zeros(SHAPE, bool)
    z, y, x = np.ogrid[tuple(slice(edge) for edge in SHAPE)]
    if kind == "rim":
        axis, width = draw(st.integers(0, 2)), draw(st.integers(1, 4))
        np.moveaxis(where, axis, 0)[slice(width) if draw(st.booleans()) else slice(-width, None)] = True
    elif kind == "corners":
        leg = draw(st.integers(6, 15))
        where |= (y + x < leg) | (y + 31 - x < leg) | (31 - y + x < leg) | (62 - y - x < leg)
    elif kind == "part":
        axis = draw(st.integers(0, 2))
        np.moveaxis(where, axis, 0)[: SHAPE[axis] // 3] = True
    elif kind == "block":
        first = [draw(st.integers(0, edge - 12)) for edge in SHAPE]
        where[tuple(slice(start, start + 12) for start in first)] = True
    else:
        slope = draw(st.floats(-0.5, 0.5))
        where |= np.abs((z - 9.5) - slope * (x - 15.5)) > draw(st.integers(4, 7))
    return where


@laws
@given(
    where=paddings(), value=st.sampled_from(["zero", "mean", "high"]), seed=st.integers(0, 99), step=st.integers(4, 20)
)
def test_padding_of_floats_is_found_whatever_its_value(where: Any, value: str, seed: int, step: int) -> None:
    volume = (40 + 10 * noise(seed)).astype(np.float32)
    padded = np.float32({"zero": 0.0, "mean": volume.mean(), "high": 1e4}[value])
    volume[where] = padded
    (found,) = census(volume, step).padding
    assert (found.value, found.among_data) == (padded, False)
    assert found.share == pytest.approx(where.mean())


@laws
@given(where=paddings(), dtype=st.sampled_from(list(LEVELS)), value=st.sampled_from([0, 1]), seed=st.integers(0, 99))
def test_padding_among_levels_is_found(where: Any, dtype: str, value: int, seed: int) -> None:
    """A value beyond the data, or the middle of them, where there is much of it."""
    deviation, mean = LEVELS[dtype]
    volume = stored(mean + deviation * noise(seed), dtype)
    padded = np.float32(mean - 5 * deviation if value == 0 else mean)
    if value == 1 and where.mean() < 0.06:
        return
    volume[where] = stored(padded, dtype)
    found = census(volume)
    assert values(found) == [float(stored(padded, dtype))]
    assert found.padding[0].share == pytest.approx(where.mean(), rel=0.2)


@laws
@given(
    dtype=st.sampled_from([*LEVELS, "float32"]),
    deviation=st.floats(1, 60),  # less than a step of whole numbers leaves two or three values, as padding has
    mean=st.floats(-20, 20),
    blur=st.floats(0, 3),
    seed=st.integers(0, 99),
)
def test_nothing_is_found_in_data_of_any_type(
    dtype: str, deviation: float, mean: float, blur: float, seed: int
) -> None:
    values = mean + deviation * noise(seed, blur)
    if dtype.endswith("int8"):
        values *= min(1, 100 / np.abs(values).max())  # no value is cut off
        values += 128 * (dtype == "uint8")
    assert census(stored(values, dtype)).padding == ()


def test_two_values_are_found() -> None:
    volume = (40 + noise(0)).astype(np.float32)
    volume[:, :2], volume[:, :, -2:] = 0, 1
    assert values(census(volume)) == [0, 1]


@laws
@given(axis=st.integers(1, 2), width=st.integers(1, 6), seed=st.integers(0, 99), step=st.integers(4, 20))
def test_padding_with_a_value_for_each_section_is_found(axis: int, width: int, seed: int, step: int) -> None:
    volume = (40 + 10 * noise(seed)).astype(np.float32)
    rim = np.moveaxis(np.zeros(SHAPE, bool), axis, 0)
    rim[:width] = True
    where = np.moveaxis(rim, 0, axis)
    volume = np.where(where, volume.min(axis=(1, 2), keepdims=True), volume)
    found = census(volume, step)
    assert where.mean() / 2 < found.others < where.mean()
    assert np.count_nonzero(level(volume) != where) <= len(volume)  # the least may lie beside it
    assert census((40 + 10 * noise(seed)).astype(np.float32)).others == 0


def test_what_is_nearly_all_is_no_padding_and_worth_a_word() -> None:
    volume = np.zeros(SHAPE, np.float32)
    volume[5:15, 5:15, 5:15] = np.random.default_rng(0).random((10, 10, 10))
    found = census(volume)
    assert found.padding == ()
    assert [one.value for one in found.doubtful] == [0]
    assert census((noise(0, 2) > 1).astype(np.float32)).padding == ()


def test_scattered_repetition_is_worth_a_word() -> None:
    found = census(np.maximum(noise(0, 0), 0).astype(np.float32))
    assert found.padding == ()
    assert [(one.value, one.share) for one in found.doubtful] == [(0, pytest.approx(0.5, abs=0.02))]
