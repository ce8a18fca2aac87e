"""Shell correlation and its cut along the missing wedge."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_fourier_shell_correlation import fourier_shell_correlation

from isonet.core import fourier
from isonet.core.comparison import metrics
from isonet.core.tilts import wedge

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


def test_crossing_is_interpolated_between_shells() -> None:
    frequency = torch.tensor([0.01, 0.05, 0.10, 0.15, 0.20])

    def curve(*values: float) -> metrics.ShellCorrelation:
        return metrics.ShellCorrelation(frequency, torch.tensor(values), torch.ones(5))

    assert curve(0.1, 0.9, 0.7, 0.3, 0.8).crossing() == pytest.approx(0.125)
    assert curve(1, 0.9, float("nan"), 0.4, 0.1).crossing() == pytest.approx(0.13)
    assert curve(1, 0.4, 0.9, 0.9, 0.9).crossing() == 0
    assert curve(0, 0.9, 0.9, 0.8, 0.6).crossing() == 0.5
    assert curve(1, 0.9, 0.9, 0.6, 0.2).crossing(0.143) == 0.5


def test_sectors_find_the_wedge_that_is_made_up() -> None:
    """Of a wedge filled with other content, and of one filled with too much, only those sectors are suspect."""
    shape, tilts = (60, 40, 60), (-60.0, 60.0)
    truth, other = noise(shape, 1), noise(shape, 2)
    weights = wedge.weight(shape, tilts)
    whole = metrics.sector_statistics(truth, truth)
    assert whole.angle.tolist() == list(range(-85, 90, 10))
    assert torch.allclose(whole.slope, torch.ones(18), atol=1e-5) and not whole.suspect().any()
    made_up = metrics.sector_statistics(wedge.fill(truth, other, weights), truth)
    inside = made_up.angle.abs() > 60
    assert (made_up.suspect() == inside).all()
    assert float(made_up.slope[inside].abs().max()) < 0.45 and float(made_up.slope[~inside].min()) > 0.85
    doubled = metrics.sector_statistics(wedge.fill(truth, 2 * truth, weights), truth)
    assert doubled.suspect()[inside].all() and not doubled.suspect()[made_up.angle.abs() < 50].any()
    assert float(doubled.correlation.min()) > 0.9


def test_sectors_turn_with_an_asymmetric_wedge() -> None:
    """The tilt of angle a measures the direction a: sectors tell the sign of the range."""
    shape = (60, 40, 60)
    truth = noise(shape, 3)
    found = metrics.sector_statistics(wedge.apply(truth, (-30.0, 70.0)), truth)
    assert found.correlation[(found.angle > -25) & (found.angle < 65)].min() > 0.95
    missing = (found.angle < -40) | (found.angle > 80)
    assert float(found.correlation[missing].max()) < 0.8
    assert float(found.correlation[(found.angle < -50)].mean()) < 0.4


def test_a_sector_without_agreement_beside_good_ones_is_suspect() -> None:
    correlation = torch.tensor([0.9, 0.9, 0.3, 0.9, 0.9])
    found = metrics.SectorStatistics(torch.arange(5.0), torch.tensor([1.0, 1.3, 1.0, 0.7, 1.0]), correlation)
    assert found.suspect().tolist() == [False, True, True, True, False]
