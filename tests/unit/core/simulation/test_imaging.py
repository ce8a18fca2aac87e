"""What a scene looks like in a tomogram, against a real projection and back-projection, and against its own numbers."""

import math

import numpy as np
import pytest
import torch

from isonet.core import fourier, rotation
from isonet.core.filters import ctf
from isonet.core.sampling import central_cube
from isonet.core.simulation import imaging, projection, scenery
from isonet.core.simulation.imaging import Imaging
from isonet.core.tilts import wedge

SAME = rotation.cube_rotations()[0]


@pytest.fixture(scope="module")
def scene() -> scenery.Scene:
    return scenery.scene(72, np.random.default_rng(3))


def show(scene: scenery.Scene, how: Imaging, seed: int = 0, cube: int = 48) -> tuple[torch.Tensor, torch.Tensor, float]:
    return imaging.show(scene, (0, 0, 0), cube, SAME, how, np.random.default_rng(seed))


def test_without_noise_it_is_what_projection_and_back_projection_give(scene: scenery.Scene) -> None:
    """Away from the faces, where a projection also sees what lies beyond."""
    tilts = torch.arange(-60.0, 61.0, 2.0)
    shown, _, _ = show(scene, Imaging((-60, 60), "ramp", snr=1e6))
    images = projection.project(scene.density, tilts, width=104)
    volume = projection.back_project(projection.ramp_filter(images), tilts, 72, 72)
    direct = central_cube(volume, 48)
    smooth = fourier.low_pass((48, 48, 48), 0.2)
    a, b = (fourier.apply(one - one.mean(), smooth)[8:40, 8:40, 8:40].flatten() for one in (shown, direct))
    assert float(torch.corrcoef(torch.stack([a, b]))[0, 1]) > 0.93


def test_noise_has_the_strength_that_was_asked_for(scene: scenery.Scene) -> None:
    """Variance of what is shown: that of the signal measured, and of noise in proportion; one on the whole."""
    clean, _, _ = show(scene, Imaging((-60, 60), "ramp", snr=1e6))
    noisy, truth, strength = show(scene, Imaging((-60, 60), "ramp", snr=0.25))
    scale = float((noisy * clean).mean() / clean.square().mean())
    noise = noisy - scale * clean
    assert float(noise.var()) == pytest.approx(0.8, rel=0.15)  # 1 / (1 + 0.25)
    assert strength == pytest.approx(math.sqrt(0.2 / (2 / 3)), rel=0.05)
    assert float(truth.std()) == pytest.approx(strength * float(central_cube(scene.density, 48).std()), rel=0.1)


def test_nothing_is_shown_in_the_wedge_and_the_truth_is_whole(scene: scenery.Scene) -> None:
    shown, truth, _ = imaging.show(
        scene, (0, 0, 0), 48, SAME, Imaging((-50, 50), "ramp", 0.5), np.random.default_rng(0)
    )
    missing, measured = wedge.regions((48, 48, 48), (-50, 50))
    window = fourier.taper((48, 48, 48), 24)

    def ratio(volume: torch.Tensor) -> float:
        power = fourier.transform(volume * window).abs().square()
        return float(power[missing].mean() / power[measured].mean())

    assert ratio(shown) < 0.05
    assert ratio(truth) > 0.2


def test_contrast_transfer_is_undone_as_far_as_said(scene: scenery.Scene) -> None:
    """Phases flipped: every coefficient of the truth keeps the density's sign; else some are inverted."""
    optics = ctf.Optics(40_000)
    frequency = torch.linspace(0, 0.5, 200)
    signs = {}
    for correction in imaging.CORRECTIONS:
        signal, _ = Imaging((-60, 60), "ramp", 1.0, optics, correction).transfer(frequency, 10.0)
        signs[correction] = float(signal[:150].min())
    assert signs["none"] < -0.3
    assert signs["flipped"] >= 0
    assert signs["wiener"] >= -1e-6


def test_every_drawn_way_to_record_is_a_valid_one(scene: scenery.Scene) -> None:
    for seed in range(25):
        random = np.random.default_rng(seed)
        how = imaging.draw_imaging(random, (0.01, 1.0))
        shown, truth, strength = imaging.show(scene, (0, 0, 0), 48, SAME, how, random)
        assert bool(torch.isfinite(shown).all() and torch.isfinite(truth).all())
        assert 0.3 < float(shown.std()) < 3
        assert 0 < strength < 2
        assert min(how.tilts) < -35
        assert max(how.tilts) > 35
