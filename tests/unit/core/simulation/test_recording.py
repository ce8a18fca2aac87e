"""What spectra tell of a recording, against signal and noise that are known, and back-projected noise."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from isonet.core import fourier
from isonet.core.filters import ctf
from isonet.core.simulation import assemblies, projection, spectra
from isonet.core.simulation.recording import Recording, Shower
from isonet.core.simulation.separation import spectra_of_map
from isonet.core.simulation.spectra import SHELLS, NoSpectraError, spectra_of_halves
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured

EDGE = 64
SHAPE = (EDGE, EDGE, EDGE)
TILTS = tuple(np.arange(-60.0, 61.0, 4.0).tolist())
MEASURED = Measured.of(TILTS)
WEIGHTS = torch.arange(SHELLS + 1).square() * (torch.arange(SHELLS + 1) > 3) * (torch.arange(SHELLS + 1) < 20)
"""Coefficients of each shell of the band that has signal."""


def lumps(seed: int) -> Tensor:
    """A sample that is the same everywhere: lumps six voxels wide, bright."""
    return assemblies.field(SHAPE, 6.0, np.random.default_rng(seed))


def back_projected_noise(seed: int) -> Tensor:
    """Noise of standard deviation 1, white in each projection."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn((len(TILTS), EDGE, math.ceil(1.5 * EDGE)), generator=generator)
    noise = projection.back_project(projection.ramp_filter(images), torch.tensor(TILTS), EDGE, EDGE)
    return noise / noise.std()


@pytest.fixture(scope="module")
def noises() -> Tensor:
    return torch.stack([back_projected_noise(seed) for seed in (1, 2)])


@pytest.fixture(scope="module")
def clean() -> Tensor:
    return 0.7 * fourier.apply(lumps(4), wedge.weight(SHAPE, MEASURED))


def of(volume: Tensor) -> Tensor:
    """Power by shell over what was measured."""
    _, region = wedge.regions(SHAPE, MEASURED, 1.0)
    shell, times = spectra.shell_of(SHAPE).flatten(), (fourier.multiplicity(SHAPE) * region).flatten()
    power = (fourier.transform(volume).abs().square() / volume.numel()).flatten()
    empty = torch.zeros(SHELLS + 1)
    return empty.index_add(0, shell, power * times) / empty.index_add(0, shell, times).clamp_min(1)


def in_band(spectrum: Tensor) -> float:
    return float((WEIGHTS * spectrum).sum())


def test_halves_tell_signal_and_noise(clean: Tensor, noises: Tensor) -> None:
    halves = clean + noises
    signal, noise = spectra_of_halves(halves[None], MEASURED)
    variance = float(halves.mean(0).var())
    assert in_band(signal) * variance == pytest.approx(in_band(of(clean)), rel=0.15)
    assert in_band(noise) * variance == pytest.approx(in_band(of(noises[0])) / 2, rel=0.15)


def test_one_map_tells_signal_and_noise(clean: Tensor, noises: Tensor) -> None:
    """The noise is that of a real back-projection, of which nothing is known but its filter."""
    noisy = clean + noises[0]
    signal, noise = spectra_of_map(noisy[None], MEASURED)
    assert in_band(signal) * float(noisy.var()) == pytest.approx(in_band(of(clean)), rel=0.15)
    assert in_band(noise) * float(noisy.var()) == pytest.approx(in_band(of(noises[0])), rel=0.15)


@pytest.mark.parametrize("cutoff", [0.1, 0.15, 0.2, 0.25, 0.3, 0.36])
def test_what_was_filtered_is_not_taken_for_free_of_noise(clean: Tensor, noises: Tensor, cutoff: float) -> None:
    smooth = fourier.apply(clean + noises[0], fourier.low_pass(SHAPE, cutoff))
    with pytest.raises(NoSpectraError, match="filtered or denoised"):
        spectra_of_map(smooth[None], MEASURED)


def test_noise_alone_is_told(noises: Tensor) -> None:
    with pytest.raises(NoSpectraError, match="no signal"):
        spectra_of_halves(noises[None], MEASURED)


def test_what_is_shown_has_the_spectra_of_the_tomogram(clean: Tensor, noises: Tensor) -> None:
    """Another sample, shown twice, gives signal and noise of the mean of the halves again."""
    told = Recording(MEASURED, 10.0, *spectra_of_halves((clean + noises)[None], MEASURED))
    shower = Shower(told, SHAPE)
    shown = torch.stack([shower.show(lumps(9), np.random.default_rng(seed))[0] for seed in (1, 2)])
    signal, noise = spectra_of_halves(shown[None], MEASURED)
    variance = float(shown.mean(0).var())
    assert in_band(signal) * variance == pytest.approx(in_band(told.signal), rel=0.15)
    assert in_band(noise) * variance == pytest.approx(in_band(told.noise) / 2, rel=0.15)  # of the mean of two


def test_the_truth_is_without_contrast_transfer() -> None:
    """Phases of what is shown turn with the sign of the transfer; those of the truth do not, nor if flipped."""
    optics, silence = ctf.Optics(60_000.0), torch.zeros(SHELLS + 1)
    told = Recording(MEASURED, 10.0, torch.ones(SHELLS + 1), silence, optics)
    negative = (ctf.ctf(fourier.radial_frequency(SHAPE) / 10.0, optics) < -0.5) & (
        wedge.weight(SHAPE, MEASURED, gap=0) == 1
    )
    assert bool(negative.any())
    for flipped, sign in ((False, -1.0), (True, 1.0)):
        shower = Shower(replace(told, flipped=flipped), SHAPE)
        shown, truth = shower.show(lumps(4), np.random.default_rng(0))
        product = (fourier.transform(shown) * fourier.transform(truth).conj()).real[negative]
        assert float(product.sum()) * sign > 0.5 * float(product.abs().sum())
