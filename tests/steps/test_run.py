"""run, demo and check: several steps in one command."""

import json
import math
import os
import re
import shlex
import shutil
import signal
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

from isonet.config import (
    DeconvConfig,
    InputOptions,
    MaskConfig,
    PredictConfig,
    PrepareConfig,
    RefineConfig,
    RunConfig,
)
from isonet.steps import demo

PNG = b"\x89PNG\r\n\x1a\n"
OPTIONS = {**isonet.TINY, "tilt_min": -50, "tilt_max": 60}
BRIEF = {**OPTIONS, "max_time": "0.001s"}
"""Of a run that is over once the tomograms are ready and a first state is saved."""


@pytest.fixture
def data(here: Path, volume: Any) -> Path:
    """Folder of two tomograms."""
    for name in ("a 1", "b"):
        isonet.write(here / "data" / f"{name}.mrc", volume)
    return here / "data"


def test_all_steps_then_nothing_is_done_twice(data: Path, volume: Any) -> None:
    isonet.done("run", data, keep_measured=True, **OPTIONS)
    whole = Path("isonet")
    made = sorted((whole / "corrected").glob("*.mrc"))
    assert [path.name for path in made] == ["a 1_corrected.mrc", "b_corrected.mrc"]
    assert isonet.read(made[0]).shape == volume.shape
    rows = isonet.table(whole / "tomograms.star")
    assert {(row["rlnTiltMin"], row["rlnTiltMax"]) for row in rows} == {("-50", "60")}
    assert [row["rlnCorrectedTomoName"] for row in rows] == [str(path.relative_to(whole)) for path in made]
    assert len(isonet.losses(whole / "results")) == 2
    assert isonet.state(whole) == isonet.state(whole / "results") == isonet.state(whole / "corrected") == "finished"
    assert "keep_measured: true" in (whole / "corrected" / "config.yaml").read_text()
    for path in [*made, whole / "results" / "model.safetensors"]:
        os.utime(path, ns=(10**18, 10**18))
    again = isonet.done("run", data, keep_measured=True, **OPTIONS)
    assert again.err.count("made before, kept") == 2
    for path in [*made, whole / "results" / "model.safetensors"]:
        assert path.stat().st_mtime_ns == 10**18


def test_the_same_command_goes_on_after_the_time_was_over(data: Path) -> None:
    isonet.done("run", data, output_dir="whole", **OPTIONS)
    command = ["run", data, *isonet.flags(**OPTIONS)]
    said = isonet.done(*command, "--max-time=0.001s").err
    assert "same command" in said
    assert isonet.state(Path("isonet")) == isonet.state(Path("isonet/results")) == "stopped"
    assert not list(Path("isonet").rglob("*_corrected.mrc"))
    assert not Path("isonet/report.html").exists()
    isonet.done(*command)
    assert isonet.state(Path("isonet")) == "finished"
    assert isonet.same_weights(Path("isonet/results"), Path("whole/results"))
    for path in Path("whole/corrected").glob("*.mrc"):
        assert (isonet.read(path) == isonet.read(Path("isonet/corrected") / path.name)).all()


@pytest.mark.parametrize("command", ["run", "validate"])
def test_a_signal_leads_to_one_remedy(data: Path, tmp_path: Path, command: str) -> None:
    words = ["run", data] if command == "run" else ["validate", "tomograms.star"]
    if command == "validate":
        isonet.done("prepare", data)
    long = (
        {**isonet.TINY, "iterations": 500, "withhold": 30} if command == "validate" else {**OPTIONS, "iterations": 500}
    )
    process = isonet.Process(tmp_path / "said", *words, **long)
    results = Path("isonet/results") if command == "run" else Path("validation/withheld/results")
    process.wait_for((results / "model.safetensors").exists)
    process.signal(signal.SIGINT)
    outcome = process.outcome()
    assert outcome.code == 130
    assert outcome.err.count("stopped by SIGINT") == outcome.err.count("give the same command again") == 1
    assert "--continue-from" not in outcome.err
    assert "stopped by SIGINT" in (results / "run.log").read_text()
    assert isonet.done().out.splitlines()[1].startswith(f"next: isonet {command} ")


