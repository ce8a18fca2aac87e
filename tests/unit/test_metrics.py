"""Shell correlation and its cut along the missing wedge."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_fourier_shell_correlation import fourier_shell_correlation

from isonet.core import fourier, metrics, wedge

Shape = tuple[int, int, int]
laws = settings(max_examples=20, deadline=None)
shapes = st.tuples(*[st.integers(6, 20)] * 3)


def noise(shape: Shape, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("edge", [40, 41])
def test_shell_correlation_agrees_with_another_program(edge: int) -> None:
    """teamtomo's shells are centred on whole Fourier pixels, ours between them."""
    shape = (edge,) * 3
    signal = fourier.apply(noise(shape, 0), fourier.low_pass(shape, 0.2))
    one, two = (signal + 0.3 * noise(shape, seed) for seed in (1, 2))
    ours = metrics.shell_correlation(one, two)
    theirs = fourier_shell_correlation(one, two)
    between = (theirs[1:] + theirs[:-1])[: len(ours.correlation)] / 2
    assert torch.allclose(ours.frequency[:3] * edge, torch.tensor([0.5, 1.5, 2.5]))
    assert torch.allclose(ours.correlation[3:-1], between[3 : len(ours.correlation) - 1], atol=0.05)


@laws
@given(shape=shapes, seed=st.integers(0, 99), scale=st.floats(0.01, 100))
def test_a_volume_agrees_with_itself_whatever_its_scale(shape: Shape, seed: int, scale: float) -> None:
    volume = noise(shape, seed)
    found = metrics.shell_correlation(volume, scale * volume)
    assert torch.allclose(found.correlation, torch.ones_like(found.correlation), atol=1e-5)
    assert torch.allclose(found.power_ratio, torch.full_like(found.power_ratio, scale**-2), rtol=1e-3)
    assert torch.allclose(metrics.shell_correlation(volume, -volume).correlation, -found.correlation, atol=1e-5)


@laws
@given(shape=shapes, seed=st.integers(0, 99))
def test_shells_weigh_both_members_of_each_pair(shape: Shape, seed: int) -> None:
    """The sums over the rfft layout are those over the full transform."""
    one, two = noise(shape, seed).double(), noise(shape, seed + 100).double()
    first, second = torch.fft.fftn(one), torch.fft.fftn(two)
    grid = torch.meshgrid(*[torch.fft.fftfreq(edge) for edge in shape], indexing="ij")
    shell = torch.floor(sum(axis.double() ** 2 for axis in grid).sqrt() * min(shape) + 1e-4)
    found = metrics.shell_correlation(one.float(), two.float()).correlation
    for number, value in enumerate(found):
        here = shell == number
        cross = (first[here] * second[here].conj()).real.sum()
        powers = first[here].abs().square().sum() * second[here].abs().square().sum()
        assert float(value) == pytest.approx(float(cross / powers.sqrt()), abs=1e-4)


def test_noise_agrees_with_noise_neither_inside_nor_outside() -> None:
    shape = (48, 48, 48)
    for part in metrics.wedge_correlation(noise(shape, 1), noise(shape, 2), (-60, 60)):
        assert abs(part.mean(0.15, 0.45)) < 0.05


def test_an_unfilled_volume_agrees_outside_the_wedge_only() -> None:
    shape, tilts = (48, 40, 48), (-40, 62)
    truth = fourier.apply(noise(shape, 3), fourier.low_pass(shape, 0.2)) * fourier.taper(shape, 8)
    measured = wedge.apply(truth, tilts)
    inside, outside = metrics.wedge_correlation(measured, truth, tilts)
    assert abs(inside.mean()) < 0.15
    assert outside.mean() > 0.95
    chosen = (inside.frequency > 0.1) & (inside.frequency < 0.25)
    assert float(inside.power_ratio[chosen].max()) < 0.05
    whole, _ = metrics.wedge_correlation(truth, truth, tilts)
    assert whole.mean() == pytest.approx(1, abs=1e-5)


def test_shells_without_coefficients_are_left_out_of_the_mean() -> None:
    volume = noise((20, 20, 20), 0)
    region = fourier.radial_frequency((20, 20, 20)) > 0.2
    found = metrics.shell_correlation(volume, volume, region)
    assert found.correlation[:3].isnan().all()
    assert found.mean() == pytest.approx(1, abs=1e-5)
    nothing = metrics.shell_correlation(volume, volume, torch.zeros_like(region))
    assert nothing.mean() != nothing.mean()


def test_correlation_is_that_of_torch() -> None:
    one, two = noise((8, 9, 10), 1), noise((8, 9, 10), 2)
    mixed = one + two
    expected = torch.corrcoef(torch.stack([one.flatten(), mixed.flatten()]))[0, 1]
    assert metrics.correlation(one, 3 * mixed - 7) == pytest.approx(float(expected), abs=1e-5)


def test_correlation_of_what_was_measured_does_not_see_the_wedge() -> None:
    """Other content inside the wedge lowers the plain correlation only."""
    shape, tilts = (40, 40, 40), (-60.0, 60.0)
    one, two = noise(shape, 0), noise(shape, 1)
    filled = wedge.fill(one, two, wedge.weight(shape, tilts))
    assert metrics.correlation(filled, one) < 0.8
    assert metrics.measured_correlation(filled, one, tilts) > 0.99
    assert abs(metrics.measured_correlation(two, one, tilts)) < 0.05
