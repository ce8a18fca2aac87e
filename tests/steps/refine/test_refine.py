"""refine: what a run depends on, what it leaves behind, and every option of it."""

import fcntl
import json
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

from isonet.config import RefineConfig
from isonet.io.checkpoint import load_model, save_model
from isonet.train.fit import Trainer
from isonet.volumes.source import Source

PNG = b"\x89PNG\r\n\x1a\n"


def refine(*words: Any, **options: Any) -> Path:
    """Run a tiny refine and return its folder."""
    isonet.done("refine", *words, **{**isonet.TINY, **options})
    return Path(options.get("output_dir", "results"))


def test_training_follows_sign_scale_and_offset_of_the_file(here: Path, volume: Any) -> None:
    """Same losses, same predictions, and the same change of the tomogram, which is the smaller part of them."""
    scale = 1000 / volume.std()
    kinds = {"v": (1, 0), "n": (-1, 0), "a": (10, 3), "i": (scale, 0)}
    results, losses = {}, {}
    for name, (factor, offset) in kinds.items():
        stored = (factor * volume + offset).astype(np.float32)
        isonet.write(here / f"{name}.mrc", np.round(stored).astype(np.int16) if name == "i" else stored)
        isonet.done("prepare", f"{name}.mrc", output=f"{name}.star")
        folder = refine(f"{name}.star", output_dir=f"{name}_run", iterations=1, steps_per_epoch=10)
        isonet.done("predict", f"{name}.star", folder, output_dir=f"{name}_out")
        results[name] = (isonet.read(here / f"{name}_out" / f"{name}_corrected.mrc") - offset) / factor
        losses[name] = isonet.losses(folder)[0][2]
    for name in ("n", "a", "i"):
        assert losses[name] == pytest.approx(losses["v"], rel=1e-3)
        assert isonet.correlation(results[name], results["v"]) >= 0.999
        assert isonet.correlation(results[name] - volume, results["v"] - volume) >= 0.99


def test_seed_decides_every_bit(prepared: Path) -> None:
    options = {"drop_out": 0.2, "noise_level": 0.2, "noise_start_iter": 1, "random_rotations": 0.5}
    one, two = (refine(prepared, output_dir=name, **options) for name in ("one", "two"))
    assert isonet.same_weights(one, two)
    assert isonet.losses(one) == isonet.losses(two)
    other = refine(prepared, output_dir="other", seed=1, **options)
    assert not isonet.same_weights(one, other)
    assert isonet.losses(one)[0] != isonet.losses(other)[0]


def test_files_of_a_run(prepared: Path, draws: None) -> None:
    folder = refine(prepared, iterations=2)
    assert isonet.state(folder) == "finished"
    assert isonet.same_weights(folder / "model.safetensors", folder / "model_iter02.safetensors")
    assert not isonet.same_weights(folder / "model.safetensors", folder / "model_iter01.safetensors")
    for name in ("iter01", "iter02", "loss"):
        assert (folder / "previews" / f"{name}.png").read_bytes().startswith(PNG)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in lines] == [1, 1, 2, 2]
    assert all(np.isfinite(line.get("loss", line.get("wedge_balance"))) for line in lines)
    assert "iteration 2 of 2" in (folder / "run.log").read_text()
    assert "batch_size: 2" in (folder / "config.yaml").read_text()
    assert not list(folder.rglob("*.part"))
    about = load_model(folder)[1]
    assert (about["input_column"], about["tilts"], about["pixel_sizes"]) == ("full", [[-60, 60]], [10])


def test_old_models_are_pruned(prepared: Path) -> None:
    folder = refine(prepared, iterations=4, steps_per_epoch=1, keep_models=2)
    kept = sorted(path.name for path in folder.glob("model*.safetensors"))
    assert kept == ["model.safetensors", "model_iter03.safetensors", "model_iter04.safetensors"]


def test_existing_folder_is_refused_or_moved_aside(prepared: Path) -> None:
    first = refine(prepared, iterations=1)
    before = {path.name: path.read_bytes() for path in first.iterdir() if path.is_file()}
    outcome = isonet.call("refine", prepared, **isonet.TINY)
    isonet.assert_refused(outcome, "results", "--continue-from", "--overwrite", "--output-dir")
    assert {path.name: path.read_bytes() for path in first.iterdir() if path.is_file()} == before
    for number in (1, 2):
        moved = isonet.call("refine", prepared, overwrite=True, seed=number, **{**isonet.TINY, "iterations": 1})
        assert moved.code == 0
        assert f"results~{number}" in moved.err
    aside = prepared.parent / "results~1"
    assert {path.name: path.read_bytes() for path in aside.iterdir() if path.is_file()} == before
    assert not isonet.same_weights(prepared.parent / "results~2", prepared.parent / "results")


