"""Where each program's own formula sees a point of its tomogram, and where tilt and turn as read say it is seen."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from isonet.core.tilts.measured import about
from isonet.errors import InputError
from isonet.io.programs import metadata

TILTS = (-51.0, -20.0, 0.0, 31.0, 60.0)
POINTS = ((5.0, -3.0, 8.0), (-7.0, 11.0, 2.0), (4.0, 9.0, -6.0))  # x, y, z of the tomogram, beam along z
Seen = Callable[[float, tuple[float, float, float]], tuple[float, float]]


def relion(folder: Path, x_tilt: float, y_level: float) -> tuple[Path, Seen]:
    """`R_z(rot) R_y(tilt) R_x(x_tilt) r`, each a right-handed rotation; the tilts hold the level."""
    path = folder / "TS_1.star"
    rows = "".join(f"{x_tilt} {tilt + y_level} 84.5\n" for tilt in TILTS)
    path.write_text(f"data_TS_1\n\nloop_\n_rlnTomoXTilt #1\n_rlnTomoYTilt #2\n_rlnTomoZRot #3\n{rows}\n")

    def seen(tilt: float, point: tuple[float, float, float]) -> tuple[float, float]:
        turned = Rotation.from_euler("xy", [x_tilt, tilt + y_level], degrees=True).apply(point)
        return turned[0], turned[1]

    return path, seen


def relion_matrices(folder: Path, x_tilt: float, y_level: float) -> tuple[Path, Seen]:
    """The third row of `R_z(rot) R_y(tilt) R_x(x_tilt)`, as projection matrices have it."""
    _, seen = relion(folder, x_tilt, y_level)
    path = folder / "TS_2.star"
    rows = [Rotation.from_euler("xyz", [x_tilt, tilt + y_level, 84.5], degrees=True).as_matrix()[2] for tilt in TILTS]
    text = "".join(f"[{x:.9f},{y:.9f},{z:.9f},31]\n" for x, y, z in rows)
    path.write_text(f"data_TS_1\n\nloop_\n_rlnTomoProjZ #1\n{text}\n")
    return path, seen


def warp(folder: Path, x_tilt: float, y_level: float) -> tuple[Path, Seen]:
    """`Euler(0, A + LevelAngleY, -axis) RotateX(LevelAngleX) r`, Euler angles as of RELION: R_z R_y(-t) before R_z."""
    path = folder / "TS_1.xml"
    angles = "\n".join(map(str, TILTS))
    path.write_text(
        f'<TiltSeries LevelAngleX="{x_tilt}" LevelAngleY="{y_level}"><Angles>{angles}</Angles></TiltSeries>'
    )

    def seen(tilt: float, point: tuple[float, float, float]) -> tuple[float, float]:
        sine, cosine = math.sin(math.radians(x_tilt)), math.cos(math.radians(x_tilt))
        x, y, z = point[0], cosine * point[1] - sine * point[2], sine * point[1] + cosine * point[2]
        angle = math.radians(tilt + y_level)
        return x * math.cos(angle) - z * math.sin(angle), y

    return path, seen


def imod(folder: Path, x_tilt: float, y_level: float, about_x: float = 0.0) -> tuple[Path, Seen]:
    """As `tilt` computes it for row `j` of section `k`: alpha is that of XTILTFILE less XAXISTILT, sines are negated.

    Turned by -90 degrees about x, sections are y and rows count along -z.
    """
    path = folder / "tilt.com"
    angles = ",".join(map(str, TILTS))
    path.write_text(f"$tilt\nANGLES {angles}\nOFFSET {y_level}\nXAXISTILT {x_tilt}\nXTILTFILE TS_1.xtilt\n")
    (folder / "TS_1.xtilt").write_text(f"{about_x}\n" * len(TILTS))

    def seen(tilt: float, point: tuple[float, float, float]) -> tuple[float, float]:
        x, section, row = point[0], point[1], -point[2]
        alpha, beta = math.radians(about_x - x_tilt), math.radians(tilt + y_level)
        sin_alpha, cos_alpha, sin_beta = -math.sin(alpha), math.cos(alpha), -math.sin(beta)
        u = x * math.cos(beta) + section * sin_alpha * sin_beta + row * cos_alpha * sin_beta
        return u, section * cos_alpha - row * sin_alpha

    return path, seen


def imod_of_views(folder: Path, x_tilt: float, y_level: float) -> tuple[Path, Seen]:
    """All of it in the file of views."""
    return imod(folder, 1.25, y_level, 1.25 + x_tilt)


def etomo(folder: Path, x_tilt: float, y_level: float) -> tuple[Path, Seen]:
    """The `.edf` leaves it to `tilt.com`."""
    _, seen = imod(folder, x_tilt, y_level)
    path = folder / "TS_1.edf"
    path.write_text("Setup.DatasetName=TS_1\nReconstructionState.a.sample.XAXISTILT=77\n")
    return path, seen


@pytest.mark.parametrize("program", [relion, relion_matrices, warp, imod, imod_of_views, etomo])
@pytest.mark.parametrize(("x_tilt", "y_level"), [(0.0, 0.0), (12.0, 0.0), (10.0, -9.0), (-7.5, 5.0)])
def test_a_point_is_seen_where_the_program_sees_it(
    tmp_path: Path, program: Callable[[Path, float, float], tuple[Path, Seen]], x_tilt: float, y_level: float
) -> None:
    path, seen = program(tmp_path, x_tilt, y_level)
    series = metadata.read_tilts(path)
    assert series.tilts is not None and not series.doubt
    for tilt, own in zip(TILTS, series.tilts, strict=True):
        for point in POINTS:
            z, y, x = about("x", series.x_tilt) @ np.array(point[::-1])
            angle = math.radians(own)
            found = (x * math.cos(angle) + z * math.sin(angle), y)
            assert found == pytest.approx(seen(tilt, point), abs=1e-6)


def test_a_section_that_rises_with_the_slices_is_made_flat_by_a_positive_xaxistilt(tmp_path: Path) -> None:
    """IMOD's manual: 5 pixels below the middle in the first of 500 slices, 5 above in the last: 1.1 degrees."""
    path, _ = imod(tmp_path, 1.1459, 0.0)
    level = metadata.read_tilts(path).x_tilt
    z, y, _ = about("x", level) @ np.array([0.0, 250.0, 0.0])  # of the flat section, at the last slice
    assert (-z, y) == pytest.approx((5, 250), abs=0.1)  # rows above the middle are at negative z


