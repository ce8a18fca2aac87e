"""Conventions of other programs: a point projected by their own formula is found where it was put.

Each program's formula is written out here as its source or manual has it, not as the readers have it. Images are
`[y, x]`; positions count from the middle of images and volumes.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest

POINT = (9.0, -6.0, 13.0)
"""x, y, z of the point, in voxels from the middle."""
SIZE = 64
ANGLES = np.arange(-60.0, 49, 3)
LEVELS = (0, 4.5)


def turn(axis: str, degrees: float) -> Any:
    """Right-handed rotation about an axis, as RELION and Warp write it: about y, `x' = x cos + z sin`."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array(
        {
            "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
            "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
            "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
        }[axis]
    )


def series(path: Path, seen: Callable[[int], Any], count: int, space_group: int = 0) -> Path:
    """Write images of a point, seen by each at x, y from the middle."""
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    images = [np.exp(-((x - seen(i)[0]) ** 2 + (y - seen(i)[1]) ** 2) / 4) for i in range(count)]
    return foreign.mrc(path, np.array(images, "f4"), space_group=space_group)


def found(*words: Any, **options: Any) -> list[int]:
    """Reconstruct p.st, and tell where the point is: x, y, z from the middle."""
    isonet.done("reconstruct", "p.st", *words, thickness=SIZE, output_dir="r", overwrite=True, **options)
    volume = isonet.read(Path("r/p_full.mrc"))
    z, y, x = (int(place) - SIZE // 2 for place in np.unravel_index(volume.argmax(), volume.shape))
    return [x, y, z]


def near(place: list[int], tolerance: int = 1) -> bool:
    return bool(np.abs(np.array(place) - POINT).max() <= tolerance)


def warp_sees(angle: float, level: float, axis: float, offset: tuple[float, float], pixel: float = 10.0) -> Any:
    """Warp turns the levelled sample, whose x is then `x cos A - z sin A`, about the beam, and adds the offset in Å."""
    seen = turn("z", axis) @ turn("y", -(angle + level)) @ np.array(POINT)
    return seen[:2] + np.array(offset) / pixel


@pytest.mark.parametrize("inverted", ["True", "False"])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("axis", "offset"), [(0.0, (0.0, 0.0)), (-4.3, (25.0, -31.0)), (84.5, (-18.0, 40.0))])
def test_warp(here: Path, inverted: str, level: float, axis: float, offset: tuple[float, float]) -> None:
    series(here / "p.st", lambda i: warp_sees(ANGLES[i], level, axis, offset), len(ANGLES))
    path = foreign.warp(here / "p.xml", ANGLES.tolist(), axis, AreAnglesInverted=inverted, LevelAngleY=level)
    for name, shift in zip("XY", offset, strict=True):
        text = path.read_text()
        old = f"<AxisOffset{name}>" + "\n".join(["0"] * len(ANGLES))
        path.write_text(text.replace(old, old.replace("0", str(shift))))
    assert near(found(alignment="p.xml"))


@pytest.mark.parametrize(("about_x", "level"), [(12, 0), (-9.5, 4.5)])
def test_warp_levelled(here: Path, about_x: float, level: float) -> None:
    """`Euler(0, A + LevelAngleY, -axis) RotateX(LevelAngleX)`: about x first, as a right-handed rotation."""

    def seen(image: int) -> Any:
        return (turn("y", -(ANGLES[image] + level)) @ turn("x", about_x) @ np.array(POINT))[:2]

    series(here / "p.st", seen, len(ANGLES))
    foreign.warp(here / "p.xml", ANGLES.tolist(), 0.0, LevelAngleX=about_x, LevelAngleY=level)
    assert near(found(alignment="p.xml"))
    said = isonet.done("reconstruct", "p.st", alignment="p.xml", thickness=SIZE, output_dir="other").err
    assert f"--level-x={about_x:g}" in said
    assert not near(found(alignment="p.xml", level_x=0))
    assert not near(found(alignment="p.xml", level_x=-about_x))


@pytest.mark.parametrize("about_x", [11, -8])
def test_relion_levelled(here: Path, about_x: float) -> None:
    series(here / "p.st", lambda i: (turn("y", ANGLES[i]) @ turn("x", about_x) @ np.array(POINT))[:2], len(ANGLES))
    foreign.star(here / "p.star", "p", rlnTomoXTilt=[about_x] * len(ANGLES), rlnTomoYTilt=ANGLES)
    assert near(found(tilt_file="p.star"))
    assert near(found(tilt_file="p.star", level_x=about_x, level_y=0))


