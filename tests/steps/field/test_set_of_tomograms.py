"""Products given as tomograms, tomograms of one set whose contrast differs, and those replaced by another shape."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np

Simulated = Callable[..., Any]


def test_own_deconvolved_tomograms_are_said(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "t.mrc", simulated(1))
    isonet.done("prepare", "t.mrc", defocus=40000)
    isonet.done("deconv", "tomograms.star")
    said = isonet.done("prepare", "deconv/t_deconv.mrc", output="again.star", accept="no-wedge").err
    assert "warning: deconv/t_deconv.mrc: this program deconvolved it" in said
    assert "this program" not in isonet.done("prepare", "t.mrc", output="raw.star").err


def test_a_tomogram_whose_contrast_is_not_that_of_the_others_is_said(here: Path, simulated: Simulated) -> None:
    for number, sign in enumerate((1, 1, -1), start=1):
        foreign.mrc(here / "data" / f"t{number}.mrc", np.asarray(sign * simulated(number), "f4"))
    said = isonet.done("prepare", "data").err
    assert "density looks light in 1 of 3 tomograms (t3), and dark in the others" in said
    assert "tomograms of one kind" not in isonet.done("prepare", "data/t1.mrc", "data/t2.mrc", overwrite=True).err
    foreign.mrc(here / "data" / "t3.mrc", simulated(3))
    assert "tomograms of one kind" not in isonet.done("prepare", "data", overwrite=True).err


def test_a_tomogram_of_another_shape_than_was_prepared_is_said(here: Path, simulated: Simulated, model: Path) -> None:
    foreign.mrc(here / "t.mrc", simulated(1))
    isonet.done("prepare", "t.mrc")
    assert "its shape" not in isonet.done("mask", "tomograms.star").err
    foreign.mrc(here / "t.mrc", np.ascontiguousarray(simulated(2)[:40]))
    told = "warning: t.mrc: its shape is (40, 64, 64), and was (48, 64, 64)"
    assert told in isonet.done("mask", "tomograms.star", output_dir="m").err
    assert told in isonet.done("predict", "tomograms.star", model).err


def test_flat_membranes_are_not_called_light_without_a_word(here: Path) -> None:
    sample = {"sheets": 1, "crowding": 0, "vesicles": 0, "filaments": 0, "seed": 22}
    isonet.done("simulate", output_dir="s", depth=48, height=96, width=96, **sample)
    assert "not clear" in isonet.done("prepare", "s/full.mrc").err
