"""Noise of a map is told from its signal by frequency and direction."""

import pytest
import torch

from isonet.core import fourier
from isonet.core.simulation.grain import grain_of_map
from isonet.core.simulation.spectra import SHELLS

EDGE = 48
SHAPE = (EDGE, EDGE, EDGE)


def coloured(amplitude: torch.Tensor, count: int, seed: int) -> torch.Tensor:
    """Cubes of Gaussian noise of an amplitude at each frequency."""
    white = torch.randn((count, *SHAPE), generator=torch.Generator().manual_seed(seed))
    return fourier.apply(white, amplitude)


def directions() -> torch.Tensor:
    """Angle of kz and kx, in degrees."""
    kz, _, kx = fourier.frequencies(SHAPE)
    return torch.rad2deg(torch.atan2(kz, kx)).expand(fourier.radial_frequency(SHAPE).shape)


def test_noise_is_told_by_direction_whatever_the_signal() -> None:
    """Noise that falls from one side to the other, and a signal four times as strong at low frequencies."""
    radius, angle = fourier.radial_frequency(SHAPE), directions()
    noise = torch.where(angle.abs() < 60, 1 - angle / 120, 0.0)  # 1.5 to 0.5
    signal = 2 * torch.exp(-((radius / 0.12) ** 2))
    cubes = coloured(noise.sqrt(), 16, 0) + coloured(signal.sqrt(), 16, 1)
    frequency = torch.arange(SHELLS + 1) / (2 * SHELLS)
    variance = float(cubes.var())
    told = (2 * torch.exp(-((frequency / 0.12) ** 2)) / variance, torch.full((SHELLS + 1,), 2 / 3 / variance))
    power = grain_of_map(cubes, *told).amplitude(SHAPE).square()
    for low, high in ((0.15, 0.25), (0.25, 0.4), (0.5, 0.7)):
        shell = (radius > low) & (radius < high)
        for start in range(-54, 54, 12):
            there = shell & (angle > start) & (angle < start + 12)
            assert float(power[there].mean()) == pytest.approx(float(noise[there].mean()), rel=0.15)
        assert float(power[shell & (angle.abs() > 72)].mean()) < 0.05


def test_what_is_no_signal_is_noise() -> None:
    """Signal that is told where there is none, as beyond what interpolation leaves, is taken for noise."""
    cubes = coloured(torch.ones(1, 1, 1), 16, 2)
    share = torch.full((SHELLS + 1,), 0.1)
    share[20] = 0.0
    power = grain_of_map(cubes, share, 1 - share).amplitude(SHAPE).square()
    high = fourier.radial_frequency(SHAPE) > 0.25
    assert float(power[high].mean()) == pytest.approx(1, abs=0.03)