@pytest.mark.parametrize(("x_axis_tilt", "offset"), [(10, 0.0), (-12, -7.0)])
def test_imod_levelled(here: Path, x_axis_tilt: float, offset: float) -> None:
    """IMOD's `tilt`: row j of section k is at `u = x cos b + (k sin a + j cos a) sin b`, `v = k cos a - j sin a`.

    Its a is -XAXISTILT and its sines are negated. Turned by -90 degrees about x, j is -z.
    """

    def seen(image: int) -> Any:
        x, section, row = POINT[0], POINT[1], -POINT[2]
        b, a = np.deg2rad(ANGLES[image]), np.deg2rad(-x_axis_tilt)
        sin_b, sin_a = -np.sin(b), -np.sin(a)
        height = section * sin_a + row * np.cos(a)
        return np.array([x * np.cos(b) + height * sin_b, section * np.cos(a) - row * sin_a])

    series(here / "p.st", seen, len(ANGLES))
    foreign.angles(here / "p.tlt", ANGLES - offset)
    text = f"$tilt -StandardInput\nTILTFILE p.tlt\nOFFSET {offset}\nXAXISTILT {x_axis_tilt}\nTHICKNESS 64\n"
    foreign.put(here / "tilt.com", text)
    assert near(found(tilt_file="tilt.com"))
    assert not near(found(tilt_file="tilt.com", level_x=x_axis_tilt))


