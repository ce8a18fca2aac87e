"""Folders of sub-volumes as other programs leave them: what lies beside them, and tilts that nobody told."""

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
    assert "warning: cut: the power spectrum" in said and "-60 to 60 degrees by default; give --tilt-min" in said
    said = isonet.done("prepare-subtomo-star", "cut", "--overwrite", tilt_min=-70, tilt_max=50).err
    assert "warning" not in said and "shows tilts of -70 to 50 degrees as told" in said
    for path in Path("cut").iterdir():
        foreign.mrc(path, np.random.default_rng(1).standard_normal((EDGE,) * 3).astype(np.float32))
    said = isonet.done("prepare-subtomo-star", "cut", "--overwrite").err
    assert "cut: tilts -60 to 60 degrees by default; give --tilt-min and --tilt-max" in said
    said = isonet.done("prepare-subtomo-star", "cut", "--overwrite", tilt_min=-60, tilt_max=60).err
    assert "by default" not in said
