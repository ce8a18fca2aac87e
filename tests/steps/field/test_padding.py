"""Zeros at a rim, in corners, in a blank third: where programs had no data, results are as without it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isonet.config import RefineConfig
from isonet.core.sampling import random_stream
from isonet.io.formats import open_volume
from isonet.project.table import Project
from isonet.steps.refine.subvolumes.tomograms import open_training_set
from isonet.validation.balance import measure_balance
from isonet.volumes.continued import open_continued

INSIDE = np.s_[8:40, 12:44, 12:52]
Simulated = Callable[..., Any]


def corners(leg: int) -> Any:
    y, x = np.ogrid[:64, :64]
    plane = (y + x < leg) | (y + 63 - x < leg) | (63 - y + x < leg) | (126 - y - x < leg)
    return np.broadcast_to(plane, (48, 64, 64))


def part(*where: slice) -> Any:
    result = np.zeros((48, 64, 64), bool)
    result[where] = True
    return result


PADDINGS = {
    "rim": part(slice(None), slice(None), slice(0, 3)),
    "corners": corners(9),
    "sections": part(slice(0, 2)),
    "blank part": part(slice(None), slice(46, None)),
}


@pytest.fixture(scope="module")
def truth(simulated: Simulated) -> Any:
    return simulated(1, "truth")


@pytest.fixture(scope="module")
def grey(simulated: Simulated) -> Any:
    """Give grey values as AreTomo has them, 40 +- 10."""
    volume = simulated(1)
    return (40 + 10 * (volume - volume.mean()) / volume.std()).astype(np.float32)


def predicted(here: Path, volume: Any, contrast: str) -> tuple[Any, str]:
    """Correct a volume with the shipped starter; the result, and what `prepare` said."""
    foreign.mrc(here / "t.mrc", volume)
    said = isonet.done("prepare", "t.mrc", output="t.star", overwrite=True).err
    assert isonet.table(here / "t.star")[0]["rlnTomoContrast"] == contrast
    isonet.done("predict", "t.star", "starter", output_dir="p", overwrite=True)
    return isonet.read(here / "p/t_corrected.mrc"), said


@pytest.mark.parametrize("kind", PADDINGS)
def test_the_result_inside_is_that_without_padding_and_the_padding_stays(
    here: Path, grey: Any, truth: Any, kind: str
) -> None:
    light = kind in ("corners", "blank part")
    volume, contrast = (80 - grey, "light") if light else (grey, "dark")
    padded = volume.copy()
    value = np.float32(volume.mean() if kind == "sections" else 0)
    padded[PADDINGS[kind]] = value
    result, said = predicted(here, padded, contrast)
    assert f"{int(PADDINGS[kind].sum())} voxels" in said
    assert ((result == value) == PADDINGS[kind]).all()
    assert abs(isonet.correlation(result[INSIDE], truth[INSIDE])) > 0.75
    data = ~PADDINGS[kind]
    assert result[data].mean() == pytest.approx(volume[data].mean(), abs=1)


def test_without_padding_nothing_is_said(here: Path, grey: Any) -> None:
    foreign.mrc(here / "t.mrc", grey)
    said = isonet.done("prepare", "t.mrc").err
    assert "exactly" not in said
    assert "not clear" not in said


@pytest.fixture
def padded(here: Path, grey: Any) -> Any:
    """`t.star` of a tomogram whose last third of y is blank."""
    volume = grey.copy()
    volume[:, 42:] = 0
    foreign.mrc(here / "t.mrc", volume)
    foreign.mrc(here / "whole.mrc", grey)
    isonet.done("prepare", "t.mrc", output="t.star")
    return volume


def test_masks_keep_no_padding_and_the_density_of_the_rest(here: Path, padded: Any) -> None:
    isonet.done("mask", "t.star", output_dir="m")
    mask = isonet.read(here / "m/t_mask.mrc") > 0
    assert not mask[:, 42:].any()
    data = padded[:, :42]
    densest = data < np.percentile(data, 2)
    assert mask[:, :42][densest].mean() > mask[:, :42].mean()
    foreign.mrc(here / "cut.mrc", np.ascontiguousarray(data))
    isonet.done("prepare", "cut.mrc", output="cut.star")
    isonet.done("mask", "cut.star", output_dir="m")
    alone = isonet.read(here / "m/cut_mask.mrc") > 0
    assert (mask[:, :36] == alone[:, :36]).mean() > 0.95


def test_deconvolved_and_resized_volumes_keep_the_padding(here: Path, padded: Any, grey: Any) -> None:
    isonet.done("deconv", "t.star", output_dir="d", defocus=20000)
    result = isonet.read(here / "d/t_deconv.mrc")
    assert (result[:, 42:] == 0).all()
    assert result[:, :42].std() == pytest.approx(padded[:, :42].std(), rel=0.1)
    isonet.done("resize", "t.star", pixel_size=20, output_dir="r")
    small = isonet.read(here / "r/t_resized.mrc")
    assert (small[:, 21:] == 0).all()
    isonet.done("resize", "whole.mrc", pixel_size=20, output_dir="r")
    assert isonet.correlation(small[:, :20], isonet.read(here / "r/whole_resized.mrc")[:, :20]) > 0.99
    assert extrema(here / "d/t_deconv.mrc") == pytest.approx((result.min(), result.max()), rel=1e-5)


def extrema(path: Path) -> tuple[float, float]:
    """Smallest and largest value as a header has them."""
    low, high = np.frombuffer(path.read_bytes()[76:84], "<f4")
    return float(low), float(high)


def test_sub_volumes_are_drawn_and_held_out_where_there_are_data(here: Path, padded: Any) -> None:
    config = RefineConfig(cube_size=16, crop_size=16, held_out=0.25, number_subtomos=40)
    tomograms = Project.read(here / "t.star").tomograms
    (one,) = open_training_set(tomograms, ["rlnTomoName"], config, torch.device("cpu"))
    for places in (one.places(16, 40, random_stream(0)), one.held_out(16, 8, random_stream(0))):
        corners = np.array([corner for _, corner in places])
        assert len(corners)
        assert (corners[:, 1] + 16 <= 42).all()
    isonet.done("extract", "t.star", cube_size=16, crop_size=16, number_subtomos=30)
    rows = isonet.table(here / "subtomo.star")
    assert all(float(row["rlnCoordinateY"]) < 42 for row in rows)
    cubes = [isonet.read(here / row["rlnImageName"]) for row in rows]
    assert all((cube != 0).all() for cube in cubes)


def test_a_network_trains_on_a_padded_tomogram_as_on_its_data(here: Path, padded: Any) -> None:
    isonet.done("refine", "t.star", output_dir="results", **isonet.TINY)
    isonet.done("predict", "t.star", "results", output_dir="p")
    assert (isonet.read(here / "p/t_corrected.mrc")[:, 42:] == 0).all()


def test_halves_keep_what_both_lack(here: Path, simulated: Simulated) -> None:
    even, odd = simulated(1, "even").copy(), simulated(1, "odd").copy()
    even[:, :, :4] = odd[:, :, :6] = 0
    foreign.mrc(here / "even.mrc", even)
    foreign.mrc(here / "odd.mrc", odd)
    isonet.done("prepare", even="even.mrc", odd="odd.mrc", split="frames", contrast="dark")
    isonet.done("refine", "tomograms.star", output_dir="results", **isonet.TINY)
    isonet.done("predict", "tomograms.star", "results", output_dir="p")
    (result,) = (here / "p").glob("*_corrected.mrc")
    assert ((isonet.read(result) == 0).all(axis=(0, 1)) == (np.arange(64) < 4)).all()


def test_the_balance_of_the_wedge_is_that_of_the_data(here: Path, grey: Any) -> None:
    volume = grey.copy()
    volume[:, 42:] = 0
    foreign.mrc(here / "t.mrc", volume)
    foreign.mrc(here / "cut.mrc", grey)
    found = measure_balance([open_continued(here / "t.mrc")], (-60, 60))
    alone = measure_balance([open_volume(here / "cut.mrc")], (-60, 60))
    assert found["missing"] == pytest.approx(alone["missing"], abs=0.05)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(axis=st.integers(0, 2), width=st.integers(1, 6), at_end=st.booleans(), value=st.sampled_from([0.0, 40.0, 255.0]))
def test_contrast_and_wedge_are_those_of_the_data(
    here: Path, grey: Any, axis: int, width: int, at_end: bool, value: float
) -> None:
    for name, volume in (("dark", grey), ("light", 80 - grey)):
        padded = volume.copy()
        np.moveaxis(padded, axis, 0)[slice(-width, None) if at_end else slice(width)] = value
        foreign.mrc(here / f"{name}.mrc", padded)
        said = isonet.done("prepare", f"{name}.mrc", output="t.star", overwrite=True).err
        assert isonet.table(here / "t.star")[0]["rlnTomoContrast"] == name
        assert "padding" in said
        assert "as told" in said


def test_edges_that_were_copied_outward_are_left_out(here: Path, simulated: Callable[..., Any]) -> None:
    volume = simulated(1)
    foreign.mrc(here / "t/copied.mrc", np.pad(volume[:, :, 6:-6], ((0, 0), (0, 0), (6, 6)), mode="edge"))
    foreign.mrc(here / "t/enlarged.mrc", volume.repeat(2, axis=2))
    foreign.mrc(here / "t/own.mrc", volume)
    foreign.mrc(here / "t/rounded.mrc", np.round(volume / volume.std() * 20).astype(np.int16))
    said = isonet.call("prepare", "t", accept="no-wedge").err
    assert "t/copied.mrc: 43008 voxels (22 %) are copies of the edge of the data: padding" in said
    assert "warning: t/enlarged.mrc: 50.0 %" in said
    assert "own.mrc: 1" not in said
    assert said.count("equal to a neighbour") == 1


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize(("axis", "along", "width"), [(2, 2, 3), (1, 1, 3), (0, 0, 3), (1, 2, 2), (2, 1, 1), (0, 2, 1)])
def test_a_rim_whose_lines_have_each_their_own_value_is_left_out(
    here: Path, grey: Any, dtype: str, axis: int, along: int, width: int
) -> None:
    """Lines of the rim at one end of an axis, which are constant along that or another axis."""
    volume = grey.copy()
    rim = np.moveaxis(volume, axis, 0)[:width]
    line = {axis: 0, **dict(zip([one for one in range(3) if one != axis], (1, 2), strict=True))}[along]
    rim[:] = rim.take([0], line) - 20
    foreign.mrc(here / "t.mrc", volume.astype(dtype))
    padding = open_continued(here / "t.mrc").padding
    assert np.moveaxis(padding.block(slice(None)), axis, 0)[:width].all()
    assert np.moveaxis(padding.block(slice(None)), axis, 0)[width:].mean() < 0.001
    said = isonet.done("prepare", "t.mrc").err
    assert "padding, left out" in said
    assert "warning" not in said


def test_masks_leave_out_padding_of_a_value_for_each_section(here: Path, grey: Any) -> None:
    volume = grey.copy()
    volume[:, :, :14] = volume.min(axis=(1, 2))[:, None, None]
    foreign.mrc(here / "v.mrc", volume)
    assert "(22 %) are exactly" in isonet.done("prepare", "v.mrc", output="v.star").err
    isonet.done("mask", "v.star", output_dir="m")
    mask = isonet.read(here / "m/v_mask.mrc") > 0
    assert not mask[:, :, :14].any()
    assert mask[:, :, 14:].mean() > 0.3
