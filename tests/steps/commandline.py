"""The command line as a user meets it: called in this process, or in one of its own where it must be killed."""

import contextlib
import io
import json
import math
import multiprocessing
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from isonet.cli import main
from isonet.core.tilts import wedge
from isonet.io import star
from isonet.io.checkpoint import load_model, save_model  # noqa: F401
from isonet.models.trained import read_model
from quick import leave_out_drawing

NETWORK = {"arch": "small", "filter_base": 4, "unet_depth": 2, "convs_per_depth": 2, "precision": "float32"}
TINY = {
    **NETWORK,
    "cube_size": 16,
    "crop_size": 24,
    "iterations": 2,
    "epochs": 1,
    "steps_per_epoch": 2,
    "batch_size": 2,
    "number_subtomos": 3,
}
"""Options of a refine that takes a fraction of a second."""
_LOG_LINE = re.compile(r"\d\d:\d\d:\d\d ")


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """Lines on stderr that are no log lines."""
        return [line for line in self.err.splitlines() if line and not _LOG_LINE.match(line)]


def flags(**options: Any) -> list[str]:
    """Options as command-line words."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]


def call(*words: Any, **options: Any) -> Outcome:
    """Run `isonet` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([*map(str, words), *flags(**options)])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return Outcome(code, out.getvalue(), err.getvalue())


def done(*words: Any, **options: Any) -> Outcome:
    """Run `isonet` and insist that it works."""
    outcome = call(*words, **options)
    assert outcome.code == 0, outcome.err
    assert not outcome.complaints, outcome.err
    return outcome


def assert_refused(outcome: Outcome, *mentions: str, code: int = 2) -> None:
    """One line beginning with `isonet:` that mentions the value and the remedy, no traceback, the right code."""
    assert len(outcome.complaints) == 1, outcome.err
    assert outcome.complaints[0].startswith("isonet: "), outcome.err
    assert "unexpected" not in outcome.complaints[0]
    for mention in mentions:
        assert str(mention) in outcome.complaints[0], (mention, outcome.complaints[0])
    assert outcome.code == code, outcome


def _child(words: list[str], err: str, file_limit: int | None, unprivileged: bool) -> None:
    """Body of a process of its own."""
    descriptor = os.open(err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    torch.set_num_threads(1)
    leave_out_drawing(pytest.MonkeyPatch())
    if file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    if unprivileged and os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    main(words)


class Process:
    """`isonet` in a process of its own, forked from one that has imported everything."""

    def __init__(
        self, err: Path, *words: Any, file_limit: int | None = None, unprivileged: bool = False, **options: Any
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["commandline", "isonet.steps.run"])
        self._err = err
        arguments = ([*map(str, words), *flags(**options)], str(err), file_limit, unprivileged)
        self._process: ForkServerProcess = context.Process(target=_child, args=arguments)
        self._process.start()

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until something has happened, while the process runs."""
        end = time.monotonic() + seconds
        while not condition():
            assert self._process.is_alive(), self._err.read_text()
            assert time.monotonic() < end, "took too long"
            time.sleep(0.002)

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def outcome(self, seconds: float = 60) -> Outcome:
        """Wait for the end."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, "took too long"
        code = self._process.exitcode
        self._process.close()
        return Outcome(code, "", self._err.read_text(encoding="utf-8"))


def specimen(shape: tuple[int, int, int] = (24, 32, 32), seed: int = 0, tilts: tuple[float, float] = (-60, 60)) -> Any:
    """Return a small tomogram of blobs, density dark, standard deviation 1, with an empty wedge and a little noise."""
    random = np.random.default_rng(seed)
    axes = np.ogrid[tuple(slice(edge) for edge in shape)]
    volume = np.zeros(shape)
    for _ in range(max(3, math.prod(shape) // 3000)):
        centre, width = random.uniform(0, shape), random.uniform(0.7, 1.4, 3)
        distance = np.sqrt(sum(((axis - c) / w) ** 2 for axis, c, w in zip(axes, centre, width, strict=True)))
        volume += 1 / (1 + np.exp(2 * (distance - random.uniform(2, 4))))
    volume += 0.1 * volume.std() * random.standard_normal(shape)
    measured = wedge.apply(torch.tensor(volume, dtype=torch.float32), tilts).numpy()
    return (-(measured - measured.mean()) / measured.std()).astype(np.float32)


def write(path: Path, volume: Any, pixel_size: float = 10.0) -> Path:
    """Write an MRC file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mrcfile.new(path, overwrite=True) as mrc:
        mrc.set_data(volume)
        mrc.voxel_size = pixel_size
    return path


def table_of_halves(folder: Path, even: Any, odd: Any, name: str = "x") -> Path:
    """Prepare two halves, whatever they hold."""
    for side, half in (("EVN", even), ("ODD", odd)):
        write(folder / "data" / f"{name}_{side}.mrc", half)
    words = ("--even", folder / "data", "--odd", folder / "data")
    places = {"output": folder / "tomograms.star", "average_dir": folder / "average"}
    done("prepare", *words, accept="no-wedge,other-halves", **places)
    return folder / "tomograms.star"


def read(path: Path) -> Any:
    """Voxels of an MRC file as float64."""
    with mrcfile.open(path) as mrc:
        return np.array(mrc.data, dtype=np.float64)


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a STAR file."""
    return star.read_table(path, ["rlnTomoName", "rlnMicrographName"])


def edited(path: Path, **columns: str) -> Path:
    """Set columns of every row of a STAR file (None removes one)."""
    rows = [{key: value for key, value in {**row, **columns}.items() if value is not None} for row in table(path)]
    star.write_table(path, rows)
    return path


def weights(model: Path) -> dict[str, torch.Tensor]:
    """Tensors of a model."""
    return load_file(model / "model.safetensors" if model.is_dir() else model)


def same_weights(one: Path, two: Path) -> bool:
    """Tell whether two models are the same to the bit."""
    first, second = weights(one), weights(two)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def answer(model: Path) -> Any:
    """What a model makes of noise."""
    network = read_model(model).network.eval()
    with torch.no_grad():
        return network(torch.randn(2, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0))).numpy()


def losses(folder: Path) -> list[tuple[int, int, float]]:
    """Iteration, epoch and loss of every epoch recorded in a run folder."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(line["iteration"], line["epoch"], line["loss"]) for line in lines if "loss" in line]


def state(folder: Path) -> str:
    """How the run of a folder stands."""
    return str(json.loads((folder / "status.json").read_text())["state"])


def correlation(one: Any, two: Any) -> float:
    """Pearson correlation of two volumes."""
    return float(np.corrcoef(np.ravel(one), np.ravel(two))[0, 1])


def relative_difference(one: Any, two: Any) -> float:
    """RMS of the difference over the standard deviation of the second."""
    return float(np.sqrt(np.mean((one - two) ** 2)) / np.std(two))
