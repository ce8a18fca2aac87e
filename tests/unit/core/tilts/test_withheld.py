"""What is withheld: which coefficients, by what sectors, in which sub-volumes."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isonet.core import fourier
from isonet.core.tilts import wedge, withheld


def test_kept_range_and_list() -> None:
    assert withheld.kept_range((-60.0, 50.0), 12) == (-48, 38)
    assert withheld.kept_range((-60.0, 0.0, 55.0), 20) == (-40, 35)
    assert withheld.kept_tilts((-60.0, -48.0, 0.0, 47.0, 51.0), (-48, 48)) == (-48, 0, 47)
    assert withheld.kept_tilts((-60.0, 60.0), (-48, 48)) == (-48, 48)
    with pytest.raises(ValueError, match="leave nothing of -60 to 60"):
        withheld.kept_range((-60.0, 60.0), 58)


@settings(max_examples=30, deadline=None)
@given(
    low=st.floats(-70, -35),
    high=st.floats(35, 70),
    degrees=st.floats(5, 30),
    shape=st.tuples(*(st.integers(16, 40),) * 3),
)
def test_the_region_was_measured_and_is_removed_to_the_last_coefficient(
    low: float, high: float, degrees: float, shape: tuple[int, int, int]
) -> None:
    kept = withheld.kept_range((low, high), degrees)
    region = withheld.region(shape, [(low, high)], kept, guard=1.0)
    assert (wedge.weight(shape, (low, high)).expand(region.shape)[region] == 1).all()
    left = wedge.weight(shape, kept)
    assert (left.expand(region.shape)[region] == 0).all()


def test_sectors_are_degrees_beyond_the_kept_range_at_either_end() -> None:
    shape = (64, 8, 64)
    sector = withheld.sectors(shape, (-40.0, 30.0), 5.0)
    kz, _, kx = fourier.frequencies(shape)
    angle = torch.rad2deg(torch.atan2(kz, kx))
    radius = torch.hypot(kz, kx)
    for beyond, low, high in ((0, 30.0, 35.0), (2, 40.0, 45.0), (0, -45.0, -40.0), (2, -55.0, -50.0)):
        here = (angle > low + 0.01) & (angle < high - 0.01) & (radius > 0) & (kx > 0)
        assert here.any() and (sector[here] == beyond).all()
    assert (sector[(angle > -39.9) & (angle < 29.9) & (kx > 0)] == -1).all()
    assert sector[32, 0, 0] == sector[1, 0, 0] == 10  # the k_z axis is 50 degrees off one end, 60 off the other


def test_region_keeps_off_both_faces() -> None:
    """With a guard nothing of it is nearer than that to the last kept tilt or to the last measured one."""
    shape, kept = (64, 64, 64), (-40.0, 40.0)
    region = withheld.region(shape, [(-60.0, 60.0)], kept)
    kz, ky, kx = (torch.as_tensor(axis).expand(region.shape)[region] for axis in fourier.frequencies(shape))
    for angle in (*kept, -60.0, 60.0):
        tilt = math.radians(angle)
        assert float((64 * (kz * math.cos(tilt) - kx * math.sin(tilt)).abs()).min()) >= 3 - 1e-4
    assert len(ky.unique()) == 64


def test_halves_from_tilts_share_planes_at_low_frequencies_only() -> None:
    """Planes part where their distance, k times the step, is a Fourier pixel, 1 / thickness."""
    tilts = torch.arange(-60, 61, 3).float()
    even, odd = tuple(tilts[::2].tolist()), tuple(tilts[1::2].tolist())
    shape = (80, 80, 80)
    radius = torch.hypot(*(fourier.frequencies(shape)[axis] for axis in (0, 2))).expand(80, 80, 41)
    shared = withheld.region(shape, [even, odd], (-20.0, 20.0))
    parting = 1 / (80 * math.radians(3))
    assert shared.any() and float(radius[shared].max()) < 1.1 * parting
    assert float(radius[withheld.region(shape, [even], (-20.0, 20.0))].max()) > 2 * parting


@settings(max_examples=30, deadline=None)
@given(shape=st.tuples(st.integers(2, 600), st.integers(2, 2000), st.integers(2, 900)))
def test_subvolumes_cover_all_and_overlap_by_half(shape: tuple[int, int, int]) -> None:
    edges, corners = withheld.subvolumes(shape)
    for axis in range(3):
        starts = sorted({corner[axis] for corner in corners})
        assert starts[0] == 0 and starts[-1] + edges[axis] == shape[axis]
        steps = [later - sooner for sooner, later in pairwise(starts)]
        assert all(step <= edges[axis] / 2 + 1 for step in steps)


def test_the_farthest_subvolume() -> None:
    assert withheld.farthest([(0, 0, 0), (0, 10, 0), (0, 30, 0)]) == [2, 2, 0]
