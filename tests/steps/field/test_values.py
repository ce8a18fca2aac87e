"""Grey values of any size and place: computed with, or named; half precision where it holds them."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isonet.core.normalize import float16_step

Simulated = Callable[..., Any]


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e10, 1e25, 1e30])
def test_results_scale_with_the_values(here: Path, simulated: Simulated, model: Path, scale: float) -> None:
    plain = (simulated(1) / simulated(1).std()).astype(np.float32)
    made = {}
    for name, factor in (("plain", 1.0), ("scaled", scale)):
        foreign.mrc(here / name / "x.mrc", (factor * plain).astype(np.float32))
        isonet.done("prepare", f"{name}/x.mrc", output=f"{name}.star", defocus=30000)
        (row,) = isonet.table(here / f"{name}.star")
        assert row["rlnTomoContrast"] == "dark"
        isonet.done("deconv", f"{name}.star", output_dir=f"{name}/d")
        isonet.done("predict", f"{name}.star", model, output_dir=f"{name}/p", input_column="full")
        files = (f"{name}/d/x_deconv.mrc", f"{name}/p/x_corrected.mrc")
        made[name] = [isonet.read(here / file) / factor for file in files]
    for one, other in zip(made["plain"], made["scaled"], strict=True):
        assert isonet.relative_difference(other, one) < 1e-3


@pytest.mark.parametrize("scale", [1e-36, 1e-40, 1e34])
def test_values_that_cannot_be_computed_with_are_named(here: Path, simulated: Simulated, scale: float) -> None:
    foreign.mrc(here / "x.mrc", (scale * simulated(1).astype(np.float64)).astype(np.float32))
    isonet.assert_refused(isonet.call("prepare", "x.mrc"), "x.mrc", "standard deviation", "multiply")


@given(st.floats(-60000, 60000), st.floats(-12, 4).map(lambda power: 10.0**power))
def test_half_precision_keeps_what_it_is_said_to_keep(mean: float, std: float) -> None:
    """Rounding takes less than the thirtieth of a deviation where steps are fine, and more than the 150th else."""
    values = mean + std * np.random.default_rng(0).standard_normal(2000)
    if np.abs(values).max() > 65000:
        return
    lost = float(np.sqrt(np.mean((values.astype(np.float16).astype(np.float64) - values) ** 2))) / std
    if float16_step(mean, std) <= 0.05:
        assert lost < 1 / 30
    else:
        assert lost > 1 / 150


@pytest.mark.parametrize(("mean", "std"), [(-40000, 30), (30000, 100), (2e5, 1e3), (0, 1e-7), (1e6, 1)])
def test_coarse_half_precision_is_refused_before_the_work(
    here: Path, simulated: Simulated, model: Path, mean: float, std: float
) -> None:
    grey = simulated(1)
    foreign.mrc(here / "x.mrc", (mean + std * (grey - grey.mean()) / grey.std()).astype(np.float32))
    isonet.done("prepare", "x.mrc")
    outcome = isonet.call("predict", "tomograms.star", model, float16=True, input_column="full")
    isonet.assert_refused(outcome, "x.mrc", f"{mean:.6g}"[:3], "--float16")
    assert not list(here.glob("corrected/*.mrc"))


def test_half_precision_of_usual_values_is_taken(here: Path, simulated: Simulated, model: Path) -> None:
    grey = simulated(1)
    for number, (mean, std) in enumerate(((40, 10), (0, 1), (-1000, 300), (0.05, 0.01))):
        foreign.mrc(here / f"{number}/x.mrc", (mean + std * (grey - grey.mean()) / grey.std()).astype(np.float32))
        isonet.done("prepare", f"{number}/x.mrc", output=f"{number}.star")
        for flags, folder in (({}, "full"), ({"float16": True}, "half")):
            isonet.done("predict", f"{number}.star", model, output_dir=f"{number}/{folder}", **flags)
        full, half = (isonet.read(here / f"{number}/{folder}/x_corrected.mrc") for folder in ("full", "half"))
        assert isonet.relative_difference(half, full) < 1 / 30


def test_step_of_half_precision() -> None:
    assert float16_step(0, 1) == 2**-10
    assert float16_step(40000, 30) == 32 / 30
    assert math.isinf(float16_step(1e6, 1)) and math.isinf(float16_step(0, 0))
