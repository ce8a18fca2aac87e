"""Tables of other programs: taken whole by prepare, read or refused with the command by all other steps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import mrcfile
import pytest

from isonet.project.older_tilts import comment_on_tilts
from isonet.project.table import Tomogram

STEPS = {
    "mask": ["mask"],
    "deconv": ["deconv"],
    "refine": ["refine"],
    "validate": ["validate"],
    "report": ["report"],
    "predict": ["predict", "TABLE", "starter"],
    "extract": ["extract"],
    "resize": ["resize", "TABLE", "--pixel-size", "20"],
}


def words(step: str, table: str) -> list[str]:
    """A command with its table."""
    given = STEPS[step]
    return [table if word == "TABLE" else word for word in given] if "TABLE" in given else [*given, table]


@pytest.fixture
def isonet_2(here: Path, simulated: Callable[..., Any]) -> Path:
    """A table of IsoNet 2 with halves alone, and with what it made of them."""
    for kind in ("even", "odd"):
        foreign.mrc(here / f"old/h/TS_1_{kind}.mrc", simulated(1, kind))
    foreign.mrc(here / "old/m/TS_1_mask.mrc", (simulated(1) > -99).astype("i1"))
    columns = {
        "rlnIndex": 1,
        "rlnTomoName": "None",
        "rlnTomoReconstructedTomogramHalf1": "h/TS_1_even.mrc",
        "rlnTomoReconstructedTomogramHalf2": "h/TS_1_odd.mrc",
        "rlnPixelSize": 12.5,
        "rlnDefocus": 31000.0,
        "rlnVoltage": 200,
        "rlnSphericalAberration": 2.0,
        "rlnAmplitudeContrast": 0.1,
        "rlnMaskBoundary": "None",
        "rlnMaskName": "m/TS_1_mask.mrc",
        "rlnTiltMin": -51,
        "rlnTiltMax": 57,
        "rlnNumberSubtomo": 123,
        "rlnBfactor": 7,
    }
    return foreign.star(here / "old/i2.star", **{name: [value] for name, value in columns.items()})


@pytest.mark.parametrize("step", STEPS)
def test_halves_alone_lead_to_prepare(isonet_2: Path, step: str) -> None:
    isonet.assert_refused(isonet.call(*words(step, "old/i2.star")), "old/i2.star", "'isonet prepare old/i2.star'")


def test_prepare_keeps_what_a_table_says(isonet_2: Path, here: Path) -> None:
    isonet.done("prepare", "old/i2.star")
    (row,) = isonet.table(here / "tomograms.star")
    expected = {
        "rlnTomoName": "average/TS_1.mrc",
        "rlnTomoReconstructedTomogramHalf1": "old/h/TS_1_even.mrc",
        "rlnPixelSize": "12.5",
        "rlnDefocus": "31000",
        "rlnVoltage": "200",
        "rlnSphericalAberration": "2",
        "rlnAmplitudeContrast": "0.1",
        "rlnMaskName": "old/m/TS_1_mask.mrc",
        "rlnTiltMin": "-51",
        "rlnTiltMax": "57",
        "rlnNumberSubtomo": "123",
        "rlnBfactor": "7",
    }
    assert {name: row[name] for name in expected} == expected
    isonet.done("refine", "tomograms.star", **isonet.TINY)


def test_flags_and_metadata_win_over_a_table(isonet_2: Path, here: Path) -> None:
    foreign.angles(here / "m/TS_1.tlt", range(-48, 61, 3))
    isonet.done("prepare", "old/i2.star", metadata="m", voltage=120)
    (row,) = isonet.table(here / "tomograms.star")
    assert (row["rlnTiltMin"], row["rlnTiltMax"], row["rlnVoltage"], row["rlnDefocus"]) == ("-48", "60", "120", "31000")
    isonet.done("prepare", "old/i2.star", tilt_min=-40, overwrite=True)
    (row,) = isonet.table(here / "tomograms.star")
    assert (row["rlnTiltMin"], row["rlnTiltMax"]) == ("-40", "57")


def test_a_table_called_as_prepare_calls_its_own(isonet_2: Path, here: Path) -> None:
    text = isonet_2.read_text().replace("h/TS", "old/h/TS")
    foreign.put(here / "tomograms.star", text)
    command = "isonet prepare tomograms.star --output isonet_tomograms.star"
    isonet.assert_refused(isonet.call("mask", "tomograms.star"), command)
    isonet.done(*command.split()[1:])
    isonet.done("mask", "isonet_tomograms.star")


@pytest.fixture
def relion_5(here: Path, simulated: Callable[..., Any]) -> Path:
    """A project of RELION 5: one tomogram with halves alone, one with all, paths from its root."""
    for number, name in ((1, "TS_01"), (2, "TS_02")):
        for half, kind in ((1, "even"), (2, "odd")):
            foreign.mrc(here / f"job/tomograms/rec_{name}_half{half}.mrc", simulated(number, kind), 10.0)
        foreign.star(here / f"job/tilt_series/{name}.star", name, rlnTomoYTilt=range(-48 - 3 * number, 61, 3))
    foreign.mrc(here / "job/tomograms/rec_TS_02.mrc", simulated(2))
    columns = {
        "rlnTomoName": ["TS_01", "TS_02"],
        "rlnVoltage": [200, 200],
        "rlnTomoTiltSeriesStarFile": ["job/tilt_series/TS_01.star", "job/tilt_series/TS_02.star"],
        "rlnTomoTiltSeriesPixelSize": [1.25, 1.25],
        "rlnTomoTomogramBinning": [8.0, 8.0],
        "rlnTomoReconstructedTomogram": ["None", "job/tomograms/rec_TS_02.mrc"],
        "rlnTomoReconstructedTomogramHalf1": [f"job/tomograms/rec_TS_0{number}_half1.mrc" for number in (1, 2)],
        "rlnTomoReconstructedTomogramHalf2": [f"job/tomograms/rec_TS_0{number}_half2.mrc" for number in (1, 2)],
    }
    return foreign.star(here / "job/tomograms.star", "global", **columns)


@pytest.mark.parametrize("step", STEPS)
def test_a_table_of_relion_leads_to_prepare(relion_5: Path, step: str) -> None:
    isonet.assert_refused(
        isonet.call(*words(step, "job/tomograms.star")), "RELION", "'isonet prepare job/tomograms.star'"
    )


@pytest.mark.parametrize("space", ["project", "job"])
def test_prepare_takes_a_table_of_relion_whole(
    relion_5: Path, here: Path, monkeypatch: pytest.MonkeyPatch, space: str
) -> None:
    """From its project, and from a folder inside, where paths from the project's root lead nowhere."""
    if space == "job":
        monkeypatch.chdir(here / "job")
    isonet.done("prepare", "job/tomograms.star" if space == "project" else "tomograms.star", output="o.star")
    rows = isonet.table(Path("o.star"))
    assert [Path(row["rlnTomoName"]).name for row in rows] == ["rec_TS_02.mrc", "rec_TS_01.mrc"]
    for row in rows:
        number = row["rlnTomoName"][-5]
        assert row["rlnTomoReconstructedTomogramHalf1"].endswith(f"tomograms/rec_TS_0{number}_half1.mrc")
        assert (row["rlnPixelSize"], row["rlnVoltage"]) == ("10", "200")
        assert (row["rlnTiltMin"], row["rlnTiltMax"]) == (str(-48 - 3 * int(number)), "60")