def test_there_is_never_one_of_several(here: Path, volume: Any) -> None:
    """One tomogram, sub-volume, step, cube, epoch and iteration: none of them is called by its plural."""
    isonet.write(here / "data" / "v.mrc", volume)
    one = {"steps_per_epoch": 1, "batch_size": 1, "iterations": 1, "number_subtomos": 1, "patience": 1}
    said = isonet.done("run", "data", **{**OPTIONS, **one}).err
    assert "1 sub-volume of 24 voxels an epoch, 1 step of 1 cube; 1 epoch an iteration, 1 iteration" in said
    said += isonet.done("extract", "isonet/tomograms.star", number_subtomos=1, cube_size=16, crop_size=24).err
    said += isonet.done("resize", "isonet/tomograms.star", pixel_size=12).err
    said += isonet.done("validate", "isonet/tomograms.star", withhold=30, **{**isonet.TINY, **one}).err
    said += isonet.done("report", "isonet").err + isonet.done().out
    assert not re.findall(r"\b1 [a-z][a-z-]*s\b|all 1 ", said)


def test_other_options_of_prepare_are_refused(data: Path) -> None:
    isonet.done("run", data, **OPTIONS)
    isonet.assert_refused(isonet.call("run", data, **{**OPTIONS, "tilt_max": 40}), "--tilt-max", "--output-dir")
    without = {name: value for name, value in OPTIONS.items() if name not in InputOptions.model_fields}
    for options in (without, OPTIONS):  # left out or named again, they stay what they were
        isonet.done("run", data, **options)


def test_two_tomograms_of_one_name_are_refused_before_the_training(here: Path, volume: Any) -> None:
    for name in ("a", "b"):
        isonet.write(here / name / "rec.mrc", volume)
    isonet.assert_refused(isonet.call("run", "a/rec.mrc", "b/rec.mrc", **OPTIONS), "rec")
    assert not (here / "isonet" / "results").exists()


def test_folder_of_other_tomograms_is_refused(data: Path, volume: Any) -> None:
    isonet.done("run", data / "b.mrc", **OPTIONS)
    isonet.assert_refused(isonet.call("run", data, **OPTIONS), "isonet/tomograms.star", "a 1.mrc", "--output-dir")
    isonet.assert_refused(isonet.call("run", data / "a 1.mrc", **OPTIONS), "--output-dir")
    isonet.assert_refused(isonet.call("run", data / "b.mrc", **{**OPTIONS, "batch_size": 3}), "--batch-size")


def test_a_tomogram_that_was_added_is_taken_in_as_is_said(data: Path, volume: Any) -> None:
    isonet.done("run", data, **OPTIONS)
    isonet.write(data / "c.mrc", volume[::-1].copy())
    refused = isonet.call("run", data, **OPTIONS)
    isonet.assert_refused(refused, "isonet/tomograms.star: has no c.mrc; add it with", "or choose another --output-dir")
    words = shlex.split(refused.err.split("'")[1])
    assert words[:2] == ["isonet", "prepare"] and "--tilt-min=-50" in words
    isonet.done(*words[1:])
    assert len(isonet.table(Path("isonet/tomograms.star"))) == 3
    isonet.done("run", data, **OPTIONS)
    assert Path("isonet/corrected/c_corrected.mrc").exists()


def test_what_a_training_goes_on_with_is_said_and_kept(data: Path) -> None:
    """A training cannot change its network: options that are left out are not those of this command."""
    isonet.done("run", data, **OPTIONS)
    said = isonet.done("run", data, iterations=3, precision="float32").err
    (line,) = [line for line in said.splitlines() if "goes on as that training was begun" in line]
    assert "--arch=small" in line and "--cube-size=16" in line and "iterations" not in line
    kept = Path("isonet/config.yaml").read_text()
    assert kept.count("\narch: small\n") == kept.count("\ncube_size: 16\n") == kept.count("\niterations: 3\n") == 1
    assert len(isonet.losses(Path("isonet/results"))) == 3
    assert "goes on as" not in isonet.done("run", data, **{**OPTIONS, "iterations": 3}).err
    refused = isonet.call("run", data, preset="purified")
    isonet.assert_refused(refused, "--preset purified", "isonet/results", "without it", "another --output-dir")


