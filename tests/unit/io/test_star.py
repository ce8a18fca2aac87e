"""STAR tables: written and read again, of this and of other programs, and what cannot be a table."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isonet.errors import InputError
from isonet.io import star

NAMES = ("rlnTomoName", "rlnMicrographName")
ISONET_1 = """
data_

loop_
_rlnIndex #1
_rlnMicrographName #2
_rlnPixelSize #3
_rlnDefocus #4
_rlnNumberSubtomo #5
_rlnMaskBoundary #6
1  tomoset/TS_01.rec  10.880000  38000.000000  100  None
2\ttomoset/TS_02.rec\t10.880000\t25250.000000\t100\tNone
"""
texts = st.text(st.characters(min_codepoint=33, max_codepoint=0x4FF, exclude_categories=["C", "Z"]), min_size=1).filter(
    lambda text: text not in ("nan", "NaN", "<NA>")  # which mean that a value is missing
)


def test_a_table_comes_back_with_blanks_unknown_columns_and_numbers_as_they_were(tmp_path: Path) -> None:
    rows = [
        {"rlnIndex": "1", "rlnTomoName": "a folder/TS 1.mrc", "myColumn": "007", "rlnDefocus": "1e4"},
        {"rlnIndex": "2", "rlnTomoName": "Größe.mrc", "myColumn": "NA", "rlnDefocus": "0.10"},
    ]
    star.write_table(tmp_path / "a.star", rows)
    assert star.read_table(tmp_path / "a.star", NAMES) == rows


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.lists(texts, min_size=2, max_size=2), min_size=1, max_size=4))
def test_any_text_comes_back_or_is_refused(values: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("star") / "a.star"
    rows = [{"rlnTomoName": one, "other": "a " + two} for one, two in values]
    try:
        star.write_table(path, rows)
    except InputError as error:
        assert "cannot be written to a STAR file" in str(error)
        assert any(quote in str(values) for quote in "'\"")
    else:
        assert star.read_table(path, NAMES) == rows


@pytest.mark.parametrize("value", ["data_01/a.mrc", "_a.mrc", "loop_", "#1.mrc", "tomo #1.mrc", " a  b ", "a;b"])
def test_names_that_look_like_the_format_come_back(value: str, tmp_path: Path) -> None:
    for rows in (
        [{"rlnTomoName": value, "x": "1"}],
        [{"x": "1", "rlnTomoName": value}, {"x": "2", "rlnTomoName": "b"}],
    ):
        star.write_table(tmp_path / "a.star", rows)
        assert star.read_table(tmp_path / "a.star", NAMES) == rows


@pytest.mark.parametrize("value", ['a "b".mrc', "two\nlines", "a\ttab", "not utf-8 \udcff"])
def test_what_the_format_cannot_carry_is_refused(value: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written to a STAR file"):
        star.write_table(tmp_path / "a.star", [{"rlnTomoName": value}])
    assert not list(tmp_path.iterdir())


def test_missing_values_are_the_text_none(tmp_path: Path) -> None:
    star.write_table(tmp_path / "a.star", [{"rlnTomoName": "a", "x": ""}, {"rlnTomoName": "b", "y": "1"}])
    assert star.read_table(tmp_path / "a.star", NAMES) == [
        {"rlnTomoName": "a", "x": "None", "y": "None"},
        {"rlnTomoName": "b", "x": "None", "y": "1"},
    ]


def test_a_table_of_isonet_1_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.star").write_text(ISONET_1)
    rows = star.read_table(tmp_path / "a.star", NAMES)
    assert [row["rlnMicrographName"] for row in rows] == ["tomoset/TS_01.rec", "tomoset/TS_02.rec"]
    assert rows[1]["rlnDefocus"] == "25250.000000"
    assert rows[0]["rlnMaskBoundary"] == "None"


def test_windows_line_ends_and_several_tables_are_read(tmp_path: Path) -> None:
    other = "data_general\n\n_rlnVersion 5\n\ndata_optics\n\nloop_\n_rlnOpticsGroup\n1\n\n"
    (tmp_path / "a.star").write_bytes((other + ISONET_1.strip()).replace("\n", "\r\n").encode())
    assert len(star.read_table(tmp_path / "a.star", NAMES)) == 2


def test_tables_beside_the_one_asked_for_are_passed_by(tmp_path: Path) -> None:
    tilts = "data_TS_1\n\nloop_\n_rlnMicrographName\n_rlnTomoYTilt\nframe.mrc 3\n\n"
    empty = "data_none\n\nloop_\n_rlnTomoName\n\n"
    (tmp_path / "a.star").write_text("data_global\n\nloop_\n_rlnTomoName\nTS_1\n\n" + tilts + empty)
    assert star.read_table(tmp_path / "a.star", NAMES) == [{"rlnTomoName": "TS_1"}]


def test_tables_of_relion_5_are_read(shared_data: Path) -> None:
    folder = shared_data / "metadata/relion5"
    rows = star.read_table(folder / "cylindra_job/tomograms.star", NAMES)
    assert [row["rlnTomoName"] for row in rows] == ["TS_01", "TS_02"]
    assert rows[0]["rlnTomoReconstructedTomogram"] == "Tomograms/job_tomo/tomograms/13pf_MT.mrc"
    assert len(star.read_table(folder / "cryoet-alignment_matching_tomograms.star", NAMES)) == 3
    with pytest.raises(InputError, match="no table with a column _rlnTomoName or _rlnMicrographName"):
        star.read_table(folder / "cylindra_job/job.star", NAMES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no table with a column"),
        (b"plain text\nof two lines\n", "no table with a column"),
        (bytes(range(256)) * 8, "a.star: no"),
        (b"data_\n\nloop_\n_rlnIndex #1\n1\n", "no table with a column"),
        (b"data_\n\nloop_\n_rlnTomoName #1\n\n", "the table has no rows"),
        (b"data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n1 a.mrc 3\n", "not a readable STAR file"),
        (b"data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n1 a.mrc\n2 b.mrc 3 4\n", "not a readable STAR file"),
        (b"data_\n\nloop_\n_rlnTomoName\n_rlnX\n_rlnX\na 1 2\n", "a.star: .*line 6 has the label _rlnX a second time"),
        (b"data_\n\n_rlnTomoName a\n_rlnX 1\n_rlnX 2\n", "a.star: .*line 5 has the label _rlnX a second time"),
        (
            b"data_a\n\nloop_\n_rlnTomoName\na.mrc\n\ndata_b\n\nloop_\n_rlnTomoName\nb.mrc\n",
            "a.star: two tables with rlnTomoName, data_a and data_b; put their rows into one",
        ),
    ],
    ids=[
        *("empty", "text", "binary", "no names", "no rows", "too many values", "uneven"),
        *("a label twice", "a single value twice", "two tables"),
    ],
)
def test_what_is_no_table_of_tomograms_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.star").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        star.read_table(tmp_path / "a.star", NAMES)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; make the table with 'isonet prepare'"):
        star.read_table(tmp_path / "none.star", NAMES)
    with pytest.raises(InputError, match="expected; make the table with 'isonet prepare FOLDER'"):
        star.read_table(tmp_path, NAMES)
    (tmp_path / "tomograms.star").touch()
    with pytest.raises(InputError, match=r"is a folder, .*; name the table, .*/tomograms\.star$"):
        star.read_table(tmp_path, NAMES)


@pytest.mark.parametrize("length", [50, 60])
def test_a_table_that_was_cut_short_says_how_to_make_it_anew(tmp_path: Path, length: int) -> None:
    text = "data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n_rlnPixelSize #3\n1 a.mrc 10\n2 b.mrc 10\n"
    path = tmp_path / "a.star"
    path.write_text(text[:length])
    with pytest.raises(InputError, match=r"copy it again if it was cut short, or make it anew with 'isonet prepare'$"):
        star.read_table(path, NAMES)


def test_a_table_that_was_mended_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_text("data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n1 a.mrc 3\n")
    with pytest.raises(InputError):
        star.read_table(path, NAMES)
    path.write_text("data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n1 a.mrc\n")
    assert star.read_table(path, NAMES) == [{"rlnIndex": "1", "rlnTomoName": "a.mrc"}]
