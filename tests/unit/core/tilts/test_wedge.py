"""The missing wedge: its picture, the laws of the operator, and the filling of what was not measured."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from isonet.core import fourier, rotation
from isonet.core.tilts import wedge
from isonet.core.tilts.ranges import LARGEST_GAP, arcs, check_tilts

Shape = tuple[int, int, int]
laws = settings(max_examples=25, deadline=None)
shapes = st.tuples(*[st.integers(6, 20)] * 3)
ends = st.integers(8, 80)
ranges = st.one_of(
    st.tuples(ends, ends).map(lambda pair: (-float(pair[0]), float(pair[1]))),
    ends.map(lambda end: (-float(end), float(end))),
)
lists = st.lists(st.integers(-70, 70), min_size=3, max_size=12, unique=True).map(
    lambda tilts: [float(t) for t in tilts]
)
any_tilts = st.one_of(ranges, lists)


def noise(shape: Shape, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def whole(half: Tensor, shape: Shape) -> Tensor:
    """Weight of the full transform, from the rfft layout and `W(-k) = W(k)`."""
    half = half.expand(shape[0], shape[1], shape[2] // 2 + 1)
    z, y, x = (torch.arange(n) for n in shape)
    stored = (x <= shape[2] // 2)[None, None, :]
    here = half[:, :, torch.minimum(x, shape[2] - x)]
    there = here[(-z) % shape[0]][:, (-y) % shape[1]]
    return torch.where(stored, here, there)


def test_the_wedge_of_an_uneven_range_is_this_picture() -> None:
    """Rows k_z = 3 ... -4, columns k_x = 0 ... 4: +62 degrees leave little above, -40 more below."""
    picture = [
        [0.00, 0.47, 1.00, 1.00, 1.00],
        [0.06, 0.94, 1.00, 1.00, 1.00],
        [0.53, 1.00, 1.00, 1.00, 1.00],
        [1.00, 1.00, 1.00, 1.00, 1.00],
        [0.53, 0.88, 1.00, 1.00, 1.00],
        [0.06, 0.11, 0.75, 1.00, 1.00],
        [0.00, 0.00, 0.00, 0.63, 1.00],
        [0.00, 0.00, 0.00, 0.00, 0.51],
    ]
    found = wedge.weight((8, 1, 8), (-40, 62))[[3, 2, 1, 0, 7, 6, 5, 4], 0]
    assert torch.allclose(found, torch.tensor(picture), atol=0.006)


@pytest.mark.parametrize(("depth", "width", "weight"), [(16, 16, 0.5), (8, 32, 0.082), (32, 8, 0.857)])
def test_the_soft_edge_is_one_fourier_pixel_of_the_volume_wide(depth: int, width: int, weight: float) -> None:
    """At +-60 degrees the first voxel of the k_z axis lies `1 / |(1, tan(60) depth / width)|` pixels off the face."""
    assert float(wedge.weight((depth, 1, width), (-60, 60))[1, 0, 0]) == pytest.approx(weight, abs=1e-3)


def test_two_tilts_of_a_list_measure_two_planes() -> None:
    """-45, 0 and 45 degrees: the two diagonals and the k_x axis (k_z = 3 ... -4)."""
    found = wedge.weight((8, 1, 8), (-45, 0, 45))[[3, 2, 1, 0, 7, 6, 5, 4], 0]
    assert ((found > 0.99).int()[1:6, :3]).tolist() == [
        [0, 0, 1],
        [0, 1, 0],
        [1, 1, 1],
        [0, 1, 0],
        [0, 0, 1],
    ]


@laws
@given(shape=shapes, tilts=ranges)
def test_the_axes_of_tilt_and_x_are_measured_and_that_of_the_beam_is_not(
    shape: Shape, tilts: tuple[float, float]
) -> None:
    weight = wedge.weight(shape, tilts).expand(shape[0], shape[1], shape[2] // 2 + 1)
    assert bool(((weight >= 0) & (weight <= 1)).all())
    assert bool((weight[0, :, 0] == 1).all())
    assert bool((weight[0, 0, : (shape[2] + 1) // 2] == 1).all())
    beam = wedge.face_distance(shape, tilts)[1 : shape[0] // 2, 0, 0]
    assert bool((beam < 0).all())
    assert bool((weight[1 : shape[0] // 2, 0, 0] < 1).all())


@laws
@given(shape=shapes, tilts=any_tilts, seed=st.integers(0, 99))
def test_the_weight_is_symmetric_so_that_volumes_stay_real(shape: Shape, tilts: list[float], seed: int) -> None:
    weight = wedge.weight(shape, tilts)
    full = whole(weight, shape)
    opposite = full.flip(0, 1, 2).roll((1, 1, 1), (0, 1, 2))
    assert torch.equal(full, opposite)
    masked = fourier.transform(noise(shape, seed)) * weight
    again = fourier.transform(fourier.inverse(masked, shape))
    assert torch.allclose(again, masked, atol=1e-5 * float(masked.abs().max()))


@laws
@given(shape=shapes, tilts=any_tilts, seed=st.integers(0, 99))
def test_apply_is_linear_and_self_adjoint_and_projects_where_the_weight_is_sharp(
    shape: Shape, tilts: list[float], seed: int
) -> None:
    one, two = noise(shape, seed), noise(shape, seed + 100)
    both = wedge.apply(2 * one - 3 * two, tilts)
    assert torch.allclose(both, 2 * wedge.apply(one, tilts) - 3 * wedge.apply(two, tilts), atol=1e-4)
    left, right = (wedge.apply(one, tilts) * two).sum(), (one * wedge.apply(two, tilts)).sum()
    assert float(left) == pytest.approx(float(right), abs=1e-2)
    weight = wedge.weight(shape, tilts)
    sharp = (weight == 0) | (weight == 1)
    once = fourier.transform(wedge.apply(one, tilts))
    twice = fourier.transform(wedge.apply(wedge.apply(one, tilts), tilts))
    assert float(((once - twice) * sharp).abs().max()) < 1e-3


@pytest.mark.parametrize("tilts", [(-60, 60), (-40, 62), (-30, 30), (-75, 20)])
def test_the_measured_share_of_a_disc_is_the_range_over_180_degrees(tilts: tuple[float, float]) -> None:
    shape = (129, 1, 129)
    disc = fourier.radial_frequency(shape) < 0.5
    inside = (wedge.face_distance(shape, tilts) >= 0) & disc
    counted = fourier.multiplicity(shape)
    share = float((inside * counted).sum() / (disc * counted).sum())
    assert share == pytest.approx((tilts[1] - tilts[0]) / 180, abs=0.01)


@laws
@given(shape=shapes, tilts=any_tilts)
def test_mirrored_tilts_give_the_mirrored_wedge(shape: Shape, tilts: list[float]) -> None:
    odd = (shape[0] | 1, shape[1], shape[2] | 1)
    mirrored = wedge.weight(odd, [-angle for angle in reversed(tilts)])
    assert torch.allclose(mirrored, wedge.weight(odd, tilts).flip(0).roll(1, 0), atol=1e-5)


@laws
@given(shape=shapes, tilts=any_tilts, seed=st.integers(0, 99))
def test_filling_keeps_what_was_measured_and_takes_the_rest_from_the_prediction(
    shape: Shape, tilts: list[float], seed: int
) -> None:
    measured, prediction = noise(shape, seed), noise(shape, seed + 100)
    weight = wedge.weight(shape, tilts)
    filled, data, guess = map(fourier.transform, (wedge.fill(measured, prediction, weight), measured, prediction))
    scale = float(data.abs().square().mean().sqrt())
    assert float(((filled - data) * (weight == 1)).abs().max()) < 1e-4 * scale
    assert float(((filled - guess) * (weight == 0)).abs().max()) < 1e-4 * scale


def test_regions_lie_on_either_side_of_the_faces_and_share_nothing() -> None:
    missing, measured = wedge.regions((40, 4, 32), [-50, 10, 45, 60], guard=2)
    distance = wedge.face_distance((40, 4, 32), (-50, 60)).expand(missing.shape)
    assert torch.equal(missing, distance <= -2)
    assert torch.equal(measured, distance >= 2)


@pytest.mark.parametrize(
    ("tilts", "message"),
    [
        ((-60,), "two angles"),
        ((-60, 95), "beyond -90 to 90"),
        ((60, -60), "is empty"),
        ((10, 10), "is empty"),
        ((5, 5, 5), "all tilts are at 5"),
        ((-60, float("nan")), "beyond -90 to 90"),
    ],
)
def test_tilts_that_measure_no_wedge_are_refused(tilts: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_tilts(tilts)
    with pytest.raises(ValueError, match=message):
        wedge.weight((8, 8, 8), tilts)


@pytest.mark.parametrize("edge", [11, 12])
@pytest.mark.parametrize("tilts", [(-60, 60), (-40, 62), (-50, -20, 5, 30)])
def test_turning_the_geometry_is_turning_the_volume(edge: int, tilts: tuple[float, ...]) -> None:
    """`R (W v) = W_R (R v)` for all rotations of the cube; at even edges short of the ambiguous Nyquist planes."""
    volume = noise((edge,) * 3, 1)
    if edge % 2 == 0:
        below = [frequency.abs() < 0.5 for frequency in fourier.frequencies((edge,) * 3)]
        volume = fourier.apply(volume, (below[0] & below[1] & below[2]).float())
    for matrix in rotation.cube_rotations():
        first = rotation.rotate_cube(wedge.apply(volume, tilts), matrix)
        turned = wedge.weight((edge,) * 3, tilts, matrix.float())
        second = fourier.apply(rotation.rotate_cube(volume, matrix), turned)
        assert torch.allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("tilts", [(-60, 60), (-40, 62)])
def test_a_volume_turned_at_random_has_nothing_in_the_turned_wedge(tilts: tuple[float, float]) -> None:
    edge = 48
    shape = (edge,) * 3
    axis = (torch.arange(edge) - (edge - 1) / 2) ** 2
    ball = ((axis[:, None, None] + axis[:, None] + axis).sqrt().sub(18).div(-2)).sigmoid()
    generator = torch.Generator().manual_seed(2)
    for matrix in rotation.random_rotations(4, generator):
        smooth = fourier.apply(torch.randn(shape, generator=generator), fourier.low_pass(shape, 0.15))
        turned = rotation.resample(wedge.apply(smooth * ball, tilts), matrix)
        power = fourier.transform(turned).abs().square() * fourier.multiplicity(shape)
        missing = wedge.face_distance(shape, tilts, matrix) <= -3
        before = fourier.transform(rotation.resample(smooth * ball, matrix)).abs().square()
        share = float((power * missing).sum() / power.sum())
        assert share < 0.03
        assert share < 0.1 * float((before * fourier.multiplicity(shape) * missing).sum() / power.sum())


def test_faces_can_be_as_soft_as_those_of_a_smaller_cube() -> None:
    """Every third coefficient of a large volume has the weight that a cube a third as wide gives it."""
    small, large = (24, 1, 24), (72, 1, 72)
    expected = wedge.weight(small, (-60.0, 50.0))
    found = wedge.weight(large, (-60.0, 50.0), edge=24)[[3 * k % 72 for k in range(12)]][..., ::3]
    assert torch.allclose(found[..., :12], expected[:12, :, :12], atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(shape=shapes, step=st.floats(1, LARGEST_GAP), first=st.floats(-70, -20), count=st.integers(3, 9))
def test_a_list_of_close_tilts_measures_all_between_its_ends(
    shape: Shape, step: float, first: float, count: int
) -> None:
    tilts = [first + step * number for number in range(count)]
    assert torch.equal(wedge.weight(shape, tilts), wedge.weight(shape, (tilts[0], tilts[-1])))


def test_wide_gaps_in_a_list_stay_unmeasured_and_with_a_gap_of_0_all_do() -> None:
    shape = (63, 1, 63)
    left, right = range(-60, -20, 9), range(20, 61, 9)
    both = wedge.weight(shape, [*left, *right])
    parts = [wedge.weight(shape, (part[0], part[-1])) for part in (left, right)]
    assert torch.equal(both, torch.maximum(*parts))
    assert float(both[0, 0, 20]) == 0  # along k_x, which a tilt of 0 would measure
    single = wedge.weight(shape, [*left, *right], gap=0)
    assert float(single.mean()) < float(both.mean())  # planes part at high frequencies
    kz, _, kx = fourier.frequencies(shape)
    angle = torch.rad2deg(torch.atan2(kz, kx))
    radius = 63 * torch.hypot(kz, kx)
    lone = torch.stack([radius * torch.sin(torch.deg2rad(angle - tilt)).abs() for tilt in (*left, *right)]).amin(0)
    assert torch.allclose(single, (1.5 - lone).clamp(0, 1), atol=1e-4)  # square: a Fourier pixel is as long everywhere


def test_runs_of_tilts_do_not_depend_on_their_order() -> None:
    assert arcs([10, -57, 12, -60, -54], 11) == [(-60, -54), (10, 12)]
    assert arcs([-60, -50, -38], 11) == [(-60, -50), (-38, -38)]
    assert arcs([-60, -57], 0) == [(-60, -60), (-57, -57)]


def test_rounding_breaks_no_run_of_equal_steps() -> None:
    tilts = [-22.8 + LARGEST_GAP * number for number in range(6)]
    assert max(high - low for low, high in pairwise(tilts)) > LARGEST_GAP
    assert arcs(tilts, LARGEST_GAP) == [(tilts[0], tilts[-1])]
