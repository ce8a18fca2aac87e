"""predict: whole tomograms in, whole tomograms out, on the grey scale they came with."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import commandline as isonet
import mrcfile
import numpy as np
import pytest
import torch

from isonet.core import fourier
from isonet.core.comparison.metrics import shell_correlation
from isonet.core.tilts import wedge
from isonet.io.checkpoint import load_model, save_model
from isonet.steps.predict import correction


@pytest.fixture
def corrected(prepared: Path, model: Path) -> Path:
    """The file that predict makes of `v.mrc`."""
    isonet.done("predict", prepared, model)
    return prepared.parent / "corrected" / "v_corrected.mrc"


def predict_one(name: str, volume: Any, model: Path, **options: Any) -> Any:
    """Prepare and correct one volume under its own name."""
    isonet.write(Path(f"{name}.mrc"), volume)
    isonet.done("prepare", f"{name}.mrc", output=f"{name}.star")
    isonet.done("predict", f"{name}.star", model, output_dir=f"{name}_out", **options)
    return isonet.read(Path(f"{name}_out/{name}_corrected.mrc"))


def test_result_follows_sign_scale_and_offset_of_the_file(here: Path, volume: Any, model: Path) -> None:
    plain = predict_one("v", volume, model)
    assert isonet.relative_difference(plain, volume) > 0.05  # the network does something
    assert isonet.relative_difference(-predict_one("negative", -volume, model), plain) < 1e-3
    assert isonet.relative_difference((predict_one("affine", 10 * volume + 3, model) - 3) / 10, plain) < 1e-3
    integers = np.round(1000 * volume / volume.std()).astype(np.int16)
    expected = 1000 / volume.std() * plain
    assert isonet.relative_difference(predict_one("integers", integers, model), expected) < 1e-3


def test_a_file_that_is_not_whole_is_found_before_the_work(here: Path, volume: Any, model: Path) -> None:
    for name in ("a", "b"):
        isonet.write(here / "t" / f"{name}.mrc", volume)
    isonet.done("prepare", "t")
    os.truncate(here / "t" / "b.mrc", 20000)
    for words in (("predict", "tomograms.star", model), ("mask", "tomograms.star")):
        isonet.assert_refused(isonet.call(*words, output_dir="out"), "b.mrc", "truncated")
        assert not list(Path("out").glob("*.mrc"))


def test_result_has_the_grey_scale_of_the_input(corrected: Path, volume: Any) -> None:
    result = isonet.read(corrected)
    assert isonet.correlation(result, volume) > 0.5
    assert abs(result.mean() - volume.mean()) < 0.2 * volume.std()
    assert 0.3 < result.std() / volume.std() < 1.5


def test_result_keeps_the_header(here: Path, volume: Any, model: Path) -> None:
    isonet.write(here / "v.mrc", volume, pixel_size=9.5)
    with mrcfile.open(here / "v.mrc", "r+") as mrc:
        mrc.header.origin = (7.5, -8, 9)
        mrc.nstart = (3, -4, 5)
        mrc.add_label("from the microscope")
    isonet.done("prepare", "v.mrc")
    isonet.done("predict", "tomograms.star", model)
    with mrcfile.open(here / "corrected" / "v_corrected.mrc") as mrc:
        assert mrc.data.shape == volume.shape
        assert (mrc.data.dtype, int(mrc.header.mode)) == (np.float32, 2)
        assert [float(mrc.voxel_size[axis]) for axis in "xyz"] == pytest.approx([9.5] * 3)
        assert [float(mrc.header.origin[axis]) for axis in "xyz"] == [7.5, -8, 9]
        assert [int(mrc.nstart[axis]) for axis in "xyz"] == [3, -4, 5]
        assert "from the microscope" in mrc.get_labels()
        assert float(mrc.header.dmean) == pytest.approx(float(mrc.data.mean()), abs=1e-5)
        assert int(mrc.header.ispg) == 1
    assert mrcfile.validate(here / "corrected" / "v_corrected.mrc")


def test_half_turns_are_averaged(here: Path, volume: Any, model: Path) -> None:
    """The result is the mean of that of the tomogram and that of the tomogram turned about the tilt axis."""
    even = volume[:16, :24, :24]
    for name, block in (("v", even), ("turned", np.ascontiguousarray(even[::-1, :, ::-1]))):
        isonet.write(here / f"{name}.mrc", block)
        isonet.done("prepare", f"{name}.mrc", output=f"{name}.star")
        isonet.done("predict", f"{name}.star", model, turns=1, output_dir="plain")
    isonet.done("predict", "v.star", model, output_dir="two")
    plain, turned = (isonet.read(here / f"plain/{name}_corrected.mrc") for name in ("v", "turned"))
    two = isonet.read(here / "two/v_corrected.mrc")
    assert isonet.relative_difference(two, (plain + turned[::-1, :, ::-1]) / 2) < 0.01
    assert isonet.relative_difference(two, plain) > 0.02
    done = isonet.done("predict", "v.star", model, turns=4, output_dir="two")
    assert "written" in done.err and isonet.relative_difference(isonet.read(here / "two/v_corrected.mrc"), two) > 0.02


def test_half_turns_about_all_axes_need_a_symmetric_range(here: Path, volume: Any, model: Path) -> None:
    isonet.write(here / "v.mrc", volume)
    isonet.done("prepare", "v.mrc", tilt_min=-40, tilt_max=60)
    asked = isonet.done("predict", "tomograms.star", model, turns=4, output_dir="four")
    isonet.done("predict", "tomograms.star", model, turns=2, output_dir="two")
    assert "tilts -40 to 60 degrees; --turns 4" in asked.err
    assert np.array_equal(*(isonet.read(here / name / "v_corrected.mrc") for name in ("four", "two")))


def test_half_precision(prepared: Path, corrected: Path, model: Path) -> None:
    full = isonet.read(corrected)
    isonet.done("predict", prepared, model, float16=True, output_dir="half")
    with mrcfile.open("half/v_corrected.mrc") as mrc:
        assert (int(mrc.header.mode), mrc.data.dtype) == (12, np.float16)
        assert 0 < isonet.relative_difference(mrc.data.astype(float), full) < 1e-3


@pytest.mark.parametrize("options", [{}, {"float16": True}], ids=str)
def test_the_disk_it_needs_is_asked_for_at_once(
    prepared: Path, model: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = []
    allocate = os.posix_fallocate
    monkeypatch.setattr(os, "posix_fallocate", lambda *where: room.append(where[2]) or allocate(*where))
    isonet.done("predict", prepared, model, output_dir="first", **options)
    needed, header = sum(room), 1024
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(2 * needed, 0, needed - header))
    isonet.done("predict", prepared, model, output_dir="enough", **options)
    little = shutil._ntuple_diskusage(2 * needed, 0, needed - header - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: little)
    isonet.assert_refused(isonet.call("predict", prepared, model, output_dir="scarce", **options), "free some space")


@pytest.mark.parametrize("options", [{}, {"float16": True}], ids=str)
def test_a_full_disk_is_noticed_before_the_work(
    prepared: Path, model: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    allocate, asked = os.posix_fallocate, []
    monkeypatch.setattr(os, "posix_fallocate", lambda *where: asked.append(where) or allocate(*where))
    isonet.done("predict", prepared, model, output_dir="first", **options)
    left = iter(range(len(asked) - 1))

    def full_at_last(*where: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        allocate(*where)

    monkeypatch.setattr(os, "posix_fallocate", full_at_last)
    monkeypatch.setattr(correction, "corrected_tiles", lambda *_: pytest.fail("worked before it asked for room"))
    isonet.assert_refused(isonet.call("predict", prepared, model, **options), "free some space", code=1)
    assert not list(Path("corrected").glob("*.part"))


def test_half_precision_that_cannot_hold_the_values(here: Path, volume: Any, model: Path) -> None:
    isonet.write(here / "v.mrc", 3e4 * volume)
    isonet.done("prepare", "v.mrc")
    outcome = isonet.call("predict", "tomograms.star", model, float16=True)
    isonet.assert_refused(outcome, "v_corrected.mrc", "--float16")
    assert not Path("corrected").exists()


def test_measured_content_kept_if_asked(here: Path, model: Path) -> None:
    volume = isonet.specimen((32, 48, 48), seed=5)
    shape = fourier.spatial_shape(torch.tensor(volume))
    window, measured = fourier.taper(shape, 24), wedge.regions(shape, (-60, 60))[1]

    def compared(result: Any) -> tuple[float, float]:
        """FSC with the input outside the wedge, and power of the difference there relative to the input's."""
        first, second = (window * torch.tensor(each, dtype=torch.float32) for each in (result, volume))
        difference = shell_correlation(first - second, second, measured)
        return shell_correlation(first, second, measured).mean(), float(difference.power_ratio[2:8].mean())

    weights, about = load_model(model)
    weights["head.weight"] *= 3  # a network that changes a lot
    save_model(here / "wild.safetensors", weights, about)
    free = predict_one("free", volume, here / "wild.safetensors")
    kept = predict_one("kept", volume, here / "wild.safetensors", keep_measured=True)
    assert compared(kept)[0] > 0.9999  # several tiles, and yet the whole tomogram's content
    assert compared(kept)[1] < 0.01 * compared(free)[1]
    assert isonet.relative_difference(kept, volume) > 0.01  # the wedge was filled all the same


