"""The pixel size that the table gives holds for all axes and stands in every result."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import mrcfile
import numpy as np
import pytest

Simulated = Callable[..., Any]
CUT = {"cube_size": 16, "crop_size": 24, "number_subtomos": 2}
ODD_CELLS = {
    "none": {"cell": (0.0, 0.0, 0.0)},
    "default": {"pixel_size": 1.0},
    "other": {"pixel_size": 7.84},
    "negative": {"cell": (-640.0, -640.0, -480.0)},
    "height of one": {"cell": (640.0, 640.0, 10.0)},
    "no height": {"cell": (640.0, 640.0, 0.0)},
    "height of all in one": {"space_group": 0, "intervals": (64, 64, 1), "cell": (640.0, 640.0, 480.0)},
    "no number": {"cell": (float("nan"), 640.0, float("inf"))},
    "no intervals": {"intervals": (0, 0, 0), "cell": (640.0, 640.0, 480.0)},
}


def voxel(path: Path) -> list[float]:
    with mrcfile.open(path, header_only=True) as file:
        return [float(file.voxel_size[axis]) for axis in "xyz"]


def results(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted(Path(folder).rglob("*.mrc"))]


@pytest.mark.parametrize(
    ("edge", "pixel_size", "told"), [(64, 10, 0), (32, 20, 0), (64, 1, 0), (64, 20, 1), (32, 10, 1)]
)
def test_a_mask_of_another_extent_is_told(
    here: Path, simulated: Simulated, edge: int, pixel_size: float, told: int
) -> None:
    """By its header; one that knows no pixel size, or that of a binned copy, fits."""
    foreign.mrc(here / "x.mrc", simulated(1))
    mask = np.zeros((48 * edge // 64, edge, edge), "i1")
    mask[:, edge // 4 :] = 1
    foreign.mrc(here / "m/x_mask.mrc", mask, pixel_size=pixel_size)
    isonet.done("prepare", "x.mrc")
    assert isonet.done("mask", "tomograms.star", existing="m").err.count("A wide by its header") == told


def test_a_size_that_was_asked_for_is_not_said_to_be_the_headers(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "x.mrc", simulated(1), pixel_size=10.0)
    said = isonet.done("prepare", "x.mrc", pixel_size=1).err
    assert "the header gives 10 A/voxel; results have 1 A" in said
    assert "warning: x.mrc: 1 A/voxel; the method works best at about 10" in said
    assert "which is a default" not in said


def test_a_default_pixel_size_is_named_by_resize(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "x.mrc", simulated(1), pixel_size=1.0)
    foreign.mrc(here / "y.mrc", simulated(1), pixel_size=10.0)
    said = isonet.done("resize", "x.mrc", pixel_size=2).err
    assert "warning: x.mrc: the header gives 1 A/voxel, which is a default" in said
    assert "which is a default" not in isonet.done("resize", "y.mrc", pixel_size=20).err


@pytest.mark.parametrize("said", ODD_CELLS.values(), ids=ODD_CELLS.keys())
def test_the_pixel_size_of_the_table_is_taken(here: Path, simulated: Simulated, said: dict[str, Any]) -> None:
    foreign.mrc(here / "x.mrc", simulated(1), **said)
    isonet.done("prepare", "x.mrc", pixel_size=10)
    isonet.done("extract", "tomograms.star", **CUT)
    isonet.done("deconv", "tomograms.star", defocus=30000)
    isonet.done("resize", "tomograms.star", pixel_size=20)
    for path in results("subtomo", "deconv"):
        assert voxel(path) == pytest.approx([10, 10, 10], rel=1e-6), path
    (path,) = results("resized")
    assert isonet.read(path).shape == (24, 32, 32)
    assert voxel(path) == pytest.approx([20, 20, 20], rel=1e-6)


def test_the_pixel_size_of_the_table_stands_in_every_result(here: Path, simulated: Simulated, model: Path) -> None:
    for kind in ("full", "even", "odd"):
        foreign.mrc(here / kind / "x.mrc", simulated(1, kind), **ODD_CELLS["height of one"])
    isonet.done("prepare", "full", even="even", odd="odd", pixel_size=10)
    isonet.done("mask", "tomograms.star")
    isonet.done("predict", "tomograms.star", model)
    isonet.done("validate", "tomograms.star", "--only-withhold", withhold=25, output_dir="validation")
    made = results("mask", "corrected", "validation/withheld")
    assert len(made) == 6
    for path in made:
        assert voxel(path) == pytest.approx([10, 10, 10], rel=1e-6), path


def test_halves_and_their_mean_carry_it_too(here: Path, simulated: Simulated) -> None:
    for kind in ("even", "odd"):
        foreign.mrc(here / kind / "x.mrc", simulated(1, kind), 0.0)
    foreign.angles(here / "m/x.tlt")
    isonet.done("prepare", even="even", odd="odd", pixel_size=10)
    (row,) = isonet.table(here / "tomograms.star")
    assert voxel(here / row["rlnTomoName"]) == [10, 10, 10]
    mean = isonet.read(here / row["rlnTomoName"])
    assert np.abs(mean - (simulated(1, "even") + simulated(1, "odd")) / 2).max() < 1e-5
    isonet.done("predict", "tomograms.star", "starter", "--halves", calibrate=False)
    made = results("corrected")
    assert len(made) == 3
    assert all(voxel(path) == [10, 10, 10] for path in made)


def test_a_pixel_size_that_was_mended_mends_what_was_made(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "x.mrc", simulated(1), 1.0)
    isonet.done("prepare", "x.mrc")
    isonet.done("mask", "tomograms.star")
    assert voxel(here / "mask/x_mask.mrc") == [1, 1, 1]
    isonet.done("prepare", "x.mrc", "--overwrite", pixel_size=10)
    assert "replaced" in isonet.done("mask", "tomograms.star").err
    assert voxel(here / "mask/x_mask.mrc") == [10, 10, 10]
    assert "kept" in isonet.done("mask", "tomograms.star").err


@pytest.mark.parametrize(("said", "edges"), [("height of one", "10 x 10 x 0.208333 A"), (None, "10 x 10 x 20 A")])
def test_voxels_that_are_no_cubes_are_refused_unless_told(
    here: Path, simulated: Simulated, said: str | None, edges: str
) -> None:
    odd = ODD_CELLS[said] if said else {"cell": (640.0, 640.0, 960.0)}
    foreign.mrc(here / "x.mrc", simulated(1), **odd)
    for words in (["prepare", "x.mrc"], ["resize", "x.mrc", "--pixel-size=20"]):
        isonet.assert_refused(isonet.call(*words), "x.mrc", edges, "not cubes", "--pixel-size")
    isonet.done("prepare", "x.mrc", pixel_size=10)
    isonet.edited(here / "tomograms.star", rlnPixelSize="None")
    isonet.assert_refused(isonet.call("deconv", "tomograms.star", defocus=30000), "x.mrc", edges, "not cubes")


def test_cells_that_fit_one_way_are_read_so(here: Path, simulated: Simulated) -> None:
    for name in ("height of all in one", "no height"):
        foreign.mrc(here / f"{name[-3:]}.mrc", simulated(1), **ODD_CELLS[name])
        isonet.done("prepare", f"{name[-3:]}.mrc", output="t.star", overwrite=True)
        assert isonet.table(here / "t.star")[0]["rlnPixelSize"] == "10"


def test_a_cell_without_intervals_is_that_of_the_voxels(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "x.mrc", simulated(1), intervals=(0, 0, 0), cell=(640, 640, 480))
    assert "warning" not in isonet.done("prepare", "x.mrc").err
    assert isonet.table(here / "tomograms.star")[0]["rlnPixelSize"] == "10"


def test_a_negative_cell_or_pixel_size_is_named(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "x.mrc", simulated(1), **ODD_CELLS["negative"])
    outcome = isonet.done("prepare", "x.mrc")
    assert "-640 x -640 x -480" in outcome.err and "--pixel-size" in outcome.err
    assert isonet.table(here / "tomograms.star")[0]["rlnPixelSize"] == "0"
    isonet.edited(here / "tomograms.star", rlnPixelSize="-10")
    for words in (["deconv", "--defocus=30000"], ["resize", "--pixel-size=20"], ["mask"]):
        outcome = isonet.call(words[0], "tomograms.star", *words[1:])
        isonet.assert_refused(outcome, "tomograms.star", "rlnPixelSize", "-10")


def test_halves_of_another_pixel_size_are_said(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "full/T.mrc", simulated(1))
    for side in ("even", "odd"):
        foreign.mrc(here / f"{side}/T.mrc", simulated(1, side), 13.3)
    said = isonet.done("prepare", "full", even="even", odd="odd").err
    assert "warning: even/T.mrc, odd/T.mrc: the header gives 13.3 A/voxel; 10 A taken, give --pixel-size" in said
    assert "warning" not in isonet.done("prepare", "full", even="even", odd="odd", pixel_size=10, overwrite=True).err


@pytest.mark.parametrize(
    ("header", "given", "edited", "warned"),
    [
        (10.0, None, "1", True),
        (10.0, None, "100", True),
        (10.0, None, "13", False),
        (10.0, 20.0, None, False),
        (1.0, 10.0, "20", False),
        (0.0, 10.0, "20", False),
    ],
)
def test_a_pixel_size_that_was_edited_away_from_the_headers_is_said(
    here: Path, simulated: Simulated, header: float, given: float | None, edited: str | None, warned: bool
) -> None:
    """Not where prepare was told another one than the header's, nor where the header has but a default."""
    foreign.mrc(here / "TS_1.mrc", simulated(1), header)
    isonet.done("prepare", "TS_1.mrc", defocus=40000, **({} if given is None else {"pixel_size": given}))
    if edited is not None:
        isonet.edited(here / "tomograms.star", rlnPixelSize=edited)
    for command in ("mask", "deconv"):
        assert ("and the header of TS_1.mrc has" in isonet.done(command, "tomograms.star").err) == warned