def com(folder: Path, *lines: str) -> Path:
    """A command file of IMOD's tilt with its angles."""
    path = folder / "tilt.com"
    path.write_text("\n".join(["$tilt -StandardInput", "ANGLES -3,0,3", *lines, ""]))
    return path


@pytest.mark.parametrize(
    ("lines", "about_x", "first"),
    [
        (["XAXISTILT=4.5"], -4.5, -3),
        (["XAXISTILT = -4.5", "OFFSET=1,20"], 4.5, -2),
        (["xaxis 2", "Offset 1."], -2, -2),
        (["XAXISTILT\t2", "XAXISTILT 3"], -3, -3),
        (["XAXISTILT 2", "DONE", "XAXISTILT 9", "OFFSET 9"], -2, -3),
        (["XAXISTILT 2", "$newstack -StandardInput", "OFFSET 9"], -2, -3),
        (["#XAXISTILT 9", "XAXISTILT"], 0, -3),
        (["XTILTFILE", "XTILTINTERP 2"], 0, -3),
    ],
)
def test_command_files_as_imod_reads_them(tmp_path: Path, lines: list[str], about_x: float, first: float) -> None:
    series = metadata.read_tilts(com(tmp_path, *lines))
    assert (series.x_tilt, series.doubt) == (about_x, "")
    assert series.tilts is not None and series.tilts[0] == first


def test_options_on_the_line_of_the_command(tmp_path: Path) -> None:
    path = tmp_path / "tilt.com"
    path.write_text("$tilt -OFFSET -2 -XAXISTILT 3 -StandardInput\nANGLES -3,0,3\n")
    series = metadata.read_tilts(path)
    assert (series.tilts, series.x_tilt) == ((-5, -2, 1), -3)


def test_tilts_about_x_of_views(tmp_path: Path) -> None:
    """One turn where they are alike; a doubt where they are not, or where they are not there."""
    path, views = com(tmp_path, "XTILTFILE a.xtilt", "XAXISTILT 1"), tmp_path / "a.xtilt"
    missing = metadata.read_tilts(path)
    assert missing.x_tilt == -1 and "XTILTFILE a.xtilt is not there" in missing.doubt
    for text, about_x, doubt in (("0 \r\n0\r\n0\r\n", -1, ""), ("3.2\n3\n3.1\n", 2.1, ""), ("1\n4\n9\n", 3, "1 to 9")):
        views.write_text(text)
        series = metadata.read_tilts(path)
        assert series.x_tilt == pytest.approx(about_x)
        assert (doubt in series.doubt) if doubt else not series.doubt
    views.rename(tmp_path / "renamed.xtilt")
    assert "1 to 9" in metadata.read_tilts(path).doubt
    for text, message in (("1\n2\n", "2 tilts about x, .*tilt.com has 3 views"), ("1\nx\n3\n", "'x' is not a number")):
        views.write_text(text)
        with pytest.raises(InputError, match=message):
            metadata.read_tilts(path)


