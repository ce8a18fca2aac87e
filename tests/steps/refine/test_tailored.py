"""A network tailored to tomograms: trained on imagined samples that are shown as they were, from the starter."""

import json
import shutil
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

from isonet.config import RefineConfig
from isonet.core import fourier
from isonet.core.simulation.recording import Recording
from isonet.core.simulation.spectra import SHELLS, band
from isonet.core.tilts.measured import Measured
from isonet.io import mrc
from isonet.io.checkpoint import STARTER, load_model
from isonet.io.formats import open_volume
from isonet.project.table import Project
from isonet.steps.refine.likeness import spectra_of
from isonet.steps.refine.method import settled, without_usual
from isonet.train import simulated as imagining
from isonet.train.simulated import TailoredPairs
from isonet.validation.command import validate_words

ONE = {"method": "tailored", "iterations": 1, "steps_per_epoch": 1, "batch_size": 1, "cube_size": 16}
ONCE = {"halves": False, "calibrate": False}
DATA = {"cube_size": 16, "iterations": 1, "epochs": 1, "steps_per_epoch": 1, "batch_size": 1}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "data"
    isonet.done("simulate", output_dir=folder, depth=32, height=48, width=48, tilt_step=6, snr=2, crowding=0.2)
    return folder


@pytest.fixture
def sample(here: Path, simulated: Path) -> Path:
    """Table of a simulated tomogram with halves."""
    shutil.copytree(simulated, "data")
    names = {"even": "data/even.mrc", "odd": "data/odd.mrc"}
    isonet.done("prepare", "data/full.mrc", **names, tilt_file="data/tilts.tlt", output="t.star", contrast="dark")
    return Path("t.star")