def test_finished_file_is_kept_another_model_or_option_replaces(prepared: Path, corrected: Path, model: Path) -> None:
    os.utime(corrected, ns=(10**18, 10**18))
    before = corrected.read_bytes()
    assert "kept" in isonet.done("predict", prepared, model).err
    assert corrected.stat().st_mtime_ns == 10**18
    for options in ({"keep_measured": True}, {}, {"crop_size": 32}, {}):
        assert "replaced" in isonet.done("predict", prepared, model, **options).err
        assert (corrected.read_bytes() == before) == (not options)
    isonet.done("refine", prepared, **{**isonet.TINY, "iterations": 1})
    assert "replaced" in isonet.done("predict", prepared, "results").err
    assert corrected.read_bytes() != before


def test_result_of_other_input_is_replaced_only_when_told(
    prepared: Path, corrected: Path, volume: Any, model: Path
) -> None:
    before = isonet.read(corrected)
    isonet.write(prepared.parent / "v.mrc", 2 * volume)
    isonet.assert_refused(isonet.call("predict", prepared, model), "v_corrected.mrc", "--overwrite")
    assert "replaced" in isonet.done("predict", prepared, model, "--overwrite").err
    assert isonet.relative_difference(isonet.read(corrected), 2 * before) < 1e-3


