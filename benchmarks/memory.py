"""Measure the memory and time that a step takes for tomograms of several sizes, also larger than the memory.

A volume of noise is written section by section, one command is run on it in a process of its own, and the largest
amount of memory that process ever had (VmHWM, mapped pages included) is read off:

    python benchmarks/memory.py deconv --shapes 1024,2048,2048 --folder /scratch -- --max-memory 4GB
    python benchmarks/memory.py predict --shapes 64,256,256 128,512,512 --picture memory.png --folder /scratch
    python benchmarks/memory.py predict --shapes 256,512,1024 --zarr --folder /scratch -- --format zarr

Options behind `--` go to the command. `--zarr` gives the volume as an array of zarr in chunks of 256 voxels, as the
CryoET Data Portal has them. Needs twice the largest volume's size on disk (predict: three times; with `--zarr` once
more), all of it removed at the end. Prints a table and, as the last line, the same as JSON; `--picture` draws it.
"""

import argparse
import importlib
import json
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from isonet.io import blocks, checkpoint, star
from isonet.io.mrc_bytes.header import Header
from isonet.train.network.unet import ARCHITECTURES, UNet, UNetShape, named_shape

_COMMANDS = {
    "deconv": ("deconv", "tomograms.star", "--output-dir", "out", "--defocus", "40000"),
    "predict": ("predict", "tomograms.star", "model.safetensors", "--output-dir", "out"),
    "resize": ("resize", "tomograms.star", "--output-dir", "out", "--pixel-size", "13.5"),
}
_PIXEL_SIZE = 10.0
_CUBE = 64
_CHUNK = 256


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=sorted(_COMMANDS))
    parser.add_argument("--shapes", nargs="+", default=["256,512,512"], help="voxels along z,y,x of each volume")
    parser.add_argument("--picture", type=Path, help="PNG of memory against size")
    parser.add_argument("--arch", default="small", choices=sorted(ARCHITECTURES), help="network of predict")
    parser.add_argument("--filter-base", type=int, help="filters of its first level, those of --arch if left out")
    parser.add_argument("--zarr", action="store_true", help="the volume in chunks of zarr")
    parser.add_argument("--folder", type=Path, default=Path(), help="where there is room")
    words = sys.argv[1:]
    behind = words.index("--") if "--" in words else len(words)
    return parser.parse_args(words[:behind], argparse.Namespace(more=words[behind + 1 :]))


def write_noise(path: Path, shape: tuple[int, int, int]) -> None:
    """Write white noise on a gradient, section by section."""
    random = np.random.default_rng(0)
    slope = np.linspace(-5, 5, shape[2], dtype=np.float32)
    with blocks.create(path, shape, Header((_PIXEL_SIZE,) * 3)) as volume:
        for section in range(shape[0]):
            noise = random.standard_normal((1, *shape[1:]), dtype=np.float32)
            volume.write_rows(section, 0, noise + slope)


def write_chunks(path: Path, shape: tuple[int, int, int]) -> None:
    """Write the same as an array of zarr, a row of chunks at a time."""
    zarr = importlib.import_module("zarr")
    random = np.random.default_rng(0)
    slope = np.linspace(-5, 5, shape[2], dtype=np.float32)
    array = zarr.create_array(str(path), shape=shape, chunks=(_CHUNK,) * 3, dtype="float32", zarr_format=2)
    for first in range(0, shape[0], _CHUNK):
        for top in range(0, shape[1], _CHUNK):
            sections, rows = min(_CHUNK, shape[0] - first), min(_CHUNK, shape[1] - top)
            noise = random.standard_normal((sections, rows, shape[2]), dtype=np.float32)
            array[first : first + sections, top : top + rows] = noise + slope


def write_model(path: Path, shape: UNetShape) -> None:
    """Write an untrained network as a model: what it takes does not depend on its weights."""
    network = UNet(shape)
    about = {
        "network": asdict(network.shape),
        "cube_size": _CUBE,
        "input_column": "rlnTomoName",
        "tilts": [[-60.0, 60.0]],
        "pixel_sizes": [_PIXEL_SIZE],
    }
    checkpoint.save_model(path, network.state_dict(), about)


def peak_memory(process: subprocess.Popen[bytes]) -> int:
    """Bytes of VmHWM of a process, read until it ends."""
    peak = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        except OSError:
            break
        peak = max([peak, *(1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))])
        time.sleep(0.05)
    return peak


def measure(
    command: str, shape: tuple[int, int, int], folder: Path, network: UNetShape, more: list[str], *, zarr: bool
) -> dict[str, Any]:
    """Run one command on a volume of noise; return what it took."""
    with tempfile.TemporaryDirectory(prefix="isonet-memory-", dir=folder) as name:
        work = Path(name)
        volume = work / ("noise.zarr" if zarr else "noise.mrc")
        (write_chunks if zarr else write_noise)(volume, shape)
        row = {"rlnIndex": "1", "rlnTomoName": volume.name, "rlnPixelSize": f"{_PIXEL_SIZE:g}"}
        star.write_table(work / "tomograms.star", [row])
        if command == "predict":
            write_model(work / "model.safetensors", network)
        words = [sys.executable, "-m", "isonet", *_COMMANDS[command], *more]
        started = time.monotonic()
        process = subprocess.Popen(words, cwd=work)
        peak = peak_memory(process)
        if process.wait() != 0:
            raise SystemExit(process.returncode)
        seconds = time.monotonic() - started
    size = 4 * math.prod(shape)
    return {
        "command": command,
        "shape": shape,
        "zarr": zarr,
        "gigabytes": size / 1e9,
        "vmhwm_gb": peak / 1e9,
        "seconds": seconds,
    }


def draw(found: list[dict[str, Any]], path: Path) -> None:
    """Draw memory against the size of the volume, with the volume itself for comparison."""
    figure = Figure(figsize=(5, 3.5), layout="constrained")
    axes = figure.subplots()
    size = [one["gigabytes"] for one in found]
    axes.plot(size, [one["vmhwm_gb"] for one in found], "o-", label=f"isonet {found[0]['command']}")
    axes.plot(size, size, "--", color="0.6", label="the volume itself")
    axes.set(xlabel="volume (GB in float32)", ylabel="most memory (GB)", xscale="log")
    axes.set_ylim(0, 2 * max(one["vmhwm_gb"] for one in found))
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure one command on each size."""
    options = arguments()
    given = {} if options.filter_base is None else {"filter_base": options.filter_base}
    network = named_shape(options.arch, **given)
    found = []
    print(f"{'command':10} {'voxels':>18} {'GB':>6} {'VmHWM GB':>9} {'seconds':>8}")
    for text in options.shapes:
        depth, height, width = (int(edge) for edge in text.split(","))
        found.append(
            measure(options.command, (depth, height, width), options.folder, network, options.more, zarr=options.zarr)
        )
        print(
            f"{options.command:10} {f'{depth} x {height} x {width}':>18} {found[-1]['gigabytes']:6.2f} "
            f"{found[-1]['vmhwm_gb']:9.2f} {found[-1]['seconds']:8.1f}",
            flush=True,
        )
    if options.picture:
        draw(found, options.picture)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
