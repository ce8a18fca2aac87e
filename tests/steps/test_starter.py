"""The starter model: trained on imagined samples, resumed exactly, started from, and honest about what it is."""

import json
import shutil
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

from isonet.core import fourier
from isonet.core.tilts import wedge
from isonet.io import mrc
from isonet.io.checkpoint import STARTER, load_model, load_state, save_state
from isonet.io.formats import open_volume
from isonet.io.mrc_bytes.header import Header
from isonet.models.trained import read_model
from isonet.project.table import HALF_COLUMNS, Project
from isonet.train.fit import Trainer
from isonet.train.simulated import SimulatedPairs
from isonet.volumes.source import mean_source, open_sources, standardised
from judging.metrics import inventions

TINY = {"filter_base": 4, "unet_depth": 1, "cube_size": 16, "batch_size": 1, "steps": 4, "precision": "float32"}
REFINE = {
    "cube_size": 16,
    "crop_size": 24,
    "iterations": 1,
    "epochs": 1,
    "steps_per_epoch": 1,
    "batch_size": 1,
    "number_subtomos": 2,
    "precision": "float32",
}


@pytest.fixture
def halves(here: Path, volume: Any) -> Path:
    random = np.random.default_rng(1)
    return isonet.table_of_halves(
        here, *((volume + random.standard_normal(volume.shape)).astype(np.float32) for _ in range(2))
    )


def test_the_mean_of_halves_is_given_to_a_starter_as_a_tomogram_is(halves: Path) -> None:
    tomogram = Project.read(halves).tomograms[0]
    mean = mean_source(*open_sources(tomogram, HALF_COLUMNS))
    own = standardised(mean)
    shape = mean.shape
    block, voxels = own.cut((0, 0, 0), shape), mean.cut((0, 0, 0), shape)
    assert float(voxels.std()) < 0.95
    assert float(block.std()) == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(own.read_rows(slice(0, shape[0]), slice(None)), block, atol=1e-5)
    np.testing.assert_allclose(own.normalization.inverse(block), mean.normalization.inverse(voxels), atol=1e-4)


def test_pairs_are_a_function_of_the_step(here: Path) -> None:
    pairs = SimulatedPairs((), 16, 2, 2.0, seed=5)
    batches = list(pairs.batches(3, 6, workers=2, device=torch.device("cpu")))
    assert len(batches) == 3
    for step, batch in zip(range(3, 6), batches, strict=True):
        again = SimulatedPairs((), 16, 2, 2.0, seed=5).batch(step)
        for name in ("inputs", "targets", "error_filter"):
            assert torch.equal(getattr(batch, name), getattr(again, name))
    assert not torch.equal(batches[0].inputs, batches[1].inputs)
    assert not torch.equal(batches[0].inputs, SimulatedPairs((), 16, 2, 2.0, seed=6).batch(3).inputs)


def test_pairs_come_at_several_deviations_and_their_errors_count_as_much() -> None:
    """So that half of a contrast gives half of a result."""
    pairs = SimulatedPairs((), 16, 32, 1.0, seed=5, snr=(0.01, 0.01))
    batch = pairs.batch(0)
    deviations = batch.inputs.std(dim=(1, 2, 3, 4))
    assert float(deviations.max()) > 1.5 * float(deviations.min())
    scales = (batch.error_filter.amax(dim=(1, 2, 3, 4)) * deviations).log()
    assert float(scales.std()) < 0.5 * float(deviations.log().std())


def test_errors_in_the_wedge_weigh_as_asked() -> None:
    one, four = (SimulatedPairs((), 16, 1, weight, seed=5).batch(0).error_filter for weight in (1.0, 4.0))
    ratio = four / one
    assert float(ratio.min()) == pytest.approx(1, abs=1e-5)
    assert float(ratio.max()) == pytest.approx(2, abs=1e-3)  # of amplitudes