@pytest.mark.parametrize("kind", ["mrc", "text"])
def test_foreign_file_is_not_replaced(prepared: Path, volume: Any, model: Path, kind: str) -> None:
    target = prepared.parent / "corrected" / "v_corrected.mrc"
    target.parent.mkdir()
    if kind == "mrc":
        isonet.write(target, 5 * volume)
    else:
        target.write_text("my notes")
    before = target.read_bytes()
    isonet.assert_refused(isonet.call("predict", prepared, model), "v_corrected.mrc", "--overwrite")
    assert target.read_bytes() == before
    isonet.done("predict", prepared, model, overwrite=True)
    assert isonet.correlation(isonet.read(target), volume) > 0.5


def test_two_tomograms_of_one_name(here: Path, volume: Any, model: Path) -> None:
    for folder in ("a", "b"):
        isonet.write(here / folder / "same.mrc", volume)
    isonet.done("prepare", "a", "b")
    isonet.assert_refused(isonet.call("predict", "tomograms.star", model), "same", "--tomo-idx")
    isonet.done("predict", "tomograms.star", model, tomo_idx="1", output_dir="one")
    isonet.done("predict", "tomograms.star", model, tomo_idx="2", output_dir="two")
    rows = isonet.table(here / "tomograms.star")
    assert [row["rlnCorrectedTomoName"] for row in rows] == ["one/same_corrected.mrc", "two/same_corrected.mrc"]


def test_other_input_than_the_model_knows(prepared: Path, volume: Any, model: Path) -> None:
    isonet.write(prepared.parent / "filtered.mrc", volume**3)
    isonet.edited(prepared, rlnDeconvTomoName="filtered.mrc")
    refused = isonet.call("predict", prepared, model, input_column="rlnDeconvTomoName")
    isonet.assert_refused(refused, "rlnTomoName", "rlnDeconvTomoName")
    isonet.done("predict", prepared, model)  # auto takes what the model was trained on
    assert isonet.correlation(isonet.read(Path("corrected/v_corrected.mrc")), volume) > 0.5
    isonet.done("refine", prepared, **{**isonet.TINY, "iterations": 1})  # auto takes the deconvolved one
    isonet.done("predict", prepared, "results", output_dir="two", input_column="rlnDeconvTomoName")
    result = isonet.read(Path("two/v_corrected.mrc"))
    assert isonet.correlation(result, volume**3) > isonet.correlation(result, volume)
    isonet.assert_refused(isonet.call("predict", prepared, "results", input_column="rlnTomoName"), "rlnDeconvTomoName")


def test_warning_where_the_tomogram_is_unlike_those_of_the_training(prepared: Path, model: Path) -> None:
    assert "trained at" not in isonet.done("predict", prepared, model).err
    isonet.edited(prepared, rlnPixelSize="13")
    (line,) = [line for line in isonet.done("predict", prepared, model).err.splitlines() if "trained at" in line]
    assert "v.mrc" in line
    assert "13" in line
    assert "10" in line
    isonet.edited(prepared, rlnPixelSize="10.2", rlnTiltMin="-40")
    (line,) = [line for line in isonet.done("predict", prepared, model).err.splitlines() if "trained at" in line]
    assert "-40" in line
    assert "-60" in line


