"""Which even half goes with which odd one: shown as prepare takes it, told where it does not fit, and corrected."""

from pathlib import Path

import numpy as np
import pytest
from at_work import write

from isonet.config import PrepareConfig
from isonet.errors import InputError
from isonet.gui.files.access import Roots
from isonet.gui.files.pairing import Line, Pairing, State, places
from isonet.gui.jobs.queue import Jobs
from isonet.gui.pages.session import Session
from isonet.project.table import HALF_COLUMNS
from isonet.steps.prepare import prepare

VOLUME = np.random.default_rng(0).standard_normal((8, 8, 8)).astype(np.float32)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(folder: Path, *names: str) -> None:
    for name in names:
        write(folder / f"{name}.mrc", VOLUME)


def shown(pairing: Pairing, folder: Path) -> list[tuple[str, ...]]:
    """Name, files and state of each line."""
    return sorted(
        (line.name, *("" if path is None else str(path.relative_to(folder)) for path in line.files), line.state.name)
        for line in pairing.lines
    )


def prepared(paths: list[Path], even: Path | None = None, odd: Path | None = None) -> set[tuple[str, ...]]:
    """Full tomogram (its name where it is an average) and halves of each row that prepare makes."""
    rows = prepare(paths, PrepareConfig(even=even, odd=odd, overwrite=True)).tomograms
    return {
        (one.name, *(str(one.file(name).resolve()) for name in HALF_COLUMNS if one.text(name) is not None))
        for one in rows
    }


@pytest.mark.parametrize(
    ("names", "even", "odd"),
    [
        (["d/a", "d/a_EVN", "d/a_ODD", "d/b", "d/lone_even"], None, None),
        (["d/even/a", "d/odd/a", "d/even/b", "d/odd/b"], None, None),
        (["d/a", "d/b", "e/a_half1", "e/a_half2", "e/b_half1", "e/b_half2"], "e", "e"),
        (["d/a", "one/first", "two/second"], "one/first.mrc", "two/second.mrc"),
        (["d/a_full", "d/even/a", "d/odd/a", "d/c_h1"], None, None),
    ],
)
def test_what_is_shown_is_what_prepare_does(project: Path, names: list[str], even: str, odd: str) -> None:
    make(project, *names)
    halves = [None if each is None else project / each for each in (even, odd)]
    found = Pairing.find([project / "d"], *halves)
    assert found.as_found
    assert all(line.state.is_usable for line in found.lines)
    lines = {(line.name, *(str(path) for path in (line.even, line.odd) if path is not None)) for line in found.lines}
    assert lines == prepared([project / "d"], *halves)
    assert lines == prepared([found.write(project)])  # and a table of it means the same


def test_what_does_not_fit_is_told(project: Path) -> None:
    make(project, "even/a", "even/b", "odd/a", "odd/c", "full/a")
    write(project / "odd/d.mrc", VOLUME[:4])
    write(project / "even/d.mrc", VOLUME)
    (project / "full/bad.mrc").write_text("no volume")
    found = Pairing.find([project / "full"], project / "even", project / "odd")
    assert not found.as_found
    assert shown(found, project) == [
        ("a", "full/a.mrc", "even/a.mrc", "odd/a.mrc", "HALVES"),
        ("b", "", "even/b.mrc", "", "NO_PARTNER"),
        ("bad", "full/bad.mrc", "", "", "UNREADABLE"),
        ("c", "", "", "odd/c.mrc", "NO_PARTNER"),
        ("d", "", "even/d.mrc", "odd/d.mrc", "SHAPES"),
    ]
    make(project, "names/x_EVN", "names/y_ODD", "names/x")
    assert shown(Pairing.find([project / "names"]), project / "names") == [
        ("x", "x.mrc", "", "", "ONE_MAP"),
        ("x_EVN", "x_EVN.mrc", "", "", "NAMED_HALF"),
        ("y_ODD", "y_ODD.mrc", "", "", "NAMED_HALF"),
    ]


def test_what_was_corrected_is_what_prepare_makes(project: Path) -> None:
    make(project, "even/a", "even/b", "odd/a", "odd/c", "full/a")
    found = Pairing.find([project / "full"], project / "even", project / "odd")
    by_name = {line.name: line for line in found.lines}
    found.assign(by_name["b"], None, project / "even/b.mrc", project / "odd/c.mrc")
    assert [line.name for line in found.lines] == ["a", "b"]
    assert all(line.state is State.HALVES for line in found.lines)
    table = found.write(project)
    assert table == project / "pairs1.star"
    assert found.write(project) == project / "pairs2.star"  # nothing is written over
    assert prepared([table]) == {
        ("a", str(project / "even/a.mrc"), str(project / "odd/a.mrc")),
        ("b", str(project / "even/b.mrc"), str(project / "odd/c.mrc")),
    }
    found.choose(found.lines[0], chosen=False)
    assert {row[0] for row in prepared([found.write(project)])} == {"b"}


def test_a_file_belongs_to_one_tomogram_only_and_none_is_lost(project: Path) -> None:
    make(project, "a_EVN", "a_ODD", "b_EVN", "b_ODD", "full")
    found = Pairing.find([project])
    files = found.files
    a, b = (next(line for line in found.lines if line.name == name) for name in ("a", "b"))
    found.assign(a, project / "full.mrc", project / "b_ODD.mrc", project / "a_EVN.mrc")
    assert found.files == files
    assert shown(found, project) == [
        ("a", "", "", "a_ODD.mrc", "NO_PARTNER"),
        ("b", "", "b_EVN.mrc", "", "NO_PARTNER"),
        ("full", "full.mrc", "b_ODD.mrc", "a_EVN.mrc", "HALVES"),
    ]
    with pytest.raises(InputError, match="each file once"):
        found.assign(b, project / "full.mrc", project / "full.mrc", None)
    with pytest.raises(InputError, match="one file at least"):
        found.assign(b, None, None, None)
    assert Line(even=project / "x_EVN.mrc").state is State.NO_PARTNER


def test_places_are_those_of_a_shell_within_the_folders_that_may_be_shown(project: Path) -> None:
    (project / "in").mkdir()
    make(project / "in", "a", "b", "with space")
    make(project, "outside")
    roots = Roots.of(project / "in")
    folder = roots.project
    assert places("a.mrc 'with space.mrc'", roots) == [folder / "a.mrc", folder / "with space.mrc"]
    assert places("[ab].mrc", roots) == [folder / "a.mrc", folder / "b.mrc"]
    for text, told in (
        ("x*.mrc", "no file"),
        ("../*.mrc", "outside the project"),
        ("'", "quotation"),
        ("/", "outside"),
    ):
        with pytest.raises(InputError, match=told):
            places(text, roots)


def test_links_out_of_the_project_are_not_followed(tmp_path: Path) -> None:
    from isonet.gui.pages.adding import AddingPage

    make(tmp_path / "elsewhere", "secret")
    make(tmp_path / "project/tomograms", "a")
    (tmp_path / "project/tomograms/b.mrc").symlink_to(tmp_path / "elsewhere/secret.mrc")
    project, outside = tmp_path / "project", [tmp_path / "elsewhere"]
    with pytest.raises(InputError, match=f"--data {outside[0]} to show it"):
        AddingPage(Session(Roots.of(project), Jobs(project)), "tomograms")._found()
    found = AddingPage(Session(Roots.of(project, outside), Jobs(project)), "tomograms")._found()
    assert [line.name for line in found.lines] == ["a", "b"]