def test_a_model_is_tailored_to_tomograms_and_goes_on_alike(sample: Path) -> None:
    """It begins with the starter, whose network it has, and says what tilts and voxels it is for."""
    options = {**ONE, "iterations": 2, "steps_per_epoch": 2, "precision": "float32"}
    outcome = isonet.done("refine", sample, output_dir="whole", **options)
    assert outcome.err.count("of the power is signal") == 1
    isonet.call("refine", sample, output_dir="parts", max_time="0.01s", **options)
    isonet.done("refine", continue_from="parts")
    whole, parts = isonet.weights(Path("whole")), isonet.weights(Path("parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    about = load_model(Path("whole"))[1]
    assert about["method"] == "starter"
    assert about["started_from"]["steps"] == load_model(STARTER)[1]["steps"]
    assert about["pixel_sizes"] == [10.0]
    assert (min(about["tilts"][0]), max(about["tilts"][0])) == (-60, 60)
    assert (about["seen"], about["input_column"], about["undoes_contrast_transfer"]) == ([], "halves", False)
    outcome = isonet.done("predict", sample, "whole", output_dir="c", **ONCE)
    assert outcome.err.count("warning:") == 1  # made from prior knowledge


def test_a_tailored_model_undoes_the_contrast_transfer_once(sample: Path) -> None:
    """Its result says so, so that nobody does it again, and data are not put in place of it."""
    isonet.done("prepare", "data/full.mrc", tilt_file="data/tilts.tlt", output="d.star", contrast="dark", defocus=40000)
    isonet.done("refine", "d.star", output_dir="m", **ONE)
    assert load_model(Path("m"))[1]["undoes_contrast_transfer"] is True
    for flag in ("keep_measured", "deconvolve"):
        outcome = isonet.call("predict", "d.star", "m", **{flag: "true"})
        isonet.assert_refused(outcome, f"--{flag.replace('_', '-')}", "undoes the contrast transfer")
    assert "contrast transfer by" not in isonet.done("predict", "d.star", "m", output_dir="c").err
    outcome = isonet.call("deconv", "d.star", input_column="rlnCorrectedTomoName")
    isonet.assert_refused(outcome, "no corrected tomogram can be deconvolved")
    isonet.assert_refused(
        isonet.call("refine", "d.star", pretrained_model="m", method="isonet", **DATA), "undoes the contrast"
    )
    for defocus, said in (("140000", "a defocus of 140000 A"), ("0", "no contrast transfer")):
        Path("o.star").write_text(Path("d.star").read_text().replace("40000", defocus))
        outcome = isonet.done("predict", "o.star", "m", output_dir=f"c{defocus}")
        assert f"{said} by o.star, m was made for a defocus of 40000 A" in outcome.err


def test_units_of_a_defocus_are_told_before_it_is_believed(sample: Path) -> None:
    isonet.done("prepare", "data/full.mrc", tilt_file="data/tilts.tlt", output="d.star", contrast="dark", defocus=40000)
    Path("d.star").write_text(Path("d.star").read_text().replace("40000", "4"))
    outcome = isonet.call("refine", "d.star", output_dir="m", **ONE)
    isonet.assert_refused(outcome, "d.star", "defocus of 4 A")
    Path("d.star").write_text(Path("d.star").read_text().replace("\t4\t", "\t4000\t"))
    outcome = isonet.done("refine", "d.star", output_dir="m", **ONE)
    assert "if it is in nanometres" in outcome.err


def test_tomograms_without_a_defocus_are_counted(sample: Path) -> None:
    """One of two: its contrast transfer is taken for none, which the user has to know."""
    table = sample.read_text().rstrip()
    row = table.splitlines()[-1].split("\t")
    defocus = [line.split()[0] for line in table.splitlines() if line.startswith("_")].index("_rlnDefocus")
    for name in ("full", "even", "odd"):
        shutil.copy(f"data/{name}.mrc", f"data/other_{name}.mrc")
    others = [one.replace("data/", "data/other_") if one.endswith(".mrc") else one for one in row]
    second = ["2", *others[1:defocus], "40000", *others[defocus + 1 :]]
    sample.write_text("\n".join([table, "\t".join(second), ""]))
    outcome = isonet.done("refine", sample, output_dir="m", **ONE)
    assert "no defocus is known of 1 of 2 tomograms, such as full" in outcome.err


def test_nothing_is_imagined_at_voxels_of_unknown_size(sample: Path) -> None:
    sample.write_text(sample.read_text().replace("\t10\t", "\t1\t"))
    outcome = isonet.call("refine", sample, output_dir="m", **ONE)
    isonet.assert_refused(outcome, "1 A/voxel", "rlnPixelSize")


def test_a_tailored_model_warns_of_other_tomograms(sample: Path) -> None:
    isonet.done("refine", sample, output_dir="m", **ONE)
    narrow = Path("narrow.star")
    names = {"even": "data/even.mrc", "odd": "data/odd.mrc"}
    isonet.done("prepare", "data/full.mrc", **names, tilt_min=-40, tilt_max=40, output=narrow, contrast="dark")
    outcome = isonet.done("predict", narrow, "m", output_dir="c", **ONCE)
    assert "was trained at -60 to 60" in outcome.err


def test_nothing_is_tailored_to_noise(sample: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("full", "even", "odd"):
        given = open_volume(Path(f"data/{name}.mrc"))
        mrc.write(Path(f"data/{name}.mrc"), random.standard_normal(given.shape).astype(np.float32), given.header)
    outcome = isonet.call("refine", sample, output_dir="m", **ONE)
    isonet.assert_refused(outcome, "even.mrc", "no signal")


def test_tailored_pairs_are_a_function_of_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagining, "_SAMPLES", 6)
    monkeypatch.setattr(imagining, "_SCENE_EDGE", 96)
    told = [
        Recording(Measured.of((-60.0, 60.0)), size, torch.ones(SHELLS + 1), torch.ones(SHELLS + 1))
        for size in (10.0, 15.0)
    ]
    pairs = TailoredPairs((), 32, 2, 1.0, 5, told)
    for step, batch in enumerate(pairs.batches(3, 5, workers=2, device=torch.device("cpu")), start=3):
        again = TailoredPairs((), 32, 2, 1.0, 5, told).batch(step)
        for name in ("inputs", "targets", "error_filter"):
            assert torch.equal(getattr(batch, name), getattr(again, name))
    weighted = torch.cat([fourier.apply(one.targets, one.error_filter) for one in map(pairs.batch, range(12))])
    assert 0.3 < float(weighted.square().mean()) < 3  # 1 on the average of whole samples


@pytest.fixture
def one_map(sample: Path) -> Path:
    """Table of the same tomogram without its halves."""
    isonet.done("prepare", "data/full.mrc", tilt_file="data/tilts.tlt", output="one.star", contrast="dark")
    return Path("one.star")


def method_of(folder: str = "results") -> tuple[str, str]:
    """Method in the options of a training, and as its model says."""
    options = Path(folder, "config.yaml").read_text()
    return options.split("\nmethod: ")[1].split("\n")[0], str(load_model(Path(folder))[1]["method"])


def test_one_map_is_tailored_to_unless_it_cannot_be(one_map: Path) -> None:
    """Cubes of 48 and steps of two of them: the usual ones of such a training, not those of one on data."""
    isonet.done("refine", one_map, steps_per_epoch=1, iterations=1)
    assert method_of() == ("tailored", "starter")
    options = Path("results/config.yaml").read_text().splitlines()
    assert {"cube_size: 48", "batch_size: 2", "pretrained_model: starter"} <= set(options)
    isonet.done("refine", continue_from="results", iterations=2)
    assert load_model(Path("results"))[1]["iteration"] == 2


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"method": "isonet"}, ""),
        ({"noise_level": (0.1,), "noise_start_iter": (1,)}, "--noise-level"),
        ({"filter_base": 4, "unet_depth": 1}, "--unet-depth"),
        ({"from_scratch": True}, "--from-scratch"),
        ({"preset": "plastic"}, "--preset=plastic"),
    ],
)
def test_options_for_learning_from_data_are_obeyed(
    one_map: Path, options: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="isonet"):
        found = settled(Project.read(one_map), RefineConfig(**options))
    assert found.method == "isonet"
    assert reason in caplog.text


