"""A project that is copied or moved whole works on its own files, wherever in it the table lies."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest

Simulated = Callable[..., Any]
FILES = ("rlnTomoName", "rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2", "rlnTiltFile")
CUT = {"cube_size": 16, "crop_size": 24, "number_subtomos": 2}


def made(project: Path, simulated: Simulated) -> None:
    """Lay out a project: tomograms, their halves and tilts."""
    for kind in ("full", "even", "odd"):
        foreign.mrc(project / f"recs/{kind}/TS_1.mrc", simulated(1, kind))
    foreign.angles(project / "meta/TS_1.tlt")


def exchange(project: Path, simulated: Simulated) -> None:
    """Put other data under the names of a project."""
    for kind in ("full", "even", "odd"):
        foreign.mrc(project / f"recs/{kind}/TS_1.mrc", np.asarray(100 + simulated(2, kind), "f4"))


@pytest.mark.parametrize(
    ("work", "table", "fate"),
    [
        ("p", "tomograms.star", "copied"),
        ("p", "tables/t.star", "copied"),
        ("p", "tables/t.star", "moved"),
        ("p", "tables/of/all/t.star", "copied with a link"),
        ("p/work/deep", "../../tables/t.star", "copied"),
    ],
)
def test_a_project_elsewhere_is_about_itself(
    here: Path, simulated: Simulated, monkeypatch: pytest.MonkeyPatch, work: str, table: str, fate: str
) -> None:
    made(here / "p", simulated)
    (here / work).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(here / work)
    data = here / "p/recs"
    words = {"even": data / "even", "odd": data / "odd", "metadata": here / "p/meta"}
    isonet.done("prepare", data / "full", output=table, **words)
    isonet.done("mask", table)
    into = here / "elsewhere/q"
    into.parent.mkdir()
    if fate == "moved":
        (here / "p").rename(into)
    else:
        shutil.copytree(here / "p", into)
        exchange(here / "p", simulated)
    if "link" in fate:
        (here / "short").symlink_to(into)
        into = here / "short"
    monkeypatch.chdir(into / Path(work).relative_to("p"))
    (row,) = isonet.table(Path(table))
    assert not [row[name] for name in (*FILES, "rlnMaskName") if Path(row[name]).is_absolute()]
    said = isonet.done("extract", table, **CUT).err
    assert "warning" not in said
    first = isonet.read(Path("subtomo") / "TS_1_000000.mrc")
    assert abs(float(first.mean())) < 50  # of the data that it was made of
    if "work" not in work:  # from where it would take two steps up to the tomograms
        assert not [value for value in isonet.table(Path("subtomo.star"))[0].values() if value.startswith("/")]
    again = isonet.done("prepare", table, output="again.star").err
    assert "recs/full/TS_1.mrc" in again
    assert "/../" not in again.replace("../recs", "").replace("../../p", "")


def test_what_is_elsewhere_is_named_wherever_it_is(here: Path, simulated: Simulated) -> None:
    made(here / "data/far", simulated)
    (here / "a/b/p").mkdir(parents=True)
    isonet.done("prepare", here / "data/far/recs/full", output="a/b/p/t.star")
    (row,) = isonet.table(here / "a/b/p/t.star")
    assert row["rlnTomoName"] == "../../../data/far/recs/full/TS_1.mrc"  # below the working folder, as the table is


def test_a_copy_whose_table_leads_to_the_original_is_told(
    here: Path, simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As tables with absolute names do, once for all tomograms; not where files are links to the original's."""
    for number in (1, 2):
        foreign.mrc(here / f"p/recs/TS_{number}.mrc", simulated(number))
    monkeypatch.chdir(here / "p")
    (here / "p/tables").mkdir()
    isonet.done("prepare", "recs", output="tables/t.star")
    text = (here / "p/tables/t.star").read_text()
    (here / "p/tables/t.star").write_text(text.replace("../recs", f"{here}/p/recs"))
    assert "copied" not in isonet.done("mask", "tables/t.star", output_dir="m").err
    shutil.copytree(here / "p", here / "q")
    monkeypatch.chdir(here / "q")
    said = isonet.done("mask", "tables/t.star", output_dir="m2").err
    both = f"{here}/p/recs/TS_1.mrc (and 1 more), of the project that this one is a copy of; {here}/q/recs/TS_1.mrc"
    assert f"warning: tables/t.star: names {both} is not taken; correct the names" in said
    assert said.count("is a copy of") == 1
    for number in (1, 2):
        (here / f"q/recs/TS_{number}.mrc").unlink()
        (here / f"q/recs/TS_{number}.mrc").symlink_to(here / f"p/recs/TS_{number}.mrc")
    shutil.copytree(here / "q", here / "r", symlinks=True)
    monkeypatch.chdir(here / "r")
    assert "is a copy of" not in isonet.done("mask", "tables/t.star", output_dir="m3").err


def test_a_table_of_two_projects_is_no_copy(here: Path, simulated: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tomograms of another project, which has a table of this name, beside one's own of the same names."""
    for number, name in ((1, "x/one"), (2, "y/two")):
        foreign.mrc(here / name / "recs/TS_1.mrc", simulated(number))
        monkeypatch.chdir(here / name)
        isonet.done("prepare", "recs")
    isonet.done("prepare", "recs", here / "x/one/recs", overwrite=True)
    assert [row["rlnTomoName"] for row in isonet.table(Path("tomograms.star"))] == [
        "recs/TS_1.mrc",
        f"{here}/x/one/recs/TS_1.mrc",
    ]
    assert "is a copy of" not in isonet.done("mask", "tomograms.star", tomo_idx="2").err


def test_the_folder_of_a_table_may_be_moved_away_from_the_tomograms(
    here: Path, simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of a run: they are taken from where they were, with one line; not where the project is a copy."""
    for number in (1, 2):
        foreign.mrc(here / f"p/recs/TS_{number}.mrc", simulated(number))
    monkeypatch.chdir(here / "p")
    isonet.done("prepare", "recs", output="run/tomograms.star")
    shutil.copytree(here / "p", here / "copied")
    (here / "elsewhere").mkdir()
    (here / "p/run").rename(here / "elsewhere/run")
    monkeypatch.chdir(here / "elsewhere")
    said = isonet.done("mask", "run/tomograms.star").err
    assert f"warning: run/tomograms.star: was made in {here}/p/run, and moved without the files beside that" in said
    assert said.count("warning:") == 1
    monkeypatch.chdir(here / "copied")
    assert "warning" not in isonet.done("mask", "run/tomograms.star").err
    (here / "p/recs/TS_1.mrc").unlink()
    monkeypatch.chdir(here / "elsewhere")
    isonet.assert_refused(isonet.call("mask", "run/tomograms.star", "--overwrite"), "recs/TS_1.mrc: no such file")
