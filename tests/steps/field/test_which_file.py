"""Names in a table lead to the files of its own project, never to those of the working folder's by chance."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest

from isonet.io.star import write_table

Simulated = Callable[..., Any]


@pytest.fixture
def projects(here: Path, simulated: Simulated, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Projects A and B of other samples, whose files are called alike; the work is done in B."""
    for number, name in ((1, "A"), (2, "B")):
        foreign.mrc(here / name / "t/TS_01.mrc", simulated(number))
        monkeypatch.chdir(here / name)
        isonet.done("prepare", "t", defocus=30000)
    return here


@pytest.mark.parametrize(
    "words",
    [
        ["mask"],
        ["refine"],
        ["predict", "TABLE", "starter"],
        ["prepare", "--output=a.star"],
        ["report"],
    ],
)
def test_no_file_of_the_working_folder_is_taken(projects: Path, words: list[str]) -> None:
    """The tomogram of A is gone, and B has one of its name."""
    (projects / "A/t/TS_01.mrc").unlink()
    given = [word.replace("TABLE", "../A/tomograms.star") for word in words]
    given += [] if "TABLE" in words else ["../A/tomograms.star"]
    isonet.assert_refused(isonet.call(*given), "A/t/TS_01.mrc", str(projects / "B/t/TS_01.mrc"))
    assert not list(projects.rglob("*_corrected.mrc"))


