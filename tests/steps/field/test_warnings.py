"""What needs the user is marked, counted at the end of a command, and kept for the report and the interface."""

import json
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import pytest

from isonet.gui.jobs.run_folder import warnings_in
from isonet.io import star


def lines(outcome: isonet.Outcome) -> list[str]:
    """Lines of the log without their time."""
    return [line[9:] for line in outcome.err.splitlines() if line]


def test_a_warning_is_marked_and_counted_last(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume, pixel_size=40.0)
    said = lines(isonet.done("prepare", "v.mrc"))
    marked = [line for line in said if line.startswith("warning: ")]
    assert any("40 A/voxel" in line for line in marked)
    assert said[-1] == f"{len(marked)} warning{'s' if len(marked) > 1 else ''}, see above"


def test_a_command_without_warnings_ends_as_before(prepared: Path) -> None:
    said = lines(isonet.done("mask", prepared))
    assert not [line for line in said if "warning" in line]


def test_prepare_keeps_them_beside_the_table_and_the_report_shows_them(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume, pixel_size=40.0)
    isonet.done("prepare", "v.mrc")
    (kept,) = [text for text in json.loads((here / "tomograms.check.json").read_text())["warnings"] if "40 A" in text]
    isonet.done("report", "tomograms.star")
    said = json.loads((here / "report.json").read_text())["said"]
    assert {"command": "prepare", "warnings": said[0]["warnings"]} == said[0]
    assert kept in said[0]["warnings"]
    assert "Said by the steps" in (here / "report.html").read_text()
    isonet.write(here / "w.mrc", volume)
    isonet.done("prepare", "w.mrc", "--append")
    assert kept in json.loads((here / "tomograms.check.json").read_text())["warnings"], "of the rows before"


def test_a_run_folder_keeps_them(prepared: Path) -> None:
    isonet.done("predict", prepared, "starter", "--no-calibrate")
    status = json.loads(Path("corrected/status.json").read_text())
    assert any("may invent" in text for text in status["warnings"])
    assert status["state"] == "finished"


def test_warnings_of_all_processes_are_counted(prepared: Path) -> None:
    said = lines(isonet.done("mask", prepared, "--devices", 2, density_percentage=1))
    assert said[-1] == "1 warning, see above"


def test_the_interface_finds_them_in_what_a_command_said() -> None:
    said = "12:00:01 2 tomograms\n12:00:02 warning: a.mrc: no wedge\n12:00:02 warning: a.mrc: no wedge\na warning: no\n"
    assert warnings_in(said) == ["a.mrc: no wedge"]


def test_a_range_that_was_edited_beside_a_list_of_tilts_is_told(here: Path, volume: Any) -> None:
    """The list counts, whatever the range beside it says."""
    isonet.write(here / "v.mrc", volume)
    foreign.angles(here / "v.tlt")
    isonet.done("prepare", "v.mrc", tilt_file="v.tlt")
    words = ("predict", "tomograms.star", "starter", "--no-calibrate")
    assert "which are taken" not in isonet.done(*words).err
    (row,) = isonet.table(here / "tomograms.star")
    star.write_table(here / "tomograms.star", [{**row, "rlnTiltMax": "40"}], ["rlnTomoName"])
    said = isonet.done(*words, "--overwrite").err
    assert "v: its table has tilts -60 to 40, v.tlt has -60 to 60, which are taken; set rlnTiltFile to None" in said
    star.write_table(here / "tomograms.star", [{**row, "rlnTiltMax": "40", "rlnTiltFile": "None"}], ["rlnTomoName"])
    assert "which are taken" not in isonet.done(*words, "--overwrite").err


@pytest.mark.parametrize("missing", ["rlnTiltMin", "rlnTiltMax"])
def test_an_end_that_a_table_does_not_say_is_told(here: Path, volume: Any, missing: str) -> None:
    isonet.write(here / "v.mrc", volume)
    isonet.done("prepare", "v.mrc", tilt_min=-50, tilt_max=50)
    (row,) = isonet.table(here / "tomograms.star")
    star.write_table(here / "tomograms.star", [{**row, missing: "None"}], ["rlnTomoName"])
    said = isonet.done("predict", "tomograms.star", "starter", "--no-calibrate").err
    assert f"warning: tomograms.star: no {missing};" in said


@pytest.mark.parametrize("listed", [True, False])
def test_tilts_in_radians_in_a_table_are_refused(here: Path, volume: Any, listed: bool) -> None:
    isonet.write(here / "v.mrc", volume)
    foreign.angles(here / "v.tlt", [tilt / 57.3 for tilt in foreign.TILTS])
    isonet.done("prepare", "v.mrc", tilt_min=-60, tilt_max=60)
    (row,) = isonet.table(here / "tomograms.star")
    changed = {"rlnTiltFile": "v.tlt"} if listed else {"rlnTiltMin": "-1.05", "rlnTiltMax": "1.05"}
    star.write_table(here / "tomograms.star", [{**row, **changed}], ["rlnTomoName"])
    isonet.assert_refused(isonet.call("predict", "tomograms.star", "starter"), "as in radians; give degrees")
    flags = {"tilt_min": -1.05, "tilt_max": 1.05, "output": "other.star"}
    isonet.assert_refused(isonet.call("prepare", "v.mrc", **flags), "as in radians; give degrees")