def test_one_map_in_which_nothing_tells_signal_from_noise_is_learnt_from(one_map: Path) -> None:
    """A smooth one, as denoised: its high frequencies hold no noise."""
    given = open_volume(Path("data/full.mrc"))
    voxels = torch.from_numpy(given.read())
    low = fourier.apply(voxels, (fourier.radial_frequency(given.shape) < 0.1).float())
    mrc.write(Path("data/full.mrc"), low.numpy(), given.header)
    outcome = isonet.done("refine", one_map, **DATA)
    assert "not tailored: full.mrc" in outcome.err
    assert method_of() == ("isonet", "isonet")


def test_a_deconvolved_map_is_learnt_from(one_map: Path) -> None:
    isonet.done("prepare", "data/full.mrc", tilt_file="data/tilts.tlt", output="d.star", contrast="dark", defocus=40000)
    isonet.done("deconv", "d.star")
    outcome = isonet.done("refine", "d.star", **DATA)
    assert "not tailored: the tomograms are deconvolved" in outcome.err
    assert load_model(Path("results"))[1]["input_column"] == "rlnDeconvTomoName"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"noise_level": "0.1", "noise_start_iter": "1"}, "--noise-level"),
        ({"held_out": 0.2}, "--held-out"),
        ({"arch": "medium"}, "--arch"),
        ({"input_column": "rlnDeconvTomoName"}, "--input-column"),
        ({"from_scratch": True}, "--from-scratch"),
    ],
)
def test_options_without_effect_are_refused(sample: Path, options: dict[str, Any], said: str) -> None:
    isonet.assert_refused(isonet.call("refine", sample, **{**ONE, **options}), said, "--method tailored")