def test_what_is_said_of_the_sizes_of_many_is_said_once(here: Path, simulated: Simulated) -> None:
    """Whatever of them a file is, and whatever is wrong; those of which something else is wrong have their own line."""
    for number in (1, 2, 3):
        for kind in ("full", "even", "odd"):
            foreign.mrc(here / kind / f"TS_{number}.mrc", simulated(number, kind), 10.0 if number < 3 else 11.0)
    columns = {
        "rlnTomoName": [f"TS_{number}" for number in (1, 2, 3)],
        "rlnTomoTiltSeriesPixelSize": [3.0] * 3,
        "rlnTomoTomogramBinning": [4.0] * 3,
        "rlnTomoReconstructedTomogram": [f"full/TS_{number}.mrc" for number in (1, 2, 3)],
        "rlnTomoReconstructedTomogramHalf1": [f"even/TS_{number}.mrc" for number in (1, 2, 3)],
        "rlnTomoReconstructedTomogramHalf2": [f"odd/TS_{number}.mrc" for number in (1, 2, 3)],
    }
    foreign.star(here / "t.star", "global", **columns)
    said = isonet.done("prepare", "t.star").err
    for names, size in ((("TS_1", "TS_2"), 10), (("TS_3",), 11)):
        files = [f"{kind}/{name}.mrc" for name in names for kind in ("full", "even", "odd")]
        listed = ", ".join(files[:5]) + ", 1 more" * (len(files) > 5)
        told = f"{listed}: {size} A/voxel in the header, 12 in t.star; the latter taken, correct it"
        assert f"{told} or give --pixel-size" in said
    assert said.count("warning:") == 2
    halves = {"even": "even", "odd": "odd", "overwrite": True}
    said = isonet.done("prepare", "full", metadata="t.star", **halves).err
    assert "warning: full/TS_1.mrc, full/TS_2.mrc: 10 A/voxel, metadata say 12; check --pixel-size" in said
    assert "warning: full/TS_3.mrc: 11 A/voxel, metadata say 12; check --pixel-size" in said
    said = isonet.done("prepare", "full", **halves, pixel_size=2).err
    told = (
        "warning: full/TS_1.mrc, full/TS_2.mrc, full/TS_3.mrc: 2 A/voxel; the method works best at about 10 (5 to 25)"
    )
    assert told in said
    assert said.count("warning:") == 1


def test_the_origin_stays_at_its_voxel_where_the_table_has_another_size(here: Path, simulated: Simulated) -> None:
    """The origin of a header is in angstrom: of voxels of 1 A in the middle, it is there of voxels of 10 A."""
    foreign.mrc(here / "T.mrc", simulated(1), 1.0)
    with mrcfile.open("T.mrc", "r+") as file:
        file.header.origin = (-32, -32, -24)
    isonet.done("prepare", "T.mrc", pixel_size=10)
    isonet.done("deconv", "tomograms.star", defocus=20000)
    isonet.done("predict", "tomograms.star", "starter", turns=1, calibrate=False)
    isonet.done("resize", "tomograms.star", pixel_size=20)
    for path in results("deconv", "corrected", "resized"):
        with mrcfile.open(path, header_only=True) as file:
            assert [float(file.header.origin[axis]) for axis in "xyz"] == [-320, -320, -240], path
