"""Levelled tomograms and two tilt axes, from the columns of the table to what the steps make of them."""

from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

from isonet.core import fourier
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured, positioned
from isonet.io import star
from isonet.project.table import Project
from isonet.train.evaluate import Evaluator

LEVELLED = {"rlnTomoXTilt": "12"}
TWO_AXES = {"rlnTiltMinAxis2": "-50", "rlnTiltMaxAxis2": "40", "rlnTomoXTiltAxis2": "-3"}


def told(table: Path, **columns: str) -> Path:
    """Add columns to all rows of a table."""
    star.write_table(table, [{**row, **columns} for row in star.read_table(table, needs=("rlnTomoName",))])
    return table


def power(path: Path) -> Any:
    """Power spectrum of a file, and its shape."""
    volume = torch.from_numpy(isonet.read(path).astype("float32"))
    return fourier.transform(volume - volume.mean()), fourier.spatial_shape(volume)


@pytest.mark.parametrize("columns", [LEVELLED, TWO_AXES], ids=["levelled", "two axes"])
def test_what_was_measured_is_kept_and_nothing_else(prepared: Path, model: Path, columns: dict[str, str]) -> None:
    told(prepared, **columns)
    said = isonet.done("predict", prepared, model, keep_measured=True)
    assert "lie otherwise than in what" in said.err
    (tomogram,) = Project.read(prepared).tomograms
    (before, shape), (after, _) = power(Path("v.mrc")), power(Path("corrected/v_corrected.mrc"))
    weights = wedge.weight(shape, tomogram.measured).expand(before.shape)
    change = (after - before).abs() / before.abs().max()
    assert float(change[weights == 1].max()) < 1e-5
    assert float(change[weights == 0].max()) > 1e-3


TURNS = {  # axes about which half a turn leaves the wedge where it is
    "at home": ({}, ["y", "yzx"]),
    "about x": (LEVELLED, ["x", "x"]),
    "about x and y": ({**LEVELLED, "rlnTiltMin": "-50"}, ["", ""]),
    "two axes": (TWO_AXES, ["x", "x"]),
    "two axes, alike": ({"rlnTiltMinAxis2": "-60", "rlnTiltMaxAxis2": "60"}, ["y", "yzx"]),
    "axis along x": ({"rlnTiltAxisTurn": "90", "rlnTiltMin": "-50"}, ["x", "x"]),
}


