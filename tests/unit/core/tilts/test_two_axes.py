"""The wedge of two axes as white noise shows it from which a wedge was taken away."""

import numpy as np
import pytest
import torch

from isonet.core import fourier
from isonet.core.tilts import wedge
from isonet.core.tilts.fullness import Fullness, block_power, fullness
from isonet.core.tilts.measured import Measured, positioned
from isonet.core.tilts.orientation_estimate import estimate_orientation
from isonet.core.tilts.two_axes import USUAL, estimate_two_axes

SHAPE = (48, 64, 64)
LYING = {
    "usual": USUAL,
    "not at right angles": Measured((positioned((-60, 48), 4, -6), positioned((-51, 60), -3, 81))),
    "turned": Measured((positioned((-55, 60), 0, -38), positioned((-60, 50), 0, 52))),
}


def measured_noise(measured: Measured, seed: int = 0) -> torch.Tensor:
    """Noise that has only what was measured."""
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))
    return fourier.apply(noise, wedge.weight(SHAPE, measured))


def seen_of(volume: torch.Tensor) -> Fullness:
    """How full its coefficients are."""
    power = block_power(volume)
    assert power is not None
    return fullness(power)


@pytest.mark.parametrize("name", LYING)
def test_two_axes_are_found(name: str) -> None:
    seen = seen_of(measured_noise(LYING[name]))
    for told in (USUAL, LYING[name]):
        found = estimate_two_axes(seen, told)
        assert found.clear and found.measured.alike(LYING[name], 3)
        assert found.explained >= found.told
    right = estimate_two_axes(seen, LYING[name])
    assert right.told == pytest.approx(right.explained, abs=0.01)
    single = estimate_orientation(seen).explained
    assert right.explained > single + 0.08 and seen.most_explained > single + 0.1


def test_the_axis_nearer_to_y_comes_first() -> None:
    swapped = Measured(USUAL.sweeps[::-1])
    seen = seen_of(measured_noise(USUAL))
    first, second = estimate_two_axes(seen, swapped).turns
    assert abs(first[1]) < 3 and abs(second[1] - 90) < 3


@pytest.mark.parametrize("measured", [Measured.of((-60, 60)), Measured.of((-60, 40))])
def test_a_second_axis_that_is_not_there_explains_no_more(measured: Measured) -> None:
    seen = seen_of(measured_noise(measured))
    single = estimate_orientation(seen).explained
    assert estimate_two_axes(seen, USUAL).explained < single + 0.01
    assert seen.most_explained < single + 0.05  # so that a second axis need not be sought


def test_noise_shows_nothing() -> None:
    seen = seen_of(torch.from_numpy(np.random.default_rng(0).normal(size=SHAPE)).float())
    assert not estimate_two_axes(seen, USUAL).clear