def test_a_stopped_training_goes_on_as_if_it_had_not_been(here: Path) -> None:
    isonet.done("train-starter", output_dir="whole", **TINY)
    outcome = isonet.call("train-starter", output_dir="parts", max_time="0.01s", **TINY)
    assert outcome.code == 0
    assert "train-starter --continue-from parts" in outcome.err
    assert load_model(Path("parts"))[1]["steps"] < 4
    Path("parts/model.safetensors").unlink()  # killed between state and model
    isonet.done("train-starter", continue_from="parts")
    whole, parts = isonet.weights(Path("whole")), isonet.weights(Path("parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    about = load_model(Path("parts"))[1]
    assert about["method"] == "starter"
    assert about["steps"] == 4
    assert about["seen"] == []


def losses(folder: str) -> dict[int, float]:
    lines = [json.loads(line) for line in (Path(folder) / "metrics.jsonl").read_text().splitlines()]
    return {line["step"]: line["loss"] for line in lines}


def test_a_line_of_metrics_is_the_mean_of_the_steps_since_the_one_before(here: Path) -> None:
    """Also after a stop in between: three lines of which each step counts in one."""
    isonet.call("train-starter", output_dir="s", max_time="0.01s", **{**TINY, "steps": 12})
    first = losses("s")
    (stopped,) = first
    assert stopped < 12
    isonet.done("train-starter", continue_from="s")
    isonet.done("train-starter", output_dir="whole", **{**TINY, "steps": 12})
    mean = (first[stopped] * stopped + losses("s")[12] * (12 - stopped)) / 12
    assert losses("whole")[12] == pytest.approx(mean, rel=1e-5)


def test_a_model_to_start_from_is_a_starter_and_gives_the_network(here: Path, model: Path) -> None:
    isonet.assert_refused(
        isonet.call("train-starter", output_dir="s", pretrained_model=model, steps=1),
        str(model),
        "trained on tomograms",
    )
    outcome = isonet.call("train-starter", output_dir="s", pretrained_model="starter", filter_base=4, steps=1)
    isonet.assert_refused(outcome, "--filter-base 4", "starter")
    isonet.done("train-starter", output_dir="first", **TINY)
    options = {"cube_size": 16, "batch_size": 1, "steps": 2, "precision": "float32"}
    outcome = isonet.call("train-starter", output_dir="more", pretrained_model="first", max_time="0.01s", **options)
    assert outcome.code == 0, outcome.err
    shutil.rmtree("first")  # what is continued has all it needs
    isonet.done("train-starter", continue_from="more")
    about = load_model(Path("more"))[1]
    assert about["started_from"]["steps"] == 4
    assert about["network"]["filter_base"] == 4


def test_large_cubes_get_scenes_that_hold_them(here: Path) -> None:
    batch = SimulatedPairs((), 80, 1, 1.0, seed=0).batch(0)
    assert batch.inputs.shape == (1, 1, 80, 80, 80)


def test_templates_are_recorded_and_change_the_training(here: Path) -> None:
    block = np.zeros((12, 12, 12), np.float32)
    block[3:9, 3:9, 3:9] = 1
    mrc.write(here / "box.mrc", block, Header((10.0, 10.0, 10.0)))
    isonet.done("train-starter", output_dir="with", templates="box.mrc", **TINY)
    assert load_model(Path("with"))[1]["templates"] == ["box.mrc"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"templates": "none.mrc"}, "none.mrc"),
        ({"cube_size": 17}, "--cube-size 17"),
        ({"continue_from": "nowhere"}, "nowhere"),
        ({"steps": 0}, "--steps 0"),
        ({"cube_size": 512}, "--cube-size 512"),
        ({"snr": "0.3,0.01"}, "snr needs two numbers"),
    ],
)
def test_bad_options_are_told_in_one_line(here: Path, options: dict[str, Any], said: str) -> None:
    isonet.assert_refused(isonet.call("train-starter", output_dir="s", **{**TINY, **options}), said)


