"""prepare and halves: found beside full tomograms, in one folder, from frames or from tilts."""

from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest

from isonet.io import star
from isonet.project.table import Project

HALVES = ("rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2")


def prepared(*words: Any, **options: Any) -> tuple[list[tuple[str | None, ...]], str]:
    """Full tomogram and halves of each row, and what was said."""
    said = isonet.done("prepare", *words, **options).err
    rows = isonet.table(Path(options.get("output", "tomograms.star")))
    return [tuple(row.get(name) for name in ("rlnTomoName", *HALVES)) for row in rows], said


@pytest.mark.parametrize(
    ("even", "odd"),
    [("x_EVN", "x_ODD"), ("x_even", "x_odd"), ("x_half1", "x_half2"), ("half1_x", "half2_x"), ("x_half_1", "x_half_2")],
)
def test_halves_among_full_tomograms_are_no_tomograms(here: Path, volume: Any, even: str, odd: str) -> None:
    for name in ("x", even, odd, "lone_even"):
        isonet.write(here / "data" / f"{name}.mrc", volume)
    rows, said = prepared("data")
    assert rows == [
        ("data/lone_even.mrc", "None", "None"),
        ("data/x.mrc", f"data/{even}.mrc", f"data/{odd}.mrc"),
    ]
    assert f"data/x.mrc: its halves are data/{even}.mrc and data/{odd}.mrc" in said
    lone = [line for line in said.splitlines() if "whose partner is not there" in line]
    assert len(lone) == 1
    assert "data/lone_even.mrc" in lone[0]


def test_one_file_is_not_both_halves(here: Path, volume: Any) -> None:
    isonet.write(here / "x.mrc", volume)
    isonet.assert_refused(isonet.call("prepare", even="x.mrc", odd="x.mrc"), "x.mrc", "both halves", "other one")


@pytest.mark.parametrize(("even", "odd"), [("even", "odd"), ("half1", "half2"), ("EVN", "ODD")])
def test_halves_in_sub_folders(here: Path, volume: Any, even: str, odd: str) -> None:
    for name in ("data/x", "data/y", f"data/{even}/x", f"data/{odd}/x", f"data/{even}/z", f"data/{odd}/z"):
        isonet.write(here / f"{name}.mrc", volume)
    rows, _ = prepared("data")
    assert rows == [("data/x.mrc", f"data/{even}/x.mrc", f"data/{odd}/x.mrc"), ("data/y.mrc", "None", "None")]
    (here / "data/x.mrc").unlink()
    (here / "data/y.mrc").unlink()
    rows, said = prepared("data", overwrite=True)
    assert [row[0] for row in rows] == ["average/x.mrc", "average/z.mrc"]
    assert "taken as the halves of one tomogram" in said


def test_halves_without_a_full_tomogram_among_others(here: Path, volume: Any) -> None:
    for name, add in (("a", 0), ("b_EVN", 1), ("b_ODD", -3)):
        isonet.write(here / "data" / f"{name}.mrc", volume + add)
    rows, _ = prepared("data")
    assert rows == [("data/a.mrc", "None", "None"), ("average/b.mrc", "data/b_EVN.mrc", "data/b_ODD.mrc")]
    np.testing.assert_allclose(isonet.read(here / "average/b.mrc"), volume - 1, atol=1e-5)


def test_holes_h1_and_h2_are_two_tomograms(here: Path, volume: Any) -> None:
    for name in ("grid_h1", "grid_h2"):
        isonet.write(here / "data" / f"{name}.mrc", volume)
    assert [row[0] for row in prepared("data")[0]] == ["data/grid_h1.mrc", "data/grid_h2.mrc"]


def test_even_and_odd_in_one_folder(here: Path, volume: Any) -> None:
    for name in ("x", "x_EVN", "x_ODD", "y_EVN", "y_ODD"):
        isonet.write(here / "data" / f"{name}.mrc", volume)
    rows, _ = prepared("--even", "data", "--odd", "data")
    assert rows == [(f"average/{name}.mrc", f"data/{name}_EVN.mrc", f"data/{name}_ODD.mrc") for name in "xy"]
    (here / "data/y_ODD.mrc").unlink()
    refused = isonet.call("prepare", "--even", "data", "--odd", "data", output="n.star")
    isonet.assert_refused(refused, "data/y_EVN.mrc", "partner")
    isonet.write(here / "none/x.mrc", volume)
    refused = isonet.call("prepare", "--even", "none", "--odd", "none", output="n.star")
    isonet.assert_refused(refused, "none", "_EVN")


