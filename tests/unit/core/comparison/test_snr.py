"""The share of signal is found from the tomogram alone."""

import pytest
import torch
from torch import Tensor

from isonet.core import fourier
from isonet.core.comparison import snr
from isonet.core.simulation import projection
from isonet.core.tilts import noise, shared, wedge
from isonet.core.tilts.measured import Measured

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


def halves(amplitude: float, seed: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    """Two halves of a signal that falls with frequency, and the share of signal in the power of one."""
    spectrum = 4 * torch.exp(-fourier.radial_frequency(SHAPE) / 0.1)
    signal = measured(seed, spectrum)
    first, second = (signal + amplitude * measured(seed + more, torch.ones(1, 1, 1)) for more in (1, 2))
    return first, second, spectrum**2 / (spectrum**2 + amplitude**2)


def test_frequencies_weigh_by_the_strength_and_the_share_of_signal() -> None:
    first, second, share = halves(1.0)
    found = snr.balanced_weight(first, second, TILTS)[0, 0, 2:]
    power = (4 * torch.exp(-fourier.radial_frequency(SHAPE) / 0.1)) ** 2 + 1
    expected = ((share.clamp(min=0.02) ** 0.5 / power) ** 0.5)[0, 0, 2:]
    ratio = found / expected
    assert float(share[0, 0, 2:].min()) < 0.1
    assert float(ratio.std() / ratio.mean()) < 0.12
    assert float(found.argmax()) not in (0, len(found) - 1)


def test_equal_halves_weigh_by_strength_alone_and_independent_ones_still_count() -> None:
    first, second, _ = halves(0.0)
    found = snr.balanced_weight(first, second, TILTS)[0, 0, 2:]
    amplitude = torch.exp(-fourier.radial_frequency(SHAPE) / 0.1)[0, 0, 2:]
    product = (found * amplitude)[:8]  # farther out the taper's own leakage is stronger than the signal
    assert float(product.std() / product.mean()) < 0.1
    apart = snr.balanced_weight(measured(1, torch.ones(1, 1, 1)), measured(2, torch.ones(1, 1, 1)), TILTS)
    assert float(apart.mean()) == pytest.approx(1, abs=1e-4)
    assert float(apart.min()) > 0


def test_the_grey_scale_of_halves_does_not_matter() -> None:
    first, second, _ = halves(1.0)
    one, other = (snr.balanced_weight(*pair, TILTS) for pair in ((-50 * first + 7, -50 * second + 3), (first, second)))
    assert torch.allclose(one, other, rtol=1e-2)


@pytest.mark.parametrize("tilts", [(-40.0, 62.0), (-10.0, 10.0), TILTS])
def test_shells_that_no_tilt_has_measured_weigh_as_the_one_before(tilts: tuple[float, float]) -> None:
    """Such as the corners of a cube, where no coefficient is outside the wedge."""
    first, second, _ = halves(1.0)
    found = snr.balanced_weight(first, second, tilts)
    assert bool(found.isfinite().all())
    assert float(found.max()) < 5 and float(found.min()) > 0


def test_halves_from_tilts_are_all_signal_where_they_have_measured_the_same() -> None:
    """Without noise, of a slab so thick that planes part: what is not shared is not taken for noise."""
    tilts, depth, width = torch.arange(-60.0, 61.0, 3.0), 80, 96
    slab = torch.randn(depth, EDGE, width, generator=torch.Generator().manual_seed(8))
    images = projection.project(
        fourier.apply(slab, torch.exp(-fourier.radial_frequency((depth, EDGE, width)) / 0.2)), tilts
    )
    half = [
        projection.back_project(projection.ramp_filter(images[part]), tilts[part], depth, width)
        for part in (slice(0, None, 2), slice(1, None, 2))
    ]
    corners = [(z, x) for z in (12, 24, 36) for x in (8, 32, 56)]
    first, second = (torch.stack([volume[z : z + EDGE, :, x : x + EDGE] for z, x in corners]) for volume in half)
    alike = shared.weight(SHAPE, Measured.of(tilts[0::2].tolist()), depth)
    found = snr.balanced_weight(first, second, TILTS, alike)[0, 0]
    clean = snr.balanced_weight(first, first, TILTS)[0, 0]
    blind = snr.balanced_weight(first, second, TILTS)[0, 0]
    shells = slice(2, 12)
    assert torch.allclose(*((one / one[2])[shells] for one in (found, clean)), rtol=0.12)
    assert float((blind / blind[2] / (clean / clean[2]))[shells].min()) < 0.75


@pytest.mark.parametrize("split", ["tilts", "frames"])
def test_the_share_of_signal_in_thick_halves_is_the_true_one(split: str) -> None:
    """Weights are `s^(1/4) / P^(1/2)`: with the power of a half known, they tell the share."""
    tilts, depth, width = torch.arange(-60.0, 61.0, 3.0), 80, 96
    generator = torch.Generator().manual_seed(9)
    slab = torch.randn(depth, EDGE, width, generator=generator)
    images = projection.project(
        fourier.apply(slab, torch.exp(-fourier.radial_frequency((depth, EDGE, width)) / 0.08)), tilts
    )
    whole = slice(None)
    parts = (whole, whole) if split == "frames" else (slice(0, None, 2), slice(1, None, 2))

    def cubes(shown: Tensor, part: slice) -> Tensor:
        filtered = projection.ramp_filter(shown[part])
        volume = projection.back_project(filtered, tilts[part], depth, width)
        return torch.stack([volume[z : z + EDGE, :, x : x + EDGE] for z in (8, 24, 40) for x in (8, 24, 40, 56)])

    noise_level = 0.7 * float(images.std())
    noisy = [cubes(images + noise_level * torch.randn(images.shape, generator=generator), part) for part in parts]
    clean = cubes(images, parts[0])
    measured_by = [Measured.of(tilts[part].tolist()) for part in parts]
    alike = shared.weight(SHAPE, measured_by[0], depth) if split == "tilts" else None
    found = snr.balanced_weight(noisy[0], noisy[1], TILTS, alike)[0, 0]

    seen = (wedge.weight(SHAPE, TILTS) == 1).expand(EDGE, EDGE, EDGE // 2 + 1)
    near = seen if alike is None else seen & (alike == 1)
    shell = torch.floor(fourier.radial_frequency(SHAPE) * EDGE + 0.5).long()
    window = fourier.taper(SHAPE, EDGE // 4)

    def power(volumes: Tensor, region: Tensor) -> Tensor:
        spectra = fourier.transform((volumes - volumes.mean(dim=(1, 2, 3), keepdim=True)) * window).abs().square()
        return torch.stack([spectra.mean(0)[region & (shell == k)].mean() for k in range(EDGE // 2)])

    true = power(clean, near) / (0.5 * sum(power(one, near) for one in noisy))
    weighed = found[: EDGE // 2].square() * 0.5 * sum(power(one, seen) for one in noisy)
    told = float(true[2]) * (weighed / weighed[2]).square()
    assert float(true[3]) > 0.8 and float(true[10]) < 0.3
    assert float((told - true)[2:12].abs().mean()) < 0.05
    assert float((told - true)[2:12].abs().max()) < 0.1
