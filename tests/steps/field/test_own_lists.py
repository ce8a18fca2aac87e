"""Lists of tilts that this program left beside what it made: read without a word to say so."""

from pathlib import Path

import commandline as isonet
import pytest

SMALL = {"depth": 32, "height": 32, "width": 32, "tilt_min": -40, "tilt_max": 65, "tilt_step": 5}


@pytest.fixture
def simulated(here: Path) -> Path:
    isonet.done("simulate", output_dir="sim", **SMALL)
    return here / "sim"


def test_what_was_reconstructed_is_prepared_with_its_tilts(simulated: Path) -> None:
    (simulated / "tilts.mrc").rename("TS_1.st")
    isonet.done("reconstruct", "TS_1.st", tilt_file=simulated / "tilts.tlt", thickness=32)
    said = isonet.done("prepare", "reconstructed").err
    assert "was not read" not in said
    assert "the tilts of either half are not known" not in said
    (row,) = isonet.table(Path("tomograms.star"))
    assert (row["rlnTomoName"], row["rlnTiltFile"]) == ("reconstructed/TS_1_full.mrc", "reconstructed/TS_1.tlt")
    assert (float(row["rlnTiltMin"]), float(row["rlnTiltMax"])) == (-40, 65)


def test_a_levelled_reconstruction_is_told_how_it_lies(simulated: Path) -> None:
    isonet.done("reconstruct", simulated / "tilts.mrc", tilt_file=simulated / "tilts.tlt", thickness=32, level_x=5)
    said = isonet.done("prepare", "reconstructed").err
    assert "warning: reconstructed/tilts.tlt: lies beside its tomogram and was not read" in said


def test_ends_that_are_given_beside_a_list_are_told(simulated: Path) -> None:
    given = {"tilt_file": simulated / "tilts.tlt", "tilt_min": -60, "tilt_max": 65}
    said = isonet.done("prepare", simulated / "full.mrc", **given).err
    assert f"--tilt-min -60 is left aside, as {simulated / 'tilts.tlt'} has tilts from -40 to 65" in said
    assert "--tilt-max" not in said
