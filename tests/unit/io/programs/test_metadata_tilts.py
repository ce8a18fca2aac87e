"""Tilt angles and alignments of real files, read by eye, and what broken twins of them say."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from isonet.errors import InputError
from isonet.io.programs.imod_metadata import read_xf as read_imod_xf
from isonet.io.programs.metadata import read_tilt_angles
from isonet.io.programs.warp import read_alignment as read_warp_alignment


@pytest.fixture
def warp_xml(shared_data: Path) -> str:
    """Text of a tilt series aligned by Warp."""
    return (shared_data / "empiar10499/tiltseries/00254.xml").read_text(encoding="utf-8-sig")


@pytest.mark.parametrize(
    ("name", "count", "first", "second", "last"),
    [
        ("imod/cryoet-alignment_imod_1/tilt_1.tlt", 59, -52.24, -50.24, None),
        ("imod/etomofiles_TS_001/TS_001.tlt", 40, -57.12, -54.11, None),
        ("imod/etomofiles_TS_001/TS_001.rawtlt", 40, -60, -57, None),
        ("aretomo/global_no_local.aln", 61, -63.20, -61.20, 56.79),
        ("aretomo/global_no_local.tlt", 61, -63.20, -61.20, 56.79),
        ("aretomo/test.aln", 4, -61.5, -60, -57),
        ("aretomo/test_thickness.aln", 4, -61.5, -60, -57),
        ("aretomo/global_and_local.aln", 37, -27.71, -25.70, 44.29),
    ],
)
def test_angles_of_real_files(
    shared_data: Path, name: str, count: int, first: float, second: float, last: float | None
) -> None:
    angles = read_tilt_angles(shared_data / "metadata" / name)
    assert len(angles) == count
    for index, value in ((0, first), (1, second), (-1, last)):
        assert value is None or angles[index] == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tlt", b"", "empty"),
        ("a.tlt", b" \n\n", "empty"),
        ("a.tlt", b"-60\n-57 1\n", "line 2 has 2 columns, 1 expected"),
        ("a.tlt", b"-60\n-5x7\n", "line 2: '-5x7' is not a number"),
        ("a.tlt", b"-60\nnan\n", "line 2: 'nan' is not a number"),
        ("a.tlt", b"-60\n-\n", "line 2: '-' is not a number"),
        ("a.tlt", b"-60\n1_0\n", "'1_0' is not a number"),
        ("a.tlt", b"-60\n-93\n", "angle 2 is -93 degrees"),
        ("a.rawtlt", b"\x00\x01\x02" * 40, "not a text file"),
        ("a.rawtlt", b"\xff\xfe-60", "not a text file"),
        ("a.aln", b"# AreTomo Alignment\n# SEC ROT\n", "no values found"),
        ("a.aln", b"1 -12.6 1.0 24.7 -2.6 1 1 1 0\n", "line 1 has 9 columns, 10 expected"),
        ("a.aln", b"1 -12.6 1.0 24.7 -2.6 1 1 1 0 x\n", "line 1: 'x' is not a number"),
    ],
)
def test_broken_angles_are_told_in_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_tilt_angles(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_tilt_angles(tmp_path / "none.tlt")
    with pytest.raises(InputError, match="cannot be read"):
        read_tilt_angles(tmp_path)


def test_windows_line_ends_byte_order_mark_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.tlt"
    path.write_bytes(b"\xef\xbb\xbf-60.5\r\n\r\n+3e1\r\n")
    assert read_tilt_angles(path).tolist() == [-60.5, 30]


def test_imod_xf(shared_data: Path) -> None:
    found = read_imod_xf(shared_data / "metadata/imod/cryoet-alignment_imod_1/tilt_1.xf")
    assert found.matrices.shape == (59, 2, 2)
    assert found.matrices[0].tolist() == [[-0.1813379, -0.9834202], [0.9834202, -0.1813379]]
    assert found.shifts[0].tolist() == [-58.170, 69.816]
    assert not found.in_angstrom
    assert found.tilts is None


@pytest.mark.parametrize(
    ("content", "message"),
    [("1 0 0 1 5\n", "line 1 has 5 columns, 6 expected"), ("1 0 0 1 0 0\n0 0 0 0 1 1\n", "transform 2 flattens")],
)
def test_broken_xf(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a.xf"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_imod_xf(path)


def test_warp_alignment(shared_data: Path) -> None:
    """Angles are Warp's with the other sign; matrix and shift are those of the .xf that Warp imported, nearly."""
    folder = shared_data / "empiar10499/tiltseries"
    found = read_warp_alignment(folder / "00254.xml")
    assert found.tilts is not None
    assert found.tilts[[0, 1, 40]].tolist() == [60.01, 57, -59.98]
    assert found.in_angstrom
    assert found.used.all()
    imported, xf = read_warp_alignment(folder / "00254_import_reference.xml"), read_imod_xf(folder / "00254.xf")
    assert np.abs(imported.matrices - xf.matrices).max() < 1e-4
    assert np.abs(imported.shifts / 10 - xf.shifts).max() < 0.2
    assert imported.tilts is not None
    assert imported.tilts[0] == 60.01  # AreAnglesInverted changes nothing


def test_warp_file_of_another_series(shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "TS_1.xml"
    path.write_bytes(gzip.decompress((shared_data / "metadata/warp/warpylib_TS_1.xml.gz").read_bytes()))
    found = read_warp_alignment(path)
    assert found.tilts is not None
    assert len(found.tilts) == 41
    assert found.tilts[0] == pytest.approx(-(40.01 - 5.920115))  # levelled
    assert found.x_tilt == pytest.approx(1.457031)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<TiltSeries ", "<!DOCTYPE a [<!ENTITY b 'c'>]><TiltSeries ", "document type"),
        ("<Angles>-60.01\n", "<Angles>", "41 values in <UseTilt>, 40 in <Angles>"),
        ("<Angles>-60.01", "<Angles>sixty", "<Angles>: 'sixty' is not a number"),
        ("<Angles>-60.01", "<Angles>-160.01", "angle 1 is 160.01 degrees"),
        ("Angles>", "Angels>", "no <Angles>"),
        ("</TiltSeries>", "", "not valid XML"),
        ("<UseTilt>True", "<UseTilt>Maybe", "'Maybe' where True or False"),
        ('LevelAngleY="0"', 'LevelAngleY="steep"', "LevelAngleY: 'steep' is not a number"),
        ("TiltSeries", "Movie", "<Movie> is not a Warp tilt series"),
    ],
)
def test_broken_warp_files(warp_xml: str, tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in warp_xml
    path = tmp_path / "broken.xml"
    path.write_text(warp_xml.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_warp_alignment(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
