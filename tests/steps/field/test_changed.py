"""Files that were made again under the same name, tables edited by hand, halves that are none: said in each step."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from isonet.io.programs.imod import write_closed
from isonet.project.table import Project
from isonet.volumes.source import open_source

Simulated = Callable[..., Any]
OLDER = "was made of other data than"


@pytest.fixture
def folder(here: Path, simulated: Simulated) -> Path:
    """One tomogram with halves in three folders, its table, and what is made of it."""
    for name, part in (("t", "full"), ("e", "even"), ("o", "odd")):
        (here / name).mkdir()
        foreign.mrc(here / name / "TS_1.mrc", simulated(1, part))
    return here


def made_again(here: Path, simulated: Simulated, sample: int = 2) -> None:
    """Put another tomogram in the place of the first one, as an alignment that is improved gives it."""
    for name, part in (("t", "full"), ("e", "even"), ("o", "odd")):
        foreign.mrc(here / name / "TS_1.mrc", simulated(sample, part))


def test_deconvolved_and_masks_of_a_tomogram_that_was_made_again(
    folder: Path, simulated: Simulated, model: Any
) -> None:
    isonet.done("prepare", "t", defocus=40000)
    isonet.done("deconv", "tomograms.star")
    isonet.done("mask", "tomograms.star")
    assert OLDER not in isonet.done("refine", "tomograms.star", **isonet.TINY).err
    made_again(folder, simulated)
    for command in ("predict", "refine", "mask"):
        words = ("tomograms.star", "results") if command == "predict" else ("tomograms.star",)
        options = {"output_dir": "again", **isonet.TINY} if command == "refine" else {}
        said = isonet.done(command, *words, **options).err
        assert f"deconv/TS_1_deconv.mrc: {OLDER} t/TS_1.mrc" in said.replace(f"{folder}/", ""), command
    said = isonet.done("report", "tomograms.star").err
    assert f"TS_1_deconv.mrc: {OLDER}" in said and f"TS_1_corrected.mrc: {OLDER}" not in said
    isonet.done("prepare", "t", defocus=40000, overwrite=True)
    isonet.done("predict", "tomograms.star", "starter", input_column="full", output_dir="n")
    made_again(folder, simulated, 3)
    assert f"TS_1_corrected.mrc: {OLDER}" in isonet.done("report", "tomograms.star").err


def test_sub_volumes_of_a_tomogram_that_was_made_again(folder: Path, simulated: Simulated) -> None:
    isonet.done("prepare", "t")
    isonet.done("extract", "tomograms.star", cube_size=16, crop_size=24, number_subtomos=3)
    options = {name: value for name, value in isonet.TINY.items() if name not in ("number_subtomos",)}
    assert OLDER not in isonet.done("refine", "subtomo.star", **options).err
    made_again(folder, simulated)
    assert (
        f"TS_1_000000.mrc: {OLDER} t/TS_1.mrc" in isonet.done("refine", "subtomo.star", output_dir="n", **options).err
    )


@pytest.mark.parametrize("copy", [shutil.copy, shutil.copy2], ids=["times of the copy", "times kept"])
def test_a_project_that_was_copied_is_told_by_its_data(folder: Path, simulated: Simulated, copy: Any) -> None:
    isonet.done("prepare", "t", even="e", odd="o")
    isonet.done("mask", "tomograms.star")
    shutil.copytree(folder, folder / "copy", copy_function=copy)
    os.chdir(folder / "copy")
    (folder / "copy/t/TS_1.mrc").touch()
    assert OLDER not in isonet.done("refine", "tomograms.star", **isonet.TINY).err
    foreign.mrc(folder / "other.mrc", simulated(2))
    os.utime(folder / "other.mrc", (1, 1))
    (folder / "other.mrc").rename(folder / "copy/t/TS_1.mrc")
    assert OLDER in isonet.done("refine", "tomograms.star", output_dir="n", **isonet.TINY).err


@pytest.mark.parametrize("command", ["deconv", "mask"])
def test_a_project_that_was_copied_goes_on(folder: Path, simulated: Simulated, command: str) -> None:
    """What was made of the same data is made again; what was made of others is kept, and that is refused."""
    product = {"deconv": "deconv/TS_1_deconv.mrc", "mask": "mask/TS_1_mask.mrc"}[command]
    isonet.done("prepare", "t", defocus=40000)
    isonet.done(command, "tomograms.star")
    made = isonet.read(folder / product)
    shutil.copytree(folder, folder / "copy")
    os.chdir(folder / "copy")
    assert f"{product}: made before with other files, replaced" in isonet.done(command, "tomograms.star").err
    assert np.array_equal(isonet.read(folder / "copy" / product), made)
    assert f"{product}: made before, kept" in isonet.done(command, "tomograms.star").err
    foreign.mrc(folder / "copy/t/TS_1.mrc", simulated(2))
    shutil.copytree(folder / "copy", folder / "next")
    os.chdir(folder / "next")
    isonet.assert_refused(isonet.call(command, "tomograms.star"), product, "was not made from this input")


def test_means_of_halves_that_were_made_again(folder: Path, simulated: Simulated) -> None:
    isonet.done("prepare", even="e", odd="o")
    isonet.done("mask", "tomograms.star")
    made_again(folder, simulated)
    assert f"average/TS_1.mrc: {OLDER}" in isonet.done("mask", "tomograms.star").err
    assert f"average/TS_1.mrc: {OLDER}" in isonet.done("refine", "tomograms.star", **isonet.TINY).err


def test_turned_copies_and_places_picked_in_the_original(folder: Path, simulated: Simulated, model: Any) -> None:
    volume = simulated(1, lopsided=True)
    foreign.mrc(folder / "t/TS_1.mrc", np.ascontiguousarray(np.rot90(volume, -1, (0, 1))))
    isonet.done("prepare", "t", tilt_min=-70, tilt_max=50)
    (folder / "TS_1.txt").write_text("32 24 20\n")
    said = isonet.done("extract", "tomograms.star", coordinates="TS_1.txt", cube_size=16, crop_size=24).err
    assert "y and z exchanged" in said
    write_closed(
        folder / "TS_1.mod", [("p", [np.array([(10, 10, 20), (50, 10, 20), (50, 50, 20.0)])])], (64, 48, 64), 10.0
    )
    assert "y and z exchanged" in isonet.done("mask", "tomograms.star", boundary="TS_1.mod").err
    foreign.mrc(folder / "t/TS_1.mrc", np.ascontiguousarray(np.rot90(simulated(2, lopsided=True), -1, (0, 1))))
    assert f"turned/TS_1.mrc: {OLDER} t/TS_1.mrc" in isonet.done("predict", "tomograms.star", model).err


@pytest.mark.parametrize("told", [(-70, 50), (-50, 70), (-5, 5)])
def test_a_wedge_that_is_told_wrong_in_a_table_is_said(
    here: Path, simulated: Simulated, model: Any, told: tuple[int, int]
) -> None:
    foreign.mrc(here / "t.mrc", simulated(1, lopsided=True))
    isonet.done("prepare", "t.mrc", tilt_min=-70, tilt_max=50)
    isonet.edited(here / "tomograms.star", rlnTiltMin=str(told[0]), rlnTiltMax=str(told[1]))
    for words in (("refine", "tomograms.star"), ("predict", "tomograms.star", model)):
        said = isonet.done(*words, **(isonet.TINY if words[0] == "refine" else {})).err
        assert ("its power spectrum shows tilts" in said and "warning" in said) == (told != (-70, 50)), words
        assert ("the wedge is mirrored" in said) == (told == (-50, 70)), words


def test_halves_of_another_tomogram_in_a_table(folder: Path, simulated: Simulated, model: Any) -> None:
    isonet.done("prepare", "t", even="e", odd="o")
    foreign.mrc(folder / "e/TS_1.mrc", simulated(2, "even"))
    foreign.mrc(folder / "o/TS_1.mrc", simulated(2, "odd"))
    assert "is no half of" in isonet.done("refine", "tomograms.star", **isonet.TINY).err


@pytest.mark.parametrize("which", ["none", "whole", "copy", "filtered copy"])
def test_halves_that_share_their_noise(folder: Path, simulated: Simulated, which: str) -> None:
    if which != "none":
        other = simulated(1, "full") if which == "whole" else np.round(1000 * simulated(1, "even")).astype(np.int16)
        other = gaussian_filter(simulated(1, "even"), 1.5) if which == "filtered copy" else other
        foreign.mrc(folder / "o/TS_1.mrc", other)
    said = isonet.done("prepare", "t", even="e", odd="o").err
    assert ("have their noise in common" in said) == (which != "none")
    said = isonet.done("refine", "tomograms.star", **isonet.TINY).err
    assert ("have their noise in common" in said) == (which != "none")


@pytest.mark.parametrize("value", [300, 1e6])
def test_a_hot_voxel_leaves_the_rest_as_it_is(here: Path, simulated: Simulated, value: float) -> None:
    volume = simulated(1)
    volume = ((volume - volume.mean()) / volume.std()).astype(np.float32)
    results = []
    for name in ("plain", "hot"):
        (here / name).mkdir()
        os.chdir(here / name)
        foreign.mrc(here / name / "t.mrc", volume)
        isonet.done("prepare", "t.mrc", contrast="dark", accept="no-wedge")
        isonet.done("predict", "tomograms.star", "starter", keep_measured=False)
        results.append(isonet.read(Path("corrected/t_corrected.mrc")).astype(np.float64))
        volume = volume.copy()
        volume[20, 30, 30] = value
    far = np.ones(volume.shape, bool)
    far[8:32, 18:42, 18:42] = False
    plain, hot = (one[far] for one in results)
    assert np.corrcoef(plain, hot)[0, 1] > 0.99
    assert hot.std() / plain.std() == pytest.approx(1, abs=0.05)


def test_sample_of_a_map_without_noise_is_not_cut_off(here: Path) -> None:
    """Particles of a denoised map stand farther out than hot pixels do, and are more voxels."""
    volume = 1e-3 * np.random.default_rng(0).standard_normal((48, 64, 64))
    volume[20:28, 30:38, 30:38] += np.linspace(0.1, 1, 8)
    foreign.mrc(here / "t.mrc", volume.astype(np.float32))
    isonet.done("prepare", "t.mrc", contrast="light", accept="no-wedge")
    (row,) = Project.read(here / "tomograms.star").tomograms
    seen = open_source(row, "rlnTomoName").cut((20, 30, 30), (8, 8, 8))
    assert np.corrcoef(seen.ravel(), volume[20:28, 30:38, 30:38].ravel())[0, 1] > 0.999


def test_names_and_signs_that_contradict_are_said(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "TS_1_10.00Apx.mrc", simulated(1), 8.0)
    assert "its name says 10 A/voxel, 8 taken" in isonet.done("prepare", "TS_1_10.00Apx.mrc").err
    foreign.mrc(here / "TS_2_10.00Apx.mrc", simulated(2), 10.0)
    said = isonet.done("prepare", "TS_2_10.00Apx.mrc", output="2.star", defocus=-40000).err
    assert "its name says" not in said and "overfocus" in said