def test_it_begins_with_no_model_that_was_trained_on_tomograms(sample: Path) -> None:
    isonet.done("refine", sample, output_dir="m", filter_base=4, unet_depth=1, **DATA)
    outcome = isonet.call("refine", sample, pretrained_model="m", **ONE)
    isonet.assert_refused(outcome, "--pretrained-model=m", "tailored")


def test_phases_that_were_flipped_are_asked_about_by_it_alone(sample: Path) -> None:
    outcome = isonet.call("refine", sample, phase_flipped=True, **DATA)
    isonet.assert_refused(outcome, "--phase-flipped", "tailored")


def test_a_given_time_is_filled(sample: Path) -> None:
    options = {name: value for name, value in ONE.items() if name not in ("iterations", "steps_per_epoch")}
    isonet.done("refine", sample, time_budget="8s", iterations=2, **options)
    assert load_model(Path("results"))[1]["iteration"] == 2


def test_what_is_withheld_is_not_needed_by_it(one_map: Path) -> None:
    """Validate tailors to what is left, and scores what comes out in what is withheld."""
    isonet.done("validate", one_map, withhold=25, steps_per_epoch=1, iterations=1)
    assert method_of("validation/withheld/results") == ("tailored", "starter")
    assert Path("validation/validation.json").exists()


def test_run_tailors_to_one_map_with_a_defocus_and_deconvolves_nothing(here: Path) -> None:
    """It undoes the contrast transfer itself."""
    isonet.done("simulate", output_dir="data", depth=48, height=64, width=64, tilt_step=6, snr=2, defocus=40000)
    given = {"tilt_file": "data/tilts.tlt", "contrast": "dark", "defocus": 40000}
    isonet.done("run", "data/full.mrc", **given, mask="off", steps_per_epoch=1, iterations=1, output_dir="r")
    assert method_of("r/results") == ("tailored", "starter")
    assert not Path("r/deconv").exists()
    assert not Path("r/corrected/deconvolved").exists()
    assert (Path("r") / "report.html").exists()


def test_processes_are_counted_by_its_own_batch(one_map: Path) -> None:
    """Two cubes a step, which three processes cannot share."""
    isonet.assert_refused(isonet.call("refine", one_map, devices=3), "--batch-size 2", "3 processes")


@pytest.mark.parametrize("preset", ["paper", "plastic", "phase-plate"])
def test_presets_of_other_samples_are_refused(sample: Path, preset: str) -> None:
    outcome = isonet.call("refine", sample, preset=preset, **ONE)
    isonet.assert_refused(outcome, f"--preset={preset}", "tailored")


def test_halves_are_not_asked_of_a_table_without_them(one_map: Path) -> None:
    isonet.assert_refused(isonet.call("refine", one_map, input_column="halves", **ONE), "one.star", "no halves")


def test_a_file_that_lists_all_options_asks_for_nothing_unusual(one_map: Path) -> None:
    """As `config.yaml` of a training with other data: its defaults are no wish for 60,000 steps."""
    listed = {**RefineConfig().model_dump(), "iterations": 3}
    found = settled(Project.read(one_map), RefineConfig(**listed))
    assert (found.method, found.cube_size, found.batch_size) == ("tailored", 48, 2)
    assert (found.iterations, found.epochs, found.steps_per_epoch) == (3, 1, 50)
    assert without_usual(listed).keys() >= {"iterations", "seed"}
    assert not without_usual(listed).keys() & {"method", "cube_size", "epochs", "pretrained_model"}


def test_its_result_takes_the_place_of_a_former_one_and_is_validated_as_it_is(one_map: Path, draws: None) -> None:
    isonet.done("refine", one_map, method="isonet", output_dir="former", filter_base=4, unet_depth=1, **DATA)
    isonet.done("predict", one_map, "former")
    isonet.done("refine", one_map, **ONE)
    isonet.done("predict", one_map, "results")
    isonet.done("validate", one_map, model="results", withhold=25)
    isonet.done("report", one_map, output="report.html")
    warnings = [one["what"] for one in json.loads(Path("report.json").read_text())["warnings"]]
    assert not [one for one in warnings if "other options" in one]
    assert any("simulations alone" in one for one in warnings)
    imagined = json.loads(Path("report.json").read_text())["training"]["imagined"]
    assert imagined == [f"results/previews/imagined{kind}.png" for kind in ("", "_spectra")]
    assert Path("report.html").read_text().count("image/jpeg;base64") >= 2 + 6


