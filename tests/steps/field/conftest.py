"""Simulated tomograms that the tests of real folders lay out as other programs do."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

import commandline as isonet
import numpy as np
import pytest

Part = Literal["full", "even", "odd", "truth", "tilts"]


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Give a part of a simulated tomogram as float32, `[z, y, x]`: samples of other numbers are other samples."""

    @cache
    def made(number: int, lopsided: bool) -> Path:
        folder = tmp_path_factory.mktemp("sample")
        tilts = {"tilt_min": -70, "tilt_max": 50} if lopsided else {}
        isonet.done("simulate", output_dir=folder, depth=48, height=64, width=64, seed=number, snr=0.3, **tilts)
        return folder

    def part(number: int = 1, part: Part = "full", *, lopsided: bool = False) -> Any:
        return isonet.read(made(number, lopsided) / f"{part}.mrc").astype(np.float32)

    return part
