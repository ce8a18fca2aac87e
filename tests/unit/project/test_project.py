"""The table of tomograms: selection, tilts, paths, and columns that are not ours."""

from dataclasses import replace
from pathlib import Path

import pytest

from isonet.errors import InputError
from isonet.project.table import Project, Tomogram

TABLE = """
data_

loop_
_rlnIndex #1
_rlnTomoName #2
_rlnTiltMin #3
_rlnTiltMax #4
_rlnTiltFile #5
_rlnDefocus #6
_someoneElses #7
1 tomo/a.rec.mrc -60 54 None 20000 x
2 tomo/b.mrc None None None None y
3 tomo/c.mrc -60 60 c.tlt nan None
5 tomo/e.mrc 40 -40 None high z
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Table with four tomograms, of which number 4 is missing."""
    (tmp_path / "tomograms.star").write_text(TABLE)
    return Project.read(tmp_path / "tomograms.star")


def test_rows_are_read_in_order_with_names_and_numbers(project: Project) -> None:
    assert [tomogram.index for tomogram in project.tomograms] == ["1", "2", "3", "5"]
    assert [tomogram.name for tomogram in project.tomograms] == ["a.rec", "b", "c", "e"]
    assert [tomogram.number("rlnDefocus") for tomogram in project.tomograms[:3]] == [20000, None, None]
    assert project.tomograms[0].number("rlnPixelSize") is None
    with pytest.raises(InputError, match="rlnDefocus of tomogram 5 is 'high'; a number is needed"):
        project.tomograms[3].number("rlnDefocus")


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        (None, "1 2 3 5"),
        ("2", "2"),
        ("1,3", "1 3"),
        ("1-3", "1 2 3"),
        ("1, 2-3,5", "1 2 3 5"),
        ("5 1", "5 1"),
        ("(1,2)", "1 2"),
        ("2,1-3", "2 1 3"),
    ],
)
def test_tomograms_are_selected_by_index(project: Project, text: str | None, chosen: str) -> None:
    assert " ".join(tomogram.index for tomogram in project.selected(text)) == chosen


MISSING = [("4", "4"), ("3-5", "3-5"), ("all", "all"), ("1;2", "1;2"), ("1-", "1-")]


@pytest.mark.parametrize(("text", "missing"), MISSING)
def test_indices_that_are_not_there_are_refused(project: Project, text: str, missing: str) -> None:
    with pytest.raises(InputError, match=f"no tomogram with rlnIndex {missing}; it has 1, 2, 3, 5"):
        project.selected(text)


@pytest.mark.parametrize("text", ["", " ", "()", "3-1"])
def test_empty_selections_are_refused(project: Project, text: str) -> None:
    with pytest.raises(InputError, match="no tomogram with rlnIndex"):
        project.selected(text)


def test_tilts_come_from_the_file_or_the_columns_or_are_60_degrees(project: Project) -> None:
    (project.path.parent / "c.tlt").write_text("-51\n0\n48\n")
    first, second, third, last = project.tomograms
    assert first.tilts == first.tilt_range == (-60, 54)
    assert second.tilts == (-60, 60)
    assert third.tilts == (-51, 0, 48)
    assert third.tilt_range == (-51, 48)
    with pytest.raises(InputError, match="tomogram 5: tilt range 40 to -40 degrees is empty; mend rlnTiltMin"):
        _ = last.tilts


def test_a_tilt_file_that_is_not_there_is_told(project: Project) -> None:
    with pytest.raises(InputError, match=r"c\.tlt: no such file"):
        _ = project.tomograms[2].tilts


