"""resize: the pixel size asked for, no aliasing, headers and tables that fit."""

import math
from pathlib import Path
from typing import Any

import commandline as isonet
import mrcfile
import numpy as np
import pytest


def waves(shape: tuple[int, int, int], orders: tuple[int, int, int], step: float = 1.0, size: Any = None) -> Any:
    """Product of waves even about the faces of a volume of `shape`, sampled every `step` voxels."""
    size = size or shape
    lines = [
        np.cos(math.pi * order * (2 * step * np.arange(n) + 1) / (2 * edge))
        for order, edge, n in zip(orders, shape, size, strict=True)
    ]
    return np.einsum("z,y,x->zyx", *lines).astype(np.float32)


def test_waves_below_the_new_nyquist_stay_and_others_vanish(here: Path) -> None:
    shape = (30, 40, 50)
    kept, lost = waves(shape, (7, 15, 20)), sum(waves(shape, orders) for orders in ((29, 3, 3), (2, 21, 5), (0, 0, 26)))
    isonet.write(here / "v.mrc", kept + lost + 2)
    isonet.done("resize", "v.mrc", pixel_size=20)
    result = isonet.read(Path("resized/v_resized.mrc"))
    assert result.shape == (15, 20, 25)
    assert np.abs(result - 2 - waves(shape, (7, 15, 20), 2.0, result.shape)).max() < 1e-5


@pytest.mark.parametrize("pixel_size", [13.48, 10.1, 10.0, 8.0])
def test_pixel_size_is_the_one_asked_for(here: Path, pixel_size: float) -> None:
    shape = (20, 31, 42)
    isonet.write(here / "v.mrc", waves(shape, (2, 3, 4)))
    outcome = isonet.done("resize", "v.mrc", pixel_size=pixel_size)
    assert ("adds no detail" in outcome.err) == (pixel_size < 10)
    with mrcfile.open("resized/v_resized.mrc") as file:
        assert [float(file.voxel_size[axis]) for axis in "zyx"] == pytest.approx([pixel_size] * 3, rel=1e-6)
        expected = waves(shape, (2, 3, 4), pixel_size / 10, file.data.shape)
        assert np.abs(file.data - expected).max() < 1e-5
        assert 0 <= file.data.shape[2] * pixel_size - 420 < pixel_size
    assert mrcfile.validate("resized/v_resized.mrc")


def test_header(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume, pixel_size=8)
    with mrcfile.open(here / "v.mrc", "r+") as file:
        file.header.origin, file.nstart = (7.5, -8, 9), (30, -40, 6)
        file.add_label("from the microscope")
    isonet.done("resize", "v.mrc", pixel_size=16)
    with mrcfile.open("resized/v_resized.mrc") as file:
        assert [float(file.header.origin[axis]) for axis in "xyz"] == [7.5, -8, 9]
        assert [int(file.nstart[axis]) for axis in "xyz"] == [15, -20, 3]
        assert "from the microscope" in file.get_labels()


def test_voxels_that_are_no_cubes_need_the_pixel_size_of_a_table(here: Path) -> None:
    isonet.write(here / "v.mrc", waves((20, 20, 20), (3, 3, 3)), pixel_size=(10.0, 10.0, 20.0))
    isonet.assert_refused(isonet.call("resize", "v.mrc", pixel_size=20), "v.mrc", "10 x 10 x 20 A", "not cubes")
    isonet.done("prepare", "v.mrc", pixel_size=10)
    isonet.done("resize", "tomograms.star", pixel_size=20)
    assert isonet.read(Path("resized/v_resized.mrc")).shape == (10, 10, 10)


@pytest.fixture
def halves(here: Path, volume: Any) -> Path:
    """Table of a tomogram and its halves, which have one name, with columns of later steps."""
    for number, name in enumerate(("even", "odd", "full")):
        isonet.write(here / name / "v.mrc", volume + number)
    isonet.done("prepare", "full/v.mrc", even="even", odd="odd", defocus=30000, pixel_size=8)
    later = {"rlnDeconvTomoName": "d.mrc", "rlnMaskName": "m.mrc", "rlnMaskBoundary": "None", "rlnSnrFalloff": "0.7"}
    return isonet.edited(here / "tomograms.star", **later, rlnOfMyOwn="mine")