@pytest.mark.parametrize("name", TURNS)
def test_half_turns_are_those_that_leave_the_wedge_where_it_is(
    prepared: Path, model: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns, expected = TURNS[name]
    told(prepared, **columns)
    about: list[str] = []
    turned = Evaluator.turned
    monkeypatch.setattr(
        Evaluator, "turned", lambda self, turns, axes: about.append(axes[: turns - 1]) or turned(self, turns, axes)
    )
    said = [isonet.done("predict", prepared, model, turns=turns, output_dir=f"c{turns}").err for turns in (2, 4)]
    assert about == expected
    assert ["would move its wedge" in one for one in said] == [not one for one in expected]
    assert ("--turns 4 needs both ends as far" in said[1]) == (len(expected[1]) < 3)


def test_a_model_says_how_its_tomograms_lay(prepared: Path) -> None:
    told(prepared, **LEVELLED)
    isonet.done("refine", prepared, **isonet.TINY)
    about = isonet.load_model(Path("results/model.safetensors"))[1]
    assert [len(one) for one in about["turns"]] == [1]
    said = isonet.done("predict", prepared, "results")
    assert "lie otherwise" not in said.err
    told(prepared, rlnTomoXTilt="15")
    assert "lie otherwise" not in isonet.done("predict", prepared, "results", output_dir="near").err
    told(prepared, rlnTomoXTilt="-12")
    assert "rlnTomoXTilt and rlnTiltAxisTurn" in isonet.done("predict", prepared, "results", output_dir="far").err


def test_a_model_of_two_axes_fits_what_it_was_trained_on(prepared: Path) -> None:
    isonet.write(Path("v.mrc"), np.random.default_rng(0).normal(size=(44, 40, 41)).astype(np.float32))
    told(prepared, **TWO_AXES)
    isonet.done("refine", prepared, **isonet.TINY)
    assert "was trained" not in isonet.done("predict", prepared, "results").err
    isonet.done("validate", prepared, only_withhold=True, withhold=25)
    isonet.done("refine", "validation/withheld/tomograms.star", output_dir="left", **isonet.TINY)
    isonet.done("validate", prepared, model="left", withhold=25, device="cpu")
    isonet.assert_refused(isonet.call("validate", prepared, model="results", withhold=25), "has seen all of")


@pytest.mark.parametrize("columns", [LEVELLED, TWO_AXES], ids=["levelled", "two axes"])
def test_tilts_are_withheld_about_each_axis(prepared: Path, columns: dict[str, str]) -> None:
    isonet.write(Path("v.mrc"), np.random.default_rng(0).normal(size=(44, 40, 41)).astype(np.float32))
    told(prepared, **columns)
    isonet.done("validate", prepared, only_withhold=True, withhold=25)
    (left,) = Project.read(Path("validation/withheld/tomograms.star")).tomograms
    (whole,) = Project.read(prepared).tomograms
    expected = [sweep.ends for sweep in whole.measured.sweeps]
    assert [sweep.ends for sweep in left.measured.sweeps] == [(low + 25, high - 25) for low, high in expected]
    assert [sweep.turn for sweep in left.measured.sweeps] == [sweep.turn for sweep in whole.measured.sweeps]
    found, shape = power(left.file("rlnTomoName"))
    outside = wedge.weight(shape, left.measured).expand(found.shape) == 0
    assert float(found[outside].abs().square().sum()) < 1e-8 * float(found.abs().square().sum())


def test_sub_volumes_know_how_their_tomogram_lies(prepared: Path) -> None:
    columns = {**LEVELLED, "rlnTiltAxisTurn": "4", **TWO_AXES}
    told(prepared, **columns)
    (tomogram,) = Project.read(prepared).tomograms
    isonet.done("extract", prepared, cube_size=16, crop_size=24, number_subtomos=2)
    for row in Project.read(Path("subtomo.star"), subvolumes=True).tomograms:
        assert row.measured == tomogram.measured


def test_columns_of_the_orientation(prepared: Path) -> None:
    def measured(**columns: str) -> Measured:
        told(prepared, **columns)
        return Project.read(prepared).tomograms[0].measured

    assert measured() == Measured.of((-60, 60))
    assert measured(rlnTomoXTilt="<NA>", rlnTiltAxisTurn="0") == Measured.of((-60, 60))
    assert measured(rlnTomoXTilt="12", rlnTiltAxisTurn="3").sweeps == (positioned((-60, 60), 12, 3),)
    Path("b.tlt").write_text("-40\n0\n41\n")
    first, second = measured(rlnTiltFileAxis2="b.tlt").sweeps
    assert (first, second) == (positioned((-60, 60), 12, 3), positioned((-40, 0, 41), 0, 90))
    (_, second) = measured(rlnTiltAxisTurnAxis2="-88.5", rlnTomoXTiltAxis2="2").sweeps
    assert second == positioned((-40, 0, 41), 2, -88.5)


BROKEN = {
    "letters": ({"rlnTomoXTilt": "twelve"}, "rlnTomoXTilt of tomogram 1 is 'twelve'"),
    "too far": ({"rlnTomoXTilt": "100"}, "rlnTomoXTilt of tomogram 1 is 100 degrees, beyond 90"),
    "second, too far": ({**TWO_AXES, "rlnTiltAxisTurnAxis2": "200"}, "rlnTiltAxisTurnAxis2 of tomogram 1 is 200"),
    "second, empty": ({"rlnTiltMinAxis2": "50", "rlnTiltMaxAxis2": "40"}, "mend rlnTiltMinAxis2, rlnTiltMaxAxis2"),
    "second, no file": ({"rlnTiltFileAxis2": "none.tlt"}, "none.tlt: no such file"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_orientation_that_cannot_be_is_refused(prepared: Path, model: Path, name: str) -> None:
    columns, expected = BROKEN[name]
    told(prepared, **columns)
    isonet.assert_refused(isonet.call("predict", prepared, model), expected)


def test_halves_from_tilts_about_two_axes_are_refused(prepared: Path, model: Path) -> None:
    told(prepared, **TWO_AXES, rlnTiltSplit="tilts")
    for half in (1, 2):
        told(prepared, **{f"rlnTomoReconstructedTomogramHalf{half}": "v.mrc"})
    isonet.assert_refused(isonet.call("refine", prepared, **isonet.TINY), "tilts about the second axis")


def row_of(**options: Any) -> dict[str, str]:
    """Row that prepare makes of v.mrc with options."""
    isonet.done("prepare", "v.mrc", overwrite=True, **options)
    (row,) = isonet.table(Path("tomograms.star"))
    return row


def test_flags_of_prepare_say_how_a_tomogram_lies(prepared: Path) -> None:
    assert not {"rlnTomoXTilt", "rlnTiltAxisTurn", "rlnTiltMinAxis2"} & set(row_of())
    row = row_of(level_x=12, level_y=-9)
    assert (row["rlnTomoXTilt"], row["rlnTiltMin"], row["rlnTiltMax"]) == ("12", "-69", "51")
    Path("a.tlt").write_text("".join(f"{tilt}\n" for tilt in range(-60, 61, 5)))
    row = row_of(tilt_file="a.tlt", level_y=4.5, axis_turn=3)
    assert (row["rlnTiltMin"], row["rlnTiltAxisTurn"], row["rlnTiltFile"]) == ("-55.5", "3", "tilts/v.tlt")
    (tomogram,) = Project.read(Path("tomograms.star")).tomograms
    assert tomogram.measured.sweeps == (positioned(np.arange(-55.5, 65, 5).tolist(), 0, 3),)
    assert row_of(tilt_file="a.tlt", level_x=-2)["rlnTiltFile"] == "a.tlt"


def test_flags_of_prepare_add_a_second_axis(prepared: Path) -> None:
    Path("b.tlt").write_text("".join(f"{tilt}\n" for tilt in range(-50, 51, 5)))
    row = row_of(second_tilt_min=-40, second_tilt_max=45, second_axis_turn=-88, second_level_x=2)
    names = ("rlnTiltMinAxis2", "rlnTiltMaxAxis2", "rlnTiltAxisTurnAxis2", "rlnTomoXTiltAxis2")
    assert [row[name] for name in names] == ["-40", "45", "-88", "2"]
    row = row_of(second_tilt_file="b.tlt")
    assert (row["rlnTiltFileAxis2"], row["rlnTiltAxisTurnAxis2"]) == ("b.tlt", "90")
    (tomogram,) = Project.read(Path("tomograms.star")).tomograms
    assert tomogram.measured.sweeps[1] == positioned(range(-50, 51, 5), 0, 90)
    row = row_of(second_tilt_file="b.tlt", second_level_y=3)
    assert (row["rlnTiltMinAxis2"], row.get("rlnTiltFileAxis2")) == ("-47", None)
    for options, said in (
        ({"second_tilt_min": -40}, "second_tilt_min and second_tilt_max belong together"),
        ({"second_tilt_min": 40, "second_tilt_max": -40}, "must be smaller than second_tilt_max"),
        ({"level_x": 80}, "--level-x 80"),
        ({"level_y": 40}, "makes tilts of -20 to 100, beyond -90 to 90; give a smaller --level-y"),
        ({"tilt_min": -50, "level_y": 60}, "makes tilts of 10 to 120, beyond"),
        ({"level_x": "nan"}, "--level-x nan"),
        ({"axis_turn": "inf"}, "--axis-turn inf"),
        ({"second_level_x": 3}, "no tilts about a second axis are known for --second-level-x; give --second-tilt-file"),
        ({"second_axis_turn": 80}, "known for --second-axis-turn"),
        ({"second_tilt_min": -40, "second_tilt_max": 60, "second_level_y": 40}, "--second-level-y 40: makes tilts"),
    ):
        assert said in isonet.call("prepare", "v.mrc", overwrite=True, **options).err


def test_an_offset_of_aretomo_about_x_is_said(prepared: Path) -> None:
    lines = ["# AreTomo Alignment", "# RawSize = 32 32 5", "# AlphaOffset = 4.0", "# BetaOffset = 2.5"]
    lines += [f"{i} 85 1 0 0 1 1 1 0 {tilt}" for i, tilt in enumerate(range(-40, 41, 20))]
    Path("v.aln").write_text("\n".join(lines) + "\n")
    said = isonet.done("prepare", "v.mrc", tilt_file="v.aln", overwrite=True).err
    assert said.count("BetaOffset is 2.5") == 1
    assert "BetaOffset" not in isonet.done("prepare", "v.mrc", tilt_file="v.aln", level_x=1, overwrite=True).err


def test_what_etomo_leaves_open_is_said_once(prepared: Path) -> None:
    Path("m").mkdir()
    Path("m/v.edf").write_text("Setup.DatasetName=v\n")
    Path("m/v.tlt").write_text("-51\n0\n60\n")
    assert isonet.done("prepare", "v.mrc", metadata="m", overwrite=True).err.count("no tilt.com") == 1
    assert isonet.done("prepare", "v.mrc", tilt_file="m/v.edf", overwrite=True).err.count("no tilt.com") == 1
    Path("m/tilt.com").write_text("$tilt\nTILTFILE v.tlt\nOFFSET 2\nXAXISTILT 7\n")
    said = isonet.done("prepare", "v.mrc", metadata="m/v.edf", overwrite=True).err
    assert "no tilt.com" not in said and "turned by -7 about x" in said
    (row,) = isonet.table(Path("tomograms.star"))
    assert (row["rlnTiltMin"], row["rlnTiltMax"], row["rlnTomoXTilt"]) == ("-49", "62", "-7")


COM = "$tilt\nTILTFILE v.tlt\n"
FILES = {  # what is done with files that are odd: a part of what is said, and the turn about x in the table
    "line ends, mark": ({"tilt.com": "\ufeff$tilt\r\nTILTFILE v.tlt\r\nXAXISTILT=4\r\nOFFSET=-1.5,3\r\n"}, "", "-4"),
    "decimal comma": ({"tilt.com": f"{COM}XAXISTILT 4,0\n"}, "XAXISTILT: '4,0'", "refused"),
    "not finite": ({"tilt.com": f"{COM}XAXISTILT NaN\n"}, "tilt.com: XAXISTILT: 'NaN'", "refused"),
    "Fortran": ({"tilt.com": f"{COM}XAXISTILT 1.5d0\n"}, "XAXISTILT: '1.5d0'", "refused"),
    "of another command": ({"tilt.com": f"{COM}$clip\nXAXISTILT 8\n"}, "", None),
    "too few": ({"tilt.com": f"{COM}XTILTFILE x\n", "x": "0\n"}, "1 tilt about x", "refused"),
    "of views": ({"tilt.com": f"{COM}XTILTFILE x\n", "x": "0\n2\n9\n"}, "run from 0 to 9", "2"),
    "an offset": ({"tilt.com": f"{COM}OFFSET 2\n"}, "", None),
    "two files": ({"tilt.com": f"{COM}XAXISTILT 4\n", "v.xml": "4"}, "v.xml turns it by 4 about x, m/v/tilt.com", "4"),
    "one of 0": ({"tilt.com": f"{COM}XAXISTILT 4\n", "v.xml": "0"}, "v.xml turns it by 0 about x, m/v/tilt.com", None),
    "two that agree": ({"tilt.com": f"{COM}XAXISTILT -4.5\n", "v.xml": "4"}, "", "4"),
    "varying": ({"v.star": "-6 -60\n1 0\n9 60\n"}, "rlnTomoXTilt runs from -6 to 9", "1"),
    "level": ({"v.star": "2.5 -60\n2.5 0\n2.5 60\n"}, "", "2.5"),
}


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_taken_silently_from_odd_files(prepared: Path, name: str) -> None:
    files, expected, turn = FILES[name]
    Path("m").mkdir()
    for file, text in {"v.tlt": "-60\n0\n60\n", **files}.items():
        content = text
        if file.endswith(".xml"):
            content = f'<TiltSeries LevelAngleX="{text}"><Angles>60\n0\n-60</Angles></TiltSeries>'
        if file.endswith(".star"):
            content = f"data_v\n\nloop_\n_rlnTomoXTilt\n_rlnTomoYTilt\n{text}\n"
        Path("m", file).write_bytes(content.encode())
    Path("m/v").mkdir()
    for file in ("tilt.com", "v.tlt", "x"):  # a folder for each series, as etomo has it
        if Path("m", file).exists():
            Path("m", file).rename(Path("m/v", file))
    Path("tomograms.star").unlink()
    outcome = isonet.call("prepare", "v.mrc", metadata="m")
    told = [line for line in outcome.err.splitlines() if "warning: " in line or "isonet: " in line]
    assert [expected in line for line in told] == ([True] if expected else [])
    assert outcome.code == (2 if turn == "refused" else 0)
    if turn != "refused":
        (row,) = isonet.table(Path("tomograms.star"))
        assert row.get("rlnTomoXTilt") == turn


def test_a_file_that_cannot_be_read_and_is_of_no_tomogram_is_said(prepared: Path) -> None:
    Path("m").mkdir()
    for number in range(5):
        Path("m", f"other{number}.com").write_text("$tilt\nANGLES 0,3\nXAXISTILT x\n")
    Path("m/v.tlt").write_text("-60\n0\n60\n")
    said = isonet.done("prepare", "v.mrc", metadata="m", overwrite=True).err
    assert said.count("not read, and taken for none of the tomograms: m/other") == 3
    assert "2 more files of metadata cannot be read" in said and "4 warnings" in said


REFUSED = {
    "v.xml": [
        ('<TiltSeries LevelAngleX="NaN"><Angles>0\n3</Angles></TiltSeries>', "LevelAngleX: 'NaN'"),
        ('<TiltSeries LevelAngleX="3,5"><Angles>0\n3</Angles></TiltSeries>', "LevelAngleX: '3,5'"),
        ('<TiltSeries LevelAngleX="120"><Angles>0\n3</Angles></TiltSeries>', "by 120 degrees about x, beyond 60"),
        ('<TiltSeries LevelAngleY="50"><Angles>0\n42</Angles></TiltSeries>', "angle 2 is -92 degrees"),
    ],
    "v.star": [
        ("data_v\n\nloop_\n_rlnTomoXTilt\n_rlnTomoYTilt\nnan -3\n2 3\n\n", "row 1 of the tilt series: rlnTomoXTilt"),
        ("data_v\n\nloop_\n_rlnTomoXTilt\n_rlnTomoYTilt\n170 -3\n170 3\n\n", "by 170 degrees about x"),
    ],
    "v.aln": [("# BetaOffset = nan\n0 85 1 0 0 1 1 1 0 -3\n1 85 1 0 0 1 1 1 0 3\n", "BetaOffset: 'nan'")],
}


@pytest.mark.parametrize(("name", "text", "said"), [(name, *one) for name, every in REFUSED.items() for one in every])
def test_turns_that_cannot_be_are_refused(prepared: Path, name: str, text: str, said: str) -> None:
    Path("m").mkdir()
    Path("m", name).write_text(text)
    isonet.assert_refused(isonet.call("prepare", "v.mrc", metadata="m", overwrite=True), said, name)


@pytest.mark.parametrize(
    ("tilts", "said"),
    [
        ([round(0.05 * step, 2) for step in range(-20, 21)], "as in radians; give degrees"),
        ([7.0], "1 tilt, all at 7 degrees"),
        (list(range(-120, 121, 10)), "beyond -90 to 90"),
    ],
)
def test_tilts_about_a_second_axis_are_looked_at_like_those_about_the_first(
    prepared: Path, tilts: list[float], said: str
) -> None:
    Path("b.tlt").write_text("".join(f"{tilt}\n" for tilt in tilts))
    outcome = isonet.call("prepare", "v.mrc", overwrite=True, second_tilt_file="b.tlt")
    isonet.assert_refused(outcome, "b.tlt", said)
    assert "--second-level-y" not in outcome.err
