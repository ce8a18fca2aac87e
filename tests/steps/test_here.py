"""`isonet` alone: what a folder holds, and which command comes next."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

import commandline as isonet
import pytest

from isonet.cli.here import advise
from isonet.io.files import locked


def advised() -> list[str]:
    """Words of the next command; the answer is three lines and one about help."""
    lines = isonet.done().out.splitlines()
    assert [line[:6] for line in lines] == ["here: ", "next: ", "      ", "help: "]
    assert "isonet --help" in lines[3]
    return shlex.split(lines[1][6:])


def seen() -> str:
    """What there is, as the first line says it."""
    return isonet.done().out.splitlines()[0]


def ended(folder: Path, state: str, command: str = "refine", **told: Any) -> None:
    """Leave the record of a run."""
    folder.mkdir(exist_ok=True)
    status = {"command": command, "state": state, "updated": "2026-01-01", **told}
    (folder / "status.json").write_text(json.dumps(status))


def test_every_step_leads_to_the_next(here: Path, volume: Any, model: Path) -> None:
    """Each command that is advised is typed as it stands, until there is nothing to do but to look."""
    isonet.write(here / "data" / "v.mrc", volume)
    words = advised()
    assert words == ["isonet", "prepare", "data"]
    isonet.done(*words[1:])
    words = advised()
    assert words == ["isonet", "mask", "tomograms.star"]
    isonet.done(*words[1:])
    assert "1 with a mask" in seen()
    words = advised()
    assert words == ["isonet", "refine", "tomograms.star"]
    isonet.done(*words[1:], **isonet.TINY)
    words = advised()
    assert words == ["isonet", "predict", "tomograms.star", "results"]
    isonet.done(*words[1:], precision="float32")
    assert "1 corrected" in seen()
    words = advised()
    assert words == ["isonet", "report", "tomograms.star"]
    isonet.call(*words[1:])
    words = advised()
    assert words[:3] == ["isonet", "validate", "tomograms.star"]
    assert sorted(words[3:]) == sorted(isonet.flags(**isonet.TINY, method="isonet"))
    (here / "validation").mkdir()
    (here / "validation" / "validation.json").write_text("{}")
    assert advised() == ["isonet", "open", "tomograms.star"]


def test_an_empty_folder(here: Path) -> None:
    assert advised() == ["isonet", "prepare", "FOLDER"]
    assert "isonet demo" in isonet.done().out


def test_volumes_here_and_halves_in_folders(here: Path, volume: Any) -> None:
    isonet.write(here / "a b" / "v.mrc", volume)
    assert advised() == ["isonet", "prepare", "a b"]
    isonet.write(here / "even" / "v.mrc", volume)
    isonet.write(here / "odd" / "v.mrc", volume)
    assert advised() == ["isonet", "prepare", "a b", "--even", "even", "--odd", "odd"]
    (here / "a b" / "v.mrc").unlink()
    assert advised() == ["isonet", "prepare", "."]
    isonet.done("prepare", ".")
    assert "with halves" in seen()


def test_tomograms_halves_and_metadata_in_folders_are_named(here: Path, volume: Any) -> None:
    for folder in ("tomograms", "even", "odd"):
        isonet.write(here / folder / "v.mrc", volume)
    (here / "tilts").mkdir()
    (here / "tilts" / "v.tlt").write_text("-60\n0\n60\n")
    words = advised()
    assert words[1:] == ["prepare", "tomograms", "--even", "even", "--odd", "odd", "--metadata", "tilts"]
    isonet.done(*words[1:])
    (row,) = isonet.table(here / "tomograms.star")
    assert row["rlnTomoName"] == "tomograms/v.mrc"
    assert row["rlnTomoReconstructedTomogramHalf1"] == "even/v.mrc"
    assert float(row["rlnTiltMin"]) == -60
    assert "with halves" in seen()


def test_metadata_beside_the_tomograms_are_named(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    (here / "v.xml").write_text("<something/>")  # of no tilt series
    assert advised() == ["isonet", "prepare", "."]
    (here / "v.tlt").write_text("-60\n0\n60\n")
    assert advised() == ["isonet", "prepare", ".", "--metadata", "."]


@pytest.mark.parametrize("state", ["interrupted", "stopped", "failed"])
def test_a_training_that_was_interrupted_goes_on(prepared: Path, state: str) -> None:
    ended(prepared.parent / "results", state)
    assert advised() == ["isonet", "refine", "--continue-from", "results"]


def test_a_training_at_work_is_left_alone_until_it_is_killed(prepared: Path) -> None:
    """A killed one says to the end that it is running, and nobody holds its lock."""
    ended(prepared.parent / "results", "running")
    with locked(prepared.parent / "results" / ".lock", wait=False):
        assert advised() == ["isonet", "report", "results"]
    assert advised() == ["isonet", "refine", "--continue-from", "results"]
    assert "training in results killed" in seen()


def test_a_whole_run_that_was_killed_is_given_again(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    isonet.done("prepare", "v.mrc", output="isonet/tomograms.star")
    for place, command in (("isonet/results", "refine"), ("isonet", "run")):
        ended(here / place, "running", command, inputs=["v.mrc"])
    assert advised() == ["isonet", "run", "v.mrc", "--output-dir", "isonet"]


@pytest.mark.parametrize("state", ["interrupted", "stopped", "running"])
def test_a_validation_that_was_interrupted_is_given_again(prepared: Path, state: str) -> None:
    ended(prepared.parent / "validation", state, "validate", inputs=["tomograms.star"])
    (prepared.parent / "validation" / "config.yaml").write_text("withhold: 15.0\n")
    assert advised() == ["isonet", "validate", "tomograms.star", "--output-dir", "validation", "--withhold=15"]
    ended(prepared.parent / "results", "finished", inputs=["tomograms.star"], updated="2026-01-02")
    assert advised() == ["isonet", "predict", "tomograms.star", "results"]


def test_of_two_tables_the_one_that_was_worked_on_last(prepared: Path) -> None:
    """As resize leaves them; and a model is for the table that it was trained on."""
    isonet.done("resize", "tomograms.star", pixel_size=20)
    os.utime("tomograms.star", (1e9, 1e9))
    assert advised() == ["isonet", "mask", "tomograms_resized.star"]
    os.utime("tomograms_resized.star", (1e9, 1e9 - 9))
    assert advised() == ["isonet", "mask", "tomograms.star"]
    ended(prepared.parent / "results", "finished", inputs=["tomograms_resized.star"])
    assert advised() == ["isonet", "predict", "tomograms_resized.star", "results"]
    os.utime("tomograms.star", (2e9, 2e9))  # made anew, without a model of its own
    assert advised() == ["isonet", "mask", "tomograms.star"]
    (prepared.parent / "subtomo.star").write_text("data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n_rlnImageName #3\n")
    assert advised() == ["isonet", "mask", "tomograms.star"]


def test_the_folder_of_a_whole_run_is_found(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    isonet.done("prepare", "v.mrc", output="isonet/tomograms.star")
    ended(here / "isonet" / "results", "finished")
    assert advised() == ["isonet", "predict", "isonet/tomograms.star", "isonet/results"]


def test_after_a_preview_comes_the_training(prepared: Path) -> None:
    isonet.edited(prepared, rlnMaskName="v.mrc", rlnCorrectedTomoName="v.mrc")
    ended(prepared.parent / "corrected", "finished", "predict", model="starter")
    assert advised() == ["isonet", "refine", "tomograms.star"]
    assert "preview" in seen()
    ended(prepared.parent / "corrected", "finished", "predict", model="results")
    assert advised() == ["isonet", "report", "tomograms.star"]


def test_a_whole_run_that_was_interrupted_is_given_again(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    outcome = isonet.call("run", "v.mrc", max_time="0.001s", **isonet.TINY)
    assert outcome.code == 0, outcome.err
    words = advised()
    assert words[:5] == ["isonet", "run", "v.mrc", "--output-dir", "isonet"]
    assert sorted(words[5:]) == sorted(isonet.flags(**isonet.TINY))
    assert isonet.call(*words[1:]).code == 0
    words = advised()
    assert words[:3] == ["isonet", "validate", "isonet/tomograms.star"]
    assert sorted(words[3:]) == sorted(isonet.flags(**isonet.TINY, method="isonet"))
    (here / "isonet/results/config.yaml").write_text("of: another version\n")
    assert advised() == ["isonet", "validate", "isonet/tomograms.star"]


def test_a_table_that_cannot_be_read_is_told(here: Path) -> None:
    (here / "tomograms.star").write_text("nonsense\n")
    assert "tomograms.star" in seen()
    assert advised() == ["isonet", "prepare", "--help"]


def test_a_table_of_relion_is_not_taken_for_one_of_ours(here: Path, shared_data: Path) -> None:
    relion = shared_data / "metadata" / "relion5" / "cylindra_job" / "tomograms.star"
    (here / "tomograms.star").write_text(relion.read_text())
    assert advised()[1] == "prepare"
    assert "no table of tomograms" in seen()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_may_not_be_read_is_left_out(here: Path) -> None:
    (here / "closed").mkdir(mode=0)
    assert advise(Path()).next[1] == "prepare"