@pytest.mark.parametrize("command", ["refine", "continue", "predict"])
def test_folder_in_which_another_run_is_at_work(prepared: Path, model: Path, command: str) -> None:
    folder = Path("work")
    if command == "continue":
        refine(prepared, output_dir="work", iterations=1)
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        words: list[Any] = {
            "refine": ["refine", prepared, "--output-dir=work"],
            "continue": ["refine", "--continue-from=work", "--iterations=2"],
            "predict": ["predict", prepared, model, "--output-dir=work"],
        }[command]
        isonet.assert_refused(isonet.call(*words), "work", "another run")


def test_pretrained_model_is_the_start(prepared: Path, model: Path) -> None:
    """With hardly any learning the result is the model itself; its network is used unasked."""
    file = model / "model.safetensors"
    options = {name: value for name, value in isonet.TINY.items() if name not in isonet.NETWORK}
    options |= {"learning_rate": 1e-12, "weight_averaging": 0, "precision": "float32", "iterations": 1}
    isonet.done("refine", prepared, pretrained_model=file, **options)
    folder = Path("results")
    assert load_model(folder)[1]["network"] == load_model(file)[1]["network"]
    start, end = isonet.weights(file), isonet.weights(folder)
    learnt = [name for name in start if name.endswith(("weight", "bias"))]
    assert all(torch.allclose(start[name], end[name], atol=1e-8) for name in learnt)
    assert start.keys() == end.keys()
    fresh = refine(prepared, output_dir="fresh", learning_rate=1e-12, iterations=1)
    assert isonet.losses(fresh) != isonet.losses(folder)


def test_a_model_is_widened_to_twice_its_filters(prepared: Path, model: Path) -> None:
    """What it fills is the same; a run that goes on keeps the network."""
    options = {name: value for name, value in isonet.TINY.items() if name not in isonet.NETWORK}
    options |= {"learning_rate": 1e-12, "precision": "float32", "pretrained_model": model}
    filters = 2 * load_model(model)[1]["network"]["filter_base"]
    for folder, wider in (("narrow", {}), ("wide", {"filter_base": filters})):
        isonet.done("refine", prepared, output_dir=folder, **{**options, "iterations": 1}, **wider)
        isonet.done("predict", prepared, folder, output_dir=f"of-{folder}", no_calibrate=True)
    assert load_model(Path("wide"))[1]["network"]["filter_base"] == filters
    narrow, wide = (isonet.read(Path(f"of-{folder}/v_corrected.mrc")) for folder in ("narrow", "wide"))
    assert isonet.relative_difference(narrow, wide) < 0.01
    isonet.done("refine", continue_from="wide", iterations=2)
    assert load_model(Path("wide"))[1]["network"]["filter_base"] == filters


@pytest.mark.parametrize(
    ("option", "value"),
    [("filter_base", 7), ("unet_depth", 1), ("kernel", 5), ("residual", False), ("normalization", "none")],
)
def test_pretrained_model_of_another_network_is_refused(prepared: Path, model: Path, option: str, value: Any) -> None:
    flag = f"--{option.replace('_', '-')} {value}"
    options = {**isonet.TINY, "pretrained_model": model, option: value}
    isonet.assert_refused(isonet.call("refine", prepared, **options), flag, model, "leave it out")
    options = {"pretrained_model": model, "arch": "medium"}
    isonet.assert_refused(isonet.call("refine", prepared, **options), "--arch medium", "depth 3", "leave it out")