def test_one_file_for_each_selected_tomogram_and_foreign_columns_survive(here: Path, volume: Any, model: Path) -> None:
    for index in range(5):
        isonet.write(here / "data" / f"t{index}.mrc", np.roll(volume, index, axis=1))
    isonet.done("prepare", "data")
    isonet.edited(here / "tomograms.star", rlnSomethingElse="my notes", rlnNumber="007.50")
    isonet.done("predict", "tomograms.star", model, tomo_idx="1,3-4")
    assert sorted(path.name for path in Path("corrected").glob("*.mrc")) == [f"t{i}_corrected.mrc" for i in (0, 2, 3)]
    assert not [path for path in Path("corrected").iterdir() if path.name.endswith(".part")]
    rows = isonet.table(here / "tomograms.star")
    made = ["corrected/t0_corrected.mrc", "None", "corrected/t2_corrected.mrc", "corrected/t3_corrected.mrc", "None"]
    assert [row["rlnCorrectedTomoName"] for row in rows] == made
    assert {(row["rlnSomethingElse"], row["rlnNumber"]) for row in rows} == {("my notes", "007.50")}
    assert [row["rlnIndex"] for row in rows] == ["1", "2", "3", "4", "5"]
    isonet.assert_refused(isonet.call("predict", "tomograms.star", model, tomo_idx="2,9"), "tomograms.star", "9")


def test_tiles_as_asked_and_without_seams(here: Path, model: Path) -> None:
    volume = isonet.specimen((40, 48, 48), seed=3)
    tilings = {"a": (48, 32), "b": (40, 24), "c": (32, 16)}
    results = {
        name: predict_one(name, volume, model, crop_size=crop, cube_size=cube, batch_size=3)
        for name, (crop, cube) in tilings.items()
    }
    inside = (slice(6, -6),) * 3
    for name in ("b", "c"):
        difference = isonet.relative_difference(results[name][inside], results["a"][inside])
        assert 1e-6 < difference < 0.15
        assert isonet.correlation(results[name], results["a"]) > 0.985
    one_by_one = predict_one("one", volume, model, crop_size=48, cube_size=32, batch_size=1)
    assert isonet.relative_difference(one_by_one, results["a"]) < 1e-5


@pytest.mark.parametrize(
    ("crop", "cube", "mentions"),
    [(30, 20, ("--crop-size 30", "multiples of 4")), (48, 20, ("--crop-size 48", "--cube-size 20")), (32, 48, ("48",))],
)
def test_tiles_that_cannot_be(prepared: Path, model: Path, crop: int, cube: int, mentions: tuple[str, ...]) -> None:
    isonet.assert_refused(isonet.call("predict", prepared, model, crop_size=crop, cube_size=cube), *mentions)


def test_thin_tomogram(here: Path, volume: Any) -> None:
    """A cube of 32 from 20 slices, by reflection."""
    thin = isonet.specimen((20, 48, 40), seed=4)
    isonet.write(here / "v.mrc", thin)
    isonet.done("prepare", "v.mrc")
    isonet.done("refine", "tomograms.star", **{**isonet.TINY, "cube_size": 32, "crop_size": 40, "iterations": 1})
    isonet.done("predict", "tomograms.star", "results")
    result = isonet.read(Path("corrected/v_corrected.mrc"))
    assert result.shape == thin.shape
    assert isonet.correlation(result, thin) > 0.5


def test_model_given_as_file_or_folder(prepared: Path, corrected: Path, model: Path) -> None:
    said = isonet.done("predict", prepared, model / "model.safetensors").err
    assert "kept" in said


def test_memory_that_cannot_suffice_is_refused(prepared: Path, model: Path) -> None:
    outcome = isonet.call("predict", prepared, model, max_memory="100MB")
    isonet.assert_refused(outcome, "v.mrc", "--max-memory")
    assert not Path("corrected").exists()


def test_measured_content_is_that_of_the_whole_filter_in_memory(prepared: Path, corrected: Path, model: Path) -> None:
    isonet.done("predict", prepared, model, output_dir="kept", keep_measured=True)
    measured, free = (torch.tensor(isonet.read(path)) for path in (prepared.parent / "v.mrc", corrected))
    weights = wedge.weight(fourier.spatial_shape(measured), (-60.0, 60.0))
    expected = wedge.fill(measured, free, weights).numpy()
    assert isonet.relative_difference(isonet.read(Path("kept/v_corrected.mrc")), expected) < 1e-5
