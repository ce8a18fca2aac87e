"""Halves from every other tilt of thick slabs: what the truth reaches against them is told without knowing it."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from isonet.core import fourier
from isonet.core.comparison import agreement, sampled
from isonet.core.comparison.agreement import Sums
from isonet.core.comparison.sampled import Sampling
from isonet.core.simulation import projection
from isonet.core.tilts import shared, withheld

SHAPE, WIDTH, KEPT = (80, 64, 128), 1 / 20, (-30.0, 30.0)
TILTS = torch.arange(-60.0, 61.0, 3.0)
HALVES = (tuple(TILTS[0::2].tolist()), tuple(TILTS[1::2].tolist()))


def amplitude(thin: bool) -> Tensor:
    """Of a sample that fills the slab, or its middle alone."""
    filled = torch.ones(SHAPE[0])
    if thin:
        filled[:24] = filled[-24:] = 0
    return filled


def simulated(noise: float, seed: int, *, thin: bool = False) -> tuple[Tensor, list[Tensor]]:
    """A slab whose detail is weaker than what is coarse, and its halves from images with white noise."""
    generator = torch.Generator().manual_seed(seed)
    slab = fourier.apply(torch.randn(SHAPE, generator=generator), torch.exp(-4 * fourier.radial_frequency(SHAPE)))
    truth = slab * amplitude(thin)[:, None, None]
    images = projection.project(truth, TILTS, math.ceil(math.hypot(SHAPE[0], SHAPE[2])))
    images = images + noise * float(images.std()) * torch.randn(images.shape, generator=generator)
    halves = [
        projection.back_project(projection.ramp_filter(images[part]), TILTS[part], SHAPE[0], SHAPE[2])
        for part in (slice(0, None, 2), slice(1, None, 2))
    ]
    return truth, halves


def sums(one: Tensor, two: Tensor, bins: agreement.Bins) -> Sums:
    """Sums of all sub-volumes."""
    edges, corners = withheld.subvolumes(SHAPE)
    parts = [tuple(slice(start, start + edge) for start, edge in zip(corner, edges, strict=True)) for corner in corners]
    return Sums.joined([Sums.of(agreement.spectrum(one[part]), agreement.spectrum(two[part]), bins) for part in parts])


@pytest.mark.parametrize(("noise", "seed", "thin"), [(0.5, 1, False), (1.0, 2, False), (2.0, 3, False), (1.0, 4, True)])
def test_what_the_truth_reaches_is_told_from_halves_that_share_no_planes(noise: float, seed: int, thin: bool) -> None:
    truth, halves = simulated(noise, seed, thin=thin)
    edges, _ = withheld.subvolumes(SHAPE)
    planes = agreement.make_bins(edges, WIDTH, withheld.region(edges, [HALVES[1]], KEPT))
    near = agreement.make_bins(edges, WIDTH, shared.region(edges, HALVES, SHAPE[0]))
    true = sums(truth, halves[1], planes).correlation()[0]
    both = sums(*halves, near)
    found = agreement.estimate([both], agreement.draw_subvolumes(len(both.cross), 50))
    known = sampled.of_planes(amplitude(thin), HALVES, HALVES[1], KEPT, edges, WIDTH)
    told = found.ceiling(known.noise, known.alike, known.reached)
    usable = found.significant[0] & (planes.independent[0] * len(both.cross) > 200)
    assert usable.sum() >= 3
    assert float((told.value[0] - true)[usable].abs().mean()) < 0.05
    apart = agreement.make_bins(edges, WIDTH, withheld.region(edges, [TILTS.tolist()], KEPT))
    assert float(sums(*halves, apart).correlation()[0][usable].abs().max()) < 0.25, "halves alone would not tell"


@pytest.mark.parametrize(("noise", "known"), [(1.0, lambda f: f**0.5), (0.5, lambda f: (2 * f / (1 + f)) ** 0.5)])
def test_halves_from_frames_have_the_known_ceilings(noise: float, known: Callable[[Tensor], Tensor]) -> None:
    """Rosenthal & Henderson 2003: one half, and the mean of both."""
    fsc = torch.tensor([[0.9, 0.5, 0.2]], dtype=torch.float64)
    halves = agreement.Estimate(fsc, fsc, fsc, fsc[None], torch.full_like(fsc, 1000.0))
    same = Sampling.same(3, noise)
    assert torch.allclose(halves.ceiling(same.noise, same.alike, same.reached).value, known(fsc))


def test_noise_alone_is_not_measurable() -> None:
    _, halves = simulated(1000.0, 5)
    edges, _ = withheld.subvolumes(SHAPE)
    both = sums(*halves, agreement.make_bins(edges, WIDTH, shared.region(edges, HALVES, SHAPE[0])))
    found = agreement.estimate([both], agreement.draw_subvolumes(len(both.cross), 50))
    assert not found.significant.any()