def test_halves_beside_of_another_shape_are_refused(here: Path, volume: Any) -> None:
    for name, part in (("x", volume), ("x_EVN", volume[:20]), ("x_ODD", volume[:20])):
        isonet.write(here / "data" / f"{name}.mrc", part)
    isonet.assert_refused(isonet.call("prepare", "data"), "x_EVN.mrc", "(20, 32, 32)")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `frames` and `tilts` with full, even, odd and tilts.tlt, at a low signal-to-noise ratio."""
    folder = tmp_path_factory.mktemp("simulated")
    for split in ("frames", "tilts"):
        small = {"depth": 32, "height": 32, "width": 64, "vesicles": 0, "filaments": 0, "species": 1}
        isonet.done("simulate", output_dir=folder / split, split=split, snr=0.05, **small)
        for name in ("truth", "tilts"):
            (folder / split / f"{name}.mrc").unlink()
    return folder


def test_split_is_found_from_the_data(here: Path, simulated: Path) -> None:
    rows, said = prepared(simulated / "frames", tilt_file=simulated / "frames/tilts.tlt")
    assert [Path(str(name)).name for name in rows[0]] == ["full.mrc", "even.mrc", "odd.mrc"]
    (tomogram,) = Project.read(here / "tomograms.star").tomograms
    assert (tomogram.split, tomogram.text("rlnTiltFileHalf1")) == ("frames", None)
    assert tomogram.half_tilts == (tomogram.tilts, tomogram.tilts)
    assert "from frames" in said
    _, said = prepared(simulated / "tilts", tilt_file=simulated / "tilts/tilts.tlt", overwrite=True)
    (tomogram,) = Project.read(here / "tomograms.star").tomograms
    assert tomogram.split == "tilts"
    assert tomogram.half_tilts == (tomogram.tilts[::2], tomogram.tilts[1::2])
    assert tomogram.half_tilts[0][:2] == (-60, -54)
    assert "from tilts" in said


def test_halves_exchanged_and_split_forced(here: Path, simulated: Path) -> None:
    words = [simulated / "tilts/full.mrc", "--even", simulated / "tilts/odd.mrc", "--odd", simulated / "tilts/even.mrc"]
    prepared(*words, tilt_file=simulated / "tilts/tilts.tlt")
    assert Project.read(here / "tomograms.star").tomograms[0].half_tilts[0][0] == -57
    prepared(*words, split="frames", overwrite=True)
    assert Project.read(here / "tomograms.star").tomograms[0].split == "frames"
    _, said = prepared(*words, split="tilts", tilt_min=-60, tilt_max=60, overwrite=True)
    (tomogram,) = Project.read(here / "tomograms.star").tomograms
    assert (tomogram.split, tomogram.half_tilts) == ("tilts", ((-60, 60), (-60, 60)))
    assert "--tilt-file or --metadata" in said
    _, said = prepared(simulated / "frames", split="tilts", overwrite=True)
    assert "both halves measure the same planes" in said


def test_lists_of_others_are_kept(here: Path, simulated: Path) -> None:
    (here / "tilts").mkdir()
    (here / "tilts/full_half1.tlt").write_text("1\n2\n")
    words = ["prepare", simulated / "tilts", "--tilt-file", simulated / "tilts/tilts.tlt"]
    isonet.assert_refused(isonet.call(*words), "tilts/full_half1.tlt", "--overwrite")
    assert (here / "tilts/full_half1.tlt").read_text() == "1\n2\n"
    assert not (here / "tomograms.star").exists()


def test_split_that_is_none_is_refused(here: Path, prepared: Path, volume: Any) -> None:
    isonet.edited(prepared, rlnTiltSplit="thirds")
    with pytest.raises(Exception, match="rlnTiltSplit of tomogram 1 is 'thirds'"):
        _ = Project.read(prepared).tomograms[0].half_tilts


def test_run_goes_on_with_halves_beside(here: Path, volume: Any) -> None:
    """The halves of a folder are no other tomograms when the command is given again."""
    for name in ("a_EVN", "a_ODD"):
        isonet.write(here / "data" / f"{name}.mrc", volume)
    words = ("run", "data", *isonet.flags(**{**isonet.TINY, "iterations": 1}))
    isonet.done(*words)
    (row,) = isonet.table(here / "isonet/tomograms.star")
    assert row["rlnTomoName"] == "average/a.mrc"
    assert "made before, kept" in isonet.done(*words).err


def test_a_table_tells_what_belongs_together_whatever_it_is_called(here: Path, volume: Any) -> None:
    for name in ("data/a_EVN", "data/b_ODD", "data/c", "data/lone_even", "x/first", "x/second"):
        isonet.write(here / f"{name}.mrc", volume)
    rows = [
        {"rlnTomoName": "data/c.mrc", HALVES[0]: "data/b_ODD.mrc", HALVES[1]: "data/a_EVN.mrc"},
        {"rlnTomoName": "data/lone_even.mrc", HALVES[0]: "None", HALVES[1]: "None"},
        {"rlnTomoName": "None", HALVES[0]: "x/first.mrc", HALVES[1]: "x/second.mrc"},
    ]
    star.write_table(here / "pairs.star", rows)
    found, said = prepared("pairs.star")
    assert found == [
        ("data/c.mrc", "data/b_ODD.mrc", "data/a_EVN.mrc"),
        ("data/lone_even.mrc", "None", "None"),
        ("average/first.mrc", "x/first.mrc", "x/second.mrc"),
    ]
    assert "whose partner is not there" not in said


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"rlnTomoName": "a.mrc", HALVES[0]: "b.mrc", HALVES[1]: "None"}], "row 1 names one half alone"),
        ([{"rlnTomoName": "None", HALVES[0]: "None", HALVES[1]: "None"}], "row 1 names no file"),
        (
            [
                {"rlnTomoName": "a.mrc", HALVES[0]: "a.mrc", HALVES[1]: "b.mrc"},
                {"rlnTomoName": "x/a.mrc", HALVES[0]: "b.mrc", HALVES[1]: "a.mrc"},
            ],
            "two tomograms are called a",
        ),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(here: Path, volume: Any, rows: Any, told: str) -> None:
    for name in ("a", "b", "x/a"):
        isonet.write(here / f"{name}.mrc", volume)
    star.write_table(here / "pairs.star", rows)
    isonet.assert_refused(isonet.call("prepare", "pairs.star"), "pairs.star", told)


def test_tomograms_are_added_to_a_table_that_keeps_what_it_has(here: Path, volume: Any) -> None:
    for name in ("data/a", "data/b", "more/a", "more/c_EVN", "more/c_ODD"):
        isonet.write(here / f"{name}.mrc", volume)
    prepared("data")
    Project.read(Path("tomograms.star")).recorded("2", rlnDefocus="25000", rlnMaskName="mask/b.mrc")
    before = isonet.table(Path("tomograms.star"))
    isonet.assert_refused(isonet.call("prepare", "more"), "tomograms.star", "exists", "--append")
    rows, said = prepared("data/b.mrc", "more", append=True)
    assert "data/b.mrc: is in tomograms.star already" in said
    assert [row[0] for row in rows] == ["data/a.mrc", "data/b.mrc", "more/a.mrc", "average/c.mrc"]
    after = isonet.table(Path("tomograms.star"))
    assert [row["rlnIndex"] for row in after] == ["1", "2", "3", "4"]
    for old, new in zip(before, after, strict=False):
        assert {name: new[name] for name in old} == old
    assert after[1]["rlnDefocus"] == "25000"
    assert after[3]["rlnMaskName"] == "None"
    isonet.assert_refused(isonet.call("prepare", "more", append=True), "tomograms.star", "holds all of these")
    isonet.assert_refused(isonet.call("prepare", "more", append=True, overwrite=True), "choose one")


def test_tomograms_are_added_to_a_table_of_isonet_1(here: Path, volume: Any) -> None:
    for name in ("a", "b"):
        isonet.write(here / f"{name}.mrc", volume)
    star.write_table(here / "tomograms.star", [{"rlnIndex": "1", "rlnMicrographName": "a.mrc", "rlnPixelSize": "10"}])
    isonet.done("prepare", "b.mrc", append=True)
    added = Project.read(Path("tomograms.star")).tomograms[1]
    assert (added.index, added.name, "rlnTomoName" in added.row) == ("2", "b", False)


@pytest.mark.parametrize(("factor", "offset"), [(30, 200), (0.1, 0), (1.05, 0), (1, 200)])
def test_the_mean_is_of_halves_on_one_scale(here: Path, volume: Any, factor: float, offset: float) -> None:
    noise = 0.5 * volume.std() * np.random.default_rng(0).standard_normal((2, *volume.shape)).astype(np.float32)
    even, odd = volume + noise[0], volume + noise[1]
    even[3, 3, 3] += 1e4  # a hot pixel is no scale
    isonet.write(here / "x_EVN.mrc", even)
    isonet.write(here / "x_ODD.mrc", factor * odd + np.float32(offset))
    said = isonet.done("prepare", even="x_EVN.mrc", odd="x_ODD.mrc").err
    even[3, 3, 3] = odd[3, 3, 3]
    mean = isonet.read(here / "average/x.mrc")
    mean[3, 3, 3] = mean.mean()
    assert np.corrcoef(mean.ravel(), ((even + odd) / 2).ravel())[0, 1] > 0.99
    assert ("warning: x_ODD.mrc: its deviation is" in said) == (factor not in (1, 1.05))
