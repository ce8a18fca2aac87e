"""A streamed Fourier filter is the filter of the whole volume, whatever is in memory at once."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isonet.core.filters import streamed
from isonet.core.filters.ctf import Optics, WienerFilter
from isonet.core.filters.spectrum import Plan
from isonet.core.filters.streamed import ConstantVolumeError, NotFiniteError
from isonet.core.tilts import wedge

WIENER = WienerFilter(Optics(40000), 10.0, highpass=0.2)


class InMemory:
    """Rows of an array, and how many were asked for at once."""

    def __init__(self, voxels: Any) -> None:
        self.voxels = voxels
        self.largest = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.voxels.shape

    def read_rows(self, sections: slice, rows: slice) -> Any:
        block = np.array(self.voxels[sections, rows], dtype=np.float32)
        self.largest = max(self.largest, block.size)
        return block

    def write_rows(self, section: int, row: int, block: Any) -> None:
        depth, height, width = block.shape
        assert width == self.shape[2]
        self.largest = max(self.largest, block.size)
        self.voxels[section : section + depth, row : row + height] = block


def noise(shape: tuple[int, int, int], mean: float = 0.0) -> Any:
    """Noise on a gradient, whose power is in the lowest frequencies."""
    random = np.random.default_rng(math.prod(shape))
    return (random.standard_normal(shape) + np.linspace(0, 8, shape[2]) + mean).astype(np.float32)


def whole(volume: Any, wiener: WienerFilter) -> Any:
    """Filter with all coefficients of the full complex transform at once, in double precision."""
    kz, ky, kx = (2 * np.fft.fftfreq(edge) for edge in volume.shape)
    radius = np.minimum(1, np.sqrt(kz[:, None, None] ** 2 + ky[:, None] ** 2 + kx**2))
    factors = wiener.at(torch.from_numpy(radius)).numpy()
    voxels = volume.astype(np.float64)
    filtered = np.fft.ifftn(np.fft.fftn(voxels - voxels.mean()) * factors).real
    return filtered / filtered.std() * voxels.std() + voxels.mean()


def filtered(volume: Any, plan: Plan, wiener: WienerFilter = WIENER) -> Any:
    """Streamed result, checked to have reported its progress to the end."""
    target, steps = InMemory(np.full(volume.shape, np.nan, dtype=np.float32)), []
    before, after = streamed.filter_volume(InMemory(volume), target, wiener.radial, plan, lambda: steps.append(1))
    assert len(steps) == plan.count
    assert (after.mean, after.std) == pytest.approx((before.mean, before.std), rel=1e-5, abs=1e-5)
    assert (after.low, after.high) == (target.voxels.min(), target.voxels.max())
    return target.voxels


@pytest.mark.parametrize(
    "shape", [(16, 18, 20), (17, 19, 21), (8, 9, 30), (7, 32, 31), (2, 2, 2), (5, 3, 2), (12, 1, 3)]
)
@pytest.mark.parametrize(("sections", "rows"), [(1, 1), (3, 4), (100, 100)])
def test_streamed_is_whole(shape: tuple[int, int, int], sections: int, rows: int) -> None:
    volume = noise(shape)
    plan = Plan(shape, min(sections, shape[0]), min(rows, shape[1]))
    expected = whole(volume, WIENER)
    assert np.abs(filtered(volume, plan) - expected).max() < 1e-5 * expected.std()


@given(st.tuples(*[st.integers(2, 12)] * 3), st.integers(1, 12), st.integers(1, 12), st.floats(-1e3, 1e3))
@settings(max_examples=30, deadline=None)
def test_pieces_do_not_matter(shape: tuple[int, int, int], sections: int, rows: int, mean: float) -> None:
    volume = noise(shape, mean)
    plan = Plan(shape, min(sections, shape[0]), min(rows, shape[1]))
    one = filtered(volume, Plan(shape, *shape[:2]))
    assert np.abs(filtered(volume, plan) - one).max() < 1e-5 * one.std() + 2e-7 * abs(mean)


def test_low_frequencies_far_beyond_a_piece_are_the_whole_volumes() -> None:
    """A high-pass whose waves are longer than any piece; blocks with margins would show seams."""
    volume = noise((40, 40, 40))
    wiener = WienerFilter(Optics(40000), 10.0, highpass=0.06)
    assert np.abs(filtered(volume, Plan(volume.shape, 2, 3), wiener) - whole(volume, wiener)).max() < 1e-4


def test_plan_keeps_to_the_memory() -> None:
    shape = (1024, 2048, 2048)
    for memory in (400_000_000, 3_400_000_000):
        plan = streamed.plan(shape, memory)
        plane = 8 * shape[0] * shape[1]
        assert plane + 4 * plan.sections * shape[1] * shape[2] < memory
        assert memory / 3 < plane + 8 * shape[0] * plan.rows * 1025 < memory
    assert streamed.plan((64, 64, 64), 1 << 30) == Plan((64, 64, 64), 64, 64)
    with pytest.raises(ValueError, match=r"1024 x 2048 x 2048 voxels need 0\.1\d GB"):
        streamed.plan(shape, 50_000_000)


def test_only_pieces_are_read_and_written() -> None:
    volume = InMemory(noise((20, 30, 40)))
    target = InMemory(np.zeros_like(volume.voxels))
    streamed.filter_volume(volume, target, WIENER.radial, Plan(volume.shape, 2, 5), lambda: None)
    assert volume.largest == 2 * 30 * 40
    assert target.largest == max(2 * 30 * 40, 5 * 40)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_found(value: float) -> None:
    volume = noise((9, 8, 8))
    volume[5, 4, 3] = value
    with pytest.raises(NotFiniteError) as caught:
        filtered(volume, Plan(volume.shape, 2, 8))
    assert caught.value.first == 4
    assert np.isnan(caught.value.slab[1]).any() or np.isinf(caught.value.slab[1]).any()


def test_constant_volume_is_refused() -> None:
    with pytest.raises(ConstantVolumeError):
        filtered(np.full((4, 5, 6), 3.5, dtype=np.float32), Plan((4, 5, 6), 2, 2))


def test_factors_at_every_kz_may_differ_with_its_sign() -> None:
    """An asymmetric wedge is removed from a streamed volume as from a whole one; grey values stay."""
    volume = noise((11, 8, 14), mean=3.0)
    weights = wedge.weight((11, 1, 14), (-20.0, 60.0))
    target = InMemory(np.zeros_like(volume))
    streamed.filter_volume(
        InMemory(volume), target, lambda _z, _y, _x: weights, Plan(volume.shape, 3, 2), lambda: None, rescale=False
    )
    expected = wedge.apply(torch.from_numpy(volume), (-20.0, 60.0)).numpy()
    assert np.allclose(target.voxels, expected, atol=1e-4)


@pytest.mark.parametrize("shape", [(12, 10, 16), (11, 9, 15)])
@pytest.mark.parametrize(("sections", "rows"), [(1, 1), (5, 4), (12, 10)])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_two_volumes_are_filtered_into_one(
    shape: tuple[int, int, int], sections: int, rows: int, elsewhere: bool
) -> None:
    """A volume fills the wedge of another one, mean and all; the result may go where neither was, or the first."""
    prediction, measured = noise(shape, 2.0), noise(shape)[::-1].copy()
    weights = wedge.weight((shape[0], 1, shape[2]), (-30.0, 50.0))
    first, steps = InMemory(prediction.copy()), []
    result = InMemory(np.full(shape, np.nan, dtype=np.float32)) if elsewhere else first
    how = Plan(shape, min(sections, shape[0]), min(rows, shape[1]))
    streamed.combine_volumes(
        first,
        InMemory(measured),
        InMemory(np.zeros_like(measured)),
        result,
        (lambda *_: 1 - weights, lambda *_: weights),
        (2.0, 7.0),
        how,
        lambda: steps.append(1),
    )
    expected = wedge.fill(torch.from_numpy(measured), torch.from_numpy(prediction), wedge.weight(shape, (-30.0, 50.0)))
    assert np.abs(result.voxels - (2 * expected.numpy() + 7)).max() < 1e-5 * float(expected.std())
    assert len(steps) == how.count + shape[0]


def test_plan_of_two_volumes_takes_no_more_memory_than_of_one() -> None:
    one, two = (streamed.plan((300, 1000, 1000), 1_000_000_000, volumes) for volumes in (1, 2))
    assert two.rows <= one.rows / 2