def test_pixel_size_of_the_table_stands_before_that_of_the_file(relion_5: Path, here: Path) -> None:
    with mrcfile.open(here / "job/tomograms/rec_TS_02.mrc", "r+") as file:
        file.voxel_size = 7.0
    said = isonet.done("prepare", "job/tomograms.star", output="o.star").err
    assert [row["rlnPixelSize"] for row in isonet.table(here / "o.star")] == ["10", "10"]
    assert "7 A/voxel in the header, 10 in job/tomograms.star" in said


def test_a_table_of_relion_without_reconstructions(here: Path) -> None:
    foreign.star(here / "t.star", "global", rlnTomoName=["TS_01"], rlnTomoTiltSeriesPixelSize=[1.35])
    isonet.assert_refused(
        isonet.call("prepare", "t.star"), "row 1 (TS_01) names no reconstruction", "--metadata t.star"
    )


def test_a_tilt_series_that_is_gone_is_said(relion_5: Path, here: Path) -> None:
    (here / "job/tilt_series/TS_01.star").unlink()
    said = isonet.done("prepare", "job/tomograms.star", output="o.star").err
    assert "the tilt series of TS_01, is not found" in said


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            ("rlnTiltmin", "TiltMax"),
            "no rlnTiltMin, rlnTiltMax; -60 to 60 degrees taken; "
            "rename rlnTiltmin to rlnTiltMin, TiltMax to rlnTiltMax",
        ),
        (("rlnTiltMin", "rln_tilt_max"), "no rlnTiltMax; -45 to 60 degrees taken; rename rln_tilt_max to rlnTiltMax"),
        ((), "no rlnTiltMin, rlnTiltMax; -60 to 60 degrees taken"),
        (("rlnTiltMin", "rlnTiltMax"), ""),
    ],
)
def test_columns_called_nearly_as_those_of_tilts(
    columns: tuple[str, ...], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    row = {"rlnIndex": "1", "rlnTomoName": "v.mrc", **dict(zip(columns, ("-45", "51"), strict=False))}
    comment_on_tilts(Tomogram(Path("t.star"), row))
    assert caplog.messages == ([f"t.star: {said}"] if said else [])
