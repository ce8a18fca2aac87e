"""Bad input of every kind: one line that names it and the remedy, the right exit code, nothing half done."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import commandline as isonet
import mrcfile
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from isonet.errors import InputError
from isonet.project.table import Project
from isonet.volumes.source import open_source

TINY = isonet.TINY


def bad_volume(kind: str, path: Path, volume: Any) -> None:
    """Write something that is no good tomogram."""
    isonet.write(path, volume)
    voxels = np.array(volume)
    if kind == "missing":
        path.unlink()
    elif kind == "text":
        path.write_text("This is not an MRC file.\n" * 100)
    elif kind == "empty file":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:-5000])
    elif kind == "header only":
        path.write_bytes(path.read_bytes()[:1024])
    elif kind == "half a header":
        path.write_bytes(path.read_bytes()[:500])
    elif kind == "2-D":
        isonet.write(path, voxels[3])
    elif kind == "one section":
        isonet.write(path, voxels[3:4])
    elif kind == "constant":
        isonet.write(path, np.full_like(voxels, 3.5))
    elif kind == "complex":
        with mrcfile.new(path, overwrite=True) as mrc:
            mrc.set_data(voxels.astype(np.complex64))
    elif kind in ("NaN", "Inf"):
        with mrcfile.open(path, "r+") as mrc:
            mrc.data[5, 6, 7] = {"NaN": np.nan, "Inf": np.inf}[kind]


KINDS: dict[str, tuple[str, ...]] = {
    "missing": ("no such file", "check the name"),
    "text": ("MRC file", "export"),
    "empty file": ("MRC",),
    "half a header": ("MRC",),
    "truncated": ("truncated", "24 x 32 x 32", "again"),
    "header only": ("truncated", "again"),
    "2-D": ("32 x 32", "tomogram"),
    "one section": ("1 x 32 x 32", "tomogram"),
    "NaN": ("NaN", "section 5", "again"),
    "Inf": ("infinite", "section 5", "again"),
    "constant": ("3.5", "constant"),
    "complex": ("mode 4", "convert"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_volume_that_is_no_tomogram(prepared: Path, volume: Any, model: Path, kind: str) -> None:
    """Refused by every step, also where it turned bad after prepare."""
    bad_volume(kind, prepared.parent / "bad.mrc", volume)
    isonet.assert_refused(isonet.call("prepare", "bad.mrc", output="bad.star"), "bad.mrc", *KINDS[kind])
    assert not (prepared.parent / "bad.star").exists()
    isonet.edited(prepared, rlnTomoName="bad.mrc")
    isonet.assert_refused(isonet.call("refine", prepared, **TINY), "bad.mrc", *KINDS[kind])
    isonet.assert_refused(isonet.call("predict", prepared, model), "bad.mrc", *KINDS[kind])
    assert not list(Path("corrected").glob("[!.]*corrected*"))


def test_bad_voxels_of_a_large_volume_that_nothing_has_looked_at_yet(
    prepared: Path, volume: Any, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isonet.volumes.padding._READ_WHOLE", 0)
    monkeypatch.setattr("isonet.volumes.padding._FEWEST_SECTIONS", 3)
    bad_volume("NaN", prepared.parent / "bad.mrc", volume)
    isonet.edited(prepared, rlnTomoName="bad.mrc")
    isonet.assert_refused(isonet.call("predict", prepared, model), "bad.mrc", *KINDS["NaN"])
    assert not list(Path("corrected").glob("[!.]*corrected*"))


def test_a_bad_section_has_its_number_wherever_a_block_reflects_it(
    prepared: Path, volume: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isonet.volumes.padding._READ_WHOLE", 0)
    monkeypatch.setattr("isonet.volumes.padding._FEWEST_SECTIONS", 3)
    bad_volume("NaN", prepared.parent / "bad.mrc", volume)
    isonet.edited(prepared, rlnTomoName="bad.mrc")
    (row,) = Project.read(prepared).selected(None)
    source = open_source(row, row.full_column)
    for first in (-12, -8, -5, 0, 3, len(volume) - 6):
        with pytest.raises(InputError, match="section 5"):
            source.cut((first, 0, 0), (len(volume), 16, 16))


def test_folders_without_tomograms(here: Path) -> None:
    (here / "empty").mkdir()
    isonet.assert_refused(isonet.call("prepare", "empty"), "empty", ".mrc")
    isonet.assert_refused(isonet.call("prepare", "none"), "none", "check the name")
    isonet.assert_refused(isonet.call("prepare"), "no tomograms", "--even")
    isonet.assert_refused(isonet.call("prepare", "--even", "empty", "--odd", "none"), "empty")


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        (["--tilt-min=0", "--tilt-max=0"], ("tilt_min 0", "smaller")),
        (["--tilt-min=60", "--tilt-max=-60"], ("60", "-60", "smaller")),
        (["--tilt-max=181"], ("--tilt-max 181", "90")),
        (["--tilt-min=-91"], ("--tilt-min -91", "90")),
        (["--tilt-max=steep"], ("--tilt-max steep", "number")),
        (["--tilt-max=nan"], ("tilt", "nan")),
        (["--pixel-size=0"], ("--pixel-size 0", "greater")),
        (["--pixel-size=nan"], ("--pixel-size",)),
        (["--pixel-size=inf"], ("--pixel-size",)),
        (["--number-subtomos=-3"], ("--number-subtomos -3", "greater")),
        (["--contrast=grey"], ("--contrast grey", "dark")),
        (["--tilt-file=none.tlt"], ("none.tlt", "no such file")),
        (["--tilt-mim=-50"], ("--tilt-mim", "--tilt-min")),
        (["--pixel_sise", "8"], ("sise", "--pixel-size")),
        (["--output"], ("--output",)),
        (["--even=v.mrc"], ("odd",)),
    ],
)
def test_options_of_prepare(here: Path, volume: Any, words: list[str], mentions: tuple[str, ...]) -> None:
    isonet.write(here / "v.mrc", volume)
    isonet.assert_refused(isonet.call("prepare", "v.mrc", *words), *mentions)
    assert not (here / "tomograms.star").exists()


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("-60\nzero\n60\n", ("line 2", "zero")),
        ("-60\n0\n95\n", ("95",)),
        ("", ("empty",)),
        ("30\n30\n30\n", ("30",)),
        ("12\n", ("two",)),
    ],
)
def test_tilt_file(here: Path, volume: Any, text: str, mentions: tuple[str, ...]) -> None:
    isonet.write(here / "v.mrc", volume)
    (here / "v.tlt").write_text(text)
    isonet.assert_refused(isonet.call("prepare", "v.mrc", tilt_file="v.tlt"), *mentions)


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        (["--itertions=3"], ("--itertions", "--iterations")),
        (["--iterations=0"], ("--iterations 0", "greater")),
        (["--iterations=many"], ("--iterations many", "integer")),
        (["--cube-size=18"], ("--cube-size 18", "multiple of 4")),
        (["--crop-size=26"], ("--crop-size 26", "multiple of 4")),
        (["--cube-size=32"], ("crop_size 24", "cube_size 32")),
        (["--cube-size=8"], ("--cube-size 8", "16")),
        (["--input-column=rlnFoo"], ("tomograms.star", "rlnFoo", "rlnTomoName")),
        (["--input-column=rlnTiltFile"], ("rlnTiltFile", "empty")),
        (["--tomo-idx=7"], ("tomograms.star", "7")),
        (["--tomo-idx=first"], ("tomograms.star", "first")),
        (["--noise-level=0.1,0.2"], ("noise_level", "noise_start_iter")),
        (["--noise-level=0.1,0.2", "--noise-start-iter=9,2"], ("noise_start_iter", "increase")),
        (["--max-time=soon"], ("--max-time soon", "20min")),
        (["--max-time=0"], ("--max-time 0",)),
        (["--seed=-1"], ("seed", "-1")),
        (["--learning-rate=nan"], ("--learning-rate",)),
        (["--method=magic"], ("--method magic", "isonet")),
        (["--drop-out=1"], ("--drop-out 1", "less than 1")),
        (["--pretrained-model=none.pt"], ("none.pt", "no such model")),
        (["second.star"], ("second.star",)),
    ],
)
def test_options_of_refine(prepared: Path, words: list[str], mentions: tuple[str, ...]) -> None:
    given = {name: value for name, value in TINY.items() if not any(f"--{name}=".replace("_", "-") in w for w in words)}
    isonet.assert_refused(isonet.call("refine", prepared, *words, **given), *mentions)
    assert not list(Path().glob("results/model*"))


STARS: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "no tomogram column": (
        b"data_\n\nloop_\n_rlnIndex #1\n_rlnVoltage #2\n1 300\n",
        ("_rlnTomoName", "isonet prepare"),
    ),
    "text": (b"just some words\nand more of them\n", ("isonet prepare",)),
    "empty": (b"", ("isonet prepare",)),
    "binary": (bytes(range(256)) * 8, ("t.star",)),
    "short rows": (b"data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n1\n2\n", ("t.star",)),
    "long rows": (b"data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n1 a.mrc x y z\n2 b.mrc\n", ("t.star",)),
    "no rows": (b"data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n\n", ("t.star",)),
    "one index twice": (
        b"data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n1 a.mrc\n1 b.mrc\n",
        ("rlnIndex", "unique"),
    ),
    "vanished tomogram": (b"data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n1 gone.mrc\n", ("gone.mrc", "no such file")),
    "no name": (b"data_\n\nloop_\n_rlnIndex #1\n_rlnTomoName #2\n1 None\n", ("rlnTomoName", "empty")),
}


@pytest.mark.parametrize("kind", STARS)
def test_table_that_is_none(here: Path, model: Path, kind: str) -> None:
    content, mentions = STARS[kind]
    (here / "t.star").write_bytes(content)
    isonet.assert_refused(isonet.call("refine", "t.star", **TINY), *mentions)
    isonet.assert_refused(isonet.call("predict", "t.star", model), *mentions)


def test_no_table(here: Path, model: Path) -> None:
    isonet.assert_refused(isonet.call("refine", "none.star"), "none.star", "isonet prepare")
    isonet.assert_refused(isonet.call("predict", "none.star", model), "none.star", "isonet prepare")
    isonet.assert_refused(isonet.call("refine"), "table", "tomograms.star")
    isonet.assert_refused(isonet.call("predict"), "STAR")


@pytest.mark.parametrize(
    ("columns", "mentions"),
    [
        ({"rlnTiltMin": "60", "rlnTiltMax": "-60"}, ("60 to -60", "rlnTiltMin")),
        ({"rlnTiltMin": "0", "rlnTiltMax": "0"}, ("0 to 0", "rlnTiltMin")),
        ({"rlnTiltMax": "181"}, ("181", "rlnTiltMax")),
        ({"rlnTiltMax": "steep"}, ("rlnTiltMax", "steep", "number")),
        ({"rlnTiltMin": "inf"}, ("rlnTiltMin", "inf", "number")),
        ({"rlnNumberSubtomo": "some"}, ("rlnNumberSubtomo", "some", "number")),
        ({"rlnPixelSize": "ten"}, ("rlnPixelSize", "ten", "number")),
        ({"rlnTiltFile": "none.tlt"}, ("none.tlt", "no such file")),
        ({"rlnTomoContrast": "grey"}, ("rlnTomoContrast", "grey", "dark or light")),
    ],
)
def test_value_in_the_table(prepared: Path, columns: dict[str, str], mentions: tuple[str, ...]) -> None:
    isonet.edited(prepared, **columns)
    options = {name: value for name, value in TINY.items() if name != "number_subtomos"}
    isonet.assert_refused(isonet.call("refine", prepared, **options), *mentions)


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "truncated", "foreign", "other network", "newer"])
def test_file_that_is_no_model(prepared: Path, model: Path, kind: str) -> None:
    file = Path("m.safetensors")
    whole = (model / "model.safetensors").read_bytes()
    weights, about = isonet.load_model(model)
    if kind == "truncated":
        file.write_bytes(whole[: len(whole) // 2])
    elif kind == "text":
        file.write_text("no model")
    elif kind == "empty":
        file.write_bytes(b"")
    elif kind == "foreign":
        save_file({"weight": torch.zeros(3)}, file)
    elif kind == "other network":
        isonet.save_model(file, weights, {**about, "network": {**about["network"], "filter_base": 5}})
    elif kind == "newer":
        isonet.save_model(file, weights, {**about, "format": 99})
    isonet.assert_refused(isonet.call("predict", prepared, file), "m.safetensors")
    isonet.assert_refused(isonet.call("refine", prepared, pretrained_model=file, **TINY), "m.safetensors")


def test_model_must_be_a_file_not_a_folder_without_one(prepared: Path) -> None:
    Path("none").mkdir()
    isonet.assert_refused(isonet.call("predict", prepared, "none"), "none", "isonet refine")


def test_tomogram_thinner_than_the_cubes(here: Path) -> None:
    """Forty slices with the proportions of the defaults: continued by reflection, no error, but a warning."""
    isonet.write(here / "v.mrc", isonet.specimen((40, 64, 48)))
    isonet.done("prepare", "v.mrc")
    options = {**TINY, "cube_size": 64, "crop_size": 80, "iterations": 1, "steps_per_epoch": 1, "batch_size": 1}
    said = [isonet.done("refine", "tomograms.star", **{**options, "number_subtomos": 1}).err]
    said += [isonet.done("predict", "tomograms.star", "results").err]
    warned = "warning: v.mrc: 40 voxels along z, thinner than the cubes of 64; continued by reflection, so"
    for text in said:
        assert text.count("continued by reflection") == 1
        assert warned in text
        assert "or train with --cube-size 32\n" in text
        assert "1 warning, see above" in text
    assert isonet.read(here / "corrected" / "v_corrected.mrc").shape == (40, 64, 48)


def test_tomogram_thicker_than_the_cubes_alone_is_no_matter(prepared: Path) -> None:
    """Sub-volumes reach beyond it, the cubes in their middle hardly."""
    said = isonet.done("refine", prepared, **{**TINY, "crop_size": 32}).err
    said += isonet.done("predict", prepared, "results").err + isonet.done("mask", prepared).err
    assert said.count("v.mrc: 24 voxels along z, thinner than the sub-volumes of 32; continued by reflection") == 1
    assert "warning" not in said


def test_output_folder_that_cannot_be(prepared: Path, model: Path) -> None:
    Path("file").write_text("a file")
    for folder in ("file", "file/below", "/proc/below"):
        isonet.assert_refused(isonet.call("refine", prepared, output_dir=folder, **TINY), folder, "choose", code=1)
        isonet.assert_refused(isonet.call("predict", prepared, model, output_dir=folder), folder, "choose", code=1)
    isonet.assert_refused(isonet.call("prepare", "v.mrc", output="file/t.star"), "file", "choose", code=1)
    assert Path("file").read_text() == "a file"


@pytest.fixture
def open_folder(volume: Any, model: Path) -> Iterator[Path]:
    """A folder whose content every user can read, with a folder in it that nobody else can write to."""
    folder = Path(tempfile.mkdtemp(prefix="isonet-test-"))
    isonet.write(folder / "v.mrc", volume)
    isonet.done("prepare", folder / "v.mrc", output=folder / "t.star")
    shutil.copy(model / "model.safetensors", folder)
    (folder / "locked").mkdir(mode=0o555)
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    folder.chmod(0o777)
    yield folder
    (folder / "locked").chmod(0o755)
    shutil.rmtree(folder)


def test_output_folder_without_permission(open_folder: Path, tmp_path: Path) -> None:
    locked, star = open_folder / "locked", open_folder / "t.star"
    (open_folder / "v.mrc").chmod(0o644)
    star.chmod(0o644)
    commands: dict[str, list[Any]] = {
        "refine": ["refine", star, "--output-dir", locked / "results", *isonet.flags(**TINY)],
        "predict": ["predict", star, open_folder / "model.safetensors", "--output-dir", locked],
    }
    for name, words in commands.items():
        outcome = isonet.Process(tmp_path / name, *words, unprivileged=True).outcome()
        isonet.assert_refused(outcome, str(locked), "ermission denied", "choose", code=1)
    assert not list(locked.iterdir())


def test_a_table_that_cannot_be_written_is_refused_before_the_work(open_folder: Path, tmp_path: Path) -> None:
    locked, out = open_folder / "locked", open_folder / "open" / "out"
    (open_folder / "v.mrc").chmod(0o644)
    isonet.done("prepare", open_folder / "v.mrc", output=locked / "t.star")
    commands: dict[str, list[Any]] = {
        "predict": ["predict", locked / "t.star", open_folder / "model.safetensors", "--output-dir", out],
        "mask": ["mask", locked / "t.star", "--output-dir", out],
        "deconv": ["deconv", locked / "t.star", "--defocus", "20000", "--output-dir", out],
        "prepare": ["prepare", open_folder / "v.mrc", "--output", locked / "u.star"],
    }
    for name, words in commands.items():
        outcome = isonet.Process(tmp_path / name, *words, unprivileged=True).outcome()
        isonet.assert_refused(outcome, f"{locked} is read-only for you", "choose another place")
    assert not out.exists()


def test_input_without_permission(open_folder: Path, tmp_path: Path) -> None:
    (open_folder / "v.mrc").chmod(0o000)
    words = ["prepare", open_folder / "v.mrc", "--output", open_folder / "open" / "t.star"]
    outcome = isonet.Process(tmp_path / "err", *words, unprivileged=True).outcome()
    isonet.assert_refused(outcome, "v.mrc", "ermission")


def left_over(folder: Path) -> list[str]:
    """Files that a full disk must not leave behind."""
    names = (path.name for path in folder.rglob("*") if path.is_file())
    return [name for name in names if name.endswith((".part", ".mrc", ".pt", ".safetensors", ".png"))]


def test_disk_full_in_predict(prepared: Path, model: Path) -> None:
    words = ["predict", prepared, model, "--output-dir", "out"]
    for flag in ([], ["--float16"]):
        outcome = isonet.Process(Path("err"), *words, *flag, file_limit=40_000).outcome()
        isonet.assert_refused(outcome, "out", "free some space", code=1)
        assert left_over(Path("out")) == []
        assert isonet.state(Path("out")) == "failed"
    assert isonet.table(prepared)[0].get("rlnCorrectedTomoName", "None") == "None"
    isonet.done(*words)


def test_disk_full_in_refine(prepared: Path) -> None:
    """Too little room for the trainer's last state, for the model, or for anything; what is there, is whole."""
    sizes = {}
    isonet.done("refine", prepared, output_dir="whole", **TINY)
    for name in ("trainer.pt", "model.safetensors"):
        sizes[name] = (Path("whole") / name).stat().st_size
    for limit in (sizes["trainer.pt"] - 5000, sizes["model.safetensors"] - 5000, 3000):
        outcome = isonet.Process(Path("err"), "refine", prepared, file_limit=limit, **TINY).outcome()
        isonet.assert_refused(outcome, "results", "free some space", code=1)
        assert isonet.state(Path("results")) == "failed"
        if left_over(Path("results")):
            assert left_over(Path("results")) == ["trainer.pt"]
            isonet.done("refine", "--continue-from", "results")
            assert isonet.same_weights(Path("results"), Path("whole"))
        shutil.rmtree("results")


