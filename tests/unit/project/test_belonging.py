"""Each thing goes to the tomogram whose name it has, then to the longest that fits, then to the nearest folder."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isonet.errors import InputError
from isonet.project.belonging import Belonging, Named, file_in, only_one
from isonet.steps.extract.rows import called

SERIES = ("Position_20", "Position_20_3", "Position_2", "TS_1", "TS_10", "TS_1_b", "grid_h1_ts_001", "grid_h2_ts_001")


def named(*texts: str) -> list[Named]:
    return [Named(Path(f"{text}.mrc"), (Path(text).name,)) for text in texts]


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(SERIES), min_size=1, unique=True),
    st.lists(st.sampled_from(SERIES), unique=True),
    st.sampled_from(("", "_10.00Apx", "_rec", "_bin4")),
    st.sampled_from(("", "_mask", "_full")),
    st.randoms(),
)
def test_nothing_goes_to_a_tomogram_of_another_name(
    tomograms: list[str], things: list[str], made: str, kind: str, random: object
) -> None:
    """Where all are made alike, a tomogram gets what was made for it, and nothing where that is missing."""
    belonging = Belonging(named(*(f"{one}{made}" for one in tomograms)), named(*(f"{one}{kind}" for one in things)))
    for number, tomogram in enumerate(tomograms):
        chosen = only_one(belonging, number, "leave one")
        assert (None if chosen is None else things[chosen]) == (tomogram if tomogram in things else None)


@given(st.permutations(["s1", "s2", "s3"]), st.permutations(["s1", "s2", "s3"]))
def test_of_one_name_the_nearest_folder_decides(first: list[str], second: list[str]) -> None:
    belonging = Belonging(
        named(*(f"{one}/rec/Position_1" for one in first)), named(*(f"{one}/ali/Position_1" for one in second))
    )
    for number, session in enumerate(first):
        chosen = only_one(belonging, number, "leave one")
        assert chosen is not None
        assert second[chosen] == session


@pytest.mark.parametrize(
    ("tomogram", "near", "far"),
    [
        ("2024/05/01", "2024/05/01", "2024/01/05"),
        ("2024/05/01", "2024/05/01/x", "2024/01/05"),
        ("run/1", "run/1", "run/1/1"),
        ("run/1/1", "run/1/1", "run/1"),
        ("s2/vol", "s2/aln/2024/05", "vol"),
        ("s2/vol", "s2", "s2/aln"),
        ("s2/vol", "../{here}/s2/aln", "s1/vol"),
    ],
)
def test_order_and_repetition_of_folders_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tomogram: str, near: str, far: str
) -> None:
    """Most of the way in common first, then the fewest steps between."""
    monkeypatch.chdir(tmp_path)
    near = near.format(here=tmp_path.name)
    things = named(f"{far}/TS_1", f"{near}/TS_1")
    assert only_one(Belonging(named(f"{tomogram}/TS_1"), things), 0, "leave one") == 1
    assert Belonging(named(f"{far}/TS_1", f"{near}/TS_1"), named(f"{tomogram}/TS_1")).owners(0) == {1}


def test_what_fits_equally_well_is_refused_with_both_paths() -> None:
    belonging = Belonging(named("t/TS_1"), named("a/TS_1", "b/TS_1"))
    with pytest.raises(
        InputError, match=r"a/TS_1\.mrc and b/TS_1\.mrc: several files fit TS_1 equally well; leave one"
    ):
        only_one(belonging, 0, "leave one")
    belonging = Belonging(named("a/TS_1", "b/TS_1"), named("m/TS_1"))
    with pytest.raises(InputError, match=r"m/TS_1\.mrc: fits a/TS_1\.mrc and b/TS_1\.mrc equally well"):
        only_one(belonging, 0, "leave one")
    assert {one.thing for one in Belonging(named("a/TS_1", "b/TS_1_rec"), named("m/TS_1"), shared=True).best(1)} == {0}


def test_of_equals_the_one_that_looks_alike_is_taken() -> None:
    both, halves = named("a/TS_1", "b/TS_1"), named("m/TS_1")
    assert Belonging(both, halves).owners(0) == {0, 1}
    assert Belonging(both, halves, alike=lambda _, one: one == 0).owners(0) == {0}
    assert Belonging(both, halves, alike=lambda *_: False).owners(0) == {0, 1}


def test_a_file_of_a_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("TS_1_mask.mrc", "TS_10_mask.mrc", "TS_2_wt.mrc", "notes.txt", ".TS_3.mrc"):
        (tmp_path / name).touch()
    tomograms = named("TS_1_10.00Apx", "TS_10_10.00Apx", "TS_2", "TS_3")
    found = [file_in(tmp_path, (".mrc",), number, tomograms, "leave one") for number in range(4)]
    assert [None if path is None else path.name for path in found] == [
        "TS_1_mask.mrc",
        "TS_10_mask.mrc",
        "TS_2_wt.mrc",
        None,
    ]
    assert "TS_2_wt.mrc: taken for TS_2.mrc by a part of the name" in caplog.text


@pytest.mark.parametrize(
    ("name", "tomogram", "same"),
    [
        ("TS_01", "TS_01", True),
        ("tomos/TS_01.mrc", "TS_01", True),
        ("TS_01.tomostar", "TS_01_10.00Apx", True),
        ("x_8.00Apx.rec.mrc", "x_8.00Apx.rec", True),
        ("TS_1", "rec_TS_1", True),
        ("TS_1", "TS_10", False),
        ("TS_1", "TS_1_10.00Apx", True),
        ("TS_1_10", "TS_1_10.00Apx", False),
        ("TS_1_10.00Apx.mrc", "TS_1_10.00Apx_rec", True),
        ("TS_10", "TS_1", False),
        ("Position_20", "Position_20_3", False),
        ("", "TS_1", False),
        ("None", "TS_1", False),
    ],
)
def test_whose_points_they_are(name: str, tomogram: str, same: bool) -> None:
    assert called([name, "Else_7"], 0, named(tomogram), [0]) == ({name} if same else set())


def test_points_of_a_tomogram_that_is_not_asked_for() -> None:
    both = named("a/TS_1_bin4", "a/TS_1_bin8")
    assert called(["TS_1"], 1, both, [1]) == {"TS_1"}
    with pytest.raises(InputError, match=r"TS_1: fits a/TS_1_bin4\.mrc and a/TS_1_bin8\.mrc equally well; choose one"):
        called(["TS_1"], 0, both, [0, 1])
    assert called(["TS_1"], 1, named("TS_1", "TS_1_rec"), [1]) == set()  # those of TS_1
