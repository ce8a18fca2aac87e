"""Folders as other programs leave them give exactly the tomograms; what is left out is named, with the reason."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import leave
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

HALVES = ("rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2")
STACKS = [{}, {"sections": 0}, {"space_group": 1, "sections": 0}]
"""Headers of tilt series: as a stack, as IMOD wrote them, as a volume."""


def prepared(*words: Any, **options: Any) -> tuple[list[tuple[str, ...]], str]:
    """File, halves, pixel size and tilts of each row, and what was said."""
    said = isonet.done("prepare", *words, **options).err
    columns = ("rlnTomoName", *HALVES, "rlnPixelSize", "rlnTiltMin")
    table = isonet.table(Path(options.get("output", "tomograms.star")))
    return [tuple(row.get(name, "None") for name in columns) for row in table], said


def test_folders_below_with_other_tomograms_are_named(here: Path, simulated: Callable[..., Any]) -> None:
    """Not those with products of what the folder holds."""
    for name in ("t/TS_1.mrc", "t/session2/TS_9.mrc", "t/deconv/TS_1.mrc", "t/corrected/TS_1_corrected.mrc"):
        foreign.mrc(here / name, simulated(1))
    said = prepared("t")[1]
    assert "warning: t/session2: holds volumes and was not looked into" in said
    assert "deconv" not in said
    assert "corrected" not in said


def test_volumes_of_other_formats_are_named(here: Path, simulated: Callable[..., Any]) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    for name in ("TS_1.em", "TS_2.em", "TS_3.hdf", "TS_4.mrc.zst", ".TS_5.em", "TS_6.txt"):
        foreign.put(here / "t" / name, b"no matter")
    rows, said = prepared("t")
    assert [row[0] for row in rows] == ["t/TS_1.mrc"]
    assert "warning: t/TS_2.em (and 2 more such files): left out, .em is not read" in said
    foreign.put(here / "e/TS_2.em", b"no matter")
    refused = isonet.call("prepare", "e", output="e.star")
    isonet.assert_refused(refused, "no tomograms in this folder", ".mrc", "; give the folder that holds them")
    foreign.mrc(here / "e/below/TS_2.mrc", simulated(1))
    isonet.assert_refused(isonet.call("prepare", "e", output="e.star"), "give these in its place: e/below")


def left_out(said: str) -> set[str]:
    """Names of the files that were left out."""
    return {
        Path(line.replace(" warning:", "").split()[1].rstrip(":")).name
        for line in said.splitlines()
        if "left out" in line
    }


@pytest.mark.parametrize("header", STACKS)
def test_aretomo_3(here: Path, simulated: Callable[..., Any], header: dict[str, int]) -> None:
    for number, name in enumerate(("TS_1", "TS_10"), start=1):
        leave.aretomo(here / "out", name, simulated, number, **header)
    rows, said = prepared("out/", metadata="out/")
    assert rows == [
        (f"out/{name}_Vol.mrc", f"out/{name}_EVN_Vol.mrc", f"out/{name}_ODD_Vol.mrc", "10", "-60")
        for name in ("TS_10", "TS_1")
    ]
    for name in ("TS_1", "TS_10"):
        words = ("", "_EVN", "_ODD", "_CTF", "_2ND_Vol")
        assert {f"{name}{word}.mrc" for word in words} <= left_out(said)
    assert prepared("out", even="out", odd="out", metadata="out", overwrite=True)[0] == rows
    for path in (here / "out").glob("*_Vol.mrc"):
        path.unlink()
    outcome = isonet.call("prepare", "out", metadata="out", overwrite=True)
    isonet.assert_refused(outcome, "TS_1", "a tilt series", "--accept stack")


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("header", STACKS)
def test_etomo(here: Path, simulated: Callable[..., Any], header: dict[str, int], new: bool) -> None:
    leave.etomo(here / "TS_01", "TS_01", simulated, 1, new=new, **header)
    rec = "TS_01/TS_01_rec.mrc" if new else "TS_01/TS_01.rec"
    rows, said = prepared("TS_01", metadata="TS_01")
    assert rows == [(rec, "None", "None", "10", "-60")]
    assert "TS_01_3dfind_rec.mrc" in left_out(said)
    if new:
        words = sorted((here / "TS_01").glob("*_rec.mrc"))
        assert [row[0] for row in prepared(*words, overwrite=True)[0]] == [rec]
        assert "TS_01_full_rec.mrc" in left_out(isonet.done("prepare", *words, overwrite=True).err)


def test_etomo_before_trimming(here: Path, simulated: Callable[..., Any]) -> None:
    """Where there is nothing but the volume before trimming, that is the tomogram, turned."""
    leave.etomo(here / "TS_01", "TS_01", simulated, 1, new=True)
    (here / "TS_01/TS_01_rec.mrc").unlink()
    rows, _ = prepared("TS_01", metadata="TS_01")
    assert rows == [("turned/TS_01_full_rec.mrc", "None", "None", "10", "-60")]


def test_warp(here: Path, simulated: Callable[..., Any]) -> None:
    for number, name in enumerate(("Position_20", "Position_20_3"), start=1):
        leave.warp(here, name, simulated, number)
    made = "warp_tiltseries/reconstruction"
    rows, said = prepared(made, metadata="warp_tiltseries")
    assert [row[:4] for row in rows] == [
        (f"{made}/{name}.mrc", f"{made}/even/{name}.mrc", f"{made}/odd/{name}.mrc", "10")
        for name in ("Position_20_10.00Apx", "Position_20_3_10.00Apx")
    ]
    assert left_out(said) == {"Position_20_20.00Apx.mrc", "Position_20_3_20.00Apx.mrc"}
    assert "Position_20_10.00Apx.mrc of the same series at 10 A/voxel is taken" in said
    rows, _ = prepared(f"{made}/Position_20_20.00Apx.mrc", metadata="warp_tiltseries", overwrite=True)
    assert rows[0][3] == "20"


@pytest.mark.parametrize("end", ["", "_rec"])
def test_one_tomogram_at_two_binnings(here: Path, simulated: Callable[..., Any], end: str) -> None:
    """As names and headers tell together; else both are taken, and their common file of tilts is told."""
    foreign.angles(here / "m/TS_01.tlt")
    for binning, step in ((4, 1), (8, 2)):
        volume = simulated(1)[::step, ::step, ::step].copy()
        foreign.mrc(here / f"t/TS_01_b{binning}{end}.mrc", volume, 10.0 * step)
    rows, said = prepared("t", metadata="m")
    assert [row[0] for row in rows] == [f"t/TS_01_b4{end}.mrc"]
    left = f"t/TS_01_b8{end}.mrc: left out, TS_01_b4{end}.mrc of the same series at 10 A/voxel is taken; name one"
    assert f"warning: {left} to choose" in said
    assert said.count("warning:") == 1
    for binning in (4, 8):
        foreign.mrc(here / f"t/TS_01_b{binning}{end}.mrc", simulated(binning))
    rows, said = prepared("t", metadata="m", overwrite=True)
    assert len(rows) == 2
    told = f"m/TS_01.tlt: taken for t/TS_01_b4{end}.mrc and t/TS_01_b8{end}.mrc, as of one series; if they are one "
    told += "tomogram, as at two binnings, keep one; if of two series, give each a file called as it is"
    assert f"warning: {told}" in said


@pytest.mark.parametrize("full", [True, False])
def test_relion_5(here: Path, simulated: Callable[..., Any], full: bool) -> None:
    names = ("TS_1", "TS_10") if full else ("TS_1", "TS_2")
    leave.relion(here, names, simulated, full=full)
    made = "Tomograms/job010/tomograms"
    rows, _ = prepared(made, metadata=".")
    expected = {
        (
            f"{made}/rec_{name}.mrc" if full else f"average/rec_{name}.mrc",
            f"{made}/rec_{name}_half1.mrc",
            f"{made}/rec_{name}_half2.mrc",
            "10",
            "-60",
        )
        for name in names
    }
    assert set(rows) == expected
    defoci = {Path(row["rlnTomoName"]).stem: row["rlnDefocus"] for row in isonet.table(here / "tomograms.star")}
    assert defoci == {f"rec_{name}": str(30001 + number) for number, name in enumerate(names)}


def test_a_stack_beside_a_volume_of_the_same_name(here: Path, simulated: Callable[..., Any]) -> None:
    leave.stack(here / "imod/TS_01.mrc", simulated(1, "tilts"))
    foreign.mrc(here / "imod/TS_01.rec", simulated(1))
    rows, said = prepared("imod")
    assert [row[0] for row in rows] == ["imod/TS_01.rec"]
    assert left_out(said) == {"TS_01.mrc"}


def test_a_stack_alone_is_told_by_its_content(here: Path, simulated: Callable[..., Any]) -> None:
    """A header of a stack alone does not make a tomogram one: some programs write it for volumes."""
    intervals = (64, 64, 1)
    foreign.mrc(here / "v/volume.mrc", simulated(1), space_group=0, intervals=intervals, cell=(640, 640, 480))
    rows, said = prepared("v", pixel_size=10)
    assert [row[0] for row in rows] == ["v/volume.mrc"]
    assert "stack" not in said
    leave.stack(here / "s/series.mrc", simulated(1, "tilts"))
    refused = isonet.call("prepare", "s", overwrite=True)
    isonet.assert_refused(refused, "s/series.mrc", "ISPG 0, MZ 1", "no wedge", "--accept stack")
    rows, said = prepared("s", accept="stack", overwrite=True)
    assert [row[0] for row in rows] == ["s/series.mrc"]
    assert "taken by --accept stack" in said
    foreign.mrc(here / "w/volume.mrc", simulated(1))
    rows, said = prepared("w", "s", overwrite=True)
    assert [row[0] for row in rows] == ["w/volume.mrc"]
    assert "s/series.mrc: left out" in said


def test_a_series_may_be_called_as_the_volume_of_another(here: Path, simulated: Callable[..., Any]) -> None:
    """TS_1 and rec_TS_1: two tomograms with halves and tilts of their own, one, or one and its images."""
    for number, name in ((1, "TS_1"), (2, "rec_TS_1")):
        for part in ("full", "even", "odd"):
            foreign.mrc(here / f"{part}/{name}.mrc", simulated(number, part))
        foreign.angles(here / f"tilts/{name}.tlt")
    flags = {"even": "even", "odd": "odd", "metadata": "tilts", "overwrite": True}
    both = [(f"full/{name}.mrc", f"even/{name}.mrc", f"odd/{name}.mrc", "10", "-60") for name in ("TS_1", "rec_TS_1")]
    rows, said = prepared("full", **flags)
    assert rows == both
    assert " warning: full/TS_1.mrc and full/rec_TS_1.mrc: taken for two tomograms by what they show" in said
    for part in ("full", "even", "odd"):
        foreign.mrc(here / f"{part}/TS_1.mrc", simulated(2, part))
    rows, said = prepared("full", **flags)
    assert rows == both[1:]
    assert "full/TS_1.mrc: left out, of the series of rec_TS_1.mrc" in said
    assert "warning: full/TS_1.mrc" not in said
    foreign.mrc(here / "full/TS_1.mrc", simulated(1)[:40].copy())
    rows, said = prepared("full", **flags)
    assert rows == both[1:]
    assert "warning: full/TS_1.mrc: left out, of the series of rec_TS_1.mrc by its name; if it is a" in said
    leave.stack(here / "full/TS_1.mrc", simulated(1, "tilts"))
    rows, said = prepared("full", **flags)
    assert rows == both[1:]
    assert "warning: full/TS_1.mrc" not in said


def test_as_many_sections_as_tilts_make_no_stack_without_a_word(here: Path, simulated: Callable[..., Any]) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1)[:41].copy())
    foreign.mrc(here / "t/TS_2.mrc", simulated(2))
    foreign.angles(here / "t/TS_1.tlt")
    rows, said = prepared("t")
    assert [row[0] for row in rows] == ["t/TS_2.mrc"]
    assert "warning: t/TS_1.mrc: left out, a tilt series: it has 41 sections, as many as TS_1.tlt has tilts" in said
    assert [row[0] for row in prepared("t", accept="stack", overwrite=True)[0]] == ["t/TS_1.mrc", "t/TS_2.mrc"]


def test_places_in_a_lamella_are_no_samples_of_etomo_without_a_word(here: Path, simulated: Callable[..., Any]) -> None:
    for number, name in enumerate(("bot", "mid", "top", "TS_1"), start=1):
        foreign.mrc(here / f"t/{name}.mrc", simulated(number))
    rows, said = prepared("t")
    assert [row[0] for row in rows] == ["t/TS_1.mrc"]
    for name in ("bot", "mid", "top"):
        assert f"warning: t/{name}.mrc: left out, a sample to position a tomogram by its name; if it is none" in said
    foreign.put(here / "t/tilt.com", "$tilt -StandardInput\n")
    assert "warning: t/" not in prepared("t", overwrite=True)[1]


def test_links(here: Path, simulated: Callable[..., Any]) -> None:
    foreign.mrc(here / "real/TS_1.mrc", simulated(1))
    (here / "l").mkdir()
    (here / "l/TS_1.mrc").symlink_to("../real/TS_1.mrc")
    (here / "l/TS_2.mrc").symlink_to("../gone/TS_2.mrc")
    rows, said = prepared("l")
    assert [row[0] for row in rows] == ["l/TS_1.mrc"]
    assert "l/TS_2.mrc: left out, a link to ../gone/TS_2.mrc, which is not there" in said
    refused = isonet.call("prepare", "l/TS_2.mrc", overwrite=True)
    isonet.assert_refused(refused, "l/TS_2.mrc", "../gone/TS_2.mrc", "not there")
    rows, said = prepared("l", "real", overwrite=True)
    assert [row[0] for row in rows] == ["l/TS_1.mrc"]
    assert "real/TS_1.mrc: left out, it is the same file as l/TS_1.mrc" in said


def test_images_and_copies(here: Path, simulated: Callable[..., Any]) -> None:
    foreign.mrc(here / "d/TS_1.mrc", simulated(1))
    foreign.mrc(here / "d/TS_1_projXY.mrc", simulated(1)[:1].copy())
    (here / "e").mkdir()
    shutil.copy(here / "d/TS_1.mrc", here / "e/TS_1_copied.mrc")
    shutil.copy(here / "d/TS_1.mrc", here / "e/TS_1.mrc")
    rows, said = prepared("d")
    assert [row[0] for row in rows] == ["d/TS_1.mrc"]
    assert "d/TS_1_projXY.mrc: left out, one image and no volume" in said
    said = prepared("d", "e", overwrite=True)[1]
    assert "warning: d/TS_1.mrc, e/TS_1.mrc and e/TS_1_copied.mrc: one tomogram 3 times, which training counts" in said
    prepared("d", output="one.star")
    said = prepared("e/TS_1_copied.mrc", output="one.star", append=True)[1]
    assert "warning: e/TS_1_copied.mrc and d/TS_1.mrc: one tomogram twice" in said


def derived(simulated: Callable[..., Any]) -> dict[str, tuple[Any, str]]:
    """Maps that other programs make of a tomogram, by the end of its name, and what is said of them."""
    truth = simulated(1, "truth")
    dense = truth > np.percentile(truth, 90)
    random = np.random.default_rng(0)
    best = np.max([np.abs(random.standard_normal(truth.shape)) for _ in range(40)], axis=0) / 20
    return {
        "_seg": ((dense * random.integers(1, 4, truth.shape)).astype(np.int8), "a segmentation or a mask"),
        "_labels": (dense.astype(np.uint16), "a segmentation or a mask"),
        "_MemBrain_seg_v10": (dense.astype(np.float32), "a segmentation or a mask"),
        "_mask": (gaussian_filter(dense.astype(np.float32), 0.5, truncate=1), "a segmentation or a mask"),
        "_scores": (best.astype(np.float32), "scores of a search"),
        "_angles": (random.integers(0, 4000, truth.shape).astype(np.float32), "angles of a search"),
    }


def test_segmentations_masks_and_scores_beside_tomograms(here: Path, simulated: Callable[..., Any]) -> None:
    """Of tomograms that are only called so nothing is left out, nor of maps that lie by themselves."""
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    maps = derived(simulated)
    for number, end in enumerate(maps, start=2):
        foreign.mrc(here / f"t/TS_1{end}.mrc", maps[end][0])
        foreign.mrc(here / f"u/TS_{number}{end}.mrc", simulated(number))
    rows, said = prepared("t")
    assert [row[0] for row in rows] == ["t/TS_1.mrc"]
    for end, (_, what) in maps.items():
        assert f"t/TS_1{end}.mrc: left out, {what} by its name and its voxels" in said
    rows, said = prepared("u", overwrite=True)
    assert len(rows) == len(maps)
    assert "left out" not in said
    foreign.mrc(here / "v/TS_1_scores.mrc", maps["_scores"][0])
    isonet.assert_refused(isonet.call("prepare", "v", output="v.star"), "v/TS_1_scores.mrc", "no wedge")


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ((0,), "mirrored along z"),
        ((2,), "mirrored along x"),
        ((1, 2), "turned by 180 degrees about z"),
        ((0, 2), "turned by 180 degrees about y"),
    ],
)
def test_mirrored_and_turned_copies(
    here: Path, simulated: Callable[..., Any], axes: tuple[int, ...], said: str
) -> None:
    """As programs with another hand or another order of sections leave them."""
    volume = simulated(1)[:47]
    foreign.mrc(here / "t/ts1.mrc", volume.copy())
    foreign.mrc(here / "t/ts1_flip.mrc", np.flip(volume, axes).copy())
    foreign.mrc(here / "t/ts2.mrc", simulated(2)[:47].copy())
    output = isonet.done("prepare", "t").err
    what = f"one tomogram twice, {said}, which training counts twice; keep one, that as it was reconstructed"
    assert f"warning: t/ts1.mrc and t/ts1_flip.mrc: {what}" in output
    assert output.count("one tomogram") == 1


@pytest.mark.parametrize(
    "names",
    [
        ["a.mrc", "b.rec", "c.map"],
        ["x_ctf.mrc", "y_ctf.mrc"],
        ["grid_h1_ts_001.mrc", "grid_h2_ts_001.mrc"],
        ["TS_1_b4.mrc", "TS_1_b5.mrc"],
        ["a_full.mrc", "b_full.mrc"],
        ["Position_20.mrc", "Position_20_3.mrc", "Position_20_3_2.mrc"],
        ["mid.mrc", "TS_1.mrc"],
        ["rec_00256.mrc", "rec_256.mrc"],
        ["TS_1_2ND_Vol.mrc", "TS_2_2ND_Vol.mrc"],
    ],
)
def test_good_folders_are_taken_whole_without_a_word(here: Path, names: list[str]) -> None:
    for number, name in enumerate(names):
        foreign.mrc(here / "t" / name, np.random.default_rng(number).standard_normal((8, 8, 8)).astype("f4"))
    rows, said = prepared("t")
    assert [Path(row[0]).name for row in rows] == sorted(names)
    assert "left out" not in said
    assert "counts it twice" not in said


def test_one_pixel_size_in_a_table_or_a_word(here: Path) -> None:
    for number, size in enumerate((10.0, 10.1, 14.0)):
        volume = np.random.default_rng(number).standard_normal((8, 8, 8)).astype("f4")
        foreign.mrc(here / f"t/TS_{number}.mrc", volume, size)
    said = prepared("t")[1]
    assert "t/TS_2.mrc has 14 A/voxel, t/TS_0.mrc has 10" in said
    (here / "t/TS_2.mrc").unlink()
    assert "resize" not in prepared("t", overwrite=True)[1]


def test_folders_below_that_were_not_looked_into_are_said(here: Path, simulated: Callable[..., Any]) -> None:
    """A half of each tomogram alone, halves of none, and a folder for each series."""
    foreign.mrc(here / "t/TS_2.mrc", simulated(2))
    foreign.mrc(here / "t/even/TS_2.mrc", simulated(2, "even"))
    foreign.mrc(here / "t/TS_1/TS_1_rec.mrc", simulated(1))
    said = prepared("t")[1]
    assert "warning: t/even: not looked into" in said
    assert "warning: t/TS_1: holds volumes and was not looked into" in said
    foreign.mrc(here / "t/odd/TS_2.mrc", simulated(2, "odd"))
    for side in ("even", "odd"):
        foreign.mrc(here / f"t/{side}/TS_3.mrc", simulated(1, side))
    rows, said = prepared("t", overwrite=True)
    assert [row[:3] for row in rows] == [("t/TS_2.mrc", "t/even/TS_2.mrc", "t/odd/TS_2.mrc")]
    text = "warning: t/even/TS_3.mrc and t/odd/TS_3.mrc: left out, there is no full tomogram of this name"
    assert text in said
    assert text in prepared("t", even="t/even", odd="t/odd", overwrite=True)[1]


@pytest.mark.parametrize("words", [("_evenframes", "_oddframes"), ("Even", "Odd"), ("_A", "_B")])
def test_halves_that_names_do_not_tell_are_told_by_content(
    here: Path, simulated: Callable[..., Any], words: tuple[str, str]
) -> None:
    foreign.mrc(here / "t/TS_2.mrc", simulated(2))
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    for side, word in zip(("even", "odd"), words, strict=True):
        foreign.mrc(here / f"t/TS_2{word}.mrc", simulated(2, side))
    said = prepared("t")[1]
    names = ", ".join(sorted(f"t/TS_2{word}.mrc" for word in words))
    assert f"warning: t/TS_2.mrc, {names.replace(', ', ' and ')}: one tomogram 3 times, which training counts" in said
    assert said.count(": one tomogram") == 1
