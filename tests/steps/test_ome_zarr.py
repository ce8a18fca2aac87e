"""OME-Zarr wherever an MRC file is taken: what comes out is the same, and results may be OME-Zarr too."""

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import commandline as isonet
import numpy as np
import pytest
from safetensors.numpy import load_file

from isonet.io import star
from isonet.io.formats import open_volume
from ome_zarr_files import pyramid, written

pytest.importorskip("ome_zarr")
KEPT = ("rlnTomoName", "rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2")


@pytest.fixture
def both(here: Path, volume: Any) -> Path:
    """The same tomogram as `mrc/v.mrc` and as a pyramid by ome-zarr, `zarr/v.zarr`, of which level 1 is the same."""
    for folder in ("mrc", "zarr"):
        (here / folder).mkdir()
    isonet.write(here / "mrc" / "v.mrc", volume)
    fine = np.repeat(np.repeat(np.repeat(volume, 2, 0), 2, 1), 2, 2)
    written(here / "zarr" / "v.zarr", pyramid(fine), "0.5 in shards", pixel_size=5)
    for folder in ("mrc", "zarr"):
        isonet.done("prepare", folder, output=f"{folder}.star", defocus=20000)
    return here


def row(table: Path) -> dict[str, str]:
    (found,) = star.read_table(table, needs=("rlnTomoName",))
    return dict(found)


def test_prepare_takes_the_level_nearest_to_10_angstrom_and_says_the_same_of_it(both: Path) -> None:
    plain, of_zarr = row(both / "mrc.star"), row(both / "zarr.star")
    assert of_zarr.pop("rlnTomoName") == "zarr/v.zarr/1" and plain.pop("rlnTomoName") == "mrc/v.mrc"
    assert of_zarr == plain
    isonet.done("prepare", "zarr/v.zarr/0", output="fine.star")
    assert row(both / "fine.star")["rlnPixelSize"] == "5" and row(both / "fine.star")["rlnTomoName"] == "zarr/v.zarr/0"


@pytest.mark.parametrize(
    ("command", "product", "options"),
    [
        ("deconv", "v_deconv.mrc", {}),
        ("mask", "v_mask.mrc", {}),
        ("extract", "v_*0.mrc", {"cube_size": 16, "number_subtomos": 2}),
        ("resize", "v_resized.mrc", {"pixel_size": 13.5}),
    ],
)
def test_every_step_makes_the_same_of_either(both: Path, command: str, product: str, options: dict[str, Any]) -> None:
    made = []
    for kind in ("mrc", "zarr"):
        table = {"output": f"{kind}_subtomo.star"} if command == "extract" else {}
        isonet.done(command, f"{kind}.star", output_dir=f"{command}_{kind}", **options, **table)
        made.append(isonet.read(next((both / f"{command}_{kind}").rglob(product))))
    assert np.array_equal(*made)


def test_a_network_learns_the_same_from_either(both: Path) -> None:
    for kind in ("mrc", "zarr"):
        isonet.done("refine", f"{kind}.star", output_dir=f"{kind}_results", **isonet.TINY)
    first, second = (load_file(both / f"{kind}_results" / "model.safetensors") for kind in ("mrc", "zarr"))
    assert first.keys() == second.keys()
    assert all(np.array_equal(values, second[name]) for name, values in first.items())


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_predict_writes_the_same_voxels_in_either_format(both: Path, model: Path, version: str) -> None:
    isonet.done("predict", "mrc.star", model, output_dir="plain")
    expected = open_volume(both / "plain" / "v_corrected.mrc")
    isonet.done("predict", "zarr.star", model, output_dir="other", format="zarr", zarr_version=version)
    assert row(both / "zarr.star")["rlnCorrectedTomoName"] == "other/v_corrected.zarr/0"
    assert not list((both / "other").glob("*.mrc")) and not list((both / "other").glob(".isonet*"))
    found = open_volume(both / "other" / "v_corrected.zarr" / "0")
    assert found.stored[:].tobytes() == expected.stored[:].tobytes()
    assert found.header.voxel_size == expected.header.voxel_size and found.header.labels
    assert (both / "other" / "v_corrected.zarr" / ("zarr.json" if version == "0.5" else ".zattrs")).exists()
    isonet.done("report", "zarr.star")
    assert "OME-Zarr" in (both / "report.cxc").read_text()
    opened = isonet.done("open", "zarr.star")
    script = (both / "open" / "v.py").read_text()
    assert "napari" in opened.out and "needs napari and zarr" in script
    assert str((both / "zarr" / "v.zarr" / "1").resolve()) in script


