"""Measure what each network costs: parameters, reach, memory, and time to train and to predict on this CPU.

    OMP_NUM_THREADS=1 python benchmarks/networks.py
    OMP_NUM_THREADS=1 python benchmarks/networks.py --arch small --steps 10

Each measurement has a process of its own. Without bf16 instructions leave bf16 out (`--precision float32`): emulated,
a step takes a minute. Times are CPU seconds, so that other programs on the machine disturb them
little; memory is the most that was resident above what the libraries take. Prints a Markdown table and, as the last
line, the same as JSON.
"""

import argparse
import json
import multiprocessing
import time
from pathlib import Path
from typing import Any, Literal

import torch

from isonet.train.evaluate import Evaluator
from isonet.train.fit import Trainer, TrainerOptions
from isonet.train.network.unet import ARCHITECTURES, UNet, UNetShape, named_shape, parameter_count
from isonet.train.optimizer import OptimizerName
from isonet.train.pairs import Batch

Precision = Literal["float32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16")
_TILE = 96
_BYTES_PER_PARAMETER = 20  # weight, gradient, two moments of AdamW and averaged weight, four bytes each


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", nargs="+", choices=sorted(ARCHITECTURES), default=list(ARCHITECTURES))
    parser.add_argument("--cube", type=int, default=64, help="edge of the training cubes")
    parser.add_argument("--batch", type=int, default=2, help="cubes per training step")
    parser.add_argument("--steps", type=int, default=2, help="training steps to measure, after one to warm up")
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--optimizer", choices=("muon", "adamw"), default="adamw")
    return parser.parse_args()


def reach(shape: UNetShape) -> int:
    """Edge of the neighbourhood that the middle of the output depends on (voxels along one axis).

    With positive weights and no normalisation nothing cancels: the gradient shows it.
    """
    edge = 16 * shape.divisor * shape.kernel  # wider than any of them sees
    network = UNet(named_shape("paper", **{**vars(shape), "filter_base": 1, "normalization": "none", "drop_out": 0.0}))
    for parameter in network.parameters():
        parameter.data = torch.full_like(parameter, 0.1 if parameter.ndim == 5 else 0.0)
    volume = torch.ones(1, 1, shape.divisor, shape.divisor, edge, requires_grad=True)
    network(volume)[0, 0, 0, 0, edge // 2].backward()
    assert volume.grad is not None
    seen = volume.grad[0, 0].abs().amax((0, 1)).nonzero().flatten()
    return int(seen[-1] - seen[0]) + 1


def kept_bytes_per_voxel(shape: UNetShape, precision: Precision) -> float:
    """Bytes that a training step keeps for its way back, per voxel of the batch, weights left out."""
    network, edge = UNet(shape), 2 * shape.divisor
    weights = {parameter.data_ptr() for parameter in network.parameters()}
    sizes = {parameter.shape for parameter in network.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in weights and tensor.shape not in sizes:
            kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    autocast = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), autocast:
        result = network(torch.randn(1, 1, edge, edge, edge))
    assert result.requires_grad
    return sum(kept.values()) / edge**3


def resident(what: Literal["VmRSS", "VmHWM"]) -> int:
    """Bytes of this process that are in memory now, or were at most."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(what))


def train(
    name: str, precision: Precision, cube: int, batch: int, steps: int, optimizer: OptimizerName
) -> dict[str, float]:
    """CPU seconds of a training step, and gigabytes at its peak above the libraries."""
    before = resident("VmRSS")
    trainer = Trainer(UNet(named_shape(name)), torch.device("cpu"), precision, TrainerOptions(optimizer=optimizer))
    inputs, targets = torch.randn(2, batch, 1, cube, cube, cube)
    pairs = Batch(inputs, targets, torch.ones(batch, 1, cube, cube, cube // 2 + 1))
    trainer.step(pairs, 1e-4)
    started = time.process_time()
    for _ in range(steps):
        trainer.step(pairs, 1e-4)
    seconds = (time.process_time() - started) / steps
    return {"step_seconds": seconds, "peak_gigabytes": (resident("VmHWM") - before) / 1e9}


def predict(name: str, precision: Precision) -> float:
    """CPU seconds of the prediction of one tile."""
    network = Evaluator(UNet(named_shape(name)), torch.device("cpu"), precision)
    tile = torch.randn(1, 1, _TILE, _TILE, _TILE)
    network(tile)
    started = time.process_time()
    network(tile)
    return time.process_time() - started


def measure(
    name: str, precision: Precision, cube: int, batch: int, steps: int, optimizer: OptimizerName
) -> dict[str, Any]:
    """Everything about one network in one precision."""
    shape = named_shape(name)
    with torch.device("meta"):
        parameters = parameter_count(UNet(shape))
    kept = kept_bytes_per_voxel(shape, precision)
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as alone:
        training = alone.apply(train, (name, precision, cube, batch, steps, optimizer))
        tile_seconds = alone.apply(predict, (name, precision))
    voxels = batch * cube**3
    return {
        "arch": name,
        "precision": precision,
        "parameters": parameters,
        "reach": reach(shape),
        **training,
        "kept_bytes_per_voxel": kept,
        "predicted_gigabytes": (_BYTES_PER_PARAMETER * parameters + kept * voxels) / 1e9,
        "training_voxels_per_second": voxels / training["step_seconds"],
        "prediction_voxels_per_second": _TILE**3 / tile_seconds,
    }


def main() -> None:
    """Measure all networks in both precisions."""
    options = arguments()
    print("| network | parameters | reach | precision | memory (predicted) | s/step | voxels/s training | predicting |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    rows = []
    for name in options.arch:
        for precision in options.precision:
            row = measure(name, precision, options.cube, options.batch, options.steps, options.optimizer)
            print(
                "| `{arch}` | {parameters:,} | {reach} | {precision} | {peak_gigabytes:.2f} GB "
                "({predicted_gigabytes:.2f}) | {step_seconds:.1f} | {training_voxels_per_second:,.0f} "
                "| {prediction_voxels_per_second:,.0f} |".format(**row),
                flush=True,
            )
            rows.append(row)
    print(json.dumps({"cube": options.cube, "batch": options.batch, "optimizer": options.optimizer, "networks": rows}))


if __name__ == "__main__":
    main()