def test_disk_full_later_in_refine_leaves_the_last_good_state(prepared: Path) -> None:
    constant = {**TINY, "schedule": "constant"}
    isonet.done("refine", prepared, output_dir="whole", **constant)
    isonet.done("refine", prepared, **{**constant, "iterations": 1})
    before = {path.name: path.read_bytes() for path in Path("results").glob("*.[ps]*t*")}
    limit = Path("results/model.safetensors").stat().st_size - 5000
    outcome = isonet.Process(
        Path("err"), "refine", "--continue-from", "results", "--iterations", "2", file_limit=limit
    ).outcome()
    isonet.assert_refused(outcome, "results", "free some space", code=1)
    for name in ("trainer.pt", "model.safetensors", "model_iter01.safetensors"):
        assert (Path("results") / name).read_bytes() == before[name]
    isonet.done("refine", "--continue-from", "results", "--iterations", "2")
    assert isonet.same_weights(Path("results"), Path("whole"))


def test_disk_full_in_prepare(here: Path, volume: Any) -> None:
    for name in ("even", "odd"):
        isonet.write(here / name / "v.mrc", volume)
    words = ["prepare", "--even", "even", "--odd", "odd"]
    outcome = isonet.Process(here / "err", *words, file_limit=40_000).outcome()
    isonet.assert_refused(outcome, "average", "free some space", code=1)
    assert not (here / "average").exists()
    assert not (here / "tomograms.star").exists()


def test_traceback_only_if_asked(here: Path) -> None:
    from isonet.errors import InputError

    with pytest.raises(InputError):
        isonet.call("prepare", "none", "--debug")
    assert os.listdir(here) == []  # noqa: PTH208


@pytest.mark.parametrize("count", ["0", "-5", "0.4"])
def test_number_of_subvolumes_in_the_table_is_checked(prepared: Path, count: str) -> None:
    rows = isonet.table(prepared)
    isonet.star.write_table(prepared, [{**row, "rlnNumberSubtomo": count} for row in rows])
    options = {name: value for name, value in isonet.TINY.items() if name != "number_subtomos"}
    isonet.assert_refused(isonet.call("refine", prepared, **options), "rlnNumberSubtomo", count)


def test_other_axis_order_is_refused(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    with mrcfile.open(here / "v.mrc", "r+") as mrc:
        mrc.header.mapc, mrc.header.maps = 3, 1
    isonet.assert_refused(isonet.call("prepare", "v.mrc"), "v.mrc", "axis order")


def test_beam_along_y_is_warned_about(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume.transpose(1, 0, 2)[:, :12])
    assert "thinnest axis" in isonet.done("prepare", "v.mrc").err