def test_the_script_for_napari_reads_either_format(both: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isonet.done("predict", "zarr.star", model)
    isonet.done("open", "zarr.star")
    shown: dict[str, Any] = {}
    viewer = SimpleNamespace(
        add_image=lambda data, name, **_: shown.update({name: np.asarray(data)}),
        dims=SimpleNamespace(set_point=lambda *_: None),
        scale_bar=SimpleNamespace(),
        reset_view=lambda: None,
    )
    monkeypatch.setitem(sys.modules, "napari", SimpleNamespace(Viewer=lambda title: viewer, run=lambda: None))
    runpy.run_path(str(both / "open" / "v.py"))
    assert np.array_equal(shown["before"], open_volume(both / "zarr" / "v.zarr" / "1").read())
    assert np.array_equal(shown["after"], isonet.read(both / "corrected" / "v_corrected.mrc"))


def test_run_writes_images_as_predict_does(both: Path) -> None:
    isonet.done("run", "mrc", format="zarr", **isonet.TINY)
    named = row(both / "isonet" / "tomograms.star")["rlnCorrectedTomoName"]
    assert named == "corrected/v_corrected.zarr/0"
    assert open_volume(both / "isonet" / named).shape == isonet.read(both / "mrc" / "v.mrc").shape
    assert not list((both / "isonet" / "corrected").glob("*.mrc"))
    assert (both / "isonet" / "report.html").is_file()


def test_without_the_package_nothing_is_trained_or_corrected(
    both: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zarr", None)
    for form in ("zarr", "both"):
        asked = isonet.call("run", "mrc", format=form, **isonet.TINY)
        isonet.assert_refused(asked, "isonet/corrected: OME-Zarr needs the package zarr;", "pip install")
        isonet.assert_refused(isonet.call("predict", "mrc.star", model, format=form), "OME-Zarr needs the package")
    assert not (both / "isonet").exists()
    assert not list((both / "corrected").glob("*.mrc"))


def test_both_formats_stand_beside_each_other_and_are_kept(both: Path, model: Path) -> None:
    isonet.done("predict", "mrc.star", model)
    first = (both / "corrected" / "v_corrected.mrc").stat()
    said = isonet.done("predict", "mrc.star", model, format="both").err
    assert "v_corrected.mrc: made before, kept" in said and "v_corrected.zarr: written" in said
    assert (both / "corrected" / "v_corrected.mrc").stat().st_mtime_ns == first.st_mtime_ns
    volumes = [open_volume(both / "corrected" / name) for name in ("v_corrected.mrc", "v_corrected.zarr/0")]
    assert volumes[0].stored[:].tobytes() == volumes[1].stored[:].tobytes()
    assert row(both / "mrc.star")["rlnCorrectedTomoName"] == "corrected/v_corrected.mrc"
    said = isonet.done("predict", "mrc.star", model, format="both").err
    assert "v_corrected.zarr/0: made before, kept" in said
    said = isonet.done("predict", "mrc.star", model, format="both", zarr_version="0.5").err
    assert "v_corrected.zarr/0: made before with other options, replaced" in said
    assert (both / "corrected" / "v_corrected.zarr" / "zarr.json").exists()


def test_an_image_of_another_origin_is_left_alone_whatever_is_asked(both: Path, model: Path) -> None:
    mine = written(both / "corrected" / "v_corrected.zarr", [np.ones((8, 8, 8), np.float32)])
    before = sorted((path, path.stat().st_mtime_ns) for path in mine.rglob("*"))
    outcome = isonet.call("predict", "mrc.star", model, format="zarr")
    isonet.assert_refused(outcome, "v_corrected.zarr/0: exists and was not made from this input; move it away or add")
    outcome = isonet.call("predict", "mrc.star", model, "--overwrite", format="zarr")
    isonet.assert_refused(outcome, "v_corrected.zarr: exists and is no result of isonet; move it away")
    assert sorted((path, path.stat().st_mtime_ns) for path in mine.rglob("*")) == before


def test_halves_are_paired_and_corrected_as_those_of_mrc_files(here: Path, volume: Any) -> None:
    random = np.random.default_rng(0)
    halves = [volume + 0.3 * random.standard_normal(volume.shape).astype(np.float32) for _ in range(2)]
    for name, voxels in zip(("v_EVN", "v_ODD"), halves, strict=True):
        isonet.write(here / "mrc" / f"{name}.mrc", voxels)
        written(here / "zarr" / f"{name}.zarr", pyramid(voxels), "0.4")
    made = []
    for kind in ("mrc", "zarr"):
        isonet.done("prepare", kind, output=f"{kind}.star", average_dir=f"average_{kind}")
        isonet.done("refine", f"{kind}.star", output_dir=f"{kind}_results", **isonet.TINY)
        form = "mrc" if kind == "mrc" else "zarr"
        isonet.done("predict", f"{kind}.star", f"{kind}_results", output_dir=f"{kind}_out", format=form)
        made.append(sorted((here / f"{kind}_out").rglob("*_corrected.*")))
    assert [path.stem for path in made[0]] == [path.stem for path in made[1]] and len(made[0]) == 3
    for plain, of_zarr in zip(*made, strict=True):
        assert np.array_equal(open_volume(plain).read(), open_volume(of_zarr / "0").read())


def test_of_a_folder_with_both_formats_the_mrc_file_is_taken(both: Path) -> None:
    (both / "mrc" / "v.zarr").symlink_to(both / "zarr" / "v.zarr")
    said = isonet.done("prepare", "mrc", output="one.star").err
    assert "v.zarr/1: left out, v.mrc is the same tomogram by its name" in said
    assert row(both / "one.star")["rlnTomoName"] == "mrc/v.mrc"


def test_masks_of_other_programs_may_be_labels_of_the_image(both: Path, volume: Any) -> None:
    labels = (np.abs(volume) > 1).astype(np.uint8)
    written(both / "zarr" / "v.zarr" / "labels" / "dense", [labels])
    isonet.done("mask", "zarr.star", existing="zarr/v.zarr/labels/dense")
    assert np.array_equal(isonet.read(both / "mask" / "v_mask.mrc") > 0, labels > 0)


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        (("prepare", "https://data.org/v.zarr"), ("https://data.org/v.zarr: is not read over the network; copy it",)),
        (("prepare", "s3://bucket/v.zarr/0"), ("s3://bucket/v.zarr/0: is not read over the network; copy it",)),
        (("prepare", "zarr/v.zarr/9"), ("zarr/v.zarr/9: no such file or folder; there is 0, 1, 2",)),
        (("prepare", "zarr/v.zarr/0", "--even", "zarr/v.zarr/0", "--odd", "zarr/v.zarr/1"), ("shape",)),
    ],
)
def test_what_cannot_be_is_one_line(both: Path, words: tuple[str, ...], mentions: tuple[str, ...]) -> None:
    isonet.assert_refused(isonet.call(*words, output="none.star"), *mentions)


def test_a_disk_that_cannot_hold_the_pyramids_says_so_before_the_work(
    both: Path, model: Path, monkeypatch: pytest.MonkeyPatch, volume: Any
) -> None:
    free = round(volume.size * 4 * 2.2)  # a result and its scratch file, and no pyramid
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free})())
    isonet.done("predict", "mrc.star", model, output_dir="a")
    isonet.assert_refused(isonet.call("predict", "mrc.star", model, output_dir="b", format="zarr"), "will be written")
    isonet.assert_refused(isonet.call("predict", "mrc.star", model, output_dir="c", format="both"), "will be written")
