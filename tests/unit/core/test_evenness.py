"""A step or a slope of the mean and two gains are told from what samples show."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from isonet.core.evenness import Uneven, unevenness
from isonet.core.normalize import LocalMoments
from isonet.io.formats import open_volume

NOISE = np.random.default_rng(0).standard_normal((48, 96, 112)).astype(np.float32)
SLOPE = np.linspace(-3, 3, 112, dtype=np.float32)


def judged(volume: Any) -> list[Uneven]:
    local = LocalMoments()
    for first in range(0, len(volume), 20):
        local.add(volume[first : first + 20].astype(np.float32))
    return unevenness(*local.squares)


def changed(where: Any, add: float = 0, times: float = 1) -> Any:
    volume = NOISE.copy()
    volume[where] = times * volume[where] + add
    return volume


@pytest.mark.parametrize("where", [np.s_[:, :32], np.s_[:, 60:], np.s_[:, 40:]])
def test_a_step_of_the_mean_is_told_in_deviations(where: Any) -> None:
    (found,) = judged(changed(where, add=3))
    assert (found.axis, found.gain) == ("y", None)
    assert found.rise == pytest.approx(3, rel=0.2)  # the square that the step runs through deviates more
    assert "deviations along y" in found.in_words


def test_a_slope_is_told() -> None:
    (found,) = judged(NOISE + SLOPE)
    assert (found.axis, found.rise) == ("x", pytest.approx(6 * 96 / 112, rel=0.1))


@pytest.mark.parametrize("times", [1.5, 0.5])
@pytest.mark.parametrize("first", [32, 56, 72])
def test_two_gains_are_told(times: float, first: int) -> None:
    (found,) = judged(changed(np.s_[:, :, first:], times=times))
    assert (found.axis, found.rise, found.gain) == ("x", None, pytest.approx(max(times, 1 / times), rel=0.05))


@pytest.mark.parametrize(
    "healthy",
    [
        NOISE,
        NOISE + SLOPE / 6,
        changed(np.s_[:16], add=6),
        changed(np.s_[:16], times=3),
        changed(np.s_[:, :, :12], times=2),
        changed(np.s_[:, 30:70, 30:70], add=4),
    ],
    ids=["noise", "slight slope", "vacuum above", "thin", "rim", "hole"],
)
def test_what_samples_are_like_is_not(healthy: Any) -> None:
    assert judged(healthy) == []


@pytest.mark.parametrize("lowpass", [0, 1, 2, 4])
@pytest.mark.parametrize("part", ["full_f16", "even_f16", "crop96x160x160_int8"])
def test_a_real_tomogram_is_even_whatever_its_filter(shared_data: Path, part: str, lowpass: float) -> None:
    volume = open_volume(shared_data / f"empiar10499/00254_wbp_20Apx_{part}.mrc").read(*(slice(None),) * 3)
    assert judged(gaussian_filter(volume, lowpass)) == []
