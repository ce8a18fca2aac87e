"""Names and files that are there twice: prepare says so, before later steps refuse what it made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import pytest

Simulated = Callable[..., Any]
HALVES = ("rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2")


def test_tomograms_of_two_sessions_that_are_called_alike(here: Path, simulated: Simulated) -> None:
    """Their means get numbers; what lies in folders of its own keeps its name."""
    for number, folder in enumerate(("A", "B"), start=1):
        for name in ("TS_1", "TS_2"):
            foreign.mrc(here / folder / f"{name}.mrc", simulated(10 * number + int(name[-1])))
    said = isonet.done("prepare", "A", "B").err
    told = "A/TS_1.mrc and B/TS_1.mrc (and tomograms of 1 more name): of one name, which deconv, mask, extract and "
    told += "predict refuse in one folder; rename them, or prepare each folder into a table of its own (--output)"
    assert f"warning: {told}" in said
    assert said.count("of one name") == 1
    isonet.assert_refused(isonet.call("mask", "tomograms.star"), "two tomograms are called TS_1")
    for number, folder in enumerate(("A", "B"), start=1):
        isonet.done("prepare", folder, output=f"{number}.star")
        isonet.done("mask", f"{number}.star", output_dir=f"mask_{folder}")
    said = isonet.done("prepare", "B/TS_1.mrc", "--append", output="1.star").err
    assert "warning: A/TS_1.mrc and B/TS_1.mrc: of one name, which" in said
    for folder in ("A", "B"):
        foreign.mrc(here / folder / "TS_2.mrc", simulated(3))
    assert "of one name" not in isonet.done("prepare", "A/TS_1.mrc", "B/TS_2.mrc", overwrite=True).err


@pytest.fixture
def listed(here: Path, simulated: Simulated) -> Callable[..., None]:
    """Write tables of tomograms and halves that are there."""
    for number in (1, 2):
        for end, kind in (("", "full"), ("_EVN", "even"), ("_ODD", "odd")):
            foreign.mrc(here / f"h/TS_{number}{end}.mrc", simulated(number, kind))

    def write(name: str, *numbers: int, full: bool = True, low: int = -60) -> None:
        values: dict[str, list[object]] = {"rlnIndex": list(numbers), "rlnTiltMin": [low] * len(numbers)}
        values |= {"rlnTiltMax": [60] * len(numbers)}
        values |= {"rlnTomoName": [f"h/TS_{number}.mrc" for number in numbers]} if full else {}
        for column, end in zip(HALVES, ("_EVN", "_ODD"), strict=True):
            values[column] = [f"h/TS_{number}{end}.mrc" for number in numbers]
        foreign.star(here / name, **values)

    return write


@pytest.mark.parametrize("full", [True, False])
def test_tables_that_list_one_tomogram_otherwise_are_refused(listed: Callable[..., None], full: bool) -> None:
    """Which of them holds is not for the order of words to tell."""
    listed("a.star", 1, full=full)
    listed("b.star", 1, 2, full=full, low=-57)
    file = "h/TS_1.mrc" if full else "h/TS_1_EVN.mrc"
    refused = isonet.call("prepare", "a.star", "b.star")
    isonet.assert_refused(refused, f"a.star and b.star: both list {file}, and differ in it; keep one of both rows")
    assert not Path("tomograms.star").exists()


@pytest.mark.parametrize("full", [True, False])
def test_tables_that_list_one_tomogram_alike_give_it_once(listed: Callable[..., None], full: bool) -> None:
    listed("a.star", 1, full=full)
    listed("b.star", 1, 2, full=full)
    said = isonet.done("prepare", "a.star", "b.star").err
    assert [row[HALVES[0]] for row in isonet.table(Path("tomograms.star"))] == ["h/TS_1_EVN.mrc", "h/TS_2_EVN.mrc"]
    assert "one tomogram twice" not in said
    isonet.done("mask", "tomograms.star")


def test_halves_of_two_tomograms_are_refused(listed: Callable[..., None]) -> None:
    """Of one that names the full tomogram, and one that does not."""
    listed("a.star", 1)
    listed("b.star", 1, 2, full=False)
    refused = isonet.call("prepare", "a.star", "b.star")
    told = "h/TS_1_EVN.mrc: a half of two tomograms, h/TS_1.mrc and one that is the mean of its halves; keep one"
    isonet.assert_refused(refused, told)
    assert not Path("average").exists()
