"""Training pairs are what the paper says: the content turns, the wedge stays."""

import numpy as np
import pytest
import torch
from torch import Tensor

from isonet.core import fourier, rotation, wedge
from isonet.train.pairs import Optics, PairMaker, central_cube, fill, optics

SIZE, CUBE, TILTS = 14, 10, (-40.0, 62.0)
LOSS_WEIGHTS = torch.ones(1, 1, 1)
CPU = torch.device("cpu")


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def maker(
    *, rotations: Tensor | None = None, random: float = 0.0, level: float = 0.0, tilts: tuple[float, float] = TILTS
) -> PairMaker:
    made = optics(tilts, SIZE, CUBE, "ramp", LOSS_WEIGHTS, CPU)
    if rotations is not None:
        made = Optics(made.weights, made.noise_spectrum, rotations, LOSS_WEIGHTS)
    filled = noise(4, SIZE, SIZE, SIZE)
    return PairMaker(filled, np.zeros(4, dtype=np.int64), (made,), CUBE, random, level)


def test_the_target_is_turned_content_and_the_input_has_lost_the_wedge_of_the_microscope() -> None:
    weights = wedge.weight((SIZE,) * 3, TILTS)
    for matrix in rotation.cube_rotations():
        pairs = maker(rotations=matrix[None])
        inputs, targets, _ = pairs.batch([2], np.random.default_rng(0), CPU)
        turned = rotation.rotate_cube(pairs.filled[2], matrix)
        assert torch.equal(targets[0, 0], central_cube(turned, CUBE))
        expected = central_cube(fourier.apply(turned, weights), CUBE)
        assert torch.allclose(inputs[0, 0], expected, atol=1e-5)
        carried = central_cube(rotation.rotate_cube(fourier.apply(pairs.filled[2], weights), matrix), CUBE)
        moves = any(torch.equal(matrix, other) for other in rotation.wedge_moving_rotations(TILTS))
        assert torch.allclose(inputs[0, 0], carried, atol=1e-2) != moves


def test_each_pair_has_the_wedge_of_its_own_tomogram() -> None:
    still = rotation.cube_rotations()[:1]
    both = tuple(
        Optics(wedge.weight((SIZE,) * 3, tilts), torch.ones(1), still, LOSS_WEIGHTS)
        for tilts in ((-60.0, 60.0), (-20.0, 30.0))
    )
    pairs = PairMaker(noise(3, SIZE, SIZE, SIZE), np.array([1, 0, 1]), both, CUBE, 0.0, 0.0)
    inputs, _, _ = pairs.batch([0, 1, 2], np.random.default_rng(0), CPU)
    for index, origin in enumerate((1, 0, 1)):
        expected = central_cube(fourier.apply(pairs.filled[index], both[origin].weights), CUBE)
        assert torch.allclose(inputs[index, 0], expected, atol=1e-5)


def test_all_rotations_that_move_the_wedge_are_used() -> None:
    pairs, random = maker(tilts=(-60.0, 60.0)), np.random.default_rng(1)
    made = {pairs.batch([0], random, CPU)[1].numpy().tobytes() for _ in range(300)}
    turned = rotation.wedge_moving_rotations((-60, 60))
    expected = [central_cube(rotation.rotate_cube(pairs.filled[0], matrix), CUBE) for matrix in turned]
    assert made == {cube.contiguous().numpy().tobytes() for cube in expected}


@pytest.mark.parametrize("level", [0.1, 0.7])
def test_noise_has_the_standard_deviation_asked_for_and_only_the_input_has_it(level: float) -> None:
    clean, noisy = (maker(level=value).batch([0, 1, 2], np.random.default_rng(5), CPU) for value in (0.0, level))
    added = noisy[0] - clean[0]
    assert torch.allclose(added.std((1, 2, 3, 4)), torch.full((3,), level), rtol=1e-3)
    assert float(torch.corrcoef(added.flatten(1))[0, 1].abs()) < 0.2
    assert torch.equal(noisy[1], clean[1])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_random_rotations_take_their_share(share: float) -> None:
    pairs, random = maker(random=share), np.random.default_rng(2)
    turns = rotation.cube_rotations()
    grid = torch.stack([central_cube(rotation.rotate_cube(pairs.filled[0], matrix), CUBE) for matrix in turns])
    turned = 0
    for _ in range(60):
        target = pairs.batch([0], random, CPU)[1][0, 0]
        turned += not bool((grid == target).flatten(1).all(1).any())
    assert turned / 60 == pytest.approx(share, abs=0.2 * (0 < share < 1))


def test_the_same_seed_gives_the_same_bits() -> None:
    pairs = maker(random=0.5, level=0.3)
    first, again, other = (pairs.batch([0, 3, 1], np.random.default_rng(seed), CPU) for seed in (7, 7, 8))
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    assert first[2].shape == (3, 1, *LOSS_WEIGHTS.shape)
    assert first[0].shape == first[1].shape == (3, 1, CUBE, CUBE, CUBE)


def test_filling_keeps_what_was_measured_and_gives_the_network_what_was_measured() -> None:
    volumes, weights = noise(2, SIZE, SIZE, SIZE), wedge.weight((SIZE,) * 3, TILTS)
    seen: list[Tensor] = []

    def predict(inputs: Tensor) -> Tensor:
        seen.append(inputs)
        return torch.tanh(inputs) + 0.5

    filled = fill(volumes, weights, predict)
    assert torch.allclose(seen[0][:, 0], fourier.apply(volumes, weights), atol=1e-5)
    data, guess, result = map(fourier.transform, (volumes, torch.tanh(seen[0][:, 0]) + 0.5, filled))
    assert torch.allclose(result * (weights == 1), data * (weights == 1), atol=1e-3)
    assert torch.allclose(result * (weights == 0), guess * (weights == 0), atol=1e-3)
    assert torch.equal(fill(volumes, weights, None), fourier.apply(volumes, weights))


@pytest.mark.parametrize(("size", "cube", "first"), [(14, 10, 2), (13, 10, 1), (8, 8, 0)])
def test_the_middle_is_cropped(size: int, cube: int, first: int) -> None:
    volume = noise(2, size, size, size)
    part = slice(first, first + cube)
    assert torch.equal(central_cube(volume, cube), volume[:, part, part, part])
