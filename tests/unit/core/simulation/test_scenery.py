"""Imagined samples: varied, repeatable, and what they say of themselves is so."""

import numpy as np
import pytest
import torch

from isonet.core import fourier
from isonet.core.simulation import assemblies, scenery


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("make", [assemblies.irregular, assemblies.symmetric])
@pytest.mark.parametrize("pixel_size", [8.0, 20.0])
def test_molecules_are_solid_and_of_a_molecules_size(make: object, pixel_size: float) -> None:
    for seed in range(6):
        density = make(random(seed), pixel_size)  # type: ignore[operator]
        solid = density > 0.3
        assert 0.4 < float(density[solid].mean()) < 1.6
        extent = max(int(solid.any(dim=a).any(dim=b if b < a else b - 1).sum()) for a, b in ((0, 1), (1, 2), (2, 0)))
        assert 40 < extent * pixel_size < 560
        for axis in range(3):
            assert float(density.select(axis, 0).abs().max()) < 0.35


def test_a_density_keeps_its_size_at_another_pixel_size() -> None:
    axis = torch.arange(25.0) - 12
    ball = ((axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2).sqrt() < 9).float()  # 180 Å at 10 Å
    for pixel_size in (8.0, 16.0):
        turned = assemblies.from_density(ball, 10.0, random(0), pixel_size)
        volume = float((turned > 0.5).sum()) * pixel_size**3
        assert volume == pytest.approx(4 / 3 * np.pi * 90**3, rel=0.12)


def test_scenes_are_standardised_and_their_spectrum_adds_up() -> None:
    """Parseval: the shells' variances add up to that of the density."""
    for seed in range(5):
        scene = scenery.scene(64, random(seed))
        assert float(scene.density.mean()) == pytest.approx(0, abs=1e-5)
        assert float(scene.density.std()) == pytest.approx(1, abs=1e-3)
        assert float(scene.spectrum.sum()) == pytest.approx(1, abs=1e-3)
        assert scenery.PIXEL_SIZES[0] <= scene.pixel_size <= scenery.PIXEL_SIZES[1]


def test_the_same_seed_gives_the_same_scene_and_another_seed_another() -> None:
    first, again, other = (scenery.scene(64, random(seed)) for seed in (3, 3, 4))
    assert torch.equal(first.density, again.density)
    assert not torch.allclose(first.density, other.density)


def test_templates_are_used() -> None:
    """With them, a scene of the same seed is another one."""
    template = scenery.Template(torch.ones(12, 12, 12), 10.0)
    differ = [
        not torch.equal(scenery.scene(64, random(seed)).density, scenery.scene(64, random(seed), [template]).density)
        for seed in range(6)
    ]
    assert any(differ)


def test_membranes_are_thin_sheets_and_filaments_cross_the_volume() -> None:
    volume = torch.zeros(64, 64, 64)
    scenery.add_filament(volume, 10.0, random(1))
    crossed = [float(volume.amax(dim=tuple(a for a in range(3) if a != axis)).min()) for axis in range(3)]
    assert max(crossed) > 0.2  # present in every section along one axis
    sheet = torch.zeros(64, 64, 64)
    scenery.add_membrane(sheet, 10.0, random(5))
    assert 0.002 < float((sheet > 0.5).float().mean()) < 0.25
    assert float(fourier.transform(sheet).abs()[0, 0, 0]) > 0
