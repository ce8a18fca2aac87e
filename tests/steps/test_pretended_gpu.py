"""Commands on a GPU that is pretended: everything is where it belongs, and nobody waits for it without need."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

import pretended
from isonet.train.evaluate import Evaluator
from isonet.train.fit import Trainer
from isonet.train.hardware import overlap
from isonet.train.pairs import PairMaker

SMALL = {**isonet.TINY, "epochs": 3, "seed": 3, "normalization": "none"}
"""Without normalisations, behind which biases have no gradient but rounding, which optimisers blow up."""


@pytest.fixture
def gpu() -> Iterator[pretended.Device]:
    """Pretend that there is one."""
    with pretended.gpu() as device:
        yield device


@pytest.fixture
def halves(here: Path) -> Path:
    """Table of a tomogram with halves."""
    volume = isonet.specimen((40, 48, 40))
    for seed, name in enumerate(("even", "odd")):
        noise = np.random.default_rng(seed).standard_normal(volume.shape)
        isonet.write(here / name / f"v_{name}.mrc", (volume + 0.3 * noise).astype(np.float32))
    isonet.done("prepare", "--even", "even", "--odd", "odd")
    return here / "tomograms.star"


@pytest.fixture
def large(here: Path) -> Path:
    """Table of a tomogram that small tiles have to share."""
    isonet.write(here / "v.mrc", isonet.specimen((48, 96, 96)))
    isonet.done("prepare", "v.mrc")
    return here / "tomograms.star"


def metrics(folder: Path) -> list[Any]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path) -> dict[str, Any]:
    return dict(isonet.load_model(folder / "model.safetensors")[0])


@pytest.mark.parametrize("method", ["isonet", "noise2noise"])
def test_refine_and_predict_compute_on_a_gpu_what_they_do_on_a_cpu(halves: Path, method: str) -> None:
    """The same draws, the same pairs, the same steps: three epochs an iteration, made ahead by a thread."""
    isonet.done("refine", halves, output_dir="cpu", device="cpu", method=method, **SMALL)
    isonet.done("predict", halves, "cpu", output_dir="by_cpu", device="cpu")
    with pretended.gpu() as device:
        outcome = isonet.done("refine", halves, output_dir="gpu", device="auto", method=method, **SMALL)
        assert "on cuda:0 in float32" in outcome.err
        assert device.current == pretended.GPU
        isonet.done("predict", halves, "cpu", output_dir="by_gpu", device="auto")
    expected = weights(Path("cpu"))
    for name, value in weights(Path("gpu")).items():
        assert torch.allclose(value.float(), expected[name].float(), atol=2e-4), name
    results = [isonet.read(next(Path(folder).glob("*_corrected.mrc"))) for folder in ("by_cpu", "by_gpu")]
    assert isonet.relative_difference(results[1], results[0]) < 1e-3


def test_a_step_waits_for_nothing_and_copies_once_at_most(
    halves: Path, gpu: pretended.Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sub-volumes are on the GPU where they fit there; else the maps of a batch come by one copy."""
    found: list[tuple[int, int, int]] = []
    make, step = PairMaker.batch, Trainer.step

    def batch(self: PairMaker, *given: Any) -> Any:
        gpu.reset()
        return make(self, *given)

    def counted(self: Trainer, *given: Any) -> Any:
        loss = step(self, *given)
        found.append((gpu.waits, gpu.copies_in, gpu.copies_out))
        return loss

    monkeypatch.setattr(PairMaker, "batch", batch)
    monkeypatch.setattr(Trainer, "step", counted)
    monkeypatch.setattr(overlap, "ThreadPoolExecutor", InTurn)  # so that a thread's copies are not taken for a step's
    isonet.done("refine", halves, output_dir="stored", **SMALL)
    assert len(found) == 12
    assert set(found) == {(0, 0, 0)}
    found.clear()
    gpu.memory = 700_000_000
    monkeypatch.setattr("isonet.steps.refine.subvolumes.drawing._SHARE_TO_STORE", 0.0)
    isonet.done("refine", halves, output_dir="copied", noise_level=0.1, noise_start_iter=1, method="isonet", **SMALL)
    assert set(found) == {(0, 1, 0)}


class InTurn:
    """A pool of threads that has none."""

    def __init__(self, _count: int) -> None:
        pass

    def __enter__(self) -> "InTurn":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, function: Any, *given: Any) -> Any:
        """Call the function now."""
        value = function(*given)
        return type("Done", (), {"result": lambda _: value, "cancel": lambda _: None})()


def test_tiles_are_copied_once_each_way(large: Path, model: Path, gpu: pretended.Device) -> None:
    gpu.reset()
    isonet.done("predict", large, model, output_dir="c", crop_size=32, cube_size=16)
    tiles = int(np.prod([len(axis["starts"]) for axis in metrics(Path("c"))[0]["tiles"]]))
    assert tiles > 4
    assert gpu.copies_out <= tiles + 8
    waits = [one for one in gpu.why if one != "the stream"]
    assert len(waits) <= 8, waits


def test_prediction_goes_on_with_smaller_tiles(large: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after some tiles are done; the result is that of the smaller ones alone."""
    isonet.done("predict", large, model, output_dir="small", device="cpu", crop_size=48, cube_size=32, calibrate=False)
    evaluate, seen = Evaluator.__call__, []

    def short_of_memory(self: Evaluator, volumes: torch.Tensor) -> torch.Tensor:
        seen.append(volumes[0].numel())
        if len(seen) in (1, 3):  # the first tile of all, and the second of the smaller ones
            raise RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")
        return evaluate(self, volumes)

    monkeypatch.setattr(Evaluator, "__call__", short_of_memory)
    outcome = isonet.done("predict", large, model, output_dir="c", calibrate=False)
    assert re.search(r"v\.mrc: out of memory; going on with tiles of \d+ x \d+ x \d+", outcome.err)
    whole = isonet.read(Path("c/v_corrected.mrc"))
    assert isonet.relative_difference(whole, isonet.read(Path("small/v_corrected.mrc"))) < 0.1
    tiles = metrics(Path("c"))[0]["tiles"]
    assert np.prod([axis["size"] for axis in tiles]) < seen[0]


def test_sizes_that_were_asked_for_are_not_changed(large: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def short_of_memory(self: Evaluator, volumes: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Evaluator, "__call__", short_of_memory)
    outcome = isonet.call("predict", large, model, output_dir="c", crop_size=32, cube_size=16, calibrate=False)
    isonet.assert_refused(outcome, "v.mrc", "out of memory", "32 x 32 x 32", "--crop-size")
    outcome = isonet.call("predict", large, model, output_dir="d")
    isonet.assert_refused(outcome, "v.mrc", "out of memory while the network is calibrated", "--no-calibrate")


def test_validate_computes_where_and_how_it_is_told(halves: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training and prediction, of halves together and of each on its own."""
    asked = []
    make = Evaluator.__init__

    def noted(self: Evaluator, network: Any, device: Any, precision: Any) -> None:
        asked.append((device, precision))
        make(self, network, device, precision)

    monkeypatch.setattr(Evaluator, "__init__", noted)
    short = {**SMALL, "epochs": 1, "iterations": 1}
    with pretended.gpu():
        isonet.done("validate", halves, output_dir="a", device="cuda:0", withhold=30, **short)
        isonet.done("validate", halves, output_dir="b", device="cuda:0", independent=True, **short)
    assert len(asked) >= 6
    assert set(asked) == {(pretended.GPU, "float32")}
