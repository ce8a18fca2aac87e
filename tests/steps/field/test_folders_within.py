"""Folders that hold folders: full tomograms beside those of their halves, and tomograms further below."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import pytest

Simulated = Callable[..., Any]
COLUMNS = ("rlnTomoName", "rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2")


def rows(table: str = "tomograms.star") -> list[tuple[str, ...]]:
    """Files of each tomogram."""
    return [tuple(row.get(name, "None") for name in COLUMNS) for row in isonet.table(Path(table))]


def halved(folder: Path, simulated: Simulated, full: str = "full", even: str = "even", odd: str = "odd") -> None:
    """Lay out two tomograms and their halves in folders of their own."""
    for number in (1, 2):
        for place, kind in ((full, "full"), (even, "even"), (odd, "odd")):
            foreign.mrc(folder / place / f"TS_{number}.mrc", simulated(number, kind))


@pytest.mark.parametrize("flags", [{}, {"even": "recs/even", "odd": "recs/odd"}])
@pytest.mark.parametrize("full", ["full", "Full", "rec_full", "tomograms"])
def test_a_folder_of_full_tomograms_beside_those_of_their_halves(
    here: Path, simulated: Simulated, full: str, flags: dict[str, str]
) -> None:
    halved(here / "recs", simulated, full)
    said = isonet.done("prepare", "recs", **flags).err
    assert rows() == [(f"recs/{full}/TS_{n}.mrc", f"recs/even/TS_{n}.mrc", f"recs/odd/TS_{n}.mrc") for n in (1, 2)]
    assert "warning" not in said


def test_other_folders_beside_those_of_halves_are_named(here: Path, simulated: Simulated) -> None:
    """As full tomograms by another name; the mean of the halves is taken, and they are if they are named too."""
    halved(here / "recs", simulated, "sums")
    for number in (1, 2):
        foreign.mrc(here / f"recs/full_denoised/TS_{number}.mrc", simulated(3))
    said = isonet.done("prepare", "recs").err
    assert said.count("warning: recs/full_denoised: holds volumes and was not looked into") == 1
    shutil.rmtree(here / "recs/full_denoised")
    said = isonet.done("prepare", "recs", overwrite=True).err
    assert [row[0] for row in rows()] == ["average/TS_1.mrc", "average/TS_2.mrc"]
    assert said.count("warning: recs/sums: holds volumes and was not looked into; name it too if they are") == 1
    assert said.count("warning:") == 1
    flags = {"even": here / "recs/even", "odd": "recs/odd", "overwrite": True}
    assert isonet.done("prepare", "recs", **flags).err.count("warning: recs/sums: holds volumes and was not") == 1
    said = isonet.done("prepare", "recs", "recs/sums", overwrite=True).err
    assert rows() == [(f"recs/sums/TS_{n}.mrc", f"recs/even/TS_{n}.mrc", f"recs/odd/TS_{n}.mrc") for n in (1, 2)]


def test_full_tomograms_without_halves_stay_and_halves_without_one_are_told(here: Path, simulated: Simulated) -> None:
    halved(here / "recs", simulated)
    (here / "recs/full/TS_1.mrc").rename(here / "recs/full/TS_9.mrc")
    said = isonet.done("prepare", "recs").err
    assert rows() == [
        ("recs/full/TS_2.mrc", "recs/even/TS_2.mrc", "recs/odd/TS_2.mrc"),
        ("recs/full/TS_9.mrc", "None", "None"),
    ]
    assert "warning: recs/even/TS_1.mrc and recs/odd/TS_1.mrc: left out, there is no full tomogram of this name" in said


@pytest.mark.parametrize(
    ("files", "cure"),
    [
        (["s1/TS_1.mrc", "s 2/TS_2.rec"], "'all/s 2' all/s1"),
        (["s1/TS_1/TS_1_rec.mrc", "s1/TS_2/TS_2_rec.mrc", "s2/TS_3.mrc"], "all/s1/TS_1 all/s1/TS_2 all/s2"),
        (["s1/even/TS_1.mrc", "s1/odd/TS_1.mrc", "s2/full/TS_2.mrc"], "all/s1 all/s2/full"),
        (["s1/.hidden/a.mrc", "s1/TS_1.mrc", "s2/notes.txt"], "all/s1"),
        (["s1/matching/TS_1_10.00Apx_corr.mrc", "s1/reconstruction/TS_1_10.00Apx.mrc"], "all/s1/reconstruction"),
        ([f"s/TS_{n}/TS_{n}.mrc" for n in range(7)], "all/*/*/"),
        (
            [*(f"TS_{n}/TS_{n}.mrc" for n in range(7)), "text/a.txt"],
            "all/TS_0 all/TS_1 all/TS_2 all/TS_3 all/TS_4 and 2 more",
        ),
    ],
)
def test_tomograms_further_below_are_named_with_what_to_give(here: Path, files: list[str], cure: str) -> None:
    for name in files:
        foreign.put(here / "all" / name, b"no matter")
    refused = isonet.call("prepare", "all")
    isonet.assert_refused(refused, "all: no tomograms in it, but in folders below")
    assert refused.complaints[0].endswith(f"give these in its place: {cure}")


def test_what_is_named_in_its_place_is_taken(here: Path, simulated: Simulated) -> None:
    for number in (1, 2):
        foreign.mrc(here / f"all/s{number}/TS_{number}/TS_{number}_rec.mrc", simulated(number))
    words = isonet.call("prepare", "all").complaints[0].split(": ")[-1].split()
    isonet.done("prepare", *words)
    assert [row[0] for row in rows()] == [f"all/s{n}/TS_{n}/TS_{n}_rec.mrc" for n in (1, 2)]
    isonet.assert_refused(isonet.call("prepare", "all/s1", output="b.star"), "all/s1/TS_1")


def test_a_folder_of_nothing_says_what_tomograms_are_called(here: Path) -> None:
    foreign.put(here / "all/s1/notes.txt", "nothing")
    isonet.assert_refused(isonet.call("prepare", "all"), "all: no tomograms in this folder, which end in .mrc")
