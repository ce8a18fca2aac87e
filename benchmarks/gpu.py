"""How fast and how good the program is on a GPU, in at most eight minutes: a table, and its numbers as JSON.

    python benchmarks/gpu.py --output gpu.json

For each network: voxels per second of training and of prediction, the share of either that the network alone would
take, the peak of memory beside what was foreseen. Then the time of a prediction of 300 x 1000 x 1000 voxels by the
network of GPUs, and the FSC of `isonet demo`. Each part stops at its share of the time.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isonet.config import DemoConfig
from isonet.running.devices import take_device
from isonet.steps.demo import demo
from isonet.train.correct import corrected_tiles, largest_tiles
from isonet.train.evaluate import Evaluator
from isonet.train.fit import Trainer, TrainerOptions
from isonet.train.hardware.choice import adopted
from isonet.train.hardware.precision import choose_precision, reason_of_precision
from isonet.train.network.footprint import footprint
from isonet.train.network.unet import ARCHITECTURES, UNet, UNetShape
from isonet.train.optics import optics
from isonet.train.pairs import Batch, PairMaker, Recipe

_CUBE, _SIZE, _BATCH, _TILE = 64, 96, 4, 128
_WHOLE = (300, 1000, 1000)
_SECONDS = {"train": 15.0, "predict": 8.0, "demo": 150.0}


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--arch", action="append", choices=ARCHITECTURES, help="all if left out; may be repeated")
    parser.add_argument("--output", type=Path, default=Path("gpu.json"))
    parser.add_argument("--scale", type=float, default=1.0, help="share of the time, and of the large volume's edges")
    parser.add_argument("--no-demo", action="store_true")
    options = parser.parse_args()
    device = take_device(options.device)
    found: dict[str, Any] = {"device": _about(device), "networks": {}}
    print(found["device"])
    print(f"{'arch':8}{'train vox/s':>14}{'network':>9}{'predict vox/s':>15}{'network':>9}{'GB':>7}{'foreseen':>10}")
    for name in options.arch or ARCHITECTURES:
        found["networks"][name] = numbers = measure(ARCHITECTURES[name], device, options.scale)
        print(
            f"{name:8}{numbers['training']:14,.0f}{numbers['training_share']:9.0%}{numbers['prediction']:15,.0f}"
            f"{numbers['prediction_share']:9.0%}{numbers['peak'] / 1e9:7.2f}{numbers['foreseen'] / 1e9:10.2f}"
        )
    shape = tuple(max(32, round(options.scale * edge)) for edge in _WHOLE)
    found["whole"] = {"shape": shape, "seconds": whole(device, (shape[0], shape[1], shape[2]))}
    print(f"prediction of {' x '.join(map(str, shape))}: {found['whole']['seconds']:.0f} s")
    if not options.no_demo:
        folder = options.output.parent / "gpu_demo"
        demo(DemoConfig(output_dir=folder, max_time=_SECONDS["demo"], device=options.device))
        found["demo"] = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
    options.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _about(device: torch.device) -> dict[str, Any]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return {
        "name": name,
        "torch": torch.__version__,
        "precision": choose_precision(device, "auto"),
        "reason": reason_of_precision(device, "auto"),
        "choice": str(adopted(device)),
    }


def measure(shape: UNetShape, device: torch.device, scale: float) -> dict[str, float]:
    """Time steps of training with and without the making of pairs, and tiles with and without cutting."""
    pairs = _pairs(device)
    torch.manual_seed(0)
    trainer = Trainer(UNet(shape), device, "auto", TrainerOptions(optimizer="muon", exponent=2))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    random = np.random.default_rng(0)

    def batch() -> Batch:
        return pairs.batch(random.integers(len(pairs.filled), size=_BATCH).tolist(), random, device)

    same, seconds = batch(), scale * _SECONDS["train"] / 2
    whole_step = _timed(lambda: trainer.step(batch(), 1e-4), seconds, device)
    bare_step = _timed(lambda: trainer.step(same, 1e-4), seconds, device)
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    evaluator = Evaluator(trainer.network, device, "auto")
    edge = max(32, round(min(1.0, 2 * scale) * _TILE))
    tile = torch.randn(1, 1, edge, edge, edge)
    there, seconds = tile.to(device), scale * _SECONDS["predict"] / 2
    whole_tile = _timed(lambda: evaluator(tile).cpu(), seconds, device)
    bare_tile = _timed(lambda: evaluator(there), seconds, device)
    return {
        "training": _BATCH * _CUBE**3 / whole_step,
        "training_share": bare_step / whole_step,
        "prediction": edge**3 / whole_tile,
        "prediction_share": bare_tile / whole_tile,
        "step": whole_step,
        "peak": float(peak),
        "foreseen": float(footprint(shape, _CUBE, "muon", choose_precision(device, "auto")).step(_BATCH)),
    }


def _pairs(device: torch.device) -> PairMaker:
    geometry = optics([(-60.0, 60.0)] * 2, _SIZE, _CUBE, "ramp", torch.ones(1, 1, 1), device)
    filled = torch.randn(8, 2, _SIZE, _SIZE, _SIZE).to(device)
    return PairMaker(filled, np.zeros(8, dtype=np.int64), (geometry,), Recipe("noise2noise", _CUBE, 3.0))


def _timed(work: Callable[[], object], seconds: float, device: torch.device) -> float:
    """Mean seconds of some work, after it was done twice; at least three times."""
    for _ in range(2):
        work()
    _wait(device)
    began, done = time.monotonic(), 0
    while done < 3 or time.monotonic() - began < seconds:
        work()
        done += 1
        if done % 4 == 0:
            _wait(device)
    _wait(device)
    return (time.monotonic() - began) / done


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def whole(device: torch.device, shape: tuple[int, int, int]) -> float:
    """Seconds that the tiles of a volume take, cut from and added to memory."""
    name = "medium" if device.type == "cuda" else "small"
    evaluator = Evaluator(UNet(ARCHITECTURES[name]), device, "auto")
    plan = largest_tiles(shape, ARCHITECTURES[name], evaluator.room(2_000_000_000), evaluator.most_values)
    random = np.random.default_rng(0)
    tile = random.standard_normal(plan.size, dtype=np.float32)
    result = np.zeros(shape, dtype=np.float32)
    began = time.monotonic()
    for one, block in corrected_tiles(lambda *_: tile.copy(), plan, evaluator):
        result[one.target] += one.weights * block
    return time.monotonic() - began


if __name__ == "__main__":
    main()
