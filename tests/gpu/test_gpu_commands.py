"""refine, predict and check on a GPU, and on two."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "steps"))
import commandline as isonet

SMALL = {**isonet.TINY, "epochs": 2, "steps_per_epoch": 6, "number_subtomos": 6, "precision": "auto", "batch_size": 4}


@pytest.fixture
def halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Table of a tomogram with halves, in an empty folder, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    volume = isonet.specimen((48, 96, 96))
    for seed, name in enumerate(("even", "odd")):
        noise = np.random.default_rng(seed).standard_normal(volume.shape)
        isonet.write(tmp_path / name / f"v_{name}.mrc", (volume + 0.3 * noise).astype(np.float32))
    isonet.done("prepare", "--even", "even", "--odd", "odd")
    return tmp_path / "tomograms.star"


def result(folder: str) -> Any:
    return isonet.read(next(Path(folder).glob("*_corrected.mrc")))


def test_refine_goes_on_and_predict_is_as_on_the_cpu(halves: Path, device: torch.device) -> None:
    outcome = isonet.done("refine", halves, **SMALL)
    assert "on cuda:0 in" in outcome.err
    isonet.done("refine", "--continue-from", "results", iterations=3)
    isonet.done("predict", halves, "results", output_dir="gpu", precision="float32")
    isonet.done("predict", halves, "results", output_dir="cpu", precision="float32", device="cpu")
    isonet.done("predict", halves, "results", output_dir="auto")
    assert isonet.relative_difference(result("gpu"), result("cpu")) < 1e-2
    assert isonet.relative_difference(result("auto"), result("cpu")) < 5e-2


def test_a_time_budget_is_kept(halves: Path, device: torch.device) -> None:
    isonet.done("refine", halves, **{**SMALL, "time_budget": "20s", "steps_per_epoch": 50})
    assert isonet.state(Path("results")) == "finished"


def test_prediction_takes_smaller_tiles_where_memory_does_not_suffice(halves: Path, device: torch.device) -> None:
    isonet.done("refine", halves, **{**SMALL, "filter_base": 32, "iterations": 1})
    isonet.done("predict", halves, "results", output_dir="whole", precision="float32")
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(120_000_000 / total, device)
    try:
        outcome = isonet.done("predict", halves, "results", output_dir="tiles", precision="float32")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
    assert "going on with tiles of" in outcome.err
    assert isonet.relative_difference(result("tiles"), result("whole")) < 0.05


def test_check_finds_the_fastest_way_and_refine_takes_it(halves: Path, device: torch.device) -> None:
    outcome = isonet.done("check", seconds=2)
    assert "refine and predict will use" in outcome.out.replace("\n", " ")
    assert (Path("cache") / "isonet" / "devices.json").is_file()
    assert "as measured" in isonet.done("refine", halves, **SMALL).err


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="one GPU here: training on two was not tested")
def test_two_gpus_train_together(halves: Path) -> None:
    options = {**SMALL, "precision": "float32", "drop_out": 0}
    isonet.done("refine", halves, output_dir="one", devices=1, **options)
    outcome = isonet.Process(halves.parent / "err", "refine", halves, output_dir="two", devices=2, **options).outcome(
        300
    )
    assert outcome.code == 0, outcome.err
    losses = [[loss for *_, loss in isonet.losses(Path(folder))] for folder in ("one", "two")]
    assert np.allclose(*losses, rtol=0.05)