def test_what_an_edf_leaves_open(tmp_path: Path) -> None:
    """Without the command file of its own data set OFFSET and XAXISTILT are in doubt, and not silently 0."""
    path = tmp_path / "TS_1.edf"
    path.write_text("Setup.DatasetName=TS_1\r\nSetup.AxisA.ExcludeProjections=2\r\n")
    (tmp_path / "TS_1.tlt").write_text("-3\n0\n3\n")
    series = metadata.read_tilts(path)
    assert (series.tilts, series.x_tilt) == ((-3, 3), None) and "no tilt.com" in series.doubt
    com(tmp_path, "OFFSET 1", "XAXISTILT 2", "OutputFile other_full_rec.mrc", "EXCLUDELIST 1")
    renamed = metadata.read_tilts(path)
    assert (renamed.tilts, renamed.x_tilt, renamed.doubt) == ((4,), -2, "")
    (tmp_path / "other.edf").write_text("Setup.DatasetName=other\n")
    assert "no tilt.com of it" in metadata.read_tilts(path).doubt
    com(tmp_path, "OFFSET 1", "XAXISTILT 2", "OutputFile TS_1_full_rec.mrc")
    assert metadata.read_tilts(path).tilts == (-2, 4)
    path.write_text("Setup.DatasetName=TS_1\nSetup.AxisType=Dual Axis\n")
    assert "no tilta.com" in metadata.read_tilts(path).doubt
    com(tmp_path, "OFFSET 1", "OutputFile TS_1a.rec").rename(tmp_path / "tilta.com")
    both = metadata.read_tilts(path)
    assert (both.tilts, both.axes, both.doubt) == ((-2, 1, 4), 2, "")


@pytest.mark.parametrize("line", ["XAXISTILT abc", "XAXISTILT nan", "XAXISTILT 1,5", "OFFSET inf", "OFFSET 88"])
def test_garbled_turns_are_refused(tmp_path: Path, line: str) -> None:
    message = "beyond -90 to 90" if line == "OFFSET 88" else line.split(maxsplit=1)[0]
    with pytest.raises(InputError, match=message):
        metadata.read_tilts(com(tmp_path, line))


def test_an_edf_is_refused_with_its_command_file(tmp_path: Path) -> None:
    (tmp_path / "TS_1.edf").write_text("Setup.DatasetName=TS_1\n")
    com(tmp_path, "XAXISTILT abc")
    with pytest.raises(InputError, match=r"tilt\.com: XAXISTILT"):
        metadata.read_tilts(tmp_path / "TS_1.edf")


def test_the_offset_of_aretomo_is_in_its_tilts(shared_data: Path) -> None:
    """Images after the dark one at -42: AlphaOffset is added to what the stage said, -40.01 + 12.30."""
    path = shared_data / "metadata/aretomo/global_and_local.aln"
    assert "AlphaOffset =    12.30" in path.read_text()
    series = metadata.read_tilts(path)
    assert series.tilts is not None
    assert series.tilts[0] == pytest.approx(-40.01 + 12.30)
    assert (series.x_tilt, series.doubt) == (None, "")
    other = metadata.read_tilts(shared_data / "metadata/aretomo/global_no_local.aln")
    given = metadata.read_tilts(shared_data / "metadata/aretomo/global_no_local.tlt")
    assert other.tilts == given.tilts


@pytest.mark.parametrize(
    ("header", "doubt"),
    [
        ("# AlphaOffset = 4.00\n# BetaOffset = -2.50\n", "BetaOffset is -2.5"),
        (" #BetaOffset=1\n", "BetaOffset is 1"),
        ("# AlphaOffset = 4.00\n# BetaOffset = 0.00\n", ""),
        ("# AlphaOffset = 4.00\n", ""),
    ],
)
def test_offsets_of_aretomo(tmp_path: Path, header: str, doubt: str) -> None:
    """That about y changes nothing, as it is in the tilts; that about x is left open."""
    path = tmp_path / "a.aln"
    path.write_text(header + "0 85 1 0 0 1 1 1 0 -26.00\n1 85 1 0 0 1 1 1 0 34.00\n")
    series = metadata.read_tilts(path)
    assert (series.tilts, series.x_tilt) == ((-26, 34), None)
    assert (doubt in series.doubt) if doubt else not series.doubt
    path.write_text("# BetaOffset = x\n0 85 1 0 0 1 1 1 0 -26\n")
    with pytest.raises(InputError, match="BetaOffset"):
        metadata.read_tilts(path)


def test_turns_of_relion_that_differ_are_in_doubt(tmp_path: Path) -> None:
    path = tmp_path / "TS_1.star"
    for turns, about_x, doubt in (((3, 3.5, 4), 3.5, False), ((3, 5, 9), 5, True)):
        rows = "".join(f"{turn} {tilt}\n" for turn, tilt in zip(turns, (-3, 0, 3), strict=True))
        path.write_text(f"data_TS_1\n\nloop_\n_rlnTomoXTilt #1\n_rlnTomoYTilt #2\n{rows}\n")
        series = metadata.read_tilts(path)
        assert (series.x_tilt, bool(series.doubt)) == (about_x, doubt)
