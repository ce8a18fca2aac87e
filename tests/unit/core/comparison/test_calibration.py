"""Gains of prediction and data: what one half tells about the other, without the truth."""

import math

import pytest
import torch
from torch import Tensor

from isonet.core import fourier
from isonet.core.comparison.calibration import (
    Gains,
    combination,
    measure_fill,
    measure_gains,
    vouched,
    withheld_tilts,
)
from isonet.core.tilts import wedge

EDGE, COUNT, TILTS = 32, 8, (-60.0, 60.0)
SHAPE = (EDGE, EDGE, EDGE)


def combined(
    data: Tensor,
    prediction: Tensor,
    gains: Gains | None,
    keep_measured: bool = False,
    believed: Tensor | None = None,
) -> Tensor:
    """What the factors make of prediction and data."""
    shape = fourier.spatial_shape(data)
    flat = (shape[0], 1, shape[2])
    weights = wedge.weight(flat, TILTS)
    believed = torch.ones_like(weights) if believed is None else believed
    kz, ky, kx = fourier.frequencies(shape)
    kept = (lambda *_: weights) if keep_measured else None
    factors = combination(lambda *_: weights, lambda *_: believed, gains, kept)
    of_prediction, of_data = (one(kz[: shape[0] // 2 + 1].abs(), ky, kx) for one in factors)
    sum_ = of_prediction * fourier.transform(prediction) + of_data * fourier.transform(data)
    return fourier.inverse(sum_, shape)


def noise(seed: int, *lead: int) -> Tensor:
    return torch.randn(*lead, *SHAPE, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def signal() -> Tensor:
    """The same sub-volumes for both halves, strong at low frequencies."""
    low = fourier.apply(noise(0, COUNT, 1), fourier.low_pass(SHAPE, 0.15))
    return (low / low.std()).expand(COUNT, 2, *SHAPE)


def measured(volumes: Tensor) -> Tensor:
    return wedge.apply(volumes, TILTS)


def share_of_signal(clean: Tensor, sigma: float) -> Tensor:
    """Signal / (signal + noise) in the power of each shell."""
    radius = fourier.radial_frequency(SHAPE)
    shell = torch.floor(radius * EDGE + 0.5).long()
    inside = (shell <= EDGE // 2) & (wedge.weight(SHAPE, TILTS) == 1).expand(radius.shape)
    power = fourier.transform(clean[:, 0]).abs().square().mean(0)
    sums = torch.zeros(EDGE // 2 + 1).index_add_(0, shell[inside], power[inside])
    mean = sums / torch.bincount(shell[inside], minlength=EDGE // 2 + 1)
    return mean / (mean + sigma**2 * EDGE**3)


def test_a_prediction_that_is_the_signal_is_taken_as_it_is(signal: Tensor) -> None:
    halves = measured(signal + 0.5 * noise(1, COUNT, 2))
    network, data = measure_gains(halves, measured(signal), (TILTS, TILTS))
    strong = share_of_signal(signal, 0.5) > 0.3
    assert torch.allclose((network + data)[strong], torch.ones(()), atol=0.1)
    assert float(network[strong].min()) > 0.8
    assert float(data[strong].max()) < 0.2


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_a_prediction_of_the_wrong_strength_is_mended(signal: Tensor, factor: float) -> None:
    halves = measured(signal + 0.3 * noise(2, COUNT, 2))
    network, data = measure_gains(halves, factor * measured(signal), (TILTS, TILTS))
    strong = share_of_signal(signal, 0.3) > 0.5
    assert torch.allclose((network * factor + data)[strong], torch.ones(()), atol=0.1)
    assert float((network * factor)[strong].min()) > 0.8


def test_where_the_network_gives_nothing_the_data_are_kept_by_their_share_of_signal(signal: Tensor) -> None:
    """A prediction that has nothing to do with the data leaves the Wiener filter of the half."""
    halves = measured(signal + 0.7 * noise(3, COUNT, 2))
    network, data = measure_gains(halves, measured(noise(4, COUNT, 2)), (TILTS, TILTS))
    expected = share_of_signal(signal, 0.7)
    assert torch.allclose(data[2:-2], expected[2:-2], atol=0.12)
    assert float(network[4:-2].max()) < 0.1


def test_noise_alone_is_not_believed() -> None:
    """Neither the data nor a prediction that repeats them says anything about the other half."""
    halves = measured(noise(5, COUNT, 2))
    network, data = measure_gains(halves, 0.9 * halves, (TILTS, TILTS))
    assert float((network + data)[3:].max()) < 0.1


def test_calibration_brings_a_result_closer_to_the_truth(signal: Tensor) -> None:
    """The network of this test dims half of the frequencies and passes noise on in the others."""
    low = fourier.low_pass(SHAPE, 0.08)
    data = measured(signal + 0.5 * noise(6, COUNT, 2))
    guess = fourier.apply(0.6 * measured(signal), low) + fourier.apply(data, 1 - low)
    network, kept = measure_gains(data, guess, (TILTS, TILTS))
    gains = Gains(torch.arange(EDGE // 2 + 1) / EDGE, network, kept, torch.ones(EDGE // 2 + 1))
    result = combined(data, guess, gains)
    errors = [float((volumes - measured(signal)).square().mean()) for volumes in (data, guess, result)]
    assert errors[2] < 0.6 * min(errors[:2])


WIDE = (48, 48, 48)


def wide(seed: int, *lead: int) -> Tensor:
    return torch.randn(*lead, *WIDE, generator=torch.Generator().manual_seed(seed))


def low_passed(volumes: Tensor, cutoff: float) -> Tensor:
    low = fourier.apply(volumes, fourier.low_pass(WIDE, cutoff))
    return low / low.std()


def half_maps(truth: Tensor, sigma: float) -> Tensor:
    return wedge.apply(truth + sigma * wide(2, 6, 2), TILTS)


@pytest.mark.parametrize("factor", [0.5, 0.8])
@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_a_shy_prediction_is_scaled_up_by_what_tilts_have_measured(factor: float, sigma: float) -> None:
    truth = low_passed(wide(1, 6, 1), 0.2).expand(6, 2, *WIDE)
    fill = measure_fill(half_maps(truth, sigma), factor * truth, TILTS, 25)
    assert torch.allclose(fill[:16] * factor, torch.ones(()), atol=0.15)


def test_an_invented_prediction_is_taken_away() -> None:
    truth = low_passed(wide(1, 6, 1), 0.2).expand(6, 2, *WIDE)
    fill = measure_fill(half_maps(truth, 0.3), low_passed(wide(3, 6, 2), 0.2), TILTS, 25)
    assert float(fill[:16].abs().max()) < 0.2


def test_noise_that_a_prediction_repeats_is_not_believed() -> None:
    noisy = half_maps(torch.zeros(6, 2, *WIDE), 1.0)
    fill = measure_fill(noisy, 0.7 * noisy, TILTS, 25)
    assert float(fill[8:].max()) < 0.1


def test_a_prediction_is_left_alone_where_nothing_can_be_said_about_it() -> None:
    """Beyond the reach of the signal."""
    truth = low_passed(wide(1, 6, 1), 0.1).expand(6, 2, *WIDE)
    fill = measure_fill(half_maps(truth, 30), 0.01 * truth, TILTS, 25)
    assert torch.allclose(fill[18:], torch.ones(()), atol=0.05)


@pytest.mark.parametrize("factor", [0.5, 0.8, 2.0])
def test_one_map_tells_it_by_its_own_tilts(factor: float) -> None:
    truth = low_passed(wide(1, 6, 1), 0.2)
    one_map = wedge.apply(truth + wide(2, 6, 1), TILTS)
    fill = measure_fill(one_map, factor * truth, TILTS, 25)
    assert torch.allclose(fill[:16] * factor, torch.ones(()), atol=0.2)


@pytest.mark.parametrize("invented", [0.1, 1.0])
def test_noise_of_one_map_is_not_believed_where_its_tilts_are_withheld(invented: float) -> None:
    """Nor that of the tilts beside them, which the network was given and repeats."""
    noisy = wedge.apply(torch.randn(3, 1, 96, 96, 96, generator=torch.Generator().manual_seed(4)), TILTS)
    guess = wedge.apply(noisy, withheld_tilts(TILTS))
    guess += invented * torch.randn(guess.shape, generator=torch.Generator().manual_seed(5))
    assert float(measure_fill(noisy, guess, TILTS, 25).max()) < 0.5


@pytest.mark.parametrize("tilts", [(-60.0, 60.0), (-40.0, 62.0), tuple(range(-48, 61, 3))])
def test_tilts_are_withheld_at_both_ends(tilts: tuple[float, ...]) -> None:
    kept = withheld_tilts(tilts)
    width = max(tilts) - min(tilts)
    assert 0.64 * width < max(kept) - min(kept) < 0.71 * width
    assert abs((min(kept) - min(tilts)) - (max(tilts) - max(kept))) <= 3
    assert len(kept) == 2 or set(kept) < set(tilts)


def test_gains_act_on_their_region_at_their_frequency() -> None:
    frequency = torch.arange(17) / 32
    one, two = noise(7, 1), noise(8, 1)
    weights = wedge.weight(SHAPE, TILTS)
    flat = torch.ones(17)
    kept = combined(one, two, Gains(frequency, 0 * flat, flat, flat))
    assert torch.allclose(kept, wedge.fill(one, two, weights.square()), atol=1e-4)
    ramp = Gains(frequency, 2 * frequency, 0 * flat, 2 * frequency)
    radius = fourier.radial_frequency(SHAPE).clamp(max=0.5)
    assert torch.allclose(combined(one, two, ramp), fourier.apply(two, 2 * radius), atol=1e-4)


@pytest.mark.parametrize("gains", [None, Gains(torch.arange(17) / 32, *torch.rand(3, 17))])
def test_measured_content_is_kept_whatever_else_is_done(gains: Gains | None) -> None:
    one, two = noise(7, 1), noise(8, 1)
    weights = wedge.weight(SHAPE, TILTS)
    expected = wedge.fill(one, combined(one, two, gains), weights)
    assert torch.allclose(combined(one, two, gains, keep_measured=True), expected, atol=1e-4)


@pytest.mark.parametrize("tilts", [(-60.0, 60.0), (-40.0, 62.0), tuple(float(a) for a in range(-48, 61, 3))])
def test_what_is_seen_in_withheld_tilts_holds_as_far_from_the_faces_as_they_reach(tilts: tuple[float, ...]) -> None:
    reach = 0.15 * (max(tilts) - min(tilts))
    belief = vouched((200, 1, 200), tilts)(*fourier.frequencies((200, 1, 200)))[:, 0]
    kz, _, kx = (one.flatten() for one in fourier.frequencies((200, 1, 200)))
    for part, expected in ((-1.0, 1.0), (0.5, 1.0), (0.98, 1.0), (1.25, 0.75), (1.5, 0.5)):
        for angle in (max(tilts) + part * reach, min(tilts) - part * reach):
            radians = math.radians(angle if angle <= 90 else angle - 180)
            row = round(60 * math.sin(radians)) % 200
            column = round(60 * math.cos(radians))
            assert float(belief[row, column]) == pytest.approx(expected, abs=0.1), (angle, kz[row], kx[column])


def test_in_the_depth_of_the_wedge_the_prediction_stays_as_it_is() -> None:
    one, two = noise(7, 1), noise(8, 1)
    flat = torch.ones(17)
    believed = torch.zeros(EDGE, 1, EDGE // 2 + 1)
    gains = Gains(torch.arange(17) / 32, flat, 0 * flat, 3 * flat)
    assert torch.allclose(combined(one, two, gains, believed=believed), two, atol=1e-4)
    half = combined(one, two, gains, believed=believed + 0.5)
    expected = two + wedge.fill(torch.zeros_like(two), two, wedge.weight(SHAPE, TILTS).square())
    assert torch.allclose(half, expected, atol=1e-4)


def test_what_is_too_strong_near_the_faces_is_weakened_in_the_depth_of_the_wedge_too() -> None:
    """Else a gap would be left beside the faces of a wedge that is full behind it."""
    one, two = noise(7, 1), noise(8, 1)
    flat = torch.ones(17)
    gains = Gains(torch.arange(17) / 32, flat, 0 * flat, 0.25 * flat)
    near, far = (
        combined(one, two, gains, believed=torch.full((EDGE, 1, EDGE // 2 + 1), belief)) for belief in (1.0, 0.0)
    )
    assert torch.equal(near, far)
    seen = wedge.weight(SHAPE, TILTS).square()
    expected = 0.25 * two + 0.75 * fourier.apply(two, seen)
    assert torch.allclose(far, expected, atol=1e-4)