def test_table(halves: Path, volume: Any) -> None:
    before = halves.read_bytes()
    outcome = isonet.done("resize", halves, "--apix", "16", "--out_folder", "small")
    assert "rlnDeconvTomoName, rlnMaskName" in outcome.err
    assert halves.read_bytes() == before
    (old,), (new,) = isonet.table(halves), isonet.table(halves.with_name("tomograms_resized.star"))
    assert new["rlnPixelSize"] == "16"
    assert new["rlnTomoName"] == "small/v_resized.mrc"
    assert new["rlnTomoReconstructedTomogramHalf1"] == "small/half1/v_resized.mrc"
    assert set(old) - set(new) == {"rlnDeconvTomoName", "rlnMaskName", "rlnMaskBoundary"}
    for column in ("rlnDefocus", "rlnTiltMin", "rlnSnrFalloff", "rlnOfMyOwn", "rlnTomoContrast"):
        assert new[column] == old[column]
    full, even = (isonet.read(Path(new[name])) for name in ("rlnTomoName", "rlnTomoReconstructedTomogramHalf1"))
    assert full.shape == (12, 16, 16)  # the table says 8 A, the header 10
    assert np.abs(full - even - 2).max() < 1e-4
    isonet.done("deconv", "tomograms_resized.star")


def test_what_is_resized_is_not_taken_for_outdated(here: Path, volume: Any) -> None:
    """Its table names the halves, which it was not made of."""
    noise = np.random.default_rng(0).normal(0, volume.std(), (2, *volume.shape)).astype(np.float32)
    for number, name in enumerate(("even", "odd")):
        isonet.write(here / name / "v.mrc", volume + noise[number])
    isonet.write(here / "v.mrc", volume + noise.mean(axis=0))
    isonet.done("prepare", "v.mrc", even="even", odd="odd")
    isonet.done("resize", "tomograms.star", pixel_size=16)
    assert "other data" not in isonet.done("mask", "tomograms_resized.star").err


def test_given_again_keeps_what_is_there_and_refuses_what_is_not_its_own(halves: Path, volume: Any) -> None:
    isonet.done("resize", halves, pixel_size=16)
    result = Path("resized/v_resized.mrc")
    made = result.stat().st_mtime_ns
    isonet.done("resize", halves, pixel_size=16)
    assert result.stat().st_mtime_ns == made
    isonet.assert_refused(isonet.call("resize", halves, pixel_size=20), "tomograms_resized.star", "--overwrite")
    assert result.stat().st_mtime_ns == made
    isonet.write(result, volume)
    isonet.assert_refused(isonet.call("resize", halves, pixel_size=16), "v_resized.mrc", "--overwrite")
    isonet.done("resize", halves, "--overwrite", pixel_size=20)
    assert isonet.read(result).shape == (10, 13, 13)


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        ([], ("tomograms.star",)),
        (["none.star"], ("none.star", "no such file")),
        (["none.mrc"], ("none.mrc", "no such file")),
        (["v.mrc", "--pixel-size=0"], ("--pixel-size 0", "greater")),
        (["v.mrc", "--pixel-size=fine"], ("--pixel-size fine", "number")),
        (["v.mrc", "--pixel-size=900"], ("v.mrc", "900 A", "smaller")),
        (["v.mrc", "--max-memory=100MB"], ("v.mrc", "raise --max-memory 0.1GB")),
        (["v.mrc", "--tomo-idx=1"], ("--tomo-idx", "table")),
        (["v.mrc", "none.star"], ("one table",)),
        (["nan.mrc"], ("nan.mrc", "section 5")),
        (["bare.mrc"], ("bare.mrc", "no pixel size", "rlnPixelSize")),
        (["v.mrc", "below/v.mrc"], ("v_resized.mrc", "two volumes")),
    ],
)
def test_what_cannot_be_done(here: Path, volume: Any, words: list[str], mentions: tuple[str, ...]) -> None:
    isonet.write(here / "v.mrc", volume)
    isonet.write(here / "below/v.mrc", volume)
    isonet.write(here / "bare.mrc", volume, pixel_size=0)
    isonet.write(here / "nan.mrc", volume)
    with mrcfile.open(here / "nan.mrc", "r+") as file:
        file.data[5, 6, 7] = np.nan
    sizes = [] if any("pixel" in word for word in words) else ["--pixel-size=20"]
    isonet.assert_refused(isonet.call("resize", *words, *sizes), *mentions)
    assert not [path for path in Path().glob("resized/*") if path.suffix in (".mrc", ".part")]


def test_disk_full(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    outcome = isonet.Process(Path("err"), "resize", "v.mrc", "--pixel-size=12", file_limit=20_000).outcome()
    isonet.assert_refused(outcome, "resized", "free some space", code=1)
    assert not [path for path in Path().glob("resized/*") if path.suffix in (".mrc", ".part")]


def test_command_of_isonet_1(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    row = {"rlnIndex": "1", "rlnMicrographName": "v.mrc", "rlnPixelSize": "10"}
    isonet.star.write_table(here / "t.star", [row])
    isonet.done("resize", "t.star", "--apix", "15", "--out_folder", "tomograms_resized")
    assert isonet.table(Path("t_resized.star"))[0]["rlnMicrographName"] == "tomograms_resized/v_resized.mrc"
