"""FSC by sub-volume: what chance gives, what a perfect prediction gives, and what may be claimed."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_fourier_shell_correlation import fourier_shell_correlation

from isonet.core import fourier
from isonet.core.comparison import agreement, claims, metrics
from isonet.core.comparison.agreement import Bins, Sums
from isonet.core.tilts import wedge, withheld

SHAPE, TILTS, KEPT = (48, 48, 48), (-60.0, 60.0), (-35.0, 35.0)


def noise(seed: int, shape: tuple[int, int, int] = SHAPE) -> Tensor:
    """White noise."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def signal(seed: int, shape: tuple[int, int, int] = SHAPE) -> Tensor:
    """Noise whose power falls with frequency, as a specimen's does."""
    found = fourier.apply(noise(seed, shape), torch.exp(-6 * fourier.radial_frequency(shape)))
    return found / found.std()


def everything(shape: tuple[int, int, int], width: float) -> Bins:
    """Bins of all coefficients."""
    return agreement.make_bins(shape, width, torch.ones(shape[0], shape[1], shape[2] // 2 + 1, dtype=torch.bool))


def sums(one: Tensor, two: Tensor, kept: tuple[float, float] = KEPT) -> tuple[Sums, Tensor]:
    """Sums within what is withheld, over all sub-volumes, and the frequencies."""
    shape = fourier.spatial_shape(one)
    edges, corners = withheld.subvolumes(shape)
    bins = agreement.make_bins(edges, 1 / 24, withheld.region(edges, [TILTS], kept))

    def spectrum(volume: Tensor, corner: tuple[int, int, int]) -> Tensor:
        part = tuple(slice(start, start + edge) for start, edge in zip(corner, edges, strict=True))
        return agreement.spectrum(volume[part])

    parts = [Sums.of(spectrum(one, corner), spectrum(two, corner), bins) for corner in corners]
    return Sums.joined(parts), bins.frequency


def test_shells_are_named_by_their_middle_and_compared_by_their_power() -> None:
    bins = everything((40, 40, 40), 1 / 40)
    assert torch.allclose(bins.frequency, torch.arange(20) / 40 + 1 / 80)
    one = agreement.spectrum(signal(1, (40, 40, 40)))
    found = Sums.of(one, 3 * one, bins).power_ratio
    assert torch.allclose(found, torch.full_like(found, 1 / 9))
    assert 0.02 < float(bins.independent.sum()) / 40**3 < 0.5  # a Hann window leaves fewer than there are voxels


def test_it_is_the_fsc_of_an_independent_implementation() -> None:
    """teamtomo's shells are centred on whole Fourier pixels, ours between them."""
    shape = (40, 40, 40)
    truth = signal(1, shape)
    one, two = (truth + 0.3 * noise(seed, shape) for seed in (2, 3))
    found = Sums.of(agreement.spectrum(one), agreement.spectrum(two), everything(shape, 1 / 40)).correlation()[0]
    window = fourier.taper(shape, 40)
    theirs = fourier_shell_correlation((one - one.mean()) * window, (two - two.mean()) * window)
    between = ((theirs[1:] + theirs[:-1]) / 2)[:20]
    assert torch.allclose(found[3:-1].float(), between[3:-1], atol=0.05)


def test_it_is_the_fsc_of_the_program_itself_in_a_region() -> None:
    one, two = noise(1), noise(2) + noise(1)
    missing, _ = wedge.regions(SHAPE, TILTS)
    bins = agreement.make_bins(SHAPE, 1 / 48, missing)
    ours = Sums.of(agreement.spectrum(one), agreement.spectrum(two), bins).correlation()[0]
    theirs, _ = metrics.wedge_correlation(one, two, TILTS)
    known = ~theirs.correlation.isnan()
    assert (known == ~ours.isnan()).all() and known.sum() > 10
    assert torch.allclose(ours[known].float(), theirs.correlation[known], atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    blur=st.sampled_from([0.0, 4.0, 12.0]),
    mask=st.sampled_from(["none", "ball", "slab"]),
    offset=st.floats(-5, 5),
)
def test_independent_noise_agrees_in_nothing_whatever_mask_blur_or_offset(
    seed: int, blur: float, mask: str, offset: float
) -> None:
    """The deviations from zero are those of independent coefficients, and nothing is ever claimed."""
    grid = torch.meshgrid(*(torch.linspace(-1, 1, edge) for edge in SHAPE), indexing="ij")
    masks = {
        "none": torch.ones(SHAPE),
        "ball": torch.sigmoid(20 * (0.9 - torch.stack(grid).square().sum(0).sqrt())),
        "slab": torch.sigmoid(20 * (0.6 - grid[0].abs())),
    }
    low = torch.exp(-blur * fourier.radial_frequency(SHAPE))
    one, two, three = (
        masks[mask] * (fourier.apply(noise(seed + part * 10**7), low) + offset * part) for part in (1, 2, 3)
    )
    found, frequency = sums(wedge.apply(one, KEPT) + one, two)
    halves, _ = sums(two, three)
    draws = agreement.draw_subvolumes(len(found.cross), 50)
    curve, ceiling = agreement.estimate([found], draws), agreement.estimate([halves], draws)
    known = ~curve.value.isnan()
    deviations = curve.value[known] * curve.independent[known].sqrt()
    factor = 2.5 if mask == "none" else 4.0  # a mask leaves fewer independent coefficients
    assert abs(float(deviations.mean())) < factor and float(deviations.abs().max()) < 2.2 * factor
    for claimed, usable in ((curve, known), (curve.over(ceiling.ceiling(1.0)), ceiling.significant)):
        for threshold in (0.5, 0.143):
            assert claims.resolution(frequency, claimed, curve, usable, threshold).frequency is None


@pytest.mark.parametrize("level", [0.5, 1.0])
def test_a_perfect_prediction_is_claimed_to_be_perfect(level: float) -> None:
    """Against a noisy half the truth reaches sqrt(FSC of halves): divided by that it is 1, within the interval."""
    truth = signal(1)
    halves = [truth + level * noise(seed) for seed in (2, 3)]
    crossed = [sums(truth, half)[0] for half in halves]
    both, frequency = sums(*halves)
    draws = agreement.draw_subvolumes(len(both.cross))
    found, between = agreement.estimate(crossed, draws), agreement.estimate([both], draws)
    claimed, usable = found.over(between.ceiling(1.0)), between.significant
    assert usable.sum() >= 3
    assert (found.value[usable] < 0.98).all()
    assert ((claimed.low < 1) & (claimed.high > 1))[usable].all()
    assert float(claimed.value[usable].mean()) == pytest.approx(1, abs=0.15)
    last = float(frequency[usable[0].nonzero().flatten()[-1]])
    ended = claims.resolution(frequency, claimed, found, usable, 0.5)
    assert ended.frequency == last and ended.limited


def test_the_mean_of_halves_has_the_ceiling_of_less_noise() -> None:
    truth = signal(4)
    halves = [truth + noise(seed) for seed in (5, 6)]
    whole, _ = sums(truth, (halves[0] + halves[1]) / 2)
    both, _ = sums(*halves)
    draws = agreement.draw_subvolumes(len(both.cross), 50)
    between = agreement.estimate([both], draws)
    claimed = agreement.estimate([whole], draws).over(between.ceiling(0.5))
    assert float(claimed.value[between.significant].mean()) == pytest.approx(1, abs=0.1)


def test_a_prediction_true_up_to_a_frequency_is_claimed_up_to_there() -> None:
    """The other half of the spectrum is of something else; where the claim ends tells where."""
    shape = (64, 96, 64)
    low = (fourier.radial_frequency(shape) < 0.33).float()
    truth = fourier.apply(noise(1, shape), low) + fourier.apply(noise(2, shape), 1 - low)
    prediction = fourier.apply(noise(1, shape), low) + fourier.apply(noise(3, shape), 1 - low)
    halves = [truth + noise(seed, shape) for seed in (4, 5)]
    crossed = [sums(prediction, half)[0] for half in halves]
    both, frequency = sums(*halves)
    draws = agreement.draw_subvolumes(len(both.cross))
    found, between = agreement.estimate(crossed, draws), agreement.estimate([both], draws)
    claimed = found.over(between.ceiling(1.0))
    ended = claims.resolution(frequency, claimed, found, between.significant, 0.5)
    assert ended.frequency == pytest.approx(0.33, abs=1 / 24) and not ended.limited
    assert ended.low is not None and ended.high is not None and ended.low <= ended.frequency <= ended.high


def test_where_halves_share_nothing_nothing_can_be_measured() -> None:
    truth = signal(1)
    both, frequency = sums(noise(2), noise(3))
    found, _ = sums(truth, truth + noise(2))
    draws = agreement.draw_subvolumes(len(both.cross), 50)
    between = agreement.estimate([both], draws)
    assert not between.significant.any()
    claimed = agreement.estimate([found], draws)
    assert claims.resolution(frequency, claimed, claimed, between.significant, 0.143).frequency is None


def test_draws_hold_as_many_subvolumes_as_there_are() -> None:
    draws = agreement.draw_subvolumes(7, 100)
    assert draws.shape == (100, 7) and (draws.sum(1) == 7).all() and draws.std() > 0.5


def test_independent_coefficients_are_counted_as_they_scatter() -> None:
    """Over many pairs of noise the deviation of FSC is one over the root of their number, or a little less."""
    bins = everything((24, 24, 24), 1 / 12)
    values = torch.stack(
        [
            Sums.of(
                agreement.spectrum(noise(2 * n, (24, 24, 24))), agreement.spectrum(noise(2 * n + 1, (24, 24, 24))), bins
            ).correlation()[0]
            for n in range(60)
        ]
    )
    expected = 1 / bins.independent[0].sqrt()
    ratio = (values.square().mean(0).sqrt() / expected)[1:]
    assert all(0.5 < value < 1.1 for value in ratio.tolist()), ratio


def curve(*values: float) -> agreement.Estimate:
    """A curve known exactly, of many coefficients."""
    row = torch.tensor([values], dtype=torch.float64)
    return agreement.Estimate(row, row, row, row[None], torch.full_like(row, 1000.0))


def test_crossing_is_interpolated_and_passes_over_a_lone_shell() -> None:
    frequency = torch.tensor([0.05, 0.1, 0.15, 0.2, 0.25])
    known = torch.ones(1, 5, dtype=torch.bool)

    def crossed(*values: float, usable: Tensor = known) -> float | None:
        found = curve(*values)
        return claims.resolution(frequency, found, found, usable, 0.5).frequency

    assert crossed(0.9, 0.7, 0.3, 0.1, 0.1) == pytest.approx(0.125)
    assert crossed(0.9, 0.4, 0.8, 0.2, 0.1) == pytest.approx(0.15 + 0.05 * 0.5)
    assert crossed(0.4, 0.4, 0.9, 0.9, 0.9) is None
    assert crossed(0.9, 0.9, 0.9, 0.9, 0.9) == pytest.approx(0.25)
    hole = torch.tensor([[True, True, False, True, True]])
    assert crossed(0.9, 0.9, math.nan, 0.8, 0.2, usable=hole) == pytest.approx(0.2 + 0.05 * 0.5)
    assert crossed(0.9, 0.9, 0.9, 0.9, 0.9, usable=torch.tensor([[True, False, False, False, True]])) == (
        pytest.approx(0.05)
    )


def test_the_interval_of_a_claim_leaves_out_a_fortieth_of_the_draws_at_either_end() -> None:
    """Draw number `n` of 201 crosses a half at `0.1 + 0.0005 n`; of those that never reach it the end is unknown."""
    frequency = torch.tensor([0.1, 0.2])
    crossings = torch.arange(201.0) / 200
    draws = torch.stack([torch.ones(201), 1 - 0.5 / crossings.clamp_min(1e-6)], dim=1)[:, None].double()
    found = replace(curve(1.0, 0.0), draws=draws[torch.randperm(201, generator=torch.Generator().manual_seed(0))])
    claim = claims.resolution(frequency, found, found, torch.ones(1, 2, dtype=torch.bool), 0.5)
    assert claim.frequency == pytest.approx(0.15)
    assert claim.low == pytest.approx(0.1025, abs=1e-5)
    assert claim.high == pytest.approx(0.1975, abs=1e-5)
    failing = replace(found, draws=torch.where(torch.arange(201)[:, None, None] < 6, 0.0, draws))
    assert claims.resolution(frequency, failing, failing, torch.ones(1, 2, dtype=torch.bool), 0.5).low is None


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(-0.2, 1), min_size=2, max_size=8),
    counts=st.lists(st.integers(1, 5000), min_size=8, max_size=8),
)
def test_a_lower_threshold_never_claims_less(values: list[float], counts: list[int]) -> None:
    """Finer shells of little signal and many coefficients take nothing away from what coarser ones have shown."""
    frequency = torch.linspace(0.05, 0.4, len(values))
    found = replace(curve(*values), independent=torch.tensor([counts[: len(values)]], dtype=torch.float64))
    known = torch.ones(1, len(values), dtype=torch.bool)
    higher, lower = (claims.resolution(frequency, found, found, known, threshold) for threshold in (0.5, 0.143))
    if higher.frequency is not None:
        assert lower.frequency is not None
        assert lower.frequency >= higher.frequency
