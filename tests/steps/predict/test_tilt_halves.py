"""Halves from every other tilt: where the sample is thick, they have too little in common to calibrate by."""

from pathlib import Path

import commandline as isonet
import numpy as np
import pytest


@pytest.mark.parametrize(("depth", "step", "calibrates"), [(96, 3, False), (32, 2, True)])
def test_halves_that_share_little_do_not_calibrate(here: Path, depth: int, step: int, calibrates: bool) -> None:
    edges = {"depth": depth, "height": 40, "width": 48}
    isonet.done("simulate", output_dir="s", split="tilts", tilt_step=step, snr=1, species=1, **edges)
    isonet.done(
        *("prepare", "s/full.mrc"),
        **{"even": "s/even.mrc", "odd": "s/odd.mrc", "split": "tilts", "tilt_file": "s/tilts.tlt", "contrast": "dark"},
    )
    isonet.done("refine", "tomograms.star", method="noise2noise", **{**isonet.TINY, "steps_per_epoch": 10})
    said = isonet.done("predict", "tomograms.star", "results", "--no-halves")
    assert ("too little to calibrate by" in said.err) == (not calibrates)
    isonet.done("predict", "tomograms.star", "results", "--no-calibrate", "--no-halves", output_dir="plain")
    one, other = (isonet.read(Path(folder) / "full_corrected.mrc") for folder in ("corrected", "plain"))
    assert np.array_equal(one, other) == (not calibrates)
