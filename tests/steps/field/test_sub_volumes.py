"""Folders of sub-volumes as other programs leave them: what lies beside them, and tilts that nobody told."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest

from isonet.io import star

EDGE = 40
Simulated = Callable[..., Any]
RANDOM = np.abs(np.random.default_rng(0).standard_normal((EDGE,) * 3)).astype(np.float32)


def cut(folder: Path, names: str, simulated: Simulated, **options: Any) -> Path:
    """Write four sub-volumes of a sample that do not show it as a whole."""
    volume = simulated(1, **options)
    for number in range(4):
        z, y, x = number * 2, 7 * number, 24 - 7 * number
        block = np.ascontiguousarray(volume[z : z + EDGE, y : y + EDGE, x : x + EDGE])
        foreign.mrc(folder / names.format(number), block)
    return folder


def taken() -> list[str]:
    return [Path(row["rlnImageName"]).name for row in star.read_table(Path("subtomo.star"), ["rlnImageName"])]


@pytest.mark.parametrize(
    ("names", "beside"),
    [
        ("{}_data.mrc", "{}_weights.mrc"),
        ("TS_1_000000{}_10.00A.mrc", "TS_1_000000{}_ctf_10.00A.mrc"),
        ("ctf_corrected_{}.mrc", "ctf_corrected_{}_ctf.mrc"),
    ],
    ids=["relion", "warp", "all names"],
)
def test_weights_and_ctf_are_no_sub_volumes(here: Path, simulated: Simulated, names: str, beside: str) -> None:
    cut(here / "cut", names, simulated)
    for number in range(4):
        foreign.mrc(here / "cut" / beside.format(number), RANDOM[:, :, :21] if number else RANDOM)
    said = isonet.done("prepare-subtomo-star", "cut").err
    assert f"{beside.format(0)}: weights or CTF of another file by its name, left out, as 3 others" in said
    assert taken() == [names.format(number) for number in range(4)]


def test_masks_and_constant_files_are_no_sub_volumes(here: Path, simulated: Simulated) -> None:
    folder = cut(here / "cut", "{}.mrc", simulated)
    foreign.mrc(folder / "zeros.mrc", np.zeros_like(RANDOM))
    foreign.mrc(folder / "ball.mrc", (RANDOM > 1).astype(np.float32))
    foreign.mrc(folder / "average.mrc", simulated(1)[:EDGE, :EDGE, :EDGE].copy())
    said = isonet.done("prepare-subtomo-star", "cut").err
    assert "zeros.mrc: all voxels are 0, left out" in said
    assert "ball.mrc: only 2 grey values, as a mask, left out" in said
    assert "average.mrc: an average by its name, and taken" in said
    assert taken() == [*(f"{number}.mrc" for number in range(4)), "average.mrc"]
    for number in range(4):
        (folder / f"{number}.mrc").unlink()
    (folder / "average.mrc").unlink()
    isonet.assert_refused(isonet.call("prepare-subtomo-star", "cut", "--overwrite"), "no sub-volume is left")


def test_several_pixel_sizes_are_said(here: Path, simulated: Simulated) -> None:
    folder = cut(here / "cut", "{}.mrc", simulated)
    assert "A/voxel and" not in isonet.done("prepare-subtomo-star", "cut").err
    foreign.mrc(folder / "2.mrc", isonet.read(folder / "2.mrc").astype(np.float32), 5.0)
    said = "cut/2.mrc has 5 A/voxel and cut/0.mrc 10"
    assert said in isonet.done("prepare-subtomo-star", "cut", "--overwrite").err
    assert said not in isonet.done("prepare-subtomo-star", "cut", "--overwrite", pixel_size=10).err


def test_tilts_that_nobody_told_are_compared_with_what_is_seen(here: Path, simulated: Simulated) -> None:
    cut(here / "cut", "{}.mrc", simulated, lopsided=True)
    said = isonet.done("prepare-subtomo-star", "cut").err
    assert "warning: cut: its power spectrum shows tilts of" in said and "give --tilt-min -7" in said
    said = isonet.done("prepare-subtomo-star", "cut", "--overwrite", tilt_min=-70, tilt_max=50).err
    assert "warning" not in said and "degrees about an axis that is y, as told" in said
    for path in Path("cut").iterdir():
        foreign.mrc(path, np.random.default_rng(1).standard_normal((EDGE,) * 3).astype(np.float32))
    isonet.assert_refused(isonet.call("prepare-subtomo-star", "cut", "--overwrite"), "no wedge", "--accept no-wedge")
    said = isonet.done("prepare-subtomo-star", "cut", "--overwrite", accept="no-wedge").err
    assert "cut: tilts -60 to 60 degrees by default; give --tilt-min and --tilt-max" in said
    said = isonet.done("prepare-subtomo-star", "cut", "--overwrite", accept="no-wedge", tilt_min=-60, tilt_max=60).err
    assert "by default" not in said


def whole_sample() -> Any:
    return isonet.specimen((48, 72, 72), tilts=(-70, 50))


def turned_cubes(change: Any) -> None:
    """Write sub-volumes of a sample whose array was changed as a whole."""
    volume, random = change(whole_sample()), np.random.default_rng(0)
    for number in range(8):
        z, y, x = (random.integers(0, edge - EDGE + 1) for edge in volume.shape)
        block = np.ascontiguousarray(volume[z : z + EDGE, y : y + EDGE, x : x + EDGE])
        foreign.mrc(Path("cut") / f"{number}.mrc", block)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: np.rot90(one, 1, (1, 2)), r"(give|--level-x -?[01]) --axis-turn 90\b"),
        (lambda one: np.rot90(one, -1, (1, 2)), r"(give|--level-x -?[01]) --axis-turn -90\b"),
        (lambda one: np.rot90(one, -1, (0, 1)), "axis along z and the beam along y"),
        (lambda one: one.swapaxes(0, 2), "the beam along x"),
    ],
    ids=["axis along x", "axis along -x", "as IMOD leaves volumes", "beam along x"],
)
def test_sub_volumes_that_lie_otherwise_are_warned_of(here: Path, change: Any, said: str) -> None:
    turned_cubes(change)
    words = isonet.done("prepare-subtomo-star", "cut", tilt_min=-70, tilt_max=50).err
    assert re.search(f"warning: cut: .*{said}", words), words
    assert re.search(f"subtomo.star: .*{said}.*prepare", isonet.done("refine", "subtomo.star", **isonet.TINY).err)


def test_the_flags_that_are_named_are_right_and_in_the_table(here: Path, simulated: Simulated) -> None:
    turned = np.rot90(simulated(1, lopsided=True), 1, (1, 2))
    for number in range(8):
        z, y, x = number, 3 * number, 24 - 3 * number
        foreign.mrc(here / f"cut/{number}.mrc", np.ascontiguousarray(turned[z : z + EDGE, y : y + EDGE, x : x + EDGE]))
    words = isonet.done("prepare-subtomo-star", "cut", tilt_min=-70, tilt_max=50, axis_turn=90).err
    assert "warning" not in words and "turned by 90 about z, as told" in words
    (row, *_) = star.read_table(Path("subtomo.star"), ["rlnTiltAxisTurn", "rlnTomoXTilt"])
    assert (row["rlnTiltAxisTurn"], row["rlnTomoXTilt"]) == ("90", "0")


def test_mirrored_sub_volumes_are_refused(here: Path) -> None:
    turned_cubes(lambda one: one[::-1])
    outcome = isonet.call("prepare-subtomo-star", "cut", tilt_min=-70, tilt_max=50)
    isonet.assert_refused(outcome, "mirrored", "--tilt-min -5", "--tilt-max 7", "--accept mirrored")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one.swapaxes(1, 2), "tilt axis along x"),
        (lambda one: np.rot90(one, -1, (0, 1)), "as IMOD's tilt leaves volumes"),
        (lambda one: one.swapaxes(0, 2), "the beam along x"),
        (lambda one: one[::-1], "the wedge is mirrored"),
        (lambda one: np.random.default_rng(0).standard_normal(one.shape).astype(np.float32), "no wedge"),
    ],
    ids=["axis along x", "as IMOD leaves volumes", "beam along x", "mirrored", "no wedge"],
)
def test_a_table_by_hand_of_a_tomogram_that_lies_otherwise_is_warned_of(here: Path, change: Any, said: str) -> None:
    foreign.mrc(here / "t.mrc", np.ascontiguousarray(change(whole_sample())))
    foreign.star(
        here / "t.star", rlnIndex=[1], rlnTomoName=["t.mrc"], rlnPixelSize=[10], rlnTiltMin=[-70], rlnTiltMax=[50]
    )
    for words in (
        ("extract", "t.star", {"cube_size": 16, "crop_size": 24, "number_subtomos": 2}),
        ("refine", "t.star", isonet.TINY),
        ("predict", "t.star", "results", {"turns": 1, "calibrate": False}),
    ):
        *positional, options = words
        text = isonet.done(*positional, **options).err
        assert re.search(f"warning: t.mrc: .*{said}.*; the table is used as it stands", text), text
