"""Training pairs are what the paper says: the content turns, the wedge stays; halves are asked for what they saw."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from isonet.core import fourier, rotation
from isonet.core.sampling import central_cube
from isonet.core.tilts import wedge
from isonet.core.tilts.ranges import LARGEST_GAP
from isonet.train.optics import Optics, optics
from isonet.train.pairs import PairMaker, Recipe, fill

SIZE, CUBE, TILTS = 14, 10, (-40.0, 62.0)
FLAT = torch.ones(1, 1, 1)
CPU = torch.device("cpu")


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def maker(
    method: Any = "isonet",
    *,
    rotations: Tensor | None = None,
    tilts: tuple[tuple[float, ...], ...] = (TILTS,),
    gap: float = LARGEST_GAP,
    **recipe: Any,
) -> PairMaker:
    made = Recipe(method, CUBE, **recipe)
    geometry = optics(tilts * (made.maps if len(tilts) == 1 else 1), SIZE, CUBE, "ramp", FLAT, CPU, gap)
    if rotations is not None:
        geometry = replace(geometry, rotations=rotations)
    return PairMaker(noise(4, made.maps, SIZE, SIZE, SIZE), np.zeros(4, dtype=np.int64), (geometry,), made)


def test_the_target_is_turned_content_and_the_input_has_lost_the_wedge_of_the_microscope() -> None:
    weights = wedge.weight((SIZE,) * 3, TILTS)
    for matrix in rotation.cube_rotations():
        pairs = maker(rotations=matrix[None])
        made = pairs.batch([2], np.random.default_rng(0), CPU)
        turned = rotation.rotate_cube(pairs.filled[2, 0], matrix)
        assert torch.equal(made.targets[0, 0], central_cube(turned, CUBE))
        expected = central_cube(fourier.apply(turned, weights), CUBE)
        assert torch.allclose(made.inputs[0, 0], expected, atol=1e-5)
        carried = central_cube(rotation.rotate_cube(fourier.apply(pairs.filled[2, 0], weights), matrix), CUBE)
        moves = any(torch.equal(matrix, other) for other in wedge.moving_rotations(TILTS))
        assert torch.allclose(made.inputs[0, 0], carried, atol=1e-2) != moves


def test_each_pair_has_the_wedge_of_its_own_tomogram() -> None:
    still = rotation.cube_rotations()[:1]
    both: tuple[Optics, ...] = tuple(
        replace(optics([tilts], SIZE, CUBE, "ramp", FLAT, CPU), rotations=still)
        for tilts in ((-60.0, 60.0), (-20.0, 30.0))
    )
    pairs = PairMaker(noise(3, 1, SIZE, SIZE, SIZE), np.array([1, 0, 1]), both, Recipe("isonet", CUBE))
    inputs = pairs.batch([0, 1, 2], np.random.default_rng(0), CPU).inputs
    for index, origin in enumerate((1, 0, 1)):
        expected = central_cube(fourier.apply(pairs.filled[index, 0], both[origin].weights[0]), CUBE)
        assert torch.allclose(inputs[index, 0], expected, atol=1e-5)


LISTS = (tuple(range(-60, 61, 6)), tuple(range(-57, 58, 6)))


@pytest.mark.parametrize(("tilts", "gap"), [((TILTS,), LARGEST_GAP), (LISTS, LARGEST_GAP), (LISTS, 0.0), (LISTS, 5.0)])
def test_a_half_is_asked_for_the_other_one_where_it_has_measured_and_for_the_mean_where_not(
    tilts: Any, gap: float
) -> None:
    """Either half comes first; errors count where the target's own wedge, turned with it, has measured something."""
    pairs, random = maker("noise2noise", tilts=tilts, gap=gap, wedge_weight=4.0), np.random.default_rng(3)
    angles = (tilts * 2)[:2]
    lab = [wedge.weight((SIZE,) * 3, one, gap=gap) for one in angles]
    first_given = set()
    for _ in range(12):
        made = pairs.batch([1], random, CPU)
        turned = {matrix: rotation.rotate_cube(pairs.filled[1], matrix) for matrix in pairs.optics[0].rotations}
        ((given, matrix),) = [
            (given, matrix)
            for given in (0, 1)
            for matrix, both in turned.items()
            if torch.allclose(central_cube(fourier.apply(both[given], lab[given]), CUBE), made.inputs[0, 0], atol=1e-5)
        ]
        first_given.add(given)
        mean, other = turned[matrix].mean(0), turned[matrix][1 - given]
        expected = other + fourier.apply(mean - other, (lab[given] < 1e-3).float())
        assert torch.allclose(made.targets[0, 0], central_cube(expected, CUBE), atol=1e-5)
        has = wedge.weight((CUBE,) * 3, angles[given], gap=gap)
        asked = [wedge.weight((CUBE,) * 3, one, matrix.float(), gap=gap) for one in angles]
        expected = has * asked[1 - given] + 4.0 * (1 - has) * torch.maximum(*asked)
        assert torch.allclose(made.error_filter[0, 0] ** 2, expected.expand_as(made.error_filter[0, 0]), atol=1e-5)
    assert first_given == {0, 1}