def test_a_finished_training_is_not_overwritten_nor_changed(here: Path) -> None:
    isonet.done("train-starter", output_dir="s", **TINY)
    isonet.assert_refused(isonet.call("train-starter", output_dir="s", **TINY), "holds a run already")
    isonet.assert_refused(isonet.call("train-starter", continue_from="s", seed=3), "--seed 3", "was begun with 0")


def test_a_training_of_an_older_version_goes_on(here: Path) -> None:
    """Its options name those that are gone, and none where defaults were meant."""
    isonet.done("train-starter", output_dir="s", max_time="0.01s", **TINY)
    config = Path("s/config.yaml")
    older = config.read_text().replace("wedge_weight: 2.0", "wedge_weight: null")
    config.write_text(f"{older}like: null\nphase_flipped: false\n")
    isonet.done("train-starter", continue_from="s")


def test_refine_starts_from_it_and_says_so(halves: Path) -> None:
    outcome = isonet.done("refine", halves, pretrained_model="starter", **REFINE)
    assert "network of the starter model" in outcome.err
    about = load_model(Path("results"))[1]
    assert about["started_from"]["method"] == "starter"
    assert about["network"] == load_model(STARTER)[1]["network"]
    assert len(about["seen"]) == 2  # the halves, and nothing before
    first, shipped = (isonet.answer(path) for path in (Path("results/model_iter00.safetensors"), STARTER))
    assert isonet.relative_difference(first, shipped) < 1e-4
    isonet.done("refine", "--continue-from", "results", iterations=2)
    again = load_model(Path("results"))[1]
    assert (again["iteration"], again["started_from"], again["seen"]) == (2, about["started_from"], about["seen"])


