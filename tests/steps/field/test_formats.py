"""Loose formats: what is needed is read however it is laid out, what is broken is refused, and nothing is guessed."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import pytest

from isonet.errors import InputError
from isonet.io.programs.metadata import read_tilt_angles

NAMES = ["rlnTomoName", "rlnMicrographName"]
ENDS = {"unix": "\n", "windows": "\r\n", "mac": "\r"}


@pytest.mark.parametrize("indent", ["", "  ", "\t"])
def test_names_of_digits_are_text_wherever_labels_begin(here: Path, simulated: Callable[..., Any], indent: str) -> None:
    for number, name in ((1, "rec_00256"), (2, "rec_256")):
        foreign.mrc(here / f"z/{name}.mrc", simulated(number))
    table = f"data_global\n\nloop_\n{indent}_rlnTomoName #1\n{indent}_rlnVoltage #2\n00256 300\n256 200\n"
    foreign.put(here / "zz.star", table)
    isonet.done("prepare", "z", metadata="zz.star")
    rows = isonet.table(here / "tomograms.star")
    assert {row["rlnTomoName"]: row["rlnVoltage"] for row in rows} == {"z/rec_00256.mrc": "300", "z/rec_256.mrc": "200"}


TABLE = "data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n1.000000 Größe.mrc\n"


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_line_ends_and_marked_encodings_of_a_table(
    here: Path, simulated: Callable[..., Any], end: str, encoding: str
) -> None:
    foreign.mrc(here / "Größe.mrc", simulated(1))
    foreign.put(here / "t.star", TABLE.replace("\n", end).encode(encoding))
    isonet.done("mask", "t.star", tomo_idx="1")
    (row,) = isonet.table(here / "t.star")
    assert (row["rlnIndex"], row["rlnMaskName"]) == ("1", "mask/Größe_mask.mrc")


def mdoc(title: str, angles: Any, kind: str = "ZValue", first: int = 0) -> str:
    """Text of an mdoc: sections of a kind, from a number on."""
    sections = (f"[{kind} = {number}]\nTiltAngle = {angle}\n\n" for number, angle in enumerate(angles, first))
    return f"Voltage = 200\n\n{title}\n\n{''.join(sections)}"


@pytest.mark.parametrize(
    "title",
    [
        "[T = SerialEM: somewhere   15-May-24\n    ]",
        "[T = one\n two = 2\n three]",
        "[T = SerialEM]\nnotes without a sign",
        "[T = not closed",
    ],
)
def test_title_of_an_mdoc_over_lines(here: Path, simulated: Callable[..., Any], title: str) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    foreign.put(here / "m/TS_1.mdoc", mdoc(title, range(-57, 61, 3)))
    isonet.done("prepare", "t", metadata="m")
    (row,) = isonet.table(here / "tomograms.star")
    assert (row["rlnTiltMin"], row["rlnTiltMax"], row["rlnVoltage"]) == ("-57", "60", "200")


@pytest.mark.parametrize(
    "name", ["{series}_{number:03}_{angle:.1f}.mrc.mdoc", "{series}_{number:03}[{angle:.2f}]_May15_12.00.00.tif.mdoc"]
)
def test_mdocs_of_movies_are_gathered(here: Path, simulated: Callable[..., Any], name: str) -> None:
    for number, series, low in ((1, "TS_1", -57), (2, "TS_12", -48)):
        foreign.mrc(here / f"t/{series}.mrc", simulated(number))
        for movie, angle in enumerate(range(low, 61, 3), start=1):
            path = here / "m" / name.format(series=series, number=movie, angle=angle)
            foreign.put(path, mdoc("[T = x]", [angle + 0.04], "FrameSet"))
    isonet.done("prepare", "t", metadata="m")
    rows = isonet.table(here / "tomograms.star")
    assert [(row["rlnTiltMin"], row["rlnTiltMax"]) for row in rows] == [("-56.96", "60.04"), ("-47.96", "60.04")]
    assert len((here / rows[0]["rlnTiltFile"]).read_text().splitlines()) == 1 + 40


def test_mdocs_of_movies_in_a_folder_of_the_series(here: Path, simulated: Callable[..., Any]) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    for movie, angle in enumerate(range(-57, 61, 3), start=1):
        foreign.put(here / f"m/TS_1/movie{movie:03}x.mdoc", mdoc("[T = x]", [angle + 0.4567], "FrameSet"))
    isonet.done("prepare", "t", metadata="m")
    (row,) = isonet.table(here / "tomograms.star")
    assert row["rlnTiltMin"] == "-56.5433"


def test_a_lone_mdoc_of_a_movie_is_said(here: Path, simulated: Callable[..., Any]) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    foreign.put(here / "m/TS_1.mdoc", mdoc("[T = x]", [3], "FrameSet"))
    foreign.angles(here / "m/TS_1.tlt")
    assert "TS_1.mdoc: 1 .mdoc of single movies" in isonet.done("prepare", "t", metadata="m").err


@pytest.mark.parametrize("name", ["TS_1.rawtlt", "TS_1.tlt", "TS_1_TLT.txt"])
@pytest.mark.parametrize("behind", ["{order}", "{order} {dose:.2f}", "{order}  {dose:.1f} x 3"])
def test_columns_behind_the_angles_are_passed_over(
    here: Path, simulated: Callable[..., Any], name: str, behind: str
) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    lines = (f"{angle:8.2f} {behind.format(order=i, dose=3.1 * i)}\n" for i, angle in enumerate(range(-57, 61, 3), 1))
    foreign.put(here / f"m/{name}", "".join(lines))
    isonet.done("prepare", "t", metadata="m")
    (row,) = isonet.table(here / "tomograms.star")
    assert (row["rlnTiltMin"], row["rlnTiltMax"]) == ("-57", "60")


ANGLES = [-60.0 + 3 * number for number in range(41)]


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{angle:.2f}\n" for angle in ANGLES).replace(".", ","),
        "".join(f"{angle:.0f},0\n" for angle in ANGLES),
        "".join(f"{angle:.2f}\n" for angle in ANGLES).replace("-", "\u2212"),
        " ".join(map(str, ANGLES)),
        ", ".join(map(str, ANGLES)) + "\n",
        " ".join(map(str, sorted(ANGLES, key=abs))),
        "# tilts\n" + "\t".join(map(str, ANGLES[::-1])) + "\n",
    ],
)
def test_angles_of_other_writing(tmp_path: Path, text: str) -> None:
    assert sorted(read_tilt_angles(foreign.put(tmp_path / "a.tlt", text))) == ANGLES


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        (
            "".join(f"{a},{i}\n" for i, a in enumerate(range(-60, 61, 3), 1)),
            "'-60,1' .* point in the place of its comma",
        ),
        ("".join(f"{a},{i}\n" for i, a in enumerate(range(-60, 61, 3), 10)), "'-60,10' is not a number"),
        ("-70,00 -67,00 -64,00 -61,00 -58,00\n", "5 columns, 1 expected"),
        ("-60 3 1 4 5\n", "5 columns, 1 expected .*; write one a line"),
        ("-70,5\n-67,25\n", "'-70,5' is not a number; write a point"),
    ],
)
def test_angles_of_unclear_writing(tmp_path: Path, text: str, mention: str) -> None:
    with pytest.raises(InputError, match=mention):
        read_tilt_angles(foreign.put(tmp_path / "a.tlt", text))


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("".join(f"{i} {a}\n" for i, a in enumerate(range(-60, 61, 3), 1)), "counts the lines"),
        ("-60 -57 -54\n", "3 columns, 1 expected"),
        ("-60 1\n-57\n", "1 column, 2 expected"),
        ("-60 1\n-5x 2\n", "'-5x' is not a number"),
    ],
)
def test_angles_are_never_guessed(here: Path, simulated: Callable[..., Any], text: str, mention: str) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    foreign.put(here / "TS_1.rawtlt", text)
    isonet.assert_refused(isonet.call("prepare", "t", metadata="TS_1.rawtlt"), mention)


def test_notes_in_latin_1_are_passed_over(here: Path, simulated: Callable[..., Any]) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    angles = ",".join(map(str, range(-57, 61, 3)))
    command = f"# Größe\n$tilt\nANGLES {angles}\nOutputFile TS_1.rec\n"
    xml = (
        foreign.warp(here / "x/TS_1.xml", range(57, -61, -3)).read_text().replace("<TiltSeries", '<TiltSeries Note="ü"')
    )
    mdocs = mdoc("[T = 10 µm]", range(-57, 61, 3))
    for path, text in (("c/TS_1/tilt.com", command), ("x/TS_1.xml", xml), ("m/TS_1.mdoc", mdocs)):
        foreign.put(here / path, text.encode("latin-1"))
        isonet.done("prepare", "t", metadata=path.partition("/")[0], overwrite=True)
        (row,) = isonet.table(here / "tomograms.star")
        assert (row["rlnTiltMin"], row["rlnTiltMax"]) == ("-57", "60")


@pytest.mark.parametrize(("encoding", "word"), [("latin-1", "Latin-1"), ("utf-16-le", "UTF-16")])
def test_encodings_that_cannot_be_told_are_named(here: Path, encoding: str, word: str) -> None:
    foreign.put(here / "t.star", TABLE.encode(encoding))
    isonet.assert_refused(isonet.call("mask", "t.star"), "t.star", word, "save it as UTF-8")


def test_tilts_in_radians_or_twice_are_named(here: Path, simulated: Callable[..., Any]) -> None:
    foreign.mrc(here / "t/T.mrc", simulated(1))
    foreign.angles(here / "r/T.tlt", [math.radians(tilt) for tilt in foreign.TILTS])
    isonet.assert_refused(isonet.call("prepare", "t", metadata="r"), "r/T.tlt", "as in radians")
    foreign.angles(here / "d/T.tlt", [*foreign.TILTS, *foreign.TILTS])
    assert "warning: d/T.tlt: 82 tilts, but only 41 angles" in isonet.done("prepare", "t", metadata="d").err
