"""Neighbours in tilt look alike, as far as noise lets them."""

import numpy as np
import pytest
import torch

from isonet.core.simulation import projection
from isonet.core.tilts import neighbours

TILTS = torch.arange(-60.0, 61.0, 3.0)
IN_ORDER = list(range(len(TILTS)))


def images(noise: float, seed: int = 0) -> torch.Tensor:
    """Structures of images of some blocks, by rising tilt, in so many times as much noise."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.zeros((24, 48, 48))
    for z, y, x in (torch.rand((25, 3), generator=generator) * torch.tensor([18.0, 42, 42])).int().tolist():
        truth[z : z + 6, y : y + 6, x : x + 6] += 1
    clean = projection.project(truth, TILTS, width=64)
    noisy = clean + noise * clean.std() * torch.randn(clean.shape, generator=generator)
    return torch.stack([neighbours.structure(image) for image in noisy])


def clearly_higher(structures: torch.Tensor, found: list[int], other: list[int]) -> bool:
    return neighbours.clearly_higher(neighbours.likeness(structures, found), neighbours.likeness(structures, other))


@pytest.mark.parametrize("noise", [0, 1, 3])
def test_order_of_tilt_is_more_alike_than_that_of_recording(noise: float) -> None:
    recorded = [int(k) for k in torch.argsort(TILTS.abs(), stable=True)]
    assert clearly_higher(images(noise), IN_ORDER, recorded)
    assert not clearly_higher(images(noise), recorded, IN_ORDER)


def test_noise_alone_has_no_order() -> None:
    for seed in range(20):
        structures = images(1000, seed)
        order = [int(k) for k in np.random.default_rng(seed).permutation(len(TILTS))]
        assert not clearly_higher(structures, IN_ORDER, order)


def test_shading_and_size_do_not_count() -> None:
    """A ramp of grey values and a factor, which differ from image to image, leave the structure as it is."""
    image = torch.randn((48, 64), generator=torch.Generator().manual_seed(0))
    shading = 50 * torch.cos(2 * torch.pi * torch.arange(64) / 64)
    found = neighbours.structure(image) @ neighbours.structure(3 * image + shading + 7)
    assert float(found) == pytest.approx(1, abs=1e-4)


def test_of_a_few_images_nothing_is_said() -> None:
    structures = images(0)[:9]
    assert not clearly_higher(structures, list(range(9)), [0, 8, 1, 7, 2, 6, 3, 5, 4])
