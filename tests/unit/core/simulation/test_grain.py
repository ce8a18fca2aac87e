"""Noise of a map is told from its signal by frequency, direction and distance to the tilt axis."""

import pytest
import torch
from torch import Tensor

from isonet.core import fourier
from isonet.core.simulation.grain import grain_of_map
from isonet.core.tilts import noise, wedge
from isonet.core.tilts.measured import Measured

EDGE = 48
SHAPE = (EDGE, EDGE, EDGE)
MEASURED = Measured.of((-60.0, 60.0))
RADIUS = fourier.radial_frequency(SHAPE)
SEEN = wedge.weight(SHAPE, MEASURED).square().expand(RADIUS.shape)


def coloured(power: Tensor, seed: int, count: int = 32) -> Tensor:
    """Cubes of Gaussian noise of a power at each frequency."""
    white = torch.randn((count, *SHAPE), generator=torch.Generator().manual_seed(seed))
    return fourier.apply(white, power.sqrt())


def angle() -> Tensor:
    """Angle of kz and kx, in degrees."""
    kz, _, kx = fourier.frequencies(SHAPE)
    return torch.rad2deg(torch.atan2(kz, kx)).expand(RADIUS.shape)


def distance() -> Tensor:
    """Distance to the tilt axis."""
    kz, _, kx = fourier.frequencies(SHAPE)
    return torch.hypot(kz, kx).expand(RADIUS.shape)


def uneven() -> Tensor:
    """Power of back-projected noise that falls from one side to the other, from 1.5 to 0.5."""
    power = noise.amplitude(SHAPE, MEASURED, "ramp").square().expand(RADIUS.shape)
    return (1 - angle() / 120).clamp_min(0) * power / power.mean()


@pytest.fixture(scope="module")
def cubes() -> Tensor:
    """Such noise, and a signal four times as strong at low frequencies."""
    return coloured(uneven(), 0) + coloured(4 * torch.exp(-((RADIUS / 0.1) ** 2)) * SEEN, 1)


def test_noise_is_told_by_direction_whatever_the_signal(cubes: Tensor) -> None:
    power, true = grain_of_map(cubes, MEASURED).amplitude(SHAPE).square(), uneven()
    for low, high in ((0.15, 0.2), (0.2, 0.35), (0.35, 0.5), (0.5, 0.7)):
        shell = (low < RADIUS) & (high > RADIUS)
        for start in range(-54, 54, 12):
            there = shell & (angle() > start) & (angle() < start + 12)
            assert float(power[there].mean()) == pytest.approx(float(true[there].mean()), rel=0.15)
        assert float(power[shell & (angle().abs() > 72)].mean()) < 0.05


def test_noise_is_told_by_the_distance_to_the_axis(cubes: Tensor) -> None:
    """Within a shell there is next to none at the tilt axis and most away from it."""
    power, true = grain_of_map(cubes, MEASURED).amplitude(SHAPE).square(), uneven()
    shell = (RADIUS > 0.3) & (RADIUS < 0.45)
    for near, far in ((0.03, 0.08), (0.08, 0.15), (0.15, 0.3), (0.3, 0.45)):
        there = shell & (distance() > near) & (distance() < far)
        assert float(power[there].mean()) == pytest.approx(float(true[there].mean()), rel=0.1)


def test_no_more_noise_is_told_than_there_is_power(cubes: Tensor) -> None:
    """Low frequencies that were taken off a map hold no noise."""
    left = fourier.apply(cubes, 1 - torch.exp(-((RADIUS / 0.1) ** 4)))
    power, true = grain_of_map(left, MEASURED).amplitude(SHAPE).square(), uneven()
    low = (RADIUS > 0) & (RADIUS < 0.05)
    assert float(power[low].sum()) < 0.7 * float(true[low].sum())
    beyond = (RADIUS > 0.2) & (RADIUS < 0.5)
    assert float(power[beyond].mean()) == pytest.approx(float(true[beyond].mean()), rel=0.05)


def test_noise_beside_the_wedge_is_no_more_than_elsewhere() -> None:
    """Where signal rules, directions are those of higher shells, in which the faces leave next to nothing of some."""
    measured = Measured.of((-40.0, 66.0))
    seen = wedge.weight(SHAPE, measured).square().expand(RADIUS.shape)
    true = noise.amplitude(SHAPE, measured, "ramp").square().expand(RADIUS.shape)
    strong = 60 * torch.exp(-((RADIUS / 0.1) ** 2)) * seen
    power = grain_of_map(coloured(true, 2) + coloured(strong, 3), measured).amplitude(SHAPE).square()
    for low, high in ((0.05, 0.1), (0.1, 0.2), (0.2, 0.4)):
        for start in (-48, -42, -36, 60, 66, 72):
            there = (low < RADIUS) & (high > RADIUS) & (angle() >= start) & (angle() < start + 6)
            assert float(power[there].sum()) < 2 * float(true[there].sum()) + 0.02 * float(power[high > RADIUS].sum())