def test_halves_in_one_command(here: Path, volume: Any) -> None:
    for name in ("even", "odd"):
        isonet.write(here / name / f"v_{name}.mrc", volume)
    isonet.done("run", "--even", "even", "--odd", "odd", **OPTIONS)
    assert Path("isonet/corrected/v_corrected.mrc").exists()
    assert isonet.done("run", "--even", "even", "--odd", "odd", **OPTIONS).err.count("made before, kept") == 3


def test_run_has_the_options_of_its_steps() -> None:
    """All but those that run decides itself."""
    own = {
        "output",
        "append",
        "average_dir",
        "turned_dir",
        "output_dir",
        "overwrite",
        "continue_from",
        "max_memory",
        "preview",
        "deconvolve",
    }
    kinds = (PrepareConfig, DeconvConfig, MaskConfig, RefineConfig, PredictConfig)
    steps = {name for kind in kinds for name in kind.model_fields}
    assert set(RunConfig.model_fields) - {"output_dir", "deconv", "mask"} == steps - own


def made(folder: str = "isonet") -> set[str]:
    """What of deconv and mask a run has made for its tomograms."""
    rows = isonet.table(Path(folder) / "tomograms.star")
    return {
        name for name in ("rlnDeconvTomoName", "rlnMaskName") if all(row.get(name, "None") != "None" for row in rows)
    }


def test_masks_are_made_and_tomograms_of_known_defocus_deconvolved(data: Path) -> None:
    isonet.done("run", data, **BRIEF)
    assert made() == {"rlnMaskName"}
    isonet.done("run", data, output_dir="known", defocus=30000, snr_falloff=0.7, crop_z=0.2, **OPTIONS)
    assert made("known") == {"rlnMaskName", "rlnDeconvTomoName"}
    (row, _) = isonet.table(Path("known/tomograms.star"))
    assert float(row["rlnSnrFalloff"]) == 0.7
    mask = isonet.read(Path("known") / row["rlnMaskName"])
    assert not mask[:4].any() and not mask[-4:].any() and mask[6:-6].any()
    about = isonet.load_model(Path("known/results/model.safetensors"))[1]
    assert about["input_column"] == "rlnDeconvTomoName"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"mask": "off"}, set()),
        ({"preset": "plastic", "defocus": 30000}, set()),
        ({"preset": "plastic", "mask": "on"}, {"rlnMaskName"}),
        ({"preset": "phase-plate", "defocus": 30000}, {"rlnMaskName"}),
        ({"preset": "phase-plate", "defocus": 30000, "deconv": "on"}, {"rlnMaskName", "rlnDeconvTomoName"}),
        ({"defocus": 30000, "deconv": "off"}, {"rlnMaskName"}),
        ({"defocus": 30000, "input_column": "full"}, {"rlnMaskName"}),
    ],
)
def test_presets_and_options_decide_about_deconv_and_mask(
    data: Path, options: dict[str, Any], expected: set[str]
) -> None:
    isonet.done("run", data, **BRIEF, **options)
    assert made() == expected


def test_halves_are_not_deconvolved(here: Path, volume: Any) -> None:
    for name in ("even", "odd"):
        isonet.write(here / name / f"v_{name}.mrc", volume)
    isonet.done("run", "--even", "even", "--odd", "odd", defocus=30000, **BRIEF)
    assert made() == {"rlnMaskName"}


def test_options_of_a_preset_are_those_of_its_mask(data: Path) -> None:
    isonet.done("run", data, preset="cellular", **BRIEF)
    assert "crop_z: 0.15" in Path("isonet/mask/config.yaml").read_text()
    isonet.done("run", data, preset="cellular", output_dir="other", crop_z=0, **BRIEF)
    assert "crop_z: 0.0" in Path("other/mask/config.yaml").read_text()


