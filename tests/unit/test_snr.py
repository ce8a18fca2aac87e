"""The share of signal is found from the tomogram alone."""

import pytest
import torch
from torch import Tensor

from isonet.core import fourier, noise, snr, wedge

EDGE, TILTS = 32, (-60.0, 60.0)
SHAPE = (EDGE, EDGE, EDGE)


def measured(seed: int, transfer: Tensor) -> Tensor:
    """White noise in 24 cubes, given a spectrum."""
    white = torch.randn((24, *SHAPE), generator=torch.Generator().manual_seed(seed))
    return fourier.apply(white, transfer)


@pytest.mark.parametrize("detector", [0.0, 3.0])
def test_signal_and_noise_are_told_apart(detector: float) -> None:
    """Signal that falls with frequency, noise as back-projection makes it, less what the detector loses."""
    radius = fourier.radial_frequency(SHAPE)
    amplitude = noise.amplitude(SHAPE, TILTS, "ramp") * torch.exp(-detector * radius)
    amplitude = amplitude / amplitude.square().mean().sqrt()
    signal_amplitude = 50 * torch.exp(-radius / 0.03) * wedge.weight(SHAPE, TILTS)
    found = snr.signal_weight(measured(0, signal_amplitude) + measured(1, amplitude), TILTS, "ramp")
    share = signal_amplitude**2 / (signal_amplitude**2 + amplitude**2)
    assert float(found[0, 0, 2:][share[0, 0, 2:] > 0.9].min()) > 0.75
    assert float(found[0, 0, 2:][share[0, 0, 2:] < 0.05].max()) < 0.25
    assert bool((share[0, 0] > 0.9).any())
    assert bool((share[0, 0] < 0.05).any())


@pytest.mark.parametrize("cutoff", [0.05, 0.1, 0.15, 0.25, 10.0])
def test_a_tomogram_without_such_noise_is_weighted_alike_or_in_favour_of_low_frequencies(cutoff: float) -> None:
    """Filtered and noise-free tomograms: no frequency counts more than a lower one."""
    found = snr.signal_weight(measured(0, fourier.low_pass(SHAPE, cutoff)), TILTS, "ramp")[0, 0]
    assert float(found[0]) == 1
    assert bool((found.diff() <= 1e-6).all())
    assert float(found[int(0.05 * EDGE)]) > 0.5


def test_noise_alone_has_no_frequency_that_stands_out() -> None:
    found = snr.signal_weight(measured(1, noise.amplitude(SHAPE, TILTS, "ramp")), TILTS, "ramp")
    assert found.shape == (EDGE, EDGE, EDGE // 2 + 1)
    assert float(found.min()) > 0
    assert float(found.max()) == 1


def test_the_grey_scale_does_not_matter() -> None:
    cubes = measured(2, fourier.low_pass(SHAPE, 0.1)) + 0.1 * measured(3, noise.amplitude(SHAPE, TILTS, "ramp"))
    first, second = (snr.signal_weight(factor * cubes + shift, TILTS, "ramp") for factor, shift in ((1, 0), (-50, 7)))
    assert torch.allclose(first, second, atol=1e-3)
