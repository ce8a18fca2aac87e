"""What was measured, however axis and beam lie: turning the sample and the orientation together changes nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch import Tensor

from isonet.core import fourier, rotation
from isonet.core.comparison import balance
from isonet.core.comparison.calibration import vouched
from isonet.core.rotation import cube_rotations, rotate_cube
from isonet.core.sampling import central_cube
from isonet.core.tilts import noise, wedge, withheld
from isonet.core.tilts.measured import AT_HOME, Measured, Sweep, positioned
from isonet.train.optics import optics
from isonet.train.pairs import PairMaker, Recipe, fill

laws = settings(max_examples=8, deadline=None)
ends = st.integers(20, 75)
ranges = st.tuples(ends, ends).map(lambda pair: (-float(pair[0]), float(pair[1])))
lists = st.tuples(ranges, st.sampled_from([3.0, 8.0, 15.0])).map(
    lambda given: tuple(float(tilt) for tilt in np.arange(given[0][0], given[0][1] + 0.1, given[1]))
)
angles = st.floats(-40, 40)
lying = st.lists(st.tuples(st.one_of(ranges, lists), angles, st.floats(-180, 180)), min_size=1, max_size=2)
Lying = list[tuple[tuple[float, ...], float, float]]
turns = st.sampled_from(list(cube_rotations()))
shapes = st.tuples(*[st.integers(6, 13)] * 3)
parts = st.floats(-0.3, 0.3)
odd_edges = st.sampled_from([7, 9])


def of(lies: Lying) -> Measured:
    """What was measured by sweeps of these tilts, whose volume was turned so about x and z."""
    return Measured(tuple(positioned(*sweep) for sweep in lies))


def white(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def largest(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())


@laws
@given(lies=lying, turn=turns, edge=odd_edges)
def test_what_is_measured_turns_with_the_sample(lies: Lying, turn: Tensor, edge: int) -> None:
    measured = of(lies)
    volume, prediction = white(edge, edge, edge), white(edge, edge, edge, seed=1)
    carried, filled = (
        rotate_cube(one, turn)
        for one in (
            wedge.apply(volume, measured),
            wedge.fill(volume, prediction, wedge.weight((edge,) * 3, measured)),
        )
    )
    moved = measured.turned(turn.numpy())
    assert largest(wedge.apply(rotate_cube(volume, turn), moved), carried) < 1e-4
    weights = wedge.weight((edge,) * 3, moved)
    assert largest(wedge.fill(rotate_cube(volume, turn), rotate_cube(prediction, turn), weights), filled) < 1e-4


@laws
@given(lies=lying, seed=st.integers(0, 99))
def test_an_orientation_is_a_rotation_of_the_wedge_to_the_last_bit(lies: Lying, seed: int) -> None:
    measured = of(lies)
    matrix = rotation.random_rotations(1, torch.Generator().manual_seed(seed))[0]
    (first, *_) = measured.sweeps
    home = Measured((replace(first, turn=AT_HOME),))
    turned = Measured((replace(first, turn=tuple(map(tuple, matrix.double().tolist()))),))
    shape = (8, 10, 9)
    assert torch.equal(wedge.weight(shape, turned), wedge.weight(shape, first.tilts, matrix))
    assert torch.equal(wedge.weight(shape, home), wedge.weight(shape, first.tilts))
    assert largest(wedge.weight(shape, measured, matrix), wedge.weight(shape, measured.turned(matrix.numpy()))) < 1e-4


@laws
@given(lies=lying, turn=turns, edge=odd_edges, mode=st.sampled_from(["ramp", "hamming", "unfiltered"]))
def test_noise_and_what_vouches_turn_with_the_sample(lies: Lying, turn: Tensor, edge: int, mode: str) -> None:
    measured = of(lies)
    shape, volume = (edge,) * 3, white(edge, edge, edge)
    moved = measured.turned(turn.numpy())
    for made in (
        lambda one: noise.amplitude(shape, one, mode),  # type: ignore[arg-type]
        lambda one: vouched(shape, one)(*fourier.frequencies(shape)),
    ):
        carried = rotate_cube(fourier.apply(volume, made(measured)), turn)
        assert largest(fourier.apply(rotate_cube(volume, turn), made(moved)), carried) < 1e-3


@laws
@given(lies=lying, turn=turns)
def test_sectors_and_regions_turn_with_the_sample(lies: Lying, turn: Tensor) -> None:
    """Counted by how much of white noise is left: the coefficients move, their number does not."""
    measured = of(lies)
    shape = (13, 13, 13)
    moved = measured.turned(turn.numpy())
    kept = withheld.kept_part(measured, 9.0)
    counts = [
        [
            int((region * fourier.multiplicity(shape)).sum())
            for region in (*wedge.regions(shape, one), withheld.region(shape, [one], left, 0.5))
        ]
        for one, left in ((measured, kept), (moved, kept.turned(turn.numpy())))
    ]
    assert np.abs(np.subtract(*counts)).max() <= 4  # of 2197; those on a face, as rounding has it
    sectors = [
        torch.bincount(balance.around(shape, one.sweeps[0].turn).expand(13, 13, 7).flatten(), minlength=18)
        for one in (measured, moved)
    ]
    assert sectors[0].sum() == sectors[1].sum()


@laws
@given(lies=lying)
def test_no_more_than_what_is_withheld_is_compared(lies: Lying) -> None:
    measured = of(lies)
    shape = (24, 20, 22)
    kept = withheld.kept_part(measured, 12.0)
    region = withheld.region(shape, [measured], kept, guard=1.0)
    full = (24, 20, 12)
    assert (wedge.weight(shape, measured.ends).expand(full)[region] == 1).all()
    assert (wedge.weight(shape, kept).expand(full)[region] == 0).all()
    sectors = withheld.sectors(shape, kept, 12.0).expand(full)
    if len(measured.sweeps) == 1:
        assert set(sectors[region].tolist()) <= {0}


@settings(max_examples=8, deadline=None)
@given(
    lies=lying,
    turn=turns,
    drawn=turns,
    method=st.sampled_from(["isonet", "noise2noise"]),
    thickness=st.sampled_from([None, 20.0]),
)
def test_pairs_turn_with_the_sample(
    lies: Lying, turn: Tensor, drawn: Tensor, method: str, thickness: float | None
) -> None:
    """A pair of the turned sample is the turned pair of the sample, turned then as before."""
    measured = of(lies)
    size, cube, flat, cpu = 13, 9, torch.ones(1, 1, 1), torch.device("cpu")
    recipe = Recipe(method, cube, wedge_weight=3.0)  # type: ignore[arg-type]
    volumes = white(1, recipe.maps, size, size, size)

    def made(sample: Tensor, seen: Measured, by: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        geometry = optics([seen] * recipe.maps, size, cube, "ramp", flat, cpu)
        geometry = replace(geometry, rotations=by[None], thickness=thickness if recipe.maps == 2 else None)
        filled = fill(sample, torch.stack(geometry.weights)[None], None)
        batch = PairMaker(filled, np.zeros(1, np.int64), (geometry,), recipe).batch([0], np.random.default_rng(2), cpu)
        return batch.inputs[0, 0], batch.targets[0, 0], batch.error_filter[0, 0]

    plain = made(volumes, measured, drawn)
    other = made(rotate_cube(volumes, turn), measured.turned(turn.numpy()), turn @ drawn @ turn.T)
    for one, two in zip(plain[:2], other[:2], strict=True):
        assert largest(rotate_cube(one, turn), two) < 1e-4
    probe = central_cube(white(size, size, size, seed=5), cube)
    weighed = rotate_cube(fourier.apply(probe, plain[2]), turn)
    assert largest(fourier.apply(rotate_cube(probe, turn), other[2]), weighed) < 1e-4


@laws
@given(lies=lying, turn=turns)
def test_the_rotations_that_move_the_wedge_turn_with_it(lies: Lying, turn: Tensor) -> None:
    measured = of(lies)

    def those(seen: Measured) -> set[tuple[int, ...]]:
        return {tuple(one.flatten().tolist()) for one in wedge.moving_rotations(seen)}

    carried = {tuple((turn @ one @ turn.T).flatten().tolist()) for one in wedge.moving_rotations(measured)}
    assert those(measured.turned(turn.numpy())) == carried


@laws
@given(
    shape=st.tuples(*[st.integers(6, 13)] * 3),
    lies=lying,
    step=st.integers(1, 5),
    gap=st.sampled_from([0, 11]),
)
def test_filters_of_any_size_are_given_the_weight_of_the_whole(
    shape: tuple[int, int, int], lies: Lying, step: int, gap: float
) -> None:
    measured = of(lies)
    kz, ky, kx = fourier.frequencies(shape)
    whole, asked = wedge.weight(shape, measured, gap=gap), wedge.transfer(shape, measured, gap=gap)
    whole = whole.expand(shape[0], shape[1], -1)
    for rows in range(0, shape[1], step):
        part = slice(rows, rows + step)
        found = asked(kz[: shape[0] // 2 + 1].abs(), ky[:, part], kx)
        assert torch.equal(found.expand(whole[:, part].shape), whole[:, part])


@laws
@given(
    tilt=st.floats(-50, 50),
    about_x=angles,
    about_z=st.floats(-180, 180),
    u=st.floats(-0.3, 0.3),
    v=st.floats(-0.3, 0.3),
)
def test_a_sweep_measures_the_images_planes(tilt: float, about_x: float, about_z: float, u: float, v: float) -> None:
    """An image at tilt `a` sees `R_y(a) R_x R_z r`: its plane in Fourier space is spanned by what x and y come from."""
    seen = Rotation.from_euler("zxy", [about_z, about_x, tilt], degrees=True).inv().apply([u, v, 0.0])
    at = (torch.tensor([[[seen[2]]]]), torch.tensor([[[seen[1]]]]), torch.tensor([[[seen[0]]]]))
    sweep = positioned((tilt - 5, tilt + 5), about_x, about_z)
    kz, _, kx = wedge.home(at, sweep.turn)
    assert float(kz) == pytest.approx(float(kx) * math.tan(math.radians(tilt)), abs=1e-9)
    axis = Rotation.from_euler("zx", [about_z, about_x], degrees=True).inv().apply([0, 1, 0])
    assert sweep.axis == pytest.approx(axis[::-1], abs=1e-12)


def test_the_second_axis_fills_what_the_first_one_misses() -> None:
    one, other = positioned((-60, 60)), positioned((-60, 60), about_z=90)
    both = wedge.weight((21, 21, 21), Measured((one, other)))
    alone = [wedge.weight((21, 21, 21), Measured((sweep,))) for sweep in (one, other)]
    assert torch.equal(both, torch.maximum(*alone))
    times = fourier.multiplicity((21, 21, 21))
    missing = [float(((1 - share.expand(both.shape)) * times).mean()) for share in (*alone, both)]
    assert missing[0] == pytest.approx(missing[1], abs=0.01)
    assert 0 < missing[2] < 0.6 * missing[0]  # a pyramid is left


ROTATIONS = {  # of the 24, those that move the wedge
    "symmetric": (Measured.of((-60, 60)), 20),
    "asymmetric": (Measured.of((-40, 60)), 22),
    "levelled about x": (Measured((positioned((-60, 60), 10),)), 22),
    "levelled about both": (Measured((positioned((-49, 71), 10),)), 23),
    "axis along x": (Measured((positioned((-60, 60), 0, 90),)), 20),
    "two axes": (Measured((positioned((-60, 60)), positioned((-60, 60), 0, 90))), 16),
    "two axes, other ends": (Measured((positioned((-60, 60)), positioned((-40, 60), 0, 90))), 22),
}


@pytest.mark.parametrize("name", ROTATIONS)
def test_which_rotations_move_the_wedge_depends_on_how_it_lies(name: str) -> None:
    measured, expected = ROTATIONS[name]
    moving = wedge.moving_rotations(measured)
    assert len(moving) == expected
    shape = (15, 15, 15)
    weights = wedge.weight(shape, measured).expand(15, 15, 8)
    for turn in cube_rotations():
        moved = wedge.weight(shape, measured.turned(turn.numpy())).expand(15, 15, 8)
        assert (largest(moved, weights) < 1e-3) != any(torch.equal(turn, one) for one in moving)


def test_faces_are_drawn_where_they_cut_the_plane() -> None:
    assert Measured.of((-60, 45)).traces("xz") == [-60, 45]
    assert Measured.of((-60, 45)).traces("yz") == []
    second = Measured((positioned((-60, 45)), positioned((-50, 30), about_z=90)))
    assert (second.traces("xz"), second.traces("yz")) == ([-60, 45], [50, -30])
    levelled = Measured((positioned((-60, 60), 30),))
    assert levelled.traces("xz") == pytest.approx([-63.43, 63.43], abs=0.01)  # tan 60 / cos 30


def test_tilts_are_checked_whatever_lies_how() -> None:
    with pytest.raises(ValueError, match="empty"):
        wedge.weight((8, 8, 8), Measured((positioned((60, -60), 10),)))
    assert Measured.of((-60, 60)) == Measured((Sweep((-60, 60)),)) == Measured.of(Measured.of((-60, 60)))
    assert hash(Measured.of((-60, 60))) == hash(Measured((positioned((-60, 60)),)))