def test_what_is_trained_on_stays_as_it_was(data: Path) -> None:
    isonet.done("run", data, crop_z=0.2, **BRIEF)
    refused = isonet.call("run", data, crop_z=0.1, **OPTIONS)
    isonet.assert_refused(refused, "--crop-z", "--output-dir")
    isonet.done("run", data, **OPTIONS)
    assert "crop_z: 0.2" in Path("isonet/mask/config.yaml").read_text()
    assert Path("isonet/report.html").exists()


def test_demo_shows_what_it_did_and_trains_without_the_truth(
    here: Path, monkeypatch: pytest.MonkeyPatch, draws: None
) -> None:
    monkeypatch.setattr(demo, "_SAMPLE", {"depth": 32, "height": 48, "width": 48, "pixel_size": 10.0})
    truth, hidden = here / "demo" / "simulated" / "truth.mrc", here / "hidden"
    train, judge = demo.refine_in_folder, demo._judge

    def train_without(table: Path, options: RefineConfig) -> Any:
        truth.rename(hidden)
        return train(table, options.model_copy(update={"cube_size": 16, "crop_size": 24, "number_subtomos": 4}))

    def judge_with(*words: Any) -> Any:
        hidden.rename(truth)
        return judge(*words)

    def previewed(*words: Any) -> Any:
        monkeypatch.setattr(demo, "_judge", judge_with)
        return judge(*words)

    monkeypatch.setattr(demo, "refine_in_folder", train_without)
    monkeypatch.setattr(demo, "_judge", previewed)
    outcome = isonet.done("demo", max_time="3s")
    assert truth.exists()
    assert "inside the wedge" in outcome.out
    assert (here / "demo" / "demo.png").read_bytes().startswith(PNG)
    numbers = json.loads((here / "demo" / "demo.json").read_text())
    assert list(numbers) == ["before", "preview", "trained"]
    assert all(set(one) == {"inside", "outside", "correlation"} for one in numbers.values())
    assert numbers["before"]["outside"] > 0.5 > 0.2 > numbers["before"]["inside"]
    assert numbers["before"] != numbers["trained"] != numbers["preview"]
    assert list(json.loads((here / "demo" / "preview.json").read_text())) == ["before", "preview"]
    assert (here / "demo" / "preview.png").read_bytes().startswith(PNG)
    assert all(math.isfinite(number) for each in numbers.values() for number in each.values())


def test_check_of_this_machine() -> None:
    outcome = isonet.done("check", seconds=1)
    assert "self-test passed" in outcome.out
    for mention in ("torch", "cores", "memory", "float32" if "float32" in outcome.out else "bf16"):
        assert mention in outcome.out
    assert "self-test" not in isonet.done("check", seconds=0).out


def test_check_of_a_device_that_is_not_there() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    isonet.assert_refused(isonet.call("check", "--device", "cuda"), "cuda", "0 CUDA devices")


@pytest.mark.parametrize("together", [True, False])
def test_real_halves_and_their_metadata_are_enough(here: Path, shared_data: Path, together: bool) -> None:
    """Two halves and Warp's file, in one folder or in two, lead to a report; all else here only makes it quick."""
    given = shared_data / "empiar10499"
    tilts = here / ("halves" if together else "metadata")
    for half in ("even", "odd"):
        part = isonet.read(given / f"00254_wbp_20Apx_{half}_f16.mrc")[20:84, 100:180, 100:180]
        isonet.write(here / "halves" / f"00254_wbp_20Apx_{half}_f16.mrc", part.astype(np.float32), 20.0)
    tilts.mkdir(exist_ok=True)
    shutil.copy(given / "tiltseries" / "00254.xml", tilts)
    outcome = isonet.call("run", "halves", metadata=tilts, **isonet.TINY)
    assert outcome.code == 0, outcome.err
    (row,) = isonet.table(here / "isonet" / "tomograms.star")
    assert row["rlnTiltSplit"] == "tilts"
    assert float(row["rlnDefocus"]) == pytest.approx(19050, abs=1)
    numbers = json.loads((here / "isonet" / "report.json").read_text())
    assert numbers["corrected"] == 1
    assert numbers["tomograms"][0]["tilt_range"] == pytest.approx([-60, 60], abs=0.1)