def test_tables_in_folders_of_a_project_name_files_from_its_root(
    projects: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As tables of IsoNet 1 and 2 do, wherever the work is done."""
    foreign.put(projects / "A/m.mrc", (projects / "A/t/TS_01.mrc").read_bytes())
    columns = {"rlnIndex": 1, "rlnTomoName": "t/TS_01.mrc", "rlnPixelSize": 10, "rlnMaskName": "m.mrc"}
    foreign.star(projects / "A/lists/of_2/old.star", **{name: [value] for name, value in columns.items()})
    for space in ("A", "B", "A/lists"):
        monkeypatch.chdir(projects / space)
        said = isonet.done("prepare", projects / "A/lists/of_2/old.star", output="new.star", overwrite=True).err
        assert "is not there" not in said
        (row,) = isonet.table(Path("new.star"))
        assert (Path(row["rlnTomoName"]), Path(row["rlnMaskName"])) == tuple(
            path.relative_to(projects / space) if space == "A" else path
            for path in (projects / "A/t/TS_01.mrc", projects / "A/m.mrc")
        )


def test_a_table_of_ours_that_names_nothing_beside_it_takes_no_other_without_a_word(
    projects: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project inside another one, with files of the same names."""
    (projects / "A/t").rename(projects / "A/renamed")
    (projects / "A").rename(projects / "B/A")
    monkeypatch.chdir(projects / "B/A")
    said = isonet.done("mask", "tomograms.star").err
    assert f"{projects}/B/t/TS_01.mrc taken, of a folder above" in said


@pytest.fixture
def of_relion(here: Path, simulated: Simulated, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two projects of RELION with the same jobs; the work is done in the second."""
    job = "Tomograms/job006"
    for number, name in ((1, "A"), (2, "B")):
        for half, kind in ((1, "even"), (2, "odd")):
            foreign.mrc(here / name / job / f"tomograms/rec_TS_01_half{half}.mrc", simulated(number, kind))
        foreign.star(here / name / job / "tilt_series/TS_01.star", "TS_01", rlnTomoYTilt=range(-45 - 3 * number, 61, 3))
        columns = {
            "rlnTomoName": "TS_01",
            "rlnTomoTiltSeriesStarFile": f"{job}/tilt_series/TS_01.star",
            "rlnTomoTiltSeriesPixelSize": 2.5,
            "rlnTomoTomogramBinning": 4,
            **{
                f"rlnTomoReconstructedTomogramHalf{half}": f"{job}/tomograms/rec_TS_01_half{half}.mrc"
                for half in (1, 2)
            },
        }
        foreign.star(here / name / job / "tomograms.star", "global", **{key: [value] for key, value in columns.items()})
    monkeypatch.chdir(here / "B")
    return here


def test_a_table_of_relion_leads_to_its_own_project(of_relion: Path) -> None:
    isonet.done("prepare", "../A/Tomograms/job006/tomograms.star")
    (row,) = isonet.table(Path("tomograms.star"))
    assert row["rlnTiltMin"] == "-48"
    assert row["rlnTomoReconstructedTomogramHalf1"].startswith(str(of_relion / "A"))


def test_a_table_of_relion_whose_volumes_are_gone_takes_no_others(of_relion: Path) -> None:
    for path in (of_relion / "A/Tomograms/job006/tomograms").iterdir():
        path.unlink()
    said = isonet.call("prepare", "../A/Tomograms/job006/tomograms.star")
    isonet.assert_refused(said, "A/Tomograms/job006/tomograms.star", str(of_relion / "B/Tomograms/job006"))


@pytest.mark.parametrize("turned", [False, True])
def test_a_run_is_kept_for_the_halves_it_was_made_of(here: Path, simulated: Simulated, turned: bool) -> None:
    """Halves without a full tomogram, also as IMOD's tilt leaves them, of which turned copies are used."""
    for number, folder in ((1, "h1"), (2, "h2")):
        for half in ("even", "odd"):
            volume = simulated(number, half)
            foreign.mrc(here / folder / f"TS_01_{half}.mrc", np.rot90(volume, -1).copy() if turned else volume)
    brief = {**isonet.TINY, "max_time": "0.001s"}
    isonet.done("run", "h1", **brief)
    (row,) = isonet.table(Path("isonet/tomograms.star"))
    assert ("rlnTomoTurnedFrom" in row) == turned
    isonet.done("run", "h1", **brief)
    isonet.assert_refused(isonet.call("run", "h2", **brief), "made for other tomograms", "--output-dir")


def test_a_run_of_a_table_of_relion_is_kept_for_its_halves(
    of_relion: Path, simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(of_relion)
    brief = {**isonet.TINY, "max_time": "0.001s"}
    for _ in range(2):
        isonet.done("run", "A/Tomograms/job006/tomograms.star", **brief)
    said = isonet.call("run", "B/Tomograms/job006/tomograms.star", **brief)
    isonet.assert_refused(said, "made for other tomograms", "--output-dir")


@pytest.mark.parametrize("words", [["mask", "--tomo-idx=2"], ["refine"], ["prepare", "--output=a.star"]])
def test_a_file_in_two_rows_is_refused(here: Path, simulated: Simulated, words: list[str]) -> None:
    """Rows of another session, where other files have these names, were put into the table."""
    foreign.mrc(here / "t/TS_01.mrc", simulated(1))
    isonet.done("prepare", "t", output="both.star")
    (row,) = isonet.table(Path("both.star"))
    write_table(here / "both.star", [row, {**row, "rlnIndex": "2", "rlnTomoName": f"{here}/t/../t/TS_01.mrc"}])
    isonet.assert_refused(isonet.call(*words, "both.star"), "both.star: rows 1 and 2", "t/TS_01.mrc", "keep one row")


def test_a_sub_volume_in_two_rows_is_refused(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "t/TS_01.mrc", simulated(1))
    isonet.done("prepare", "t")
    isonet.done("extract", "tomograms.star", cube_size=16, crop_size=24, number_subtomos=2)
    first, second = isonet.table(Path("subtomo.star"))
    write_table(here / "subtomo.star", [first, second, {**second, "rlnTomoMean": "7"}])
    isonet.assert_refused(isonet.call("refine", "subtomo.star"), "rows 2 and 3", "rlnImageName", "keep one row")


def test_a_link_to_a_table_stays_one(here: Path, simulated: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepare writes and adds where it leads, with names from there, as all steps read it."""
    (here / "links").mkdir()
    (here / "links/tomograms.star").symlink_to(here / "tables/all.star")
    for number in (1, 2):
        foreign.mrc(here / f"tables/t/TS_0{number}.mrc", simulated(number))
        isonet.done("prepare", f"tables/t/TS_0{number}.mrc", "--append", output="links/tomograms.star")
    assert [row["rlnTomoName"] for row in isonet.table(here / "tables/all.star")] == ["t/TS_01.mrc", "t/TS_02.mrc"]
    isonet.done("mask", "links/tomograms.star")
    assert (here / "links/tomograms.star").is_symlink()
    assert all("rlnMaskName" in row for row in isonet.table(here / "tables/all.star"))