def test_what_is_imagined_has_signal_and_noise_of_the_tomogram() -> None:
    """As measured like halves: noise at each frequency, signal in all of the band."""
    frequency = torch.arange(SHELLS + 1) / (2 * SHELLS)
    recording = Recording(Measured.of(range(-60, 61, 3)), 10.0, torch.exp(-30 * frequency), 0.5 + frequency)
    shown, again, truth = TailoredPairs((), 48, 1, 1.0, 3, [recording]).example()
    found = spectra_of(shown, again, recording)
    count = torch.arange(SHELLS + 1).square() * band()  # coefficients of a shell
    for name in ("signal", "noise"):
        measured, asked = (float((getattr(one, name) * count).sum()) for one in (found, recording))
        assert measured == pytest.approx(asked, rel=0.2)
    assert float((truth - truth.mean()).square().mean()) > 0


def test_a_validation_of_what_was_begun_from_nothing_begins_from_nothing() -> None:
    """Versions that did not begin with the starter by themselves wrote no `phase_flipped`."""
    older = RefineConfig().model_dump(mode="json", exclude={"phase_flipped"})
    assert "--from-scratch" in validate_words(Path("t.star"), older)
    now = RefineConfig(method="noise2noise", pretrained_model="starter").model_dump(mode="json")
    words = validate_words(Path("t.star"), now)
    assert "--from-scratch" not in words
    assert {"--method=noise2noise", "--pretrained-model=starter"} <= set(words)


@pytest.mark.parametrize(("depth", "split", "begins_with"), [(80, "tilts", "starter"), (160, "tilts", "None")])
def test_halves_are_learnt_from_the_starter_on_unless_they_share_little(
    here: Path, depth: int, split: str, begins_with: str
) -> None:
    """Of a thick sample halves from every other tilt have measured the same only near the tilt axis."""
    random = np.random.default_rng(3)
    noisy = [random.standard_normal((depth, 48, 48)).astype(np.float32) for _ in range(2)]
    star = isonet.table_of_halves(here, *noisy)
    tilts = [f"{tilt}\n" for tilt in range(-60, 61, 3)]
    lists = {"rlnTiltFile": tilts, "rlnTiltFileHalf1": tilts[::2], "rlnTiltFileHalf2": tilts[1::2]}
    for name, listed in lists.items():
        Path(f"{name}.tlt").write_text("".join(listed))
    table = Project.read(isonet.edited(star, rlnTiltSplit=split, **{name: f"{name}.tlt" for name in lists}))
    found = settled(table, RefineConfig(method="noise2noise"))
    assert str(found.pretrained_model) == begins_with


@pytest.mark.parametrize(
    ("options", "begins_with"),
    [
        ({}, "starter"),
        ({"arch": "small"}, "starter"),
        ({"from_scratch": True}, "None"),
        ({"preset": "phase-plate"}, "None"),
        ({"arch": "medium"}, "starter"),
        ({"filter_base": 32}, "starter"),
        ({"filter_base": 8}, "None"),
        ({"arch": "medium", "kernel": 5}, "None"),
        ({"arch": "paper"}, "None"),
        ({"method": "denoise"}, "None"),
        ({"method": "isonet"}, "None"),
    ],
)
def test_halves_from_frames_are_learnt_from_the_starter_on_unless_options_say_otherwise(
    sample: Path, options: dict[str, Any], begins_with: str
) -> None:
    assert str(settled(Project.read(sample), RefineConfig(**options)).pretrained_model) == begins_with
