"""Measure how much of training and prediction is the network itself, and how fast both are.

    python benchmarks/speed.py training
    OMP_NUM_THREADS=1 python benchmarks/speed.py prediction --folder /scratch

`training` times making pairs, a training step, and the bare network's way forward and back on the same cubes, one after
the other and again, and takes the median of each.
`prediction` runs the command on a volume of noise, takes off what it takes on a very small one (starting up), and
compares that with the bare network's time for the tomogram's own voxels, in CPU seconds, so that other programs on the
machine disturb it little. Prints a table and, as the last line, the same as JSON.
"""

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isonet.config.base import larger_by_half
from isonet.core.sampling import random_stream
from isonet.io import star
from isonet.train.evaluate import Evaluator
from isonet.train.fit import Trainer, TrainerOptions
from isonet.train.hardware.precision import choose_precision
from isonet.train.network.unet import ARCHITECTURES, UNet, named_shape
from isonet.train.optics import optics
from isonet.train.pairs import PairMaker, Recipe
from memory import write_model, write_noise

_CPU = torch.device("cpu")
_TILTS = (-60.0, 60.0)
_BARE = (64, 128, 128)
_TINY = (16, 32, 32)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("training", "prediction"))
    parser.add_argument("--arch", default="small", choices=sorted(ARCHITECTURES))
    parser.add_argument("--cube", type=int, default=48, help="edge of the training cubes")
    parser.add_argument("--batch", type=int, default=2, help="cubes per training step")
    parser.add_argument("--steps", type=int, default=15, help="training steps to measure, after one to warm up")
    parser.add_argument("--precision", default="auto", choices=("auto", "float32", "bf16"))
    parser.add_argument("--shape", default="96,320,320", help="voxels z,y,x of the tomogram that is predicted")
    parser.add_argument("--folder", type=Path, default=Path(), help="where there is room")
    words = sys.argv[1:]
    behind = words.index("--") if "--" in words else len(words)
    return parser.parse_args(words[:behind], argparse.Namespace(more=words[behind + 1 :]))


def cpu_seconds(work: Callable[[int], object], times: int) -> float:
    """CPU seconds of doing something, the mean after once to warm up."""
    work(0)
    started = time.process_time()
    for number in range(1, times + 1):
        work(number)
    return (time.process_time() - started) / times


def medians(works: Sequence[Callable[[int], object]], times: int) -> list[float]:
    """Median seconds of doing each of several things, in turns and after once to warm up."""
    taken: list[list[float]] = [[] for _ in works]
    for number in range(times + 1):
        for work, own in zip(works, taken, strict=True):
            started = time.perf_counter()
            work(number)
            own.append(time.perf_counter() - started)
    return [statistics.median(own[1:]) for own in taken]


def training(options: argparse.Namespace) -> dict[str, Any]:
    """Compare a training step on halves with the bare network."""
    size, cube = larger_by_half(options.cube), options.cube
    filled = torch.randn(8, 2, size, size, size)
    recipe = Recipe("noise2noise", cube, wedge_weight=5.0)
    tomogram = optics((_TILTS, _TILTS), size, cube, "ramp", torch.ones(cube, cube, cube // 2 + 1), _CPU)
    maker = PairMaker(filled, np.zeros(len(filled), np.int64), (tomogram,), recipe)
    shape = named_shape(options.arch, residual=False)
    trainer = Trainer(UNet(shape), _CPU, options.precision, TrainerOptions(exponent=2, optimizer="muon"))

    def made(number: int) -> Any:
        chosen = [(number * options.batch + one) % len(filled) for one in range(options.batch)]
        return maker.batch(chosen, random_stream(0, number), _CPU)

    batch = made(0)

    def forward_and_back(_: int) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=choose_precision(_CPU, options.precision) == "bf16"):
            output = trainer.network(batch.inputs)
        output.float().square().mean().backward()

    pairs, step, bare = medians((made, lambda _: trainer.step(batch, 1e-3), forward_and_back), options.steps)
    return {
        "pairs_seconds": pairs,
        "step_seconds": step,
        "network_seconds": bare,
        "share_of_network": bare / (pairs + step),
        "voxels_per_second": options.batch * cube**3 / (pairs + step),
    }


def predicted(folder: Path, shape: tuple[int, int, int], options: argparse.Namespace) -> float:
    """CPU seconds of the command on a volume of noise of this shape."""
    with tempfile.TemporaryDirectory(prefix="isonet-speed-", dir=folder) as name:
        work = Path(name)
        write_noise(work / "noise.mrc", shape)
        row = {"rlnIndex": "1", "rlnTomoName": "noise.mrc", "rlnPixelSize": "10", "rlnTomoContrast": "dark"}
        star.write_table(work / "tomograms.star", [row])
        write_model(work / "model.safetensors", named_shape(options.arch))
        words = ["predict", "tomograms.star", "model.safetensors", "--output-dir", "out"]
        words += ["--precision", options.precision, *options.more]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "isonet", *words], cwd=work, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def prediction(options: argparse.Namespace) -> dict[str, Any]:
    """Compare the command with the bare network on as many voxels."""
    depth, height, width = (int(edge) for edge in options.shape.split(","))
    evaluator = Evaluator(UNet(named_shape(options.arch)), _CPU, options.precision)
    block = torch.randn(1, 1, *_BARE)
    voxels = depth * height * width
    bare = cpu_seconds(lambda _: evaluator(block), 2) * voxels / math.prod(_BARE)
    start = predicted(options.folder, _TINY, options)
    total = predicted(options.folder, (depth, height, width), options) - start
    return {
        "shape": [depth, height, width],
        "start_seconds": start,
        "total_seconds": total,
        "network_seconds": bare,
        "times_the_network": total / bare,
        "voxels_per_second": voxels / total,
    }


def main() -> None:
    """Measure one of both."""
    options = arguments()
    found = training(options) if options.what == "training" else prediction(options)
    print("| " + " | ".join(name.replace("_", " ") for name in found) + " |")
    print("|---" * len(found) + "|")
    print("| " + " | ".join(f"{one:,.3g}" if isinstance(one, float) else str(one) for one in found.values()) + " |")
    about = {"what": options.what, "arch": options.arch, "precision": choose_precision(_CPU, options.precision)}
    print(json.dumps({**about, "threads": torch.get_num_threads(), **found}))


if __name__ == "__main__":
    main()
