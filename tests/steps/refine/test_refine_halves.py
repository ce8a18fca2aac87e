"""Training on halves, and correcting them: noise goes, the wedge is filled where asked."""

import shutil
import signal
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

from isonet.config import RefineConfig
from isonet.core.comparison.metrics import wedge_correlation
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured
from isonet.io import star
from isonet.io.checkpoint import load_model
from isonet.project.table import HALF_COLUMNS, Project
from isonet.running.runs import start
from isonet.steps.refine.setup import LEARNING_RATES, Refinement, begin
from isonet.steps.refine.subvolumes.tomograms import open_training_set
from isonet.train.network.unet import UNet, initialize
from isonet.train.team import ALONE
from isonet.volumes.preview import mean_balance, wedge_balance
from isonet.volumes.source import open_sources

TILTS = (-60.0, 60.0)
NOISE = {"noise_level": 0.2, "noise_start_iter": 1}
NAMES = ("halves/x_half1", "halves/x_half2", "x")
LEARNING = {
    "filter_base": 8,
    "unet_depth": 2,
    "precision": "float32",
    "cube_size": 24,
    "crop_size": 32,
    "iterations": 2,
    "epochs": 1,
    "steps_per_epoch": 40,
    "batch_size": 2,
    "number_subtomos": 8,
    "learning_rate": 6e-3,
    "weight_averaging": 0.9,
}


