"""--preset: in the command line, in the records of a run, and over an interruption."""

from pathlib import Path
from typing import Any

import commandline as isonet
import pytest
import yaml

from isonet.config import PRESETS
from isonet.io.checkpoint import load_model

SHORT = {name: value for name, value in isonet.TINY.items() if name != "batch_size"}
"""A tiny run that leaves to the preset what `cellular` sets, but for the cubes' size."""
TWO = {**SHORT, "cube_size": 16, "preset": "cellular"}


def options(folder: Path) -> dict[str, Any]:
    """What `config.yaml` of a run folder says."""
    recorded: dict[str, Any] = yaml.safe_load((folder / "config.yaml").read_text())
    return recorded


@pytest.mark.parametrize("command", ["refine", "run"])
def test_help_names_the_presets(command: str) -> None:
    said = isonet.done(command, "--help").out
    for name in PRESETS:
        assert name in said


def test_records_hold_the_options_and_not_just_the_name(prepared: Path) -> None:
    isonet.done("refine", prepared, **TWO)
    recorded = options(Path("results"))
    assert (recorded["preset"], recorded["batch_size"], recorded["cube_size"]) == ("cellular", 2, 16)
    about = load_model(Path("results"))[1]
    assert (about["options"]["preset"], about["options"]["batch_size"]) == ("cellular", 2)
    isonet.done("refine", prepared, output_dir="written", **{**TWO, "batch_size": 2, "preset": "purified"})
    assert isonet.same_weights(Path("results"), Path("written"))
    isonet.done("refine", prepared, output_dir="other", **{**TWO, "preset": "phase-plate"})
    assert not isonet.same_weights(Path("results"), Path("other"))


def test_flags_come_before_files_and_files_before_the_preset(prepared: Path) -> None:
    file = prepared.parent / "mine.yaml"
    file.write_text("preset: cellular\nbatch_size: 3\nseed: 5\n")
    isonet.done("refine", prepared, "--config", file, output_dir="file", **SHORT)
    made = options(Path("file"))
    assert (made["preset"], made["batch_size"], made["seed"]) == ("cellular", 3, 5)
    isonet.done("refine", prepared, "--config", file, output_dir="flag", batch_size=1, preset="plastic", **SHORT)
    made = options(Path("flag"))
    assert (made["preset"], made["batch_size"], made["seed"]) == ("plastic", 1, 5)


@pytest.mark.parametrize("again", [{}, {"preset": "cellular", "iterations": 2}, {"batch_size": 2}, TWO])
def test_a_continued_run_keeps_them(prepared: Path, again: dict[str, Any]) -> None:
    isonet.done("refine", prepared, output_dir="whole", **TWO)
    isonet.done("refine", prepared, max_time="0.001s", **TWO)
    isonet.done("refine", "--continue-from", "results", **again)
    assert isonet.state(Path("results")) == "finished"
    assert isonet.same_weights(Path("results"), Path("whole"))
    recorded = options(Path("results"))
    assert (recorded["preset"], recorded["batch_size"]) == ("cellular", 2)


def test_an_option_given_beside_the_preset_outlives_an_interruption(prepared: Path) -> None:
    """Naming the preset again asks for no change of what was given beside it."""
    isonet.done("refine", prepared, max_time="0.001s", batch_size=3, **TWO)
    isonet.done("refine", "--continue-from", "results", preset="cellular")
    assert options(Path("results"))["batch_size"] == 3


def test_another_preset_cannot_begin_in_the_middle(prepared: Path) -> None:
    isonet.done("refine", prepared, max_time="0.001s", **TWO)
    outcome = isonet.call("refine", "--continue-from", "results", preset="plastic")
    isonet.assert_refused(outcome, "--preset", "leave it out")


def test_a_table_of_sub_volumes_decides_their_sizes(prepared: Path) -> None:
    isonet.done("extract", prepared, cube_size=16, crop_size=24, number_subtomos=3)
    given = {name: value for name, value in TWO.items() if name not in ("cube_size", "crop_size", "number_subtomos")}
    isonet.done("refine", "subtomo.star", **given)
    made = options(Path("results"))
    assert (made["cube_size"], made["crop_size"], made["batch_size"]) == (16, 24, 2)


def test_run_hands_the_preset_on(here: Path, volume: Any) -> None:
    isonet.write(here / "data" / "v.mrc", volume)
    isonet.done("run", "data", "--max-time=0.001s", **TWO)
    for folder in ("isonet", "isonet/results"):
        made = options(Path(folder))
        assert (made["preset"], made["batch_size"], made["cube_size"]) == ("cellular", 2, 16)
    isonet.done("run", "data", **TWO)
    assert isonet.state(Path("isonet")) == "finished"
    assert options(Path("isonet/results"))["batch_size"] == 2


@pytest.mark.parametrize("command", ["refine", "run"])
def test_an_unknown_preset_is_refused(prepared: Path, command: str) -> None:
    outcome = isonet.call(command, prepared, preset="cell")
    isonet.assert_refused(outcome, "--preset", "cell", *PRESETS)
    assert not Path("results").exists()