def test_mask_decides_where_subvolumes_lie(prepared: Path, volume: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    centres: list[tuple[int, ...]] = []
    cut = Source.cut

    def recording(self: Source, corner: Any, shape: Any) -> Any:
        if tuple(shape) == (20, 20, 20):
            centres.append(tuple(int(first) + 10 for first in corner))
        return cut(self, corner, shape)

    monkeypatch.setattr(Source, "cut", recording)
    refine(prepared, output_dir="free", crop_size=20, number_subtomos=200, batch_size=100, iterations=1)
    everywhere = np.array(centres)
    assert everywhere.min(axis=0).tolist() == [10, 10, 10]
    assert everywhere.max(axis=0).tolist() == [14, 22, 22]
    mask = np.zeros(volume.shape, np.int8)
    mask[11:13, 12:14, 20:22] = 1
    isonet.write(prepared.parent / "mask.mrc", mask)
    isonet.edited(prepared, rlnMaskName="mask.mrc")
    centres.clear()
    refine(prepared, output_dir="masked", crop_size=20, number_subtomos=40, batch_size=20, iterations=1)
    assert len(centres) == 40
    assert {mask[centre] for centre in centres} == {1}
    assert len(set(centres)) > 3


def test_mask_that_cannot_be(prepared: Path, volume: Any) -> None:
    isonet.edited(prepared, rlnMaskName="mask.mrc")
    isonet.assert_refused(isonet.call("refine", prepared, **isonet.TINY), "mask.mrc", "the mask is gone", "isonet mask")
    isonet.write(prepared.parent / "mask.mrc", np.ones((24, 32, 31), np.int8))
    isonet.assert_refused(isonet.call("refine", prepared, **isonet.TINY), "mask.mrc", "(24, 32, 31)", "(24, 32, 32)")
    isonet.write(prepared.parent / "mask.mrc", np.zeros(volume.shape, np.int8))
    isonet.assert_refused(isonet.call("refine", prepared, **isonet.TINY), "mask.mrc", "no voxel", "wider mask")


def test_tomograms_with_other_tilts(here: Path) -> None:
    """Asymmetric ranges and a list of tilts, all in one training; each range is recorded and used."""
    ranges = {"a": (-60, 60), "b": (-40, 65), "c": (-50, 30)}
    for name, tilts in ranges.items():
        isonet.write(here / "data" / f"{name}.mrc", isonet.specimen(tilts=tilts))
        (here / "data" / f"{name}.tlt").write_text("".join(f"{tilt}\n" for tilt in range(tilts[0], tilts[1] + 1, 5)))
    isonet.done("prepare", "data", output="lists.star", tilt_file="data")
    isonet.done("prepare", "data", output="ranges.star")
    rows = [
        {**row, "rlnTiltMin": str(low), "rlnTiltMax": str(high)}
        for row, (low, high) in zip(isonet.table(here / "ranges.star"), ranges.values(), strict=True)
    ]
    isonet.star.write_table(here / "ranges.star", rows)
    folders = {name: refine(f"{name}.star", output_dir=name, iterations=1) for name in ("lists", "ranges")}
    assert load_model(folders["ranges"])[1]["tilts"] == [list(tilts) for tilts in ranges.values()]
    assert [len(tilts) for tilts in load_model(folders["lists"])[1]["tilts"]] == [25, 22, 17]
    isonet.star.write_table(here / "ranges.star", [{**row, "rlnTiltMax": "60"} for row in rows])
    refine("ranges.star", output_dir="other", iterations=1)
    refine("lists.star", output_dir="planes", iterations=1, tilt_gap=0)
    losses = {name: isonet.losses(Path(name)) for name in ("lists", "ranges", "other", "planes")}
    assert losses["lists"] == losses["ranges"]  # tilts 5 degrees apart measure all between them
    assert losses["planes"] != losses["lists"] != losses["other"]
    isonet.done("predict", "lists.star", "lists")


BASE = {
    **isonet.TINY,
    "iterations": 1,
    "steps_per_epoch": 3,
    "noise_level": 0.3,
    "noise_start_iter": 1,
    "seed": 3,
    "warmup_steps": 1,
}
CHANGED: dict[str, Any] = {
    "input_column": "rlnOther",
    "tomo_idx": "2",
    "cube_size": 24,
    "crop_size": 28,
    "number_subtomos": 4,
    "iterations": 2,
    "epochs": 2,
    "steps_per_epoch": 4,
    "batch_size": 3,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "warmup_steps": 0,
    "weight_decay": 10.0,
    "clip_gradient": 1e-4,
    "accumulate": 2,
    "wedge_weight": 7.0,
    "residual": False,
    "initialization": "paper",
    "optimizer": "adamw",
    "noise_level": 0.4,
    "noise_start_iter": 2,
    "noise_mode": "unfiltered",
    "random_rotations": 1.0,
    "arch": "paper",
    "unet_depth": 1,
    "filter_base": 6,
    "convs_per_depth": 3,
    "kernel": 5,
    "pool": True,
    "normalization": "none",
    "drop_out": 0.5,
    "precision": "bf16",
    "seed": 4,
    "max_time": "0.001s",
}
"""Options whose change changes the network or the recorded losses."""
NETWORK_OPTIONS = [
    "arch",
    "unet_depth",
    "filter_base",
    "convs_per_depth",
    "kernel",
    "pool",
    "normalization",
    "drop_out",
    "residual",
]
ELSEWHERE = {
    "preset": "test_preset.py",
    "method": "test_refine_halves.py",
    "phase_flipped": "test_tailored.py",
    "tilt_gap": "test_tomograms_with_other_tilts",
    "held_out": "test_refine_options.py",
    "patience": "test_refine_options.py",
    "time_budget": "test_refine_options.py",
    "pretrained_model": "test_pretrained_model_is_the_start",
    "from_scratch": "test_starter.py",
    "devices": "test_devices.py",
    "num_nodes": "test_devices.py",
    "device": "test_device",
    "loss_weighting": "test_loss_is_weighted_where_there_is_noise",
    "weight_averaging": "test_the_model_is_the_averaged_network",
    "keep_models": "test_old_models_are_pruned",
    "output_dir": "test_existing_folder_is_refused_or_moved_aside",
    "overwrite": "test_existing_folder_is_refused_or_moved_aside",
    "continue_from": "test_refine_continue.py",
}
"""Options whose effect other tests show."""


@pytest.fixture(scope="module")
def two_tomograms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Table of two tomograms with a second column of inputs, all different."""
    folder = tmp_path_factory.mktemp("two")
    for index, name in enumerate(("a", "b", "other")):
        isonet.write(folder / f"{name}.mrc", isonet.specimen(seed=index))
    isonet.done("prepare", folder / "a.mrc", folder / "b.mrc", output=folder / "t.star")
    return isonet.edited(folder / "t.star", rlnOther=str(folder / "other.mrc"))


def recorded(star: Path, folder: Path, **changed: Any) -> tuple[dict[str, Any], list[tuple[int, int, float]]]:
    """Network and losses of a run."""
    options = {**BASE, **changed}
    refine(star, output_dir=folder, **options)
    return load_model(folder)[1]["network"], isonet.losses(folder)


@pytest.fixture(scope="module")
def base(two_tomograms: Path) -> tuple[dict[str, Any], list[tuple[int, int, float]]]:
    """Network and losses with the options of `BASE`."""
    torch.set_num_threads(1)
    return recorded(two_tomograms, two_tomograms.parent / "base")


def test_no_option_is_forgotten_here() -> None:
    assert set(CHANGED) | set(ELSEWHERE) == set(RefineConfig.model_fields)
    assert not set(CHANGED) & set(ELSEWHERE)


@pytest.mark.parametrize("option", CHANGED)
def test_every_option_has_an_effect(here: Path, two_tomograms: Path, base: Any, option: str) -> None:
    network, losses = recorded(two_tomograms, here / "changed", **{option: CHANGED[option]})
    assert (network != base[0]) == (option in NETWORK_OPTIONS)
    assert losses != base[1]


def test_options_without_a_change_have_none(here: Path, two_tomograms: Path, base: Any) -> None:
    """What the tests of the options rest on."""
    assert recorded(two_tomograms, here / "again") == base


def test_method_is_recorded(prepared: Path) -> None:
    folder = refine(prepared, method="isonet", iterations=1)
    about = load_model(folder)[1]
    assert (about["method"], about["options"]["method"]) == ("isonet", "isonet")


@pytest.mark.parametrize("device", ["cuda", "cuda:7", "tpu", "meta"])
def test_device(prepared: Path, device: str) -> None:
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    isonet.assert_refused(isonet.call("refine", prepared, device=device, **isonet.TINY), device)
    isonet.assert_refused(isonet.call("check", device=device), device)


def test_noise_schedule() -> None:
    config = RefineConfig(noise_level=(0.1, 0.2), noise_start_iter=(2, 4))
    assert [config.noise_level_at(iteration) for iteration in (1, 2, 3, 4, 9)] == [0, 0.1, 0.1, 0.2, 0.2]


def test_loss_that_is_not_finite_ends_the_run(prepared: Path, model: Path) -> None:
    weights, about = load_model(model)
    weights["head.weight"] = torch.full_like(weights["head.weight"], 3e38)
    save_model(Path("broken.safetensors"), weights, about)
    outcome = isonet.call("refine", prepared, pretrained_model="broken.safetensors", learning_rate=0.016, **isonet.TINY)
    isonet.assert_refused(outcome, "results", "not finite", "--learning-rate", "0.001", code=1)
    assert outcome.err.count("back to the last good state") == 4
    assert isonet.state(Path("results")) == "failed"
    assert not (Path("results") / "model.safetensors").exists()


@pytest.mark.parametrize("bad", [0, 5])
def test_loss_that_is_not_finite_for_once_does_not(prepared: Path, monkeypatch: pytest.MonkeyPatch, bad: int) -> None:
    """From the last good state on with half the learning rate, which a run that begins so repeats."""
    rates: list[float] = []
    step = Trainer.step

    def failing(self: Trainer, batch: Any, learning_rate: float) -> Any:
        rates.append(learning_rate)
        loss = step(self, batch, learning_rate)
        if len(rates) == bad + 1:
            for parameter in self.network.parameters():
                parameter.data.fill_(float("nan"))
            return loss * float("nan")
        return loss

    monkeypatch.setattr(Trainer, "step", failing)
    options = {**isonet.TINY, "iterations": 3, "schedule": "constant", "warmup_steps": 0, "learning_rate": 0.01}
    outcome = isonet.done("refine", prepared, **options)
    assert outcome.err.count("back to the last good state with a learning rate of 0.005") == 1
    assert rates == [0.01] * 2 * (bad // 2 + 1) + [0.005] * 2 * (3 - bad // 2)
    losses = isonet.losses(Path("results"))
    assert [(iteration, epoch) for iteration, epoch, _ in losses] == [(1, 1), (2, 1), (3, 1)]
    assert all(np.isfinite(loss) for _, _, loss in losses)
    assert all(bool(weight.isfinite().all()) for weight in isonet.weights(Path("results")).values())


def test_loss_is_weighted_where_there_is_noise(here: Path) -> None:
    isonet.done("simulate", output_dir="data", depth=32, height=48, width=48, snr=0.5)
    isonet.done("prepare", "data/full.mrc")
    options = {**isonet.TINY, "cube_size": 24, "crop_size": 32, "iterations": 1}
    losses = [
        isonet.losses(refine(here / "tomograms.star", output_dir=name, loss_weighting=name, **options))
        for name in ("signal", "none")
    ]
    assert losses[0][0][-1] < 0.8 * losses[1][0][-1]


def test_the_model_is_the_averaged_network(prepared: Path) -> None:
    """Training takes the same path with and without, but another model comes of it."""
    options = {**isonet.TINY, "iterations": 1, "learning_rate": 1e-2, "warmup_steps": 0}
    averaged, present = (
        refine(prepared, output_dir=f"of{share}", weight_averaging=share, **options) for share in (0.98, 0)
    )
    states = [torch.load(folder / "trainer.pt", weights_only=True)["weights"] for folder in (averaged, present)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert all(torch.equal(value, states[1][name]) for name, value in isonet.weights(present).items())
    assert not isonet.same_weights(averaged, present)


def test_a_gradient_that_is_no_number_in_the_last_step_of_an_epoch_is_noticed(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of that step is finite, as it is from before it; all weights would be NaN."""
    steps = isonet.TINY["epochs"] * isonet.TINY["steps_per_epoch"]
    clip, calls = Trainer._clip, []

    def broken(self: Trainer) -> bool:
        calls.append(self)
        if len(calls) == steps:
            next(iter(self.network.parameters())).grad.fill_(float("nan"))  # type: ignore[union-attr]
        return clip(self)

    monkeypatch.setattr(Trainer, "_clip", broken)
    outcome = isonet.done("refine", prepared, **isonet.TINY)
    assert "back to the last good state" in outcome.err
    assert all(bool(value.isfinite().all()) for value in load_model(Path("results"))[0].values())


def test_a_model_whose_weights_are_no_numbers_is_refused(prepared: Path, model: Path) -> None:
    weights, about = load_model(model)
    weights["head.weight"] *= float("nan")
    save_model(Path("broken.safetensors"), weights, about)
    isonet.assert_refused(isonet.call("predict", prepared, "broken.safetensors"), "broken.safetensors", "NaN")


def test_memory_is_asked_for_what_is_drawn_not_for_all_that_could_be(prepared: Path) -> None:
    isonet.done("refine", prepared, **{**isonet.TINY, "number_subtomos": 10_000_000})
