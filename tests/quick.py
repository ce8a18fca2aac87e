"""What keeps tests of whole commands quick and their results the same everywhere.

It is for the tests of a folder alone, and around each of them: a fixture of the scope `package` would last, in folders
that are no packages, until all tests have run, those of other folders too.
"""

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from isonet.steps.predict import calibration
from isonet.train import simulated


def _nothing(*_arguments: Any, **_options: Any) -> None:
    """Draw nothing."""


class _Blank(Axes):
    """Axes on which nothing is drawn."""

    def __init__(self) -> None:
        """Leave out all that makes axes."""

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name) if name.startswith("__") else _nothing


def _savefig(_figure: Figure, path: Any, **_options: Any) -> None:
    """Write something into a file, or as a plot within a page."""
    if isinstance(path, io.StringIO):
        path.write('<svg width="1pt" height="1pt"></svg>')
    else:
        Path(path).write_bytes(b"no picture")


def _subplots(_figure: Figure, rows: int = 1, columns: int = 1, *, squeeze: bool = True, **_options: Any) -> Any:
    grid = np.full((rows, columns), _Blank(), dtype=object)
    return grid.squeeze()[()] if squeeze else grid


_STAND_INS: dict[str, Callable[..., Any]] = {
    "savefig": _savefig,
    "subplots": _subplots,
    "add_subplot": lambda *_arguments, **_options: _Blank(),
    "colorbar": _nothing,
}
_DRAWING = {name: getattr(Figure, name) for name in _STAND_INS}


def leave_out_drawing(patch: pytest.MonkeyPatch) -> None:
    """Leave out the drawing of pictures, which takes longer than all else: files are written, with nothing in them."""
    for name, stand_in in _STAND_INS.items():
        patch.setattr(Figure, name, stand_in)


def draw_again(patch: pytest.MonkeyPatch) -> None:
    """Draw pictures after all."""
    for name, method in _DRAWING.items():
        patch.setattr(Figure, name, method)


@contextlib.contextmanager
def unchecked() -> Iterator[None]:
    """Run commands as users do, without a check of shapes in every call: unit tests and the main job have it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


def calibrate_less(patch: pytest.MonkeyPatch) -> None:
    """Measure the gains of predictions on a few cubes: on all of them it takes longer than to correct."""
    patch.setattr(calibration, "_CUBES", (2, 2))
    patch.setattr(calibration, "_WIDE_CUBES", (1, 1))


def imagine_less(patch: pytest.MonkeyPatch) -> None:
    """Imagine smaller samples, and fewer to weigh errors by: large ones take longer than to train on them."""
    patch.setattr(simulated, "_SCENE_EDGE", 64)
    patch.setattr(simulated, "_SAMPLES", 2)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: bit-identical results need the same number everywhere, and small volumes no more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
