"""What this machine offers, and whether training works on it."""

import importlib.metadata
import os
import platform
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from isonet import __version__
from isonet.config import CheckConfig
from isonet.core import fourier
from isonet.errors import RunError
from isonet.io.text import counted
from isonet.running.devices import take_device
from isonet.running.remembered import choices_path, remember
from isonet.steps.check.fastest import fastest
from isonet.train.device import choose_device
from isonet.train.fit import Trainer
from isonet.train.hardware.choice import Choice, named
from isonet.train.hardware.precision import choose_precision
from isonet.train.hardware.versions import warning
from isonet.train.network.unet import UNet, named_shape
from isonet.train.optics import optics
from isonet.train.pairs import PairMaker, Recipe

_CUBE, _BATCH = 32, 2
_SECONDS_EACH = 3.0  # of up to six ways, beside what compiling takes
_LIBRARIES = ("torch", "numpy", "scipy", "mrcfile", "starfile", "lightning-fabric", "safetensors", "pydantic")


def check(config: CheckConfig) -> None:
    """Print devices, memory, disk and versions, then train a small network on blobs and see its loss fall.

    Parameters
    ----------
    config : CheckConfig
        Options.

    Raises
    ------
    InputError
        If the device does not exist.
    RunError
        If the training self-test fails.
    """
    device = take_device(config.device)
    table = Table(show_header=False, title="This machine")
    for name, value in _facts(device):
        table.add_row(name, value)
    Console().print(table)
    if config.seconds > 0:
        Console().print(_self_test(device, config.seconds))
    if config.fastest:
        for gpu in _gpus(device, config):
            _find_fastest(gpu)


def _gpus(device: torch.device, config: CheckConfig) -> list[torch.device]:
    """GPUs to measure: the one that was asked for, else one of each kind."""
    if device.type != "cuda" or config.device.startswith("cuda:"):
        return [device] if device.type == "cuda" else []
    found = [choose_device(f"cuda:{index}") for index in range(torch.cuda.device_count())]
    return list({named(one): one for one in reversed(found)}.values())


def _find_fastest(gpu: torch.device) -> None:
    """Measure how a GPU computes fastest, show it, and remember it for refine and predict.

    Raises
    ------
    RunError
        If it computes something else than the CPU in every way.
    """
    choice, tried = fastest(gpu, _SECONDS_EACH, torch.cuda.synchronize)
    table = Table("way", "training step", title=f"Fastest on {gpu}, {named(gpu)}")
    for one in tried:
        table.add_row(_words(one.choice), one.note or f"{1000 * one.seconds:.1f} ms")
    Console().print(table)
    if all(one.note for one in tried):
        raise RunError(f"{gpu}: no way to compute gives what the CPU does; use --device cpu, or another PyTorch")
    remember(gpu, choice)
    Console().print(f"refine and predict will use: {_words(choice)} ({choices_path()})")


def _words(choice: Choice) -> str:
    parts = (
        choice.precision or "auto",
        "channels-last" if choice.channels_last else "contiguous",
        "cuDNN's benchmark" if choice.benchmark else "",
        "compiled" if choice.compiled else "",
    )
    return ", ".join(filter(None, parts))


def _facts(device: torch.device) -> list[tuple[str, str]]:
    """Name and value of everything worth knowing."""
    memory = {
        key: f"{os.sysconf(key) * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GB"
        for key in ("SC_PHYS_PAGES", "SC_AVPHYS_PAGES")
    }
    disk = shutil.disk_usage(Path.cwd())
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    facts = [
        ("isonet", __version__),
        ("python", f"{platform.python_version()} on {platform.platform()}"),
        *((name, importlib.metadata.version(name)) for name in _LIBRARIES),
        ("CPU", f"{counted(len(os.sched_getaffinity(0)), 'core')}, {torch.get_num_threads()} used by torch"),
        ("memory", f"{memory['SC_PHYS_PAGES']}, {memory['SC_AVPHYS_PAGES']} free"),
        ("disk here", f"{disk.free / 2**30:.1f} GB free of {disk.total / 2**30:.1f}"),
        ("GPUs", str(gpus) if gpus else "none: training will be slow, small networks only"),
    ]
    for index in range(gpus):
        properties = torch.cuda.get_device_properties(index)
        facts.append((f"cuda:{index}", f"{properties.name}, {properties.total_memory / 2**30:.1f} GB"))
    said = warning(device, choose_precision(device, "auto"))
    if said is not None:
        facts.append(("cuDNN", said))
    facts.append(("will use", f"{device} in {choose_precision(device, 'auto')}"))
    for program in ("3dmod", "ChimeraX", "napari"):
        facts.append((program, shutil.which(program) or "not found (only to look at results)"))
    return facts


def _self_test(device: torch.device, seconds: float) -> str:
    """Train on smooth blobs until the time is over and report speed and loss."""
    size = 2 * _CUBE
    white = torch.randn((8, size, size, size), generator=torch.Generator().manual_seed(0))
    blobs = fourier.apply(white, fourier.low_pass((size, size, size), 0.08))
    geometry = optics([(-60.0, 60.0)], size, _CUBE, "ramp", torch.ones(1, 1, 1), device)
    origin = np.zeros(len(blobs), dtype=np.int64)
    pairs = PairMaker((blobs / blobs.std())[:, None], origin, (geometry,), Recipe("isonet", _CUBE))
    torch.manual_seed(0)
    trainer = Trainer(UNet(named_shape("small", drop_out=0.0)), device, "auto")
    random = np.random.default_rng(0)
    losses: list[float] = []
    started = time.monotonic()
    while time.monotonic() - started < seconds or len(losses) < 10:
        batch = pairs.batch(random.integers(8, size=_BATCH).tolist(), random, device)
        losses.append(float(trainer.step(batch, 1e-3)))
    rate = len(losses) * _BATCH * _CUBE**3 / (time.monotonic() - started)
    first, last = float(np.mean(losses[:3])), float(np.mean(losses[-3:]))
    if not last < first:
        raise RunError(
            f"training self-test on {device} failed: loss {first:.4f} -> {last:.4f} in {len(losses)} steps; "
            "try --device cpu, or another build of PyTorch"
        )
    return f"self-test passed: loss {first:.3f} -> {last:.3f} in {len(losses)} steps, {rate:,.0f} voxels/s"