@pytest.mark.parametrize("rows", [64, 10])
def test_levels_given_are_made(here: Path, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In slabs of rows too, and with the sign of the tilts changed, which mirrors the point along z."""
    monkeypatch.setattr("isonet.steps.reconstruct.step._SLAB_VOXELS", rows * SIZE * SIZE)
    series(here / "p.st", lambda i: (turn("y", ANGLES[i] + 5) @ turn("x", 14) @ np.array(POINT))[:2], len(ANGLES))
    foreign.angles(here / "p.tlt", ANGLES)
    assert near(found(tilt_file="p.tlt", level_x=14, level_y=5))
    assert [float(line) for line in (here / "r/p.tlt").read_text().split()] == (ANGLES + 5).tolist()
    place = found(tilt_file="p.tlt", level_x=-14, level_y=-5, invert_tilts=True)
    assert near([place[0], place[1], -place[2]])
    refused = isonet.call("reconstruct", "p.st", tilt_file="p.tlt", level_y=-40, output_dir="q")
    isonet.assert_refused(refused, "--level-y -40: makes a tilt of 100 degrees")


def test_warp_tomostar(here: Path) -> None:
    series(here / "p.st", lambda i: warp_sees(ANGLES[i], 0, 0, (0, 0)), len(ANGLES))
    foreign.star(here / "p.tomostar", wrpMovieName=[f"{i}.tif" for i in range(len(ANGLES))], wrpAngleTilt=ANGLES)
    assert near(found(tilt_file="p.tomostar"))


def imod_sees(angle: float) -> Any:
    """IMOD, whose volume is turned by `trimvol -rx`: `x cos a + z sin a`, as RELION takes its angles over."""
    return (turn("y", angle) @ np.array(POINT))[:2]


@pytest.mark.parametrize("offset", [0.0, -7.0])
@pytest.mark.parametrize("left_out", ["", "EXCLUDELIST 1,2\n", "INCLUDE 5-37\n", "EXCLUDELIST2 1\nEXCLUDE 37\n"])
def test_imod(here: Path, offset: float, left_out: str) -> None:
    def seen(image: int) -> Any:
        """As is, and rubbish in the first image where it is left out."""
        return imod_sees(ANGLES[image]) if image or not left_out else (-20.0, -20.0)

    series(here / "p.st", seen, len(ANGLES))
    foreign.angles(here / "p.tlt", ANGLES - offset)
    foreign.put(here / "tilt.com", f"$tilt -StandardInput\nTILTFILE p.tlt\nOFFSET {offset}\n{left_out}THICKNESS 64\n")
    assert near(found(tilt_file="tilt.com"))
    dropped = {"": 0, "EXCLUDELIST 1,2\n": 2, "INCLUDE 5-37\n": 4, "EXCLUDELIST2 1\nEXCLUDE 37\n": 2}[left_out]
    assert len((here / "r/p.tlt").read_text().split()) == len(ANGLES) - dropped


def test_imod_transforms(here: Path) -> None:
    """An .xf line takes a position from (n - 1) / 2 to A r + d."""
    axis, shift = turn("z", -12.0)[:2, :2], np.array([2.5, -4.0])
    back = np.linalg.inv(axis)
    series(here / "p.st", lambda i: back @ (imod_sees(ANGLES[i]) - shift), len(ANGLES))
    line = " ".join(f"{value:.6f}" for value in (*axis.ravel(), *shift))
    foreign.put(here / "p.xf", f"{line}\n" * len(ANGLES))
    foreign.angles(here / "p.tlt", ANGLES)
    assert near(found(tilt_file="p.tlt", alignment="p.xf"))


def test_aretomo(here: Path) -> None:
    """TILT is that of RELION's rotation about y: aligned images are seen at `x cos a + z sin a`."""
    series(here / "p.st", lambda i: imod_sees(ANGLES[i]), len(ANGLES))
    foreign.aln(here / "p.aln", ANGLES)
    assert near(found(tilt_file="p.aln"))


def test_aretomo_in_the_order_of_its_tilts(here: Path) -> None:
    """Rows are sorted by tilt, images are as they were taken, two of them dark: SEC tells which is which."""
    order = np.random.default_rng(0).permutation(len(ANGLES))  # of image i
    series(here / "p.st", lambda i: imod_sees(ANGLES[order[i]]), len(ANGLES))
    lines = (foreign.aln(here / "p.aln", ANGLES)).read_text().splitlines()
    head, rows = [line for line in lines if line[0] == "#"], [line.split()[1:] for line in lines if line[0] != "#"]
    image = {int(angle): i for i, angle in enumerate(order)}
    dark = [f"# DarkFrame = {image[number] + 1} 0 {ANGLES[number]:.2f}" for number in (0, 36)]
    used = [" ".join([str(image[number] + 1), *rows[number]]) for number in range(1, 36)]
    foreign.put(here / "p.aln", "\n".join([*head[:2], *dark, *head[2:], *used]) + "\n")
    assert near(found(tilt_file="p.aln"))


def test_serial_em(here: Path) -> None:
    series(here / "p.st", lambda i: imod_sees(ANGLES[i]), len(ANGLES))
    sections = "".join(f"[ZValue = {number}]\nTiltAngle = {angle}\n\n" for number, angle in enumerate(ANGLES))
    foreign.put(here / "p.mdoc", f"PixelSpacing = 10\n\n[T = SerialEM: title\n    over lines ]\n\n{sections}")
    assert near(found(tilt_file="p.mdoc"))


@pytest.mark.parametrize("column", ["rlnTomoYTilt", "rlnTomoNominalStageTiltAngle", "rlnTomoProjZ"])
def test_relion(here: Path, column: str) -> None:
    """Images are seen by `Rz(zrot) Ry(ytilt) Rx(xtilt)`; rlnTomoProjX, Y, Z are the rows of that matrix."""
    series(here / "p.st", lambda i: (turn("y", ANGLES[i]) @ np.array(POINT))[:2], len(ANGLES))
    rows = [turn("y", angle)[2] for angle in ANGLES]
    values = [f"[{row[0]:.8f},{row[1]:.8f},{row[2]:.8f},0]" for row in rows] if column == "rlnTomoProjZ" else ANGLES
    foreign.star(here / "p.star", "TS_1", **{column: values})
    assert near(found(tilt_file="p.star"))


@pytest.mark.parametrize("level", [0, 4, 10])
@pytest.mark.parametrize("inverted", ["True", "False"])
def test_tilts_of_a_table_are_those_of_the_volume(
    here: Path, simulated: Callable[..., Any], level: float, inverted: str
) -> None:
    foreign.mrc(here / "w/TS_1_10.00Apx.mrc", simulated(1, lopsided=True))
    own = -np.arange(-70, 51, 3) - level
    foreign.warp(here / "x/TS_1.xml", own.tolist(), AreAnglesInverted=inverted, LevelAngleY=level)
    foreign.star(here / "y/TS_1.tomostar", wrpMovieName=["a.tif"] * 41, wrpAngleTilt=-np.arange(-70, 51, 3))
    for metadata in ("x", "y"):
        said = isonet.done("prepare", "w", metadata=metadata, overwrite=True).err
        (row,) = isonet.table(here / "tomograms.star")
        assert (row["rlnTiltMin"], row["rlnTiltMax"]) == ("-70", "50")
        assert "mirrored" not in said


@pytest.mark.parametrize("x_tilt", [2, -8])
@pytest.mark.parametrize("program", ["warp", "imod", "relion"])
def test_a_wedge_aslant_is_told(here: Path, simulated: Callable[..., Any], program: str, x_tilt: float) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    if program == "warp":
        foreign.warp(here / "m/TS_1.xml", foreign.TILTS, LevelAngleX=x_tilt)
    elif program == "imod":
        angles = ",".join(map(str, foreign.TILTS))
        foreign.put(here / "m/TS_1/tilt.com", f"$tilt\nANGLES {angles}\nXAXISTILT {x_tilt}\nOutputFile TS_1.rec\n")
    else:
        foreign.star(here / "m/TS_1.star", "TS_1", rlnTomoXTilt=[x_tilt] * 41, rlnTomoYTilt=foreign.TILTS)
    said = isonet.done("prepare", "t", metadata="m").err
    turn = -x_tilt if program == "imod" else x_tilt
    assert f"turned by {turn} about x" in said
    (row,) = isonet.table(here / "tomograms.star")
    assert float(row["rlnTomoXTilt"]) == turn


def test_two_axes_are_said(here: Path, simulated: Callable[..., Any]) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    turns = {"a": 0, "b": 3}
    for axis in "ab":
        foreign.angles(here / f"m/TS_1/TS_1{axis}.tlt", foreign.TILTS if axis == "a" else range(-50, 51, 2))
        text = f"$tilt\nInputProjections TS_1{axis}_ali.mrc\nTILTFILE TS_1{axis}.tlt\nXAXISTILT {turns[axis]}\n"
        foreign.put(here / f"m/TS_1/tilt{axis}.com", text)
    said = isonet.done("prepare", "t", metadata="m").err
    assert "two axes" in said
    assert "tiltb.com" in said
    (row,) = isonet.table(here / "tomograms.star")
    assert (row["rlnTiltMin"], row["rlnTiltMax"]) == ("-60", "60")
    assert (row["rlnTiltMinAxis2"], row["rlnTiltMaxAxis2"], row["rlnTiltAxisTurnAxis2"]) == ("-50", "50", "90")
    assert row["rlnTomoXTiltAxis2"] == "-3"
    for options in ({"second_tilt_file": "m/TS_1/tiltb.com"}, {"second_level_x": 1}):
        isonet.done("prepare", "t", metadata="m", overwrite=True, **options)
        assert isonet.table(here / "tomograms.star")[0]["rlnTomoXTiltAxis2"] == str(options.get("second_level_x", -3))
    for axis, low in (("a", "-60"), ("b", "-50")):  # tomograms of one axis have the tilts of that one
        foreign.mrc(here / f"one/TS_1{axis}.mrc", simulated(1))
        said = isonet.done("prepare", f"one/TS_1{axis}.mrc", metadata="m", overwrite=True).err
        assert "two axes" not in said
        assert "rlnTiltMinAxis2" not in isonet.table(here / "tomograms.star")[0]
        assert isonet.table(here / "tomograms.star")[0]["rlnTiltMin"] == low


def test_two_axes_of_etomo_are_said(here: Path, simulated: Callable[..., Any]) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    foreign.angles(here / "m/TS_1a.tlt")
    foreign.put(here / "m/TS_1.edf", "Setup.DatasetName=TS_1\nSetup.AxisType=Dual Axis\n")
    assert "two axes (m/TS_1.edf)" in isonet.done("prepare", "t", metadata="m").err


@pytest.mark.parametrize(
    ("kind", "table", "own", "attributes", "warned"),
    [
        ("xml", (-70, 50), range(70, -51, -3), {}, False),
        ("xml", (-50, 70), range(70, -51, -3), {}, True),  # mirrored
        ("xml", (-70, 50), range(70, -51, -3), {"AreAnglesInverted": "True"}, False),  # was right before
        ("xml", (-66, 54), range(66, -55, -3), {"LevelAngleY": 4}, True),  # not levelled
        ("xml", (-60, 60), range(60, -61, -3), {}, False),
        ("tomostar", (-70, 50), range(70, -51, -3), {}, False),
        ("tomostar", (-50, 70), range(70, -51, -3), {}, True),
    ],
)
def test_a_table_of_an_older_version_is_said_in_the_report(
    here: Path,
    simulated: Callable[..., Any],
    kind: str,
    table: tuple[int, int],
    own: range,
    attributes: dict[str, object],
    warned: bool,
) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1, lopsided=True))
    if kind == "xml":
        foreign.warp(here / "x/TS_1.xml", list(own), **attributes)
    else:
        foreign.star(here / "x/TS_1.tomostar", wrpAngleTilt=own)
    columns = {"rlnIndex": [1], "rlnTomoName": ["t/TS_1.mrc"], "rlnPixelSize": [10], "rlnTiltFile": [f"x/TS_1.{kind}"]}
    foreign.star(here / "tomograms.star", **columns, rlnTiltMin=[table[0]], rlnTiltMax=[table[1]])
    isonet.done("report", "tomograms.star")
    found = [one for one in json.loads((here / "report.json").read_text())["warnings"] if "older" in one["what"]]
    assert [one["about"] for one in found] == ["TS_1"] * warned
    if warned:
        assert "isonet prepare" in found[0]["remedy"]
    said = isonet.done("extract", "tomograms.star", cube_size=16, crop_size=24, number_subtomos=1).err
    assert ("an older version" in said) == warned
