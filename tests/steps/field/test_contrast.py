"""Vacuum, holes in the film and gold neither turn the contrast round nor rule the scale of the grey values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest

from isonet.io.formats import open_volume
from isonet.volumes.source import pooled_statistics


def vacuum(volume: Any) -> None:
    volume[:, :, :12] += 6


def hole(volume: Any) -> None:
    volume[:, 20:40, 20:40] += 4


def above(volume: Any) -> None:
    volume[:10] += 6


def slope(volume: Any) -> None:
    volume += np.linspace(-3, 3, 64, dtype=np.float32)


def gold(volume: Any) -> None:
    z, y, x = np.ogrid[:48, :64, :64]
    for centre in np.random.default_rng(0).uniform(0, 1, (8, 3)) * volume.shape:
        volume[((z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2) < 25] -= 30


SPOILT = {one.__name__: one for one in (vacuum, hole, above, slope, gold)}


@pytest.mark.parametrize("kind", SPOILT)
@pytest.mark.parametrize("contrast", ["dark", "light"])
def test_parts_of_a_tomogram_tell_its_contrast(
    here: Path, simulated: Callable[..., Any], kind: str, contrast: str
) -> None:
    volume = simulated(1)
    volume = (volume - volume.mean()) / volume.std()
    SPOILT[kind](volume)
    foreign.mrc(here / "t.mrc", volume if contrast == "dark" else -volume)
    said = isonet.done("prepare", "t.mrc", accept="no-wedge").err
    assert isonet.table(here / "tomograms.star")[0]["rlnTomoContrast"] == contrast
    assert ("--contrast" in said) == (kind != "gold")
    if kind != "slope":
        mean, deviation = pooled_statistics([open_volume(here / "t.mrc")])
        assert abs(mean) < 0.1
        assert deviation == pytest.approx(1, abs=0.05)


def test_what_cannot_be_told_is_said_and_dark(here: Path) -> None:
    foreign.mrc(here / "t.mrc", np.random.default_rng(3).standard_normal((48, 64, 64)).astype(np.float32))
    assert "not clear, dark taken; give --contrast" in isonet.done("prepare", "t.mrc", accept="no-wedge").err
    assert isonet.table(here / "tomograms.star")[0]["rlnTomoContrast"] == "dark"


def test_a_tomogram_without_noise_keeps_its_mean_and_deviation(here: Path) -> None:
    """There few strong parts are the sample."""
    volume = isonet.specimen((48, 64, 64))
    foreign.mrc(here / "t.mrc", volume)
    assert pooled_statistics([open_volume(here / "t.mrc")]) == pytest.approx((volume.mean(), volume.std()), abs=1e-5)


@pytest.mark.parametrize("told", ["dark", "light"])
def test_contrast_that_is_told_wrong_is_said_in_every_step(
    here: Path, simulated: Callable[..., Any], model: Path, told: str
) -> None:
    """As where a table was edited after training."""
    foreign.mrc(here / "t.mrc", simulated(1))
    said = isonet.done("prepare", "t.mrc", contrast=told, accept="no-wedge").err
    for step in ((), ("mask", "tomograms.star"), ("predict", "tomograms.star", model)):
        said = isonet.done(*step).err if step else said
        assert ("density is said to be light, but looks dark" in said) == (told == "light"), step
