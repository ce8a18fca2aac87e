"""Choosing files and folders: what may be shown is listed, and nothing else."""

from pathlib import Path

import pytest

from isonet.errors import InputError
from isonet.gui.files import browsing
from isonet.gui.files.access import Roots


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    for name in ("project/maps/b.mrc", "project/a.star", "project/.hidden", "data/c.mrc", "secret/d.mrc"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(1500))
    (tmp_path / "project/away").symlink_to(tmp_path / "secret")
    (tmp_path / "project/data").symlink_to(tmp_path / "data")
    (tmp_path / "project/loop").symlink_to("loop")
    return Roots.of(tmp_path / "project", [tmp_path / "data"])


def names(roots: Roots, folder: Path) -> list[str]:
    return [entry.path.name for entry in browsing.entries(roots, folder)]


def test_folders_come_first_and_what_is_hidden_or_leads_outside_is_left_out(roots: Roots) -> None:
    assert names(roots, roots.project) == ["data", "maps", "a.star"]
    assert names(roots, roots.project / "data") == ["c.mrc"]
    assert [entry.size for entry in browsing.entries(roots, roots.project)] == [0, 0, 1500]


@pytest.mark.parametrize("place", ["away", "..", "/", "/etc", "data/../.."])
def test_other_folders_are_refused(roots: Roots, place: str) -> None:
    with pytest.raises(InputError, match="outside the project"):
        browsing.entries(roots, roots.project / place)


def test_a_folder_that_cannot_be_read_is_told(roots: Roots) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        browsing.entries(roots, Path("a.star"))
    with pytest.raises(InputError, match="cannot be read"):
        browsing.entries(roots, Path("nothing"))


def test_one_goes_up_as_far_as_may_be_shown(roots: Roots) -> None:
    assert browsing.above(roots, roots.project / "maps") == roots.project
    assert browsing.above(roots, roots.project) is None
    assert browsing.above(roots, Path("/")) is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "."),
        ("maps", "maps"),
        ("maps/b.mrc", "maps"),
        ("maps/none/none.mrc", "maps"),
        ("maps/*.mrc", "maps"),
        ("/etc/passwd", "."),
        ("a\0b", "."),
    ],
)
def test_one_begins_where_one_was(roots: Roots, text: str, place: str) -> None:
    assert browsing.begin(roots, text) == (roots.project / place).resolve()


def test_another_folder_that_may_be_shown_is_begun_in(roots: Roots) -> None:
    assert browsing.begin(roots, str(roots.others[0] / "c.mrc")) == roots.others[0]


def test_sizes_are_written_for_people() -> None:
    written = [browsing.size_text(size) for size in (0, 999, 1500, 2_500_000, 4_000_000_000)]
    assert written == ["0 bytes", "999 bytes", "1.5 kB", "2.5 MB", "4 GB"]