@pytest.fixture
def halves(here: Path, volume: Any) -> Path:
    """Table of one tomogram of halves with independent noise."""
    random = np.random.default_rng(1)
    noisy = [(volume + 0.5 * random.standard_normal(volume.shape)).astype(np.float32) for _ in range(2)]
    return isonet.table_of_halves(here, *noisy)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a simulated tomogram, its halves and its truth, trained on and corrected by both methods."""
    folder = tmp_path_factory.mktemp("halves")
    small = {"depth": 32, "height": 64, "width": 64, "vesicles": 1, "filaments": 0, "crowding": 0.15, "pixel_size": 20}
    isonet.done("simulate", output_dir=folder / "data", snr=0.5, **small)
    words = ("--even", folder / "data/even.mrc", "--odd", folder / "data/odd.mrc")
    isonet.done("prepare", folder / "data/full.mrc", *words, output=folder / "t.star")
    for method, iterations in (("noise2noise", 2), ("denoise", 1)):  # denoising is learnt sooner
        options = {**LEARNING, "iterations": iterations}
        isonet.done("refine", folder / "t.star", method=method, output_dir=folder / method, **options)
        out = {"output_dir": folder / f"{method}_out", "halves": False, "calibrate": False}
        isonet.done("predict", folder / "t.star", folder / method, **out)
    return folder


def compared(folder: Path, path: Path) -> tuple[float, float, float]:
    """Correlation of a volume with the truth, its FSC with it inside the wedge, and its wedge balance."""
    truth, result = (torch.tensor(isonet.read(one), dtype=torch.float32) for one in (folder / "data/truth.mrc", path))
    inside, _ = wedge_correlation(result, truth, TILTS, guard=1.0)
    return isonet.correlation(result, truth), inside.mean(), mean_balance(wedge_balance(result.numpy(), TILTS))


def test_noise2noise_fills_the_wedge_and_removes_noise(simulated: Path) -> None:
    before = compared(simulated, simulated / "data/full.mrc")
    after = compared(simulated, simulated / "noise2noise_out/full_corrected.mrc")
    assert after[0] > before[0] + 0.05
    assert after[1] > before[1] + 0.1
    assert after[2] > 0.05 > 10 * before[2]


def test_denoise_removes_noise_and_leaves_the_wedge(simulated: Path) -> None:
    before = compared(simulated, simulated / "data/full.mrc")
    after = compared(simulated, simulated / "denoise_out/full_corrected.mrc")
    filled = compared(simulated, simulated / "noise2noise_out/full_corrected.mrc")
    assert after[0] > before[0] + 0.05
    assert after[2] < 0.5 * filled[2]


def test_auto_takes_halves_where_all_tomograms_have_them(halves: Path) -> None:
    tiny = {**isonet.TINY, "iterations": 1}
    for options, method, column in (
        ({}, "noise2noise", "halves"),
        ({"method": "denoise"}, "denoise", "halves"),
        ({"method": "isonet"}, "isonet", "full"),
        ({"input_column": "full"}, "isonet", "full"),
    ):
        folder = Path("_".join(["run", *options, *options.values()]))
        isonet.done("refine", halves, output_dir=folder, **{**tiny, **options})
        about = load_model(folder)[1]
        assert (about["method"], about["input_column"]) == (method, column)
    (row,) = isonet.table(halves)
    shutil.copy(halves.parent / row["rlnTomoName"], halves.parent / "lone.mrc")
    lone = {**row, "rlnIndex": "2", "rlnTomoName": "lone.mrc", **dict.fromkeys(HALF_COLUMNS, "None")}
    isonet.star.write_table(halves, [row, lone])
    isonet.done("refine", halves, output_dir="mixed", **tiny)
    assert load_model(Path("mixed"))[1]["method"] == "isonet"
    isonet.done("refine", halves, output_dir="first", tomo_idx="1", **tiny)
    assert load_model(Path("first"))[1]["method"] == "noise2noise"
    for method in ("noise2noise", "denoise"):
        refused = isonet.call("refine", halves, output_dir="no", method=method, **tiny)
        isonet.assert_refused(refused, "tomogram 2", "even and odd", "prepare")
        refused = isonet.call(
            "refine", halves, output_dir="no", tomo_idx="1", method=method, input_column="full", **tiny
        )
        isonet.assert_refused(refused, "--input-column full", method, "leave it out")


def test_sub_volumes_are_no_halves(halves: Path) -> None:
    isonet.done("extract", halves, number_subtomos=3, cube_size=16, crop_size=24)
    for method in ("noise2noise", "denoise"):
        refused = isonet.call("refine", "subtomo.star", method=method, **isonet.TINY)
        isonet.assert_refused(refused, f"--method {method}", "halves", "subtomo.star")


def from_tilts(halves: Path, *lists: range) -> None:
    """Make the table say that the halves are from these tilts."""
    for number, tilts in enumerate(lists, start=1):
        Path(f"half{number}.tlt").write_text("".join(f"{tilt}\n" for tilt in tilts))
    isonet.edited(
        halves, rlnTiltSplit="tilts", rlnTiltFileHalf1="half1.tlt", rlnTiltFileHalf2="half2.tlt", rlnTiltFile=None
    )


def test_halves_from_tilts_are_trained_on_and_corrected_like_halves_from_frames(halves: Path) -> None:
    """Each has planes of its own, but cubes do not tell them apart: only the ends of the two lists matter."""
    lists = (range(-60, 61, 6), range(-57, 58, 6))
    from_tilts(halves, *lists)
    (tomogram,) = Project.read(halves).tomograms
    (opened,) = open_training_set(
        [tomogram], HALF_COLUMNS, RefineConfig(cube_size=16, crop_size=24), torch.device("cpu")
    )
    for tilts, weight in zip(lists, opened.optics.weights, strict=True):
        assert torch.equal(weight, wedge.weight((24,) * 3, (tilts[0], tilts[-1])))
    isonet.done("refine", halves, **{**isonet.TINY, "iterations": 1})
    results = []
    for name in ("tilts", "frames", "fewer"):
        isonet.done("predict", halves, "results", output_dir=name)
        results.append(isonet.read(Path(name) / "x_corrected.mrc"))
        if name == "tilts":
            isonet.edited(halves, rlnTiltSplit="frames", rlnTiltMin="-60", rlnTiltMax="60")
        else:
            isonet.edited(halves, rlnTiltMin="-30", rlnTiltMax="30")
    assert isonet.correlation(results[0], results[1]) > 0.99
    assert isonet.correlation(results[0], results[2]) < 0.95


def test_halves_from_tilts_may_keep_their_own_masks(halves: Path) -> None:
    lists = (range(-60, 61, 6), range(-57, 58, 6))
    from_tilts(halves, *lists)
    (tomogram,) = Project.read(halves).tomograms
    config = RefineConfig(cube_size=16, crop_size=24, tilt_gap=0)
    (opened,) = open_training_set([tomogram], HALF_COLUMNS, config, torch.device("cpu"))
    for source, tilts, weight in zip(opened.sources, lists, opened.optics.weights, strict=True):
        assert source.measured == Measured.of(tuple(map(float, tilts)))
        assert torch.equal(weight, wedge.weight((24,) * 3, tuple(tilts), gap=0))


def test_predict_writes_both_halves_and_their_mean(halves: Path) -> None:
    isonet.done("refine", halves, **{**isonet.TINY, "iterations": 1})
    isonet.done("predict", halves, "results")
    assert [path.name for path in Path("corrected").glob("*.mrc")] == ["x_corrected.mrc"]
    parts = sorted(Path("corrected/halves").glob("*.mrc"))
    assert [path.name for path in parts] == ["x_half1_corrected.mrc", "x_half2_corrected.mrc"]
    first, second = map(isonet.read, parts)
    assert not np.array_equal(first, second)
    whole = isonet.read(Path("corrected/x_corrected.mrc"))
    assert isonet.correlation(whole, (first + second) / 2) > 0.9
    assert isonet.table(halves)[0]["rlnCorrectedTomoName"] == "corrected/x_corrected.mrc"
    assert isonet.done("predict", halves, "results").err.count("made before, kept") == 3
    isonet.done("predict", halves, "results", float16=True)
    assert isonet.read(Path("corrected/x_corrected.mrc")) == pytest.approx(whole, abs=1e-2)
    isonet.done("predict", halves, "results", output_dir="alone", halves=False)
    assert np.array_equal(isonet.read(Path("alone/x_corrected.mrc")), whole)
    assert not list(Path("alone/halves").glob("*"))
    isonet.assert_refused(isonet.call("predict", halves, "results", input_column="full"), "halves", "full")
    isonet.edited(halves, **{HALF_COLUMNS[1]: "None"})
    isonet.assert_refused(isonet.call("predict", halves, "results"), "tomogram 1", "halves", "give them to prepare")


def test_mean_of_equal_halves_is_corrected_as_they_are(here: Path, volume: Any) -> None:
    """Of unequal ones it has less noise, and lies between them in grey value and scale."""
    star = isonet.table_of_halves(here, volume, 2 * volume + 1)
    isonet.done("refine", star, **{**isonet.TINY, "iterations": 1})
    isonet.done("predict", star, "results", calibrate=False, turns=1, precision="float32")
    first, second, mean = (isonet.read(Path(f"corrected/{name}_corrected.mrc")) for name in NAMES)
    np.testing.assert_allclose(second, 2 * first + 1, atol=2e-3)
    np.testing.assert_allclose(mean, (first + second) / 2, atol=2e-3)


def test_killed_predict_goes_on(halves: Path) -> None:
    isonet.done("refine", halves, **{**isonet.TINY, "iterations": 1})
    isonet.done("predict", halves, "results", output_dir="whole")
    process = isonet.Process(Path("err"), "predict", halves, "results")
    process.wait_for(Path("corrected/halves/x_half1_corrected.mrc").exists)
    process.signal(signal.SIGKILL)
    process.outcome()
    assert not Path("corrected/x_corrected.mrc").exists()
    assert "x_half1_corrected.mrc: made before, kept" in isonet.done("predict", halves, "results").err
    name = "x_corrected.mrc"
    assert np.array_equal(isonet.read(Path("corrected") / name), isonet.read(Path("whole") / name))
    assert not list(Path("corrected").rglob("*.part"))


def test_training_on_halves_follows_sign_scale_and_offset(here: Path, volume: Any) -> None:
    """Both halves scaled alike: what is written has their sign, scale and offset."""
    random = np.random.default_rng(1)
    noisy = [volume + 0.5 * random.standard_normal(volume.shape) for _ in range(2)]
    results, losses = {}, {}
    for name, (factor, offset) in {"v": (1, 0), "n": (-1, 0), "a": (10, 3)}.items():
        folder = here / name
        star = isonet.table_of_halves(folder, *((factor * half + offset).astype(np.float32) for half in noisy))
        isonet.done("refine", star, output_dir=folder / "run", **{**isonet.TINY, "iterations": 1, "steps_per_epoch": 8})
        isonet.done("predict", star, folder / "run", output_dir=folder / "out")
        results[name] = (isonet.read(folder / "out/x_corrected.mrc") - offset) / factor
        losses[name] = isonet.losses(folder / "run")[0][2]
    for name in ("n", "a"):
        assert losses[name] == pytest.approx(losses["v"], rel=1e-3)
        assert isonet.correlation(results[name], results["v"]) > 0.999


def test_contrast_of_halves_is_judged_together_and_they_must_fit(halves: Path, volume: Any) -> None:
    """A half that alone looks light does not get another sign than its partner."""
    isonet.edited(halves, rlnTomoContrast=None)
    isonet.write(Path("data/x_ODD.mrc"), -0.2 * volume)
    (tomogram,) = Project.read(halves).tomograms
    assert [source.normalization.sign for source in open_sources(tomogram, HALF_COLUMNS)] == [-1, -1]
    isonet.edited(halves, rlnTomoContrast="light")
    (tomogram,) = Project.read(halves).tomograms
    assert [source.normalization.sign for source in open_sources(tomogram, HALF_COLUMNS)] == [1, 1]
    isonet.write(Path("data/x_ODD.mrc"), volume[:20])
    refused = isonet.call("refine", halves, **isonet.TINY)
    isonet.assert_refused(refused, "x_ODD.mrc", "(20, 32, 32)", "(24, 32, 32)", "prepare")


def test_defaults_follow_the_method(halves: Path) -> None:
    """Residual network, wedge weight and noise of inputs are those of the method."""
    project = Project.read(halves)
    expected = {"noise2noise": (False, 3.0, 0.0), "denoise": (False, 1.0, 0.0), "isonet": (True, 1.0, 0.18)}
    for method, (residual, weight, noise) in expected.items():
        config = RefineConfig(**{**isonet.TINY, "method": method, "output_dir": method})
        with start(config.output_dir, "refine", config) as run:
            made = begin(project, config, run, torch.device("cpu"), ALONE)
            recipe = made.recipe(11)
            assert (made.shape.residual, recipe.wedge_weight, recipe.noise_level) == (residual, weight, noise)
            assert made.peak_rate == 5e-3


@pytest.mark.parametrize("options", [{}, {"optimizer": "adamw"}, {"from_scratch": True}], ids=str)
def test_a_starter_learns_as_freely_as_a_fresh_network(halves: Path, options: dict[str, Any]) -> None:
    made = begun(halves, pretrained_model="starter", cube_size=16, crop_size=24, **options)
    assert made.peak_rate == LEARNING_RATES[made.config.optimizer]
    assert bottom_lengths(made) == pytest.approx(he_lengths(made), rel=0.05)


def test_a_model_that_has_seen_tomograms_learns_gently(halves: Path) -> None:
    isonet.done("refine", halves, output_dir="first", **{**isonet.TINY, "iterations": 1})
    tiny = {name: value for name, value in isonet.TINY.items() if name not in (*isonet.NETWORK, "learning_rate")}
    made = begun(halves, pretrained_model="first", output_dir="second", **tiny)
    assert made.peak_rate == pytest.approx(5e-4)
    kept = isonet.weights(Path("first"))
    assert all(torch.equal(value, kept[name]) for name, value in made.trainer.network.state_dict().items())
    assert begun(halves, pretrained_model="first", output_dir="third", learning_rate=2e-3, **tiny).peak_rate == 2e-3


def begun(table: Path, **options: Any) -> Refinement:
    config = RefineConfig(**options)
    with start(config.output_dir, "refine", config) as run:
        return begin(Project.read(table), config, run, torch.device("cpu"), ALONE)


def bottom_lengths(refinement: Refinement) -> list[float]:
    kernels = [one for one in refinement.trainer.network.bottom.parameters() if one.ndim == 5]
    return [float(one.detach().norm()) for one in kernels]


def he_lengths(refinement: Refinement) -> list[float]:
    fresh = UNet(refinement.shape)
    initialize(fresh, "he")
    return [float(one.detach().norm()) for one in fresh.bottom.parameters() if one.ndim == 5]


def test_errors_of_halves_count_by_the_strength_of_signal(halves: Path) -> None:
    """What is strong, at low frequencies, counts for less."""
    found = []
    for name in ("signal", "none"):
        isonet.done("refine", halves, output_dir=name, loss_weighting=name, **{**isonet.TINY, "iterations": 1})
        found.append(isonet.losses(Path(name))[0][-1])
    assert found[0] < 0.8 * found[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "noise2noise", **NOISE}, "--noise-level=0.2: does nothing with --method noise2noise; leave it out"),
        ({"method": "denoise", "random_rotations": 0.3}, "--random-rotations=0.3: does nothing with --method denoise"),
        ({"method": "isonet", **NOISE}, None),
        ({"method": "noise2noise"}, None),
    ],
)
def test_an_option_that_does_nothing_with_the_method_is_said(
    halves: Path, options: dict[str, Any], said: str | None
) -> None:
    text = isonet.done("refine", halves, **isonet.TINY, **options).err
    assert ("does nothing" not in text) if said is None else (said in text)


def test_options_of_tomograms_do_nothing_with_sub_volumes(here: Path, prepared: Path) -> None:
    isonet.done("extract", prepared, cube_size=16, crop_size=24, number_subtomos=3)
    text = isonet.done("refine", "subtomo.star", **{**isonet.TINY, "held_out": 0.2}).err
    assert "--held-out=0.2: does nothing with a table of sub-volumes" in text


def test_what_is_corrected_hangs_on_the_chosen_tomograms_alone(halves: Path) -> None:
    """Another one of the table that has no halves changes nothing."""
    (row,) = isonet.table(halves)
    star.write_table(
        halves, [row, {**row, "rlnIndex": "2", "rlnTomoName": "w.mrc", **dict.fromkeys(HALF_COLUMNS, "None")}]
    )
    shutil.copy(row["rlnTomoName"], "w.mrc")
    isonet.done("predict", halves, "starter", tomo_idx=1, turns=1, calibrate=False)
    assert len(list(Path("corrected/halves").glob("*.mrc"))) == 2
