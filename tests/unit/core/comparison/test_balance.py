"""Power by direction: an empty, an over-filled and a made-up wedge are told apart from a good one."""

import pytest
import torch
from torch import Tensor

from isonet.core import fourier
from isonet.core.comparison import agreement, balance
from isonet.core.comparison.agreement import Sums
from isonet.core.tilts import wedge

SHAPE, TILTS = (48, 48, 48), (-50.0, 50.0)


def densities(transfer: Tensor) -> dict[str, Tensor]:
    """Relative densities of noise to whose spectrum something was done."""
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    volume = fourier.apply(noise, torch.exp(-4 * fourier.radial_frequency(SHAPE)) * transfer)
    bins = balance.make_balance_bins(SHAPE, TILTS, 1 / 48)
    found = agreement.spectrum(volume)
    names = ("around", "elevation", "missing", "measured")
    sums = {name: Sums.of(found, found, getattr(bins, name)).first[0] for name in names}
    return {
        name: balance.relative_density(sums[name], getattr(bins, name), sums["measured"], bins.measured)
        for name in names
    }


def faults(found: dict[str, Tensor]) -> list[str]:
    """What is wrong."""
    return balance.faults(float(found["missing"][0]), found["elevation"])


def test_noise_has_no_direction() -> None:
    found = densities(torch.ones(()))
    for values in found.values():
        assert values[~values.isnan()].tolist() == pytest.approx([1.0] * int((~values.isnan()).sum()), abs=0.5)
    assert faults(found) == []


@pytest.mark.parametrize(("filled", "expected"), [(0.0, ["empty"]), (0.6, []), (1.0, []), (2.0, ["over-filled"])])
def test_a_wedge_filled_too_little_or_too_much(filled: float, expected: list[str]) -> None:
    weight = wedge.weight(SHAPE, TILTS)
    found = densities(weight + (1 - weight) * filled)
    assert faults(found) == expected
    assert float(found["missing"][0]) == pytest.approx(filled**2, rel=0.25, abs=0.05)
    inside = (torch.arange(18) * 10.0 - 85).abs() > 55
    assert float(found["around"][~inside].mean()) == pytest.approx(1, abs=0.3)
    assert float(found["around"][inside].nanmean()) == pytest.approx(filled**2, rel=0.3, abs=0.1)


def test_a_new_hole_in_the_yz_plane_is_fake() -> None:
    """About k_z nothing is left although the wedge's other directions are filled."""
    kz, ky, _ = fourier.frequencies(SHAPE)
    weight = wedge.weight(SHAPE, TILTS)
    hole = (kz.abs() > 2.5 * ky.abs()).float()
    found = densities(1 - (1 - weight) * hole)
    assert faults(found) == ["fake"]
    assert found["elevation"].nan_to_num(1).argmin() == 5


def test_sectors_tell_the_sign_of_an_asymmetric_range() -> None:
    found = densities(wedge.weight(SHAPE, (-20.0, 50.0)))["around"]
    angle = torch.arange(18) * 10.0 - 85
    assert found[(angle > -15) & (angle < 45)].min() > 0.5
    assert found[(angle < -30)].max() < 0.2
