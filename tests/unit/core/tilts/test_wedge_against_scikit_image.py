"""A tomogram reconstructed by another program has its power where this one says it was measured."""

import numpy as np
import pytest
import torch
from skimage.transform import iradon, radon
from torch import Tensor

from isonet.core import fourier
from isonet.core.tilts import wedge

EDGE, ROWS = 64, 6


def reconstructed(low: float, high: float) -> Tensor:
    """White-noise rod projected and back-projected slice by slice; scikit-image's theta is minus our angle."""
    random = np.random.default_rng(0)
    disc = np.hypot(*np.mgrid[-EDGE // 2 : EDGE // 2, -EDGE // 2 : EDGE // 2]) < EDGE // 2 - 6
    theta = -np.arange(low, high + 1, 2.0)
    rows = []
    for _ in range(ROWS):
        sinogram = radon(random.normal(size=(EDGE, EDGE)) * disc, theta=theta, circle=True)
        rows.append(iradon(sinogram, theta=theta, circle=True))
    return torch.from_numpy(np.stack(rows, axis=1))


def share_missing(volume: Tensor, tilts: tuple[float, float]) -> float:
    """Share of the energy in the missing wedge of a range."""
    shape = fourier.spatial_shape(volume)
    missing, _ = wedge.regions(shape, tilts, guard=3)
    power = fourier.transform(volume.float()).abs().square() * fourier.multiplicity(shape)
    return float((power * missing).sum() / power.sum())


@pytest.mark.parametrize("tilts", [(-40.0, 62.0), (-62.0, 40.0)])
def test_an_uneven_range_has_its_wedge_on_the_right_side(tilts: tuple[float, float]) -> None:
    volume = reconstructed(*tilts)
    here, mirrored = share_missing(volume, tilts), share_missing(volume, (-tilts[1], -tilts[0]))
    assert here < 0.03
    assert mirrored > 5 * here


def test_an_even_range_leaves_the_wedge_about_the_beam_empty() -> None:
    volume = reconstructed(-60, 60)
    assert share_missing(volume, (-60, 60)) < 0.03
    assert share_missing(volume.transpose(0, 2), (-60, 60)) > 0.15
