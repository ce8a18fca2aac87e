"""A background that is not flat, and two gains side by side, are warnings; vacuum about a thin sample is none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

TOLD = "warning: t.mrc: its "
KINDS = {
    "step": (f"{TOLD}background is not flat", "deviations along x; flatten it"),
    "slope": (f"{TOLD}background is not flat", "deviations along y; flatten it"),
    "gain": (f"{TOLD}grey values have two scales", "one side along x deviates 1.5"),
    "own": (),
    "vacuum": (),
}


@pytest.mark.parametrize("kind", KINDS)
def test_prepare_tells_of_a_background_that_is_not_flat(here: Path, simulated: Callable[..., Any], kind: str) -> None:
    volume = simulated(1)
    volume = 10 * (volume - volume.mean()) / volume.std()
    if kind == "step":
        volume[:, :, :30] += 30
    elif kind == "slope":
        volume += np.linspace(-20, 20, 64)[:, None]
    elif kind == "gain":
        volume[:, :, :32] *= 1.5
    elif kind == "vacuum":
        volume[:12], volume[-12:] = (gaussian_filter(part, 1) - 20 for part in (volume[:12], volume[-12:]))
    foreign.mrc(here / "t.mrc", volume.astype("f4"))
    said = isonet.done("prepare", "t.mrc", accept="no-wedge").err
    assert all(words in said for words in KINDS[kind])
    assert ("not flat" in said) == (kind in ("step", "slope"))
    assert ("two scales" in said) == (kind == "gain")


def test_what_is_read_later_is_looked_at_too(here: Path, simulated: Callable[..., Any], model: Path) -> None:
    volume = simulated(1)
    foreign.mrc(here / "t.mrc", volume)
    isonet.done("prepare", "t.mrc")
    volume = volume.copy()
    volume[:, :, :32] *= 1.5
    foreign.mrc(here / "t.mrc", volume)
    assert KINDS["gain"][0] in isonet.done("predict", "tomograms.star", model).err


@pytest.mark.parametrize(("where", "axis"), [(np.s_[24], "z"), (np.s_[:, 10], "y")])
def test_a_plane_far_off_is_named_by_all_that_read_it(here: Path, where: Any, axis: str) -> None:
    """It spoils what is predicted all about it."""
    volume = np.random.default_rng(0).standard_normal((48, 64, 64)).astype(np.float32)
    volume[where] += 20
    foreign.mrc(here / "x.mrc", volume)
    told = f"warning: x.mrc: its planes across {axis} number {24 if axis == 'z' else 10} (from 0) lie up to"
    assert told in isonet.done("prepare", "x.mrc", accept="no-wedge").err
    assert told in isonet.done("mask", "tomograms.star").err