@pytest.mark.parametrize("thickness", [None, 24.0])
def test_what_is_asked_has_noise_that_the_input_has_not(thickness: float | None) -> None:
    """Of halves that are noise alone nothing can be learnt: in any pair input and filtered target are unrelated."""
    size = 24
    geometry = optics(LISTS, size, size, "ramp", FLAT, CPU, thickness=thickness)
    random, related = np.random.default_rng(4), []
    for seed in range(60):
        halves = fourier.apply(noise(1, 2, size, size, size, seed=seed), torch.stack(geometry.weights))
        pairs = PairMaker(halves, np.zeros(1, dtype=np.int64), (geometry,), Recipe("noise2noise", size, 3.0))
        made = pairs.batch([0], random, CPU)
        inputs, targets = (fourier.apply(cube, made.error_filter) for cube in (made.inputs, made.targets))
        related.append(float((inputs * targets).sum() / torch.sqrt(inputs.square().sum() * targets.square().sum())))
    assert abs(np.nanmean(related)) < 4 * np.nanstd(related) / np.sqrt(len(related))
    assert np.nanmax(np.abs(related)) < 0.2


def test_of_halves_from_tilts_half_of_the_inputs_are_the_mean_and_asked_for_what_they_lack() -> None:
    pairs, random = maker("noise2noise", tilts=LISTS, wedge_weight=3.0), np.random.default_rng(6)
    geometry = replace(pairs.optics[0], thickness=24.0)
    pairs = replace(pairs, optics=(geometry,))
    weight = sum(geometry.weights) / 2
    turned = [rotation.rotate_cube(pairs.filled[2], matrix).mean(0) for matrix in geometry.rotations]
    shown = torch.stack([central_cube(fourier.apply(one, weight), CUBE) for one in turned])
    asked = torch.stack([central_cube(fourier.apply(one, (weight < 1e-3).float()), CUBE) for one in turned])
    means = 0
    for _ in range(40):
        made = pairs.batch([2], random, CPU)
        fits = (shown - made.inputs[0, 0]).abs().flatten(1).amax(1) < 1e-5
        if not bool(fits.any()):
            continue
        means += 1
        (number,) = fits.nonzero()[0].tolist()
        assert torch.allclose(made.targets[0, 0], asked[number], atol=1e-5)
        lacks = (torch.maximum(geometry.seen(0), geometry.seen(1)) < 1e-3).expand(CUBE, CUBE, CUBE // 2 + 1)
        assert float(made.error_filter[0, 0][~lacks].abs().max()) == 0 < float(made.error_filter[0, 0][lacks].max())
    assert 10 <= means <= 30


def test_denoising_turns_nothing_and_asks_for_the_measured() -> None:
    pairs = maker("denoise")
    made = pairs.batch([0], np.random.default_rng(0), CPU)
    weights = wedge.weight((CUBE,) * 3, TILTS)
    assert torch.allclose(made.error_filter[0, 0] ** 2, weights.expand_as(made.error_filter[0, 0]), atol=1e-5)
    lab, mean = wedge.weight((SIZE,) * 3, TILTS), pairs.filled[0].mean(0)
    either = [central_cube(half + fourier.apply(mean - half, (lab < 1e-3).float()), CUBE) for half in pairs.filled[0]]
    assert any(torch.allclose(made.targets[0, 0], cube, atol=1e-5) for cube in either)


@pytest.mark.parametrize("weight", [0.0, 1.0, 3.0])
def test_errors_on_one_map_count_everywhere_and_by_the_weight_inside_the_wedge(weight: float) -> None:
    filters = maker(wedge_weight=weight).batch([0], np.random.default_rng(0), CPU).error_filter[0, 0]
    has = wedge.weight((CUBE,) * 3, TILTS).expand_as(filters)
    assert torch.allclose(filters[has == 1], torch.ones(()))
    assert torch.allclose(filters[has == 0], torch.full((), weight))


def test_a_random_rotation_turns_the_geometry_of_the_targets_wedge() -> None:
    """Turned noise has no power where its turned wedge says it has not been measured."""
    size = 32
    geometry = optics([(-60.0, 60.0)] * 2, size, size, "ramp", FLAT, CPU)
    measured = fourier.apply(noise(1, 2, size, size, size), geometry.weights[0])
    pairs = PairMaker(measured, np.zeros(1, dtype=np.int64), (geometry,), Recipe("noise2noise", size, 1.0, 1.0))
    made = pairs.batch([0], np.random.default_rng(5), CPU)
    power = fourier.transform(made.targets[0, 0] * fourier.taper((size,) * 3, size)).abs() ** 2
    radius = fourier.radial_frequency((size,) * 3)
    band = (radius > 0.1) & (radius < 0.3)
    weight = made.error_filter[0, 0] ** 2
    assert float(power[band & (weight == 0)].mean()) < 0.25 * float(power[band & (weight > 0.9)].mean())


def test_all_rotations_that_move_the_wedge_are_used() -> None:
    pairs, random = maker(tilts=((-60.0, 60.0),)), np.random.default_rng(1)
    made = {pairs.batch([0], random, CPU).targets.numpy().tobytes() for _ in range(300)}
    turned = wedge.moving_rotations((-60, 60))
    expected = [central_cube(rotation.rotate_cube(pairs.filled[0, 0], matrix), CUBE) for matrix in turned]
    assert made == {cube.contiguous().numpy().tobytes() for cube in expected}


@pytest.mark.parametrize("level", [0.1, 0.7])
def test_noise_has_the_standard_deviation_asked_for_and_only_the_input_has_it(level: float) -> None:
    clean, noisy = (maker(noise_level=value).batch([0, 1, 2], np.random.default_rng(5), CPU) for value in (0, level))
    added = noisy.inputs - clean.inputs
    assert torch.allclose(added.std((1, 2, 3, 4)), torch.full((3,), level), rtol=1e-3)
    assert float(torch.corrcoef(added.flatten(1))[0, 1].abs()) < 0.2
    assert torch.equal(noisy.targets, clean.targets)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_random_rotations_take_their_share(share: float) -> None:
    pairs, random = maker(random_rotations=share), np.random.default_rng(2)
    turns = rotation.cube_rotations()
    grid = torch.stack([central_cube(rotation.rotate_cube(pairs.filled[0, 0], matrix), CUBE) for matrix in turns])
    turned = 0
    for _ in range(60):
        target = pairs.batch([0], random, CPU).targets[0, 0]
        turned += not bool((grid == target).flatten(1).all(1).any())
    assert turned / 60 == pytest.approx(share, abs=0.2 * (0 < share < 1))


def test_the_same_seed_gives_the_same_bits() -> None:
    pairs = maker(random_rotations=0.5, noise_level=0.3)
    first, again, other = (pairs.batch([0, 3, 1], np.random.default_rng(seed), CPU) for seed in (7, 7, 8))
    for name in ("inputs", "targets", "error_filter"):
        assert torch.equal(getattr(first, name), getattr(again, name))
    assert not torch.equal(first.inputs, other.inputs)
    assert first.error_filter.shape == (3, 1, CUBE, CUBE, CUBE // 2 + 1)
    assert first.inputs.shape == first.targets.shape == (3, 1, CUBE, CUBE, CUBE)


def test_a_batch_is_split_into_parts_in_order() -> None:
    made = maker().batch([0, 1, 2, 3, 0], np.random.default_rng(0), CPU)
    parts = list(made.parts(2))
    assert [len(inputs) for inputs, _, _ in parts] == [3, 2]
    for number, whole in enumerate((made.inputs, made.targets, made.error_filter)):
        assert torch.equal(torch.cat([part[number] for part in parts]), whole)


def test_filling_keeps_what_was_measured_and_gives_the_network_what_was_measured() -> None:
    volumes, weights = (
        noise(2, 1, SIZE, SIZE, SIZE),
        wedge.weight((SIZE,) * 3, TILTS)[None, None].expand(2, 1, -1, -1, -1),
    )
    seen: list[Tensor] = []

    def predict(inputs: Tensor) -> Tensor:
        seen.append(inputs)
        return torch.tanh(inputs) + 0.5

    filled = fill(volumes, weights, predict)
    assert torch.allclose(seen[0], fourier.apply(volumes, weights), atol=1e-5)
    data, guess, result = map(fourier.transform, (volumes, torch.tanh(seen[0]) + 0.5, filled))
    assert torch.allclose(result * (weights == 1), data * (weights == 1), atol=1e-3)
    assert torch.allclose(result * (weights == 0), guess * (weights == 0), atol=1e-3)
    assert torch.equal(fill(volumes, weights, None), fourier.apply(volumes, weights))


def test_halves_from_tilts_are_filled_with_one_prediction_from_their_mean() -> None:
    volumes = noise(2, 2, SIZE, SIZE, SIZE)
    weights = torch.stack([wedge.weight((SIZE,) * 3, one) for one in LISTS])[None].expand(2, -1, -1, -1, -1)
    seen: list[Tensor] = []

    def predict(inputs: Tensor) -> Tensor:
        seen.append(inputs)
        return torch.tanh(inputs) + 0.5

    filled = fill(volumes, weights, predict, together=True)
    (given,) = seen
    assert torch.allclose(given[:, 0], fourier.apply(volumes, weights).mean(1), atol=1e-5)
    data, guess, result = map(fourier.transform, (volumes, predict(given).expand_as(volumes), filled))
    assert torch.allclose(result * (weights == 1), data * (weights == 1), atol=1e-3)
    assert torch.allclose(result * (weights == 0), guess * (weights == 0), atol=1e-3)


@pytest.mark.parametrize(("size", "cube", "first"), [(14, 10, 2), (13, 10, 1), (8, 8, 0)])
def test_the_middle_is_cropped(size: int, cube: int, first: int) -> None:
    volume = noise(2, size, size, size)
    part = slice(first, first + cube)
    assert torch.equal(central_cube(volume, cube), volume[:, part, part, part])
