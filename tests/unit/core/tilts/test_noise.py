"""Noise made in Fourier space looks like noise that was back-projected."""

import numpy as np
import pytest
import torch
from skimage.transform import iradon
from torch import Tensor

from isonet.core import fourier
from isonet.core.tilts import noise, wedge
from isonet.core.tilts.noise import NoiseMode

EDGE, TILTS = 96, (-60.0, 60.0)
SHAPE = (EDGE, 1, EDGE)
MODES: dict[NoiseMode, str | None] = {"unfiltered": None, "ramp": "ramp", "hamming": "hamming"}


def radial_profile(volumes: Tensor) -> Tensor:
    """Power in shells of 0.05 cycles per voxel up to 0.3 within the wedge, relative to their mean.

    Beyond, the interpolation of the back-projection itself takes power away.
    """
    kz, _, kx = fourier.frequencies(SHAPE)
    radius = torch.hypot(kz, kx)
    window = fourier.taper((EDGE, EDGE), EDGE // 4)[:, None]
    power = fourier.transform(volumes * window).abs().square().mean(0)
    inside = wedge.face_distance(SHAPE, TILTS) >= 2
    shells = [inside & (radius >= low) & (radius < low + 0.05) for low in (0.05, 0.1, 0.15, 0.2, 0.25)]
    profile = torch.stack([power[shell].mean() for shell in shells])
    return profile / profile.mean()


@pytest.mark.parametrize("mode", MODES)
def test_spectrum_is_that_of_back_projected_white_noise(mode: NoiseMode) -> None:
    random = np.random.default_rng(0)
    theta = np.arange(-60, 60.1, 1.5)
    slices = [
        iradon(
            random.normal(size=(2 * EDGE, len(theta))),
            theta=theta,
            filter_name=MODES[mode],
            interpolation="cubic",
            circle=False,
            output_size=EDGE,
        )
        for _ in range(12)
    ]
    theirs = torch.from_numpy(np.stack(slices)).float()[:, :, None, :]
    white = torch.randn(40, *SHAPE, generator=torch.Generator().manual_seed(0))
    ours = noise.like_back_projection(white, noise.amplitude(SHAPE, TILTS, mode))
    ratio = radial_profile(ours) / radial_profile(theirs)
    assert torch.allclose(ratio, torch.ones(5), atol=0.15)


@pytest.mark.parametrize("mode", MODES)
def test_noise_is_confined_to_the_measured_region(mode: NoiseMode) -> None:
    white = torch.randn(24, 20, 22, generator=torch.Generator().manual_seed(1))
    made = noise.like_back_projection(white, noise.amplitude((24, 20, 22), (-40, 62), mode))
    weight = wedge.weight((24, 20, 22), (-40, 62))
    power = fourier.transform(made).abs().square()
    assert float((power * (weight == 0)).sum()) < 1e-8 * float(power.sum())


def test_every_volume_has_mean_zero_and_standard_deviation_one() -> None:
    white = 5 + 3 * torch.randn(3, 16, 12, 14, generator=torch.Generator().manual_seed(2))
    spectra = torch.stack([noise.amplitude((16, 12, 14), (-50, 50), "ramp")] * 3)
    made = noise.like_back_projection(white, spectra)
    assert torch.allclose(made.mean((1, 2, 3)), torch.zeros(3), atol=1e-6)
    assert torch.allclose(made.std((1, 2, 3)), torch.ones(3), atol=1e-5)


def test_ramp_rises_as_the_root_of_the_frequency() -> None:
    spectrum = noise.amplitude((16, 1, 16), (-60, 60), "ramp")[0, 0]
    assert torch.allclose(spectrum[1:8] / spectrum[1], torch.arange(1.0, 8).sqrt(), rtol=1e-4)
    hamming = noise.amplitude((16, 1, 16), (-60, 60), "hamming")[0, 0]
    assert float(hamming[8] / spectrum[8]) == pytest.approx(0.08, abs=1e-3)