@pytest.mark.parametrize(("kept", "rate"), [(True, 5e-3), (False, 5e-4)])
def test_a_run_goes_on_with_the_learning_rate_it_began_with(
    halves: Path, kept: bool, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that do not say began before starters were told from other models: with a tenth."""
    options = {**REFINE, "schedule": "constant", "warmup_steps": 0}
    isonet.done("refine", halves, pretrained_model="starter", **options)
    path = Path("results/trainer.pt")
    if not kept:
        state = load_state(path)
        del state["position"]["usual_rate"]
        save_state(path, state)
    Path("results/model_iter00.safetensors").unlink()
    rates, step = [], Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda *given: rates.append(given[-1]) or step(*given))
    isonet.done("refine", "--continue-from", "results", iterations=2)
    assert rates == [pytest.approx(rate)]


@pytest.mark.parametrize("flag", [{}, {"from_scratch": "true"}])
def test_from_scratch_does_without_the_model_of_a_configuration_file(halves: Path, flag: dict[str, Any]) -> None:
    Path("lab.yaml").write_text("pretrained_model: starter\n")
    isonet.done("refine", halves, config="lab.yaml", **REFINE, **flag)
    begun = load_model(Path("results"))[1]["started_from"]
    assert (begun is None) == bool(flag)
    assert Path("results/model_iter00.safetensors").exists() != bool(flag)


def test_options_that_contradict_its_network_are_refused(halves: Path) -> None:
    outcome = isonet.call("refine", halves, pretrained_model="starter", filter_base=4, **REFINE)
    isonet.assert_refused(outcome, "--filter-base 4", "starter")


def test_a_preview_needs_no_training_and_says_what_it_is(halves: Path) -> None:
    outcome = isonet.done("predict", halves, "starter", crop_size=32, cube_size=24, halves=False, calibrate=False)
    assert "trained on simulations alone" in outcome.err
    result = open_volume(Path("corrected/x_corrected.mrc"))
    assert any("preview" in label for label in result.header.labels)
    missing, _ = wedge.regions(result.shape, (-60, 60))
    given = open_volume(Path("average/x.mrc"))
    power = [
        float(fourier.transform(torch.from_numpy(one.read())).abs().square()[missing].mean()) for one in (given, result)
    ]
    assert power[1] != pytest.approx(power[0], rel=0.1)


def test_a_preview_of_one_map(prepared: Path) -> None:
    isonet.done("predict", prepared, "starter", crop_size=32, cube_size=24)
    assert Path("corrected/v_corrected.mrc").is_file()
    isonet.done("report", prepared, output="report.html")
    warnings = [one["what"] for one in json.loads(Path("report.json").read_text())["warnings"]]
    assert any("a preview by the starter model" in one for one in warnings)


def test_a_preview_takes_no_trained_result_away(prepared: Path, model: Path) -> None:
    small = {"crop_size": 32, "cube_size": 24}
    isonet.done("predict", prepared, model)
    trained = Path("corrected/v_corrected.mrc").read_bytes()
    outcome = isonet.call("predict", prepared, "starter", **small)
    isonet.assert_refused(outcome, "corrected/v_corrected.mrc: made by a trained network", "--output-dir preview")
    assert Path("corrected/v_corrected.mrc").read_bytes() == trained
    isonet.done("predict", prepared, "starter", output_dir="preview", **small)
    isonet.done("predict", prepared, model, output_dir="preview")
    isonet.done("predict", prepared, "starter", output_dir="preview", overwrite=True, **small)


def test_from_noise_comes_nothing(here: Path) -> None:
    """Noise through the wedge in: what comes out has a small part of its power, in the wedge and outside."""
    random = np.random.default_rng(2)
    edges = (48, 64, 64)
    noise = [
        wedge.apply(torch.from_numpy(random.standard_normal(edges).astype(np.float32)), (-60, 60)).numpy()
        for _ in range(2)
    ]
    star = isonet.table_of_halves(here, *noise)
    isonet.done("predict", star, "starter", calibrate="false")
    made = torch.from_numpy(open_volume(here / "corrected/x_corrected.mrc").read())
    missing, measured = wedge.regions(edges, (-60, 60))
    power = fourier.transform(made - made.mean()).abs().square()
    given = fourier.transform(torch.from_numpy((noise[0] + noise[1]) / 2)).abs().square()[measured].mean()
    assert float(power[missing].mean()) < 0.05 * float(given)
    assert float(power[measured].mean()) < 0.3 * float(given)


@pytest.mark.parametrize(("snr", "most"), [(0.6, 0.01), (0.15, 0.05)])
def test_most_of_what_it_shows_is_there(here: Path, snr: float, most: float) -> None:
    """Particles it has not seen, no membranes: what it shows where nothing is, and that it shows no membrane."""
    sample = {"depth": 48, "snr": snr, "vesicles": 0, "filaments": 0, "crowding": 0.03, "seed": 4}
    isonet.done("simulate", output_dir="data", **sample)
    halves = {"even": "data/even.mrc", "odd": "data/odd.mrc", "split": "frames", "contrast": "dark"}
    isonet.done("prepare", "data/full.mrc", **halves)
    isonet.done("predict", "tomograms.star", "starter", halves=False)
    shown, truth = (-open_volume(Path(one)).read() for one in ("corrected/full_corrected.mrc", "data/truth.mrc"))
    share, _, sheets = inventions(shown, truth, 0.3)
    assert share <= most
    assert sheets == 0


@pytest.mark.parametrize("scale", [0.5, 0.7, 1.4])
def test_a_part_of_the_contrast_gives_that_part_of_a_result(here: Path, scale: float) -> None:
    isonet.done("simulate", output_dir="data", depth=48, height=64, width=64, snr=0.6, crowding=0.05, seed=4)
    volume = -torch.from_numpy(open_volume(Path("data/full.mrc")).read())
    shown = wedge.apply((volume - volume.mean()) / volume.std(), (-60, 60))[None, None]
    network = read_model(STARTER).network.eval()
    with torch.inference_mode():
        whole, part = network(shown), network(scale * shown)
    assert float((part * whole).mean() / whole.square().mean()) == pytest.approx(scale, rel=0.1)
    assert float(torch.corrcoef(torch.stack([part.flatten(), whole.flatten()]))[0, 1]) > 0.97