def test_paths_count_from_the_table_or_else_from_a_folder_above(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, folder = project.path.parent / "elsewhere", project.path.parent
    here.mkdir()
    monkeypatch.chdir(here)
    table = folder / "a" / "b" / "tomograms.star"
    first = replace(project.tomograms[0], table=table)
    assert first.file("rlnTomoName") == table.parent / "tomo/a.rec.mrc"
    for place in (folder, folder / "a", table.parent):
        (place / "tomo").mkdir(parents=True)
        (place / "tomo/a.rec.mrc").touch()
        assert first.file("rlnTomoName") == place / "tomo/a.rec.mrc"


def test_a_working_folder_that_is_not_the_tables_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    here, folder = project.path.parent / "elsewhere", project.path.parent
    (here / "tomo").mkdir(parents=True)
    (here / "tomo/a.rec.mrc").touch()
    monkeypatch.chdir(here)
    with pytest.raises(InputError, match=f"names {folder}/tomo/a.rec.mrc, .*; {here}/tomo/a.rec.mrc is not taken"):
        project.tomograms[0].file("rlnTomoName")


def test_entries_can_be_moved_with_the_folder_of_the_table(project: Project, tmp_path: Path) -> None:
    assert project.entry(project.path.parent / "sub" / "a.mrc") == "sub/a.mrc"
    assert project.entry(Path("/elsewhere/a.mrc")) == "/elsewhere/a.mrc"


def test_entries_can_be_moved_with_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is the working folder, or the folder above the table's if the work is done elsewhere; never all there is."""
    project = Project(tmp_path / "a/b/c/tables/t.star", ())
    project.path.parent.mkdir(parents=True)
    for place, near in ((tmp_path, True), (tmp_path / "a/b/c", False), (tmp_path / "a/b/c/tables", False)):
        monkeypatch.chdir(place)
        assert (project.entry(tmp_path / "a/b/recs/a.mrc") == "../../recs/a.mrc") == near
        assert project.entry(tmp_path.parent / "a.mrc") == f"{tmp_path.parent}/a.mrc"
    assert project.entry(tmp_path / "a/b/c/recs/a.mrc") == f"{tmp_path}/a/b/c/recs/a.mrc"
    for elsewhere in ("/", "/usr", tmp_path / "a/b/c"):
        monkeypatch.chdir(elsewhere)
        assert project.entry(tmp_path / "a/b/c/recs/a.mrc") == "../recs/a.mrc"
        assert project.entry(tmp_path / "a/b/recs/a.mrc") == f"{tmp_path}/a/b/recs/a.mrc"
    assert Project(Path("/t/t.star"), ()).entry(Path("/a/a.mrc")) == "/a/a.mrc"


def test_a_table_that_was_moved_within_its_project_finds_its_files_with_a_word(
    project: Project, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "recs").mkdir()
    (tmp_path / "recs/a.mrc").touch()
    for table in ("t.star", "lists/of/all/t.star"):
        row = {**project.tomograms[0].row, "rlnTomoName": "../recs/a.mrc", "rlnTomoContrast": "dark"}
        moved = Tomogram(tmp_path / table, row)
        assert moved.file("rlnTomoName") == tmp_path / "recs/a.mrc"
        assert caplog.messages[-1].endswith("taken, of a folder above, correct the name if that is another")
    assert Tomogram(tmp_path / "lists/t.star", row).file("rlnTomoName") == tmp_path / "recs/a.mrc"
    assert len(caplog.messages) == 2


def test_what_two_processes_record_is_not_lost(project: Project) -> None:
    project.write()
    project.recorded("1", rlnCorrectedTomoName="one.mrc")
    project.recorded("2", rlnCorrectedTomoName="two.mrc")  # knows nothing of the first
    found = {tomogram.index: tomogram.text("rlnCorrectedTomoName") for tomogram in Project.read(project.path).tomograms}
    assert (found["1"], found["2"]) == ("one.mrc", "two.mrc")


def test_what_two_processes_add_gets_numbers_of_its_own(project: Project) -> None:
    project.write()
    others = [Project.read(project.path) for _ in range(2)]
    for number, other in enumerate(others):
        other.added([{"rlnIndex": str(other.next_index), "rlnTomoName": f"new{number}.mrc"}])
    assert [tomogram.index for tomogram in Project.read(project.path).tomograms][-2:] == ["6", "7"]
    with pytest.raises(InputError, match=r"both name new1\.mrc"):
        project.added([{"rlnIndex": "4", "rlnTomoName": "new1.mrc"}])
    new = Project(project.path.with_name("new.star"), ())
    for name in ("a.mrc", "b.mrc"):  # both found no table when they began
        new.added([{"rlnIndex": "1", "rlnTomoName": name}])
    assert [tomogram.index for tomogram in Project.read(new.path).tomograms] == ["1", "2"]


def test_a_link_is_read_and_written_where_it_leads(project: Project) -> None:
    project.write()
    link = project.path.parent / "links/tomograms.star"
    link.parent.mkdir()
    link.symlink_to(project.path)
    linked = Project.read(link)
    assert linked.tomograms[0].file("rlnTomoName") == project.path.parent / "tomo/a.rec.mrc"
    linked.recorded("1", rlnCorrectedTomoName="one.mrc")
    assert link.is_symlink()
    assert Project.read(project.path).tomograms[0].text("rlnCorrectedTomoName") == "one.mrc"


def test_missing_columns_and_values_are_told(project: Project) -> None:
    with pytest.raises(InputError, match="no column rlnDeconvTomoName; it has rlnTomoName"):
        project.tomograms[0].file("rlnDeconvTomoName")
    with pytest.raises(InputError, match="rlnTiltFile of tomogram 1 is empty"):
        project.tomograms[0].file("rlnTiltFile")


def test_a_name_that_no_file_can_have_is_told(project: Project) -> None:
    changed = project.with_values("2", rlnTomoName="a" * 5000)
    with pytest.raises(InputError, match=r"tomograms\.star: a{40}\.\.\. is no path .*; mend it"):
        changed.tomograms[1].file("rlnTomoName")


def test_values_are_set_for_one_tomogram_and_foreign_columns_stay(project: Project) -> None:
    changed = project.with_values("3", rlnMaskName="mask/c.mrc", rlnDefocus="1")
    changed.write()
    again = Project.read(project.path)
    assert [tomogram.text("rlnMaskName") for tomogram in again.tomograms] == [None, None, "mask/c.mrc", None]
    assert [tomogram.text("someoneElses") for tomogram in again.tomograms] == ["x", "y", None, "z"]
    assert [tomogram.text("rlnDefocus") for tomogram in again.tomograms] == ["20000", None, "1", "high"]
    assert project.tomograms[2].text("rlnMaskName") is None


def test_rows_without_an_index_are_numbered_and_equal_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_text("data_\n\nloop_\n_rlnMicrographName #1\na.mrc\nb.mrc\n")
    assert [tomogram.index for tomogram in Project.read(path).tomograms] == ["1", "2"]
    path.write_text("data_\n\nloop_\n_rlnIndex #1\n_rlnMicrographName #2\n1 a.mrc\n1 b.mrc\n")
    with pytest.raises(InputError, match="rlnIndex is not unique"):
        Project.read(path)


def test_texts_that_mean_nothing_are_none() -> None:
    row = {"rlnIndex": "1", "a": "None", "b": "", "c": "nan", "d": "<NA>", "e": "0"}
    tomogram = Tomogram(Path("a.star"), row)
    assert [tomogram.text(column) for column in "abcdef"] == [None, None, None, None, "0", None]


ISONET_1 = """
data_

loop_
_rlnIndex #1
_rlnMicrographName #2
_rlnPixelSize #3
_rlnDefocus #4
_rlnNumberSubtomo #5
_rlnMaskBoundary #6
_rlnSnrFalloff #7
_rlnDeconvStrength #8
_rlnDeconvTomoName #9
1       tomoset/TS01.rec        10.8    38838.257812    100     None    1.0     1.0     deconv/TS01.rec
2       tomoset/TS43.rec        10.8    25292.275391    100     None    1.0     1.0     deconv/TS43.rec
"""
ISONET_2 = """
data_

loop_
_rlnIndex #1
_rlnTomoName #2
_rlnTomoReconstructedTomogramHalf1 #3
_rlnTomoReconstructedTomogramHalf2 #4
_rlnPixelSize #5
_rlnDefocus #6
_rlnVoltage #7
_rlnSphericalAberration #8
_rlnAmplitudeContrast #9
_rlnDeconvTomoName #10
_rlnMaskBoundary #11
_rlnMaskName #12
_rlnTiltMin #13
_rlnTiltMax #14
_rlnBoxFile #15
_rlnNumberSubtomo #16
_rlnCorrectedTomoName #17
1\tNone\teven/TS_01.mrc\todd/TS_01.mrc\t5.400000\t39000.0\t300\t2.7\t0.1\tNone\tNone\tNone\t-60\t57\tNone\t1500\tNone
"""


def test_tables_of_isonet_1_and_2(tmp_path: Path) -> None:
    """Blanks or tabs between columns, missing values spelled None, and no list of tilts."""
    (tmp_path / "one.star").write_text(ISONET_1)
    first, second = Project.read(tmp_path / "one.star").tomograms
    assert (first.name, first.full_column, second.number("rlnDefocus")) == ("TS01", "rlnMicrographName", 25292.275391)
    assert (first.tilts, first.text("rlnMaskBoundary"), first.split) == ((-60, 60), None, "frames")
    (tmp_path / "two.star").write_text(ISONET_2)
    with pytest.raises(InputError, match=r"halves and no rlnTomoName; run 'isonet prepare .*two\.star' first"):
        Project.read(tmp_path / "two.star")
    lines = ISONET_2.splitlines()
    (tmp_path / "two.star").write_text("\n".join([*lines[:-1], lines[-1].replace("None", "TS_01.mrc", 1)]))
    (only,) = Project.read(tmp_path / "two.star").tomograms
    assert only.half_tilts == ((-60, 57), (-60, 57))
    assert (only.number("rlnVoltage"), only.number("rlnPixelSize"), only.name) == (300, 5.4, "TS_01")
    assert only.file("rlnTomoReconstructedTomogramHalf2") == tmp_path / "odd/TS_01.mrc"
