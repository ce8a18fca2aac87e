"""Loose formats: what is needed is read however it is laid out, what is broken is refused, and nothing is guessed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import pytest

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


@pytest.mark.parametrize(("encoding", "word"), [("latin-1", "Latin-1"), ("utf-16-le", "UTF-16")])
def test_encodings_that_cannot_be_told_are_named(here: Path, encoding: str, word: str) -> None:
    foreign.put(here / "t.star", TABLE.encode(encoding))
    isonet.assert_refused(isonet.call("mask", "t.star"), "t.star", word, "save it as UTF-8")
