"""Signal and noise of one map are told apart, whatever filter it was back-projected with."""

import pytest
import torch
from torch import Tensor

from isonet.core import fourier
from isonet.core.simulation.separation import separated, spectra_of_map
from isonet.core.simulation.spectra import SHELLS, NoSpectraError
from isonet.core.tilts import noise, wedge
from isonet.core.tilts.measured import Measured
from isonet.core.tilts.noise import NoiseMode

EDGE = 48
SHAPE = (EDGE, EDGE, EDGE)
MEASURED = Measured.of((-60.0, 60.0))
RADIUS = fourier.radial_frequency(SHAPE)


def coloured(power: Tensor, count: int, seed: int) -> Tensor:
    """Cubes of Gaussian noise of a power at each frequency."""
    white = torch.randn((count, *SHAPE), generator=torch.Generator().manual_seed(seed))
    return fourier.apply(white, power.sqrt())


def lumps(seed: int) -> tuple[Tensor, Tensor]:
    """What is in a sample, alike in all directions, and its power."""
    power = 3 * torch.exp(-((RADIUS / 0.12) ** 2))
    seen = wedge.weight(SHAPE, MEASURED).square()
    return coloured((power * seen).expand(RADIUS.shape), 24, seed), power


def noises(mode: NoiseMode) -> Tensor:
    """Power of back-projected noise, 1 in the mean."""
    power = noise.amplitude(SHAPE, MEASURED, mode).square().expand(RADIUS.shape)
    return power / power.mean()


def shell(low: float, high: float) -> Tensor:
    """Whether a shell beyond the Nyquist frequency, or up to it, lies between two frequencies."""
    frequency = torch.arange(SHELLS + 1) / (2 * SHELLS)
    return (frequency > low) & (frequency < high)


@pytest.mark.parametrize("mode", ["ramp", "hamming"])
@pytest.mark.parametrize("strength", [0.2, 1.0, 5.0])
def test_one_map_tells_signal_and_noise_whatever_its_filter(mode: NoiseMode, strength: float) -> None:
    seen, power = lumps(1)
    grain = strength * noises(mode)
    cubes = seen + coloured(grain, 24, 2)
    told, variance = separated(cubes, MEASURED), float(cubes.var())
    inside = wedge.regions(SHAPE, MEASURED, 1.0)[1].expand(RADIUS.shape)
    for low, high in ((0.06, 0.1), (0.1, 0.15), (0.2, 0.3), (0.3, 0.4), (0.42, 0.49)):
        there, among = inside & (low < RADIUS) & (high > RADIUS), shell(low, high)
        true_noise, true_signal = float(grain[there].mean()), float(power[there].mean())
        assert float(told.noise[among].mean()) * variance == pytest.approx(true_noise, rel=0.15)
        assert float(told.signal[among].mean()) * variance == pytest.approx(true_signal, rel=0.15, abs=0.1 * true_noise)


def test_noise_is_told_of_a_map_that_was_cut_off_at_the_nyquist_frequency() -> None:
    """Corners of Fourier space are empty in what was binned by a sphere, and tell nothing of the noise."""
    seen, _ = lumps(3)
    cubes = seen + coloured(noises("ramp"), 24, 4)
    whole, ball = (separated(one, MEASURED) for one in (cubes, fourier.apply(cubes, (RADIUS <= 0.5).float())))
    ratio = whole.level[10:46] / ball.level[10:46]
    assert float(ratio.max() / ratio.min()) < 1.1


@pytest.mark.parametrize("cutoff", [0.1, 0.2, 0.36])
def test_a_filtered_map_is_refused(cutoff: float) -> None:
    seen, _ = lumps(5)
    smooth = fourier.apply(seen + coloured(noises("ramp"), 24, 6), fourier.low_pass(SHAPE, cutoff))
    with pytest.raises(NoSpectraError, match="filtered or denoised"):
        separated(smooth, MEASURED)


@pytest.mark.parametrize("strength", [0.2, 1.0, 5.0])
def test_an_unweighted_back_projection_is_refused(strength: float) -> None:
    """Its noise lies at the tilt axis, where that of a weighted one has none."""
    seen, _ = lumps(7)
    with pytest.raises(NoSpectraError, match="not those of back-projected noise"):
        separated(seen + coloured(strength * noises("unfiltered"), 24, 8), MEASURED)


@pytest.mark.parametrize("mode", ["ramp", "hamming"])
def test_noise_alone_is_told(mode: NoiseMode) -> None:
    with pytest.raises(NoSpectraError, match="no signal"):
        spectra_of_map(coloured(noises(mode), 24, 9), MEASURED)
