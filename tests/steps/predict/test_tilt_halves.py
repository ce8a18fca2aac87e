"""One map, and halves from every other tilt that have little in common, tell of the wedge alone."""

from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest

TILTS = {"tilt_file": "s/tilts.tlt", "contrast": "dark"}
HALVES = {"even": "s/even.mrc", "odd": "s/odd.mrc", "split": "tilts"}


def corrected(here: Path, depth: int, step: int, **halves: str) -> tuple[Any, Any, str]:
    """Results with calibration and without, and what was said."""
    edges = {"depth": depth, "height": 40, "width": 48}
    isonet.done("simulate", output_dir="s", split="tilts", tilt_step=step, snr=1, species=1, **edges)
    isonet.done("prepare", "s/full.mrc", **TILTS, **halves)
    method = "noise2noise" if halves else "isonet"
    isonet.done("refine", "tomograms.star", method=method, **{**isonet.TINY, "steps_per_epoch": 10})
    said = isonet.done("predict", "tomograms.star", "results", "--no-halves")
    isonet.done("predict", "tomograms.star", "results", "--no-calibrate", "--no-halves", output_dir="plain")
    one, other = (isonet.read(Path(folder) / "full_corrected.mrc") for folder in ("corrected", "plain"))
    return one, other, said.err


def changed(one: Any, other: Any, low: float, high: float) -> float:
    """How much of the power differs in directions of `k_x` and `k_z` between two angles, beyond 0.1 cycles/voxel."""
    spectra = [np.fft.fftn(volume.astype(np.float64)) for volume in (one, other)]
    kz, _, kx = np.meshgrid(*map(np.fft.fftfreq, one.shape), indexing="ij")
    angle = np.degrees(np.arctan2(np.abs(kz), np.abs(kx)))
    chosen = (low < angle) & (angle < high) & (np.hypot(kz, kx) > 0.1)
    return float((np.abs(spectra[0] - spectra[1])[chosen] ** 2).sum() / (np.abs(spectra[1])[chosen] ** 2).sum())


@pytest.mark.parametrize(("depth", "step", "shares"), [(96, 3, False), (32, 2, True)])
def test_halves_that_share_little_calibrate_the_wedge_alone(here: Path, depth: int, step: int, shares: bool) -> None:
    one, other, said = corrected(here, depth, step, **HALVES)
    assert ("too little to calibrate by" in said) == (not shares)
    assert (changed(one, other, 0, 50) > 1e-6) == shares
    assert changed(one, other, 70, 90) > 1e-4


def test_one_map_calibrates_the_wedge_alone(here: Path) -> None:
    one, other, _ = corrected(here, 32, 3)
    assert changed(one, other, 0, 50) < 1e-6
    assert changed(one, other, 70, 90) > 1e-4


def test_a_preview_of_one_map_is_left_as_it_is(here: Path) -> None:
    isonet.done("simulate", output_dir="s", snr=1, species=1, depth=32, height=40, width=48)
    isonet.done("prepare", "s/full.mrc", **TILTS)
    isonet.done("predict", "tomograms.star", "starter")
    isonet.done("predict", "tomograms.star", "starter", "--no-calibrate", output_dir="plain")
    one, other = (isonet.read(Path(folder) / "full_corrected.mrc") for folder in ("corrected", "plain"))
    assert np.array_equal(one, other)
