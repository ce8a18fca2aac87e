"""What halves from every other tilt have measured alike, against halves that were really projected."""

import pytest
import torch

from isonet.core import fourier
from isonet.core.simulation import projection
from isonet.core.tilts import shared, wedge
from isonet.core.tilts.measured import AT_HOME, Measured, Sweep, positioned

DEPTH, WIDTH = 64, 96
TILTS = torch.arange(-60.0, 61.0, 3.0)
EVEN = tuple(TILTS[0::2].tolist())


@pytest.fixture(scope="module")
def halves() -> tuple[torch.Tensor, torch.Tensor]:
    """Both halves of a slab of random density without any noise, and what they have in common at each frequency."""
    generator = torch.Generator().manual_seed(3)
    slab = torch.randn(DEPTH, 24, WIDTH, generator=generator)
    images = projection.project(slab, TILTS)
    made = []
    for part in (slice(0, None, 2), slice(1, None, 2)):
        filtered = projection.ramp_filter(images[part])
        volume = projection.back_project(filtered, TILTS[part], DEPTH, WIDTH)
        made.append(fourier.transform(volume * fourier.taper(tuple(volume.shape), 12)))
    cross = (made[0] * made[1].conj()).real
    return cross, (made[0].abs().square() + made[1].abs().square()) / 2


def test_halves_agree_without_noise_only_where_it_says_that_they_have_measured_the_same(
    halves: tuple[torch.Tensor, torch.Tensor],
) -> None:
    cross, power = halves
    shape = (DEPTH, 24, WIDTH)
    alike = shared.weight(shape, Measured.of(EVEN), DEPTH).expand_as(cross)
    seen = wedge.face_distance(shape, (-54.0, 54.0)).expand_as(cross) > 2
    band = (fourier.radial_frequency(shape) > 0.03) & (fourier.radial_frequency(shape) < 0.4) & seen

    def agreement(region: torch.Tensor) -> float:
        return float(cross[band & region].sum() / power[band & region].sum())

    assert agreement(alike == 1) > 0.85
    assert agreement(alike == 0) < 0.3
    assert agreement(alike == 0) < agreement((alike > 0.3) & (alike < 0.7)) < agreement(alike == 1)


def test_thicker_samples_and_wider_steps_share_less() -> None:
    shape = (32, 32, 32)
    thin, thick = (shared.weight(shape, Measured.of(EVEN), float(depth)) for depth in (20, 80))
    assert bool((thin >= thick).all())
    assert float(thin.sum()) > 2 * float(thick.sum())
    wide = shared.weight(shape, Measured.of(EVEN[::2]), 20.0)
    assert bool((thin >= wide).all())


def test_it_turns_with_the_tilt_axis() -> None:
    shape, quarter = (16, 16, 16), torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    home = Measured((Sweep(EVEN, AT_HOME),))
    lying = Measured((positioned(EVEN, 0.0, 90.0),))
    assert torch.allclose(shared.weight(shape, lying, 40.0), shared.weight(shape, home, 40.0, quarter), atol=1e-5)
    swapped = shared.weight(shape, home, 40.0).expand(16, 16, 9)[:, 0, 3]
    assert torch.allclose(shared.weight(shape, lying, 40.0).expand(16, 16, 9)[:, 3, 0], swapped, atol=1e-5)


def test_a_range_is_taken_for_usual_steps() -> None:
    assert torch.equal(
        shared.weight((16, 16, 16), Measured.of((-60.0, 60.0)), 40.0),
        shared.weight((16, 16, 16), Measured.of(EVEN), 40.0),
    )
