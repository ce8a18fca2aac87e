"""Masks and places of one tomogram that an edited table names for another one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest

from isonet.io.star import write_table

Simulated = Callable[..., Any]
CUT = {"cube_size": 16, "crop_size": 24, "overwrite": True}
OTHER = "by its name; correct the table"


@pytest.fixture
def table(here: Path, simulated: Simulated) -> Path:
    """Two tomograms, a mask and places of each."""
    mask = np.zeros((48, 64, 64), np.int8)
    mask[8:40, 8:50, 8:50] = 1
    for number in (1, 2):
        foreign.mrc(here / f"t/TS_{number}.mrc", simulated(number))
        foreign.mrc(here / f"m/TS_{number}_seg.mrc", mask)
        foreign.put(here / f"c/TS_{number}.txt", "20 20 20\n30 20 20\n")
    foreign.mrc(here / "all.mrc", mask)
    isonet.done("prepare", "t", accept="no-wedge")
    return here / "tomograms.star"


def named(table: Path, column: str, files: Sequence[str]) -> None:
    """Name a file for each row."""
    write_table(table, [{**row, column: file} for row, file in zip(isonet.table(table), files, strict=True)])


@pytest.mark.parametrize("command", ["extract", "refine"])
def test_masks_of_other_tomograms_are_said(table: Path, command: str) -> None:
    options = {**CUT, "number_subtomos": 2} if command == "extract" else isonet.TINY
    named(table, "rlnMaskName", ["m/TS_2_seg.mrc", "m/TS_1_seg.mrc"])
    said = isonet.done(command, table, **options).err
    assert f"m/TS_2_seg.mrc: rlnMaskName of tomogram 1 (TS_1) in {table}, and of TS_2 {OTHER}" in said
    assert f"m/TS_1_seg.mrc: rlnMaskName of tomogram 2 (TS_2) in {table}, and of TS_1 {OTHER}" in said


def test_one_mask_of_several_tomograms_is_said(table: Path) -> None:
    options = {**CUT, "number_subtomos": 2}
    named(table, "rlnMaskName", ["m/TS_1_seg.mrc", "m/TS_2_seg.mrc"])
    said = isonet.done("extract", table, **options).err
    assert OTHER not in said and "name a file for each" not in said
    named(table, "rlnMaskName", ["all.mrc", "all.mrc"])
    said = isonet.done("extract", table, **options).err
    assert f"all.mrc: rlnMaskName of 2 tomograms in {table}, such as TS_1 and TS_2; where they differ" in said
    named(table, "rlnMaskName", ["m/TS_1_seg.mrc", "m/TS_1_seg.mrc"])
    said = isonet.done("extract", table, **options).err
    assert f"m/TS_1_seg.mrc: rlnMaskName of tomogram 2 (TS_2) in {table}, and of TS_1 {OTHER}" in said


def test_places_of_other_tomograms_are_said(table: Path) -> None:
    named(table, "rlnBoxFile", ["c/TS_1.txt", "c/TS_2.txt"])
    assert OTHER not in isonet.done("extract", table, **CUT).err
    named(table, "rlnBoxFile", ["c/TS_2.txt", "c/TS_1.txt"])
    said = isonet.done("extract", table, **CUT).err
    assert f"c/TS_2.txt: rlnBoxFile of tomogram 1 (TS_1) in {table}, and of TS_2 {OTHER}" in said
    foreign.put(table.parent / "all.txt", "20 20 20\n")
    named(table, "rlnBoxFile", ["all.txt", "all.txt"])
    assert "all.txt: rlnBoxFile of 2 tomograms" in isonet.done("extract", table, **CUT).err
    points = {"rlnCoordinateX": [20, 30], "rlnCoordinateY": [20, 20], "rlnCoordinateZ": [20, 20]}
    foreign.star(table.parent / "TS_1.star", rlnTomoName=["TS_1", "TS_2"], **points)
    named(table, "rlnBoxFile", ["TS_1.star", "TS_1.star"])
    said = isonet.done("extract", table, **CUT).err
    assert OTHER not in said and "rlnBoxFile of 2" not in said
