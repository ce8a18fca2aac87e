"""Measure what number and size of tomograms and the number of processes cost.

    python benchmarks/scaling.py start --folder /scratch     until training begins, for tables of 2 and 200 tomograms
    python benchmarks/scaling.py processes --folder /scratch  training and prediction by 1 and 2 processes

`start` prepares tables of links to one volume of noise and runs `refine` for one step of one cube, and `deconv` of the
first of the smaller ones: seconds and the most memory that the process had (VmHWM). `processes` trains the same number
of steps with one process of one thread, one of two, and two of one, and corrects four tomograms with each; voxels per
second are those of the training cubes of an epoch, and of the tomograms over the whole command. Prints a table and, as
the last line, the same as JSON.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from isonet.io import star
from isonet.train.network.unet import named_shape
from memory import peak_memory, write_model, write_noise

_SMALL, _LARGE = (64, 256, 256), (128, 1024, 1024)
_NETWORK = ("--arch=small", "--precision=float32")
_TRAINING = ("--cube-size=48", "--batch-size=4", "--iterations=1", "--epochs=2", "--held-out=0")
_WAYS = ((1, 1), (1, 2), (2, 1))  # processes, threads of each


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("start", "processes"))
    parser.add_argument("--folder", type=Path, default=Path(), help="where there is room")
    parser.add_argument("--counts", default="2,200", help="tomograms in the tables of start")
    parser.add_argument("--steps", type=int, default=10, help="training steps of each of two epochs of processes")
    return parser.parse_args()


def write_table(folder: Path, shape: tuple[int, int, int], count: int) -> Path:
    """Write one volume of noise, links to it, and their table."""
    folder.mkdir()
    write_noise(folder / "noise.mrc", shape)
    rows = []
    for number in range(count):
        name = f"t{number:03d}.mrc"
        (folder / name).symlink_to("noise.mrc")
        rows.append({"rlnIndex": str(number + 1), "rlnTomoName": name, "rlnPixelSize": "10", "rlnTomoContrast": "dark"})
    star.write_table(folder / "tomograms.star", rows)
    return folder / "tomograms.star"


def run(*words: str, threads: int = 1) -> tuple[float, float]:
    """Run a command and return its seconds and the GB that its process had at most."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    started = time.monotonic()
    with subprocess.Popen([sys.executable, "-m", "isonet", *words], env=environment, stderr=subprocess.PIPE) as process:
        peak = peak_memory(process)
        _, said = process.communicate()
    if process.returncode != 0:
        raise SystemExit(said.decode())
    return time.monotonic() - started, peak / 1e9


def starts(work: Path, counts: list[int]) -> list[dict[str, Any]]:
    """Measure how commands begin, for small and large tomograms and short and long tables."""
    found = []
    for shape in (_SMALL, _LARGE):
        for count in counts:
            table = str(write_table(work / f"{shape[0]}-{count}", shape, count))
            folder = Path(table).parent
            once = ("--cube-size=32", "--batch-size=1", "--iterations=1", "--epochs=1", "--steps-per-epoch=1")
            more = ("--number-subtomos=1", "--held-out=0", "--max-time=0.001s", "--loss-weighting=none")
            commands: dict[str, tuple[str, ...]] = {"refine": (*_NETWORK, *once, *more, f"--output-dir={folder / 'r'}")}
            if shape == _SMALL:
                commands["deconv"] = ("--defocus=40000", "--tomo-idx=1", f"--output-dir={folder / 'd'}")
            for command, words in commands.items():
                seconds, peak = run(command, table, *words)
                line = {"command": command, "tomograms": count, "voxels": math.prod(shape)}
                found.append({**line, "seconds": round(seconds, 1), "vmhwm_gb": round(peak, 2)})
                print(found[-1], file=sys.stderr, flush=True)
    return found


def epoch_seconds(folder: Path) -> float:
    """Seconds from the end of the first epoch to that of the second, by the log of a run."""
    lines = [line for line in (folder / "run.log").read_text(encoding="utf-8").splitlines() if ", epoch " in line]
    first, second = (datetime.fromisoformat(line.partition(" DEBUG")[0].replace(",", ".")) for line in lines[:2])
    return (second - first).total_seconds()


def processes(work: Path, steps: int) -> list[dict[str, Any]]:
    """Measure training and prediction in several ways to use two cores."""
    table = str(write_table(work / "t", _SMALL, 4))
    write_model(work / "model.safetensors", named_shape("small"))
    found = []
    for count, threads in _WAYS:
        where = work / f"r{count}{threads}"
        options = (*_NETWORK, *_TRAINING, "--number-subtomos=2", f"--steps-per-epoch={steps}", f"--devices={count}")
        run("refine", table, *options, f"--output-dir={where}", threads=threads)
        voxels = steps * 4 * 48**3 / epoch_seconds(where)
        words = (
            table,
            str(work / "model.safetensors"),
            f"--output-dir={work / f'c{count}{threads}'}",
            f"--devices={count}",
        )
        seconds, _ = run("predict", *words, threads=threads)
        line = {"processes": count, "threads": threads, "train_voxels_per_s": round(voxels)}
        found.append({**line, "predict_voxels_per_s": round(4 * math.prod(_SMALL) / seconds)})
        print(found[-1], file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Measure and print."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="isonet-scaling-", dir=options.folder) as name:
        if options.what == "start":
            found = starts(Path(name), [int(count) for count in options.counts.split(",")])
        else:
            found = processes(Path(name), options.steps)
    columns = list(found[0])
    print("  ".join(f"{column:>20}" for column in columns))
    for line in found:
        print("  ".join(f"{line[column]!s:>20}" for column in columns))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
