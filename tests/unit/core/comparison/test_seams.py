"""Seams are seen where tiles meet without fading into each other, and nowhere else."""

import numpy as np
import pytest

from isonet.core.comparison.seams import Seam, crossings, measure_seam
from isonet.core.filters import tiling


def volume(seed: int = 0) -> np.ndarray:
    """A smooth volume of noise."""
    return np.cumsum(np.random.default_rng(seed).standard_normal((96, 20, 20)), axis=0)


def steps(one: np.ndarray) -> np.ndarray:
    return np.abs(np.diff(one, axis=0)).mean(axis=(1, 2))


@pytest.mark.parametrize("seed", range(20))
def test_a_volume_without_seams_has_none(seed: int) -> None:
    seam = measure_seam(steps(volume(seed)), [24, 48, 72])
    assert seam is not None
    assert not seam.visible
    assert abs(seam.excess) < 0.15


@pytest.mark.parametrize("seed", range(5))
def test_tiles_of_other_grey_values_are_seen_at_their_borders_alone(seed: int) -> None:
    tiled = volume(seed)
    for number, first in enumerate((0, 24, 48, 72)):
        tiled[first : first + 24] += (-1) ** number * 1.0
    seam = measure_seam(steps(tiled), [24, 48, 72])
    assert seam is not None
    assert seam.visible
    elsewhere = measure_seam(steps(tiled), [14, 38, 62])
    assert elsewhere is not None
    assert not elsewhere.visible


def test_where_there_is_nothing_to_compare_nothing_is_said() -> None:
    assert measure_seam(steps(volume()), []) is None
    assert measure_seam(steps(volume()), [3, 6, 9]) is None
    assert measure_seam(np.zeros(95), [24, 48, 72]) is None


def test_tiles_that_do_not_overlap_meet_at_their_first_voxels() -> None:
    axis = tiling.cover(48, 16, 0)
    assert crossings(axis.weights(), axis.starts) == [16, 32]


@pytest.mark.parametrize(("length", "size", "overlap"), [(44, 24, 8), (100, 32, 11), (57, 16, 4)])
def test_tiles_meet_where_their_shares_cross(length: int, size: int, overlap: int) -> None:
    axis = tiling.cover(length, size, overlap)
    weights, starts = axis.weights(), axis.starts
    found = crossings(weights, starts)
    assert len(found) == len(starts) - 1 > 0
    for number, border in enumerate(found):
        ahead = [
            weights[number + 1][place - starts[number + 1]] - weights[number][place - starts[number]]
            for place in (border - 1, border)
        ]
        assert ahead[0] < 0 <= ahead[1]


def test_a_seam_is_both_strong_and_certain() -> None:
    assert Seam(0.2, 6.0).visible
    assert not Seam(0.2, 4.0).visible
    assert not Seam(0.1, 60.0).visible
