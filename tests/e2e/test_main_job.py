"""The main job, from a tomogram on disk to a corrected one: the wedge is filled with what was there."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
import torch

from isonet.cli import main
from isonet.config import SimulateConfig
from isonet.core.comparison.metrics import wedge_correlation
from isonet.io import star
from isonet.io.formats import open_volume
from isonet.steps.simulate import simulate
from quick import leave_out_drawing, one_thread

SHAPE = (40, 64, 64)


def isonet(*words: Any) -> None:
    """Run the command line and insist that it works."""
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    assert stop.value.code == 0


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Compute on one thread, and do not draw previews."""
    leave_out_drawing(monkeypatch)
    with one_thread():
        yield


def inside_the_wedge(path: Path, truth: Path) -> float:
    """Mean FSC with the truth where nothing was measured."""
    volumes = [torch.from_numpy(open_volume(each).read()) for each in (path, truth)]
    return wedge_correlation(volumes[0], volumes[1], (-60, 60))[0].mean()


def gain(folder: Path, seed: int) -> tuple[float, float]:
    """FSC within the wedge before and after prepare, refine and predict of a simulated tomogram."""
    depth, height, width = SHAPE
    phantom = {"depth": depth, "height": height, "width": width, "vesicles": 2, "filaments": 1, "crowding": 0.15}
    simulate(SimulateConfig(output_dir=folder / "data", seed=seed, snr=float("inf"), **phantom))
    table, results = folder / "tomograms.star", folder / "results"
    isonet("prepare", folder / "data" / "full.mrc", "--output", table)
    network = [
        "--arch=small",
        "--filter-base=8",
        "--unet-depth=2",
        "--precision=float32",
        "--learning-rate=3e-3",
        "--convs-per-depth=2",
    ]
    sizes = ["--cube-size=24", "--crop-size=32", "--number-subtomos=24", "--batch-size=2", "--steps-per-epoch=24"]
    isonet("refine", table, "--output-dir", results, f"--seed={seed}", "--iterations=3", "--epochs=1", *network, *sizes)
    isonet("predict", table, results, "--output-dir", folder / "corrected")
    truth = folder / "data" / "truth.mrc"
    return tuple(
        inside_the_wedge(path, truth)
        for path in (folder / "data" / "full.mrc", folder / "corrected" / "full_corrected.mrc")
    )  # type: ignore[return-value]


def test_wedge_of_a_simulated_tomogram_is_filled_with_the_truth(tmp_path: Path) -> None:
    """Measured with seeds 0, 1, 2: -0.01 to 0.53, 0.12 to 0.51, 0.15 to 0.50.

    Again: `PYTHONPATH=tests python tests/e2e/test_main_job.py FOLDER`.
    """
    before, after = gain(tmp_path, seed=0)
    assert abs(before) < 0.15
    assert after > before + 0.4


def test_real_tomogram_runs_through(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "empiar10499" / "00254_wbp_20Apx_crop96x160x160_int8.mrc"
    table = tmp_path / "tomograms.star"
    isonet("prepare", source, "--output", table)
    assert star.read_table(table, ["rlnTomoName"])[0]["rlnTomoContrast"] == "dark"  # as its README says
    sizes = ["--cube-size=24", "--crop-size=32", "--number-subtomos=4", "--batch-size=2", "--steps-per-epoch=4"]
    network = ["--arch=small", "--filter-base=2", "--unet-depth=1", "--precision=float32", "--epochs=1"]
    isonet("refine", table, "--output-dir", tmp_path / "results", "--iterations=2", *sizes, *network)
    isonet(
        "predict",
        table,
        tmp_path / "results",
        "--output-dir",
        tmp_path / "corrected",
        "--crop-size=96",
        "--cube-size=80",
    )
    (result,) = (tmp_path / "corrected").glob("*.mrc")
    assert result.name == f"{source.stem}_corrected.mrc"
    with mrcfile.mmap(source) as before, mrcfile.mmap(result) as after:
        assert after.data.shape == before.data.shape == (96, 160, 160)
        assert (after.data.dtype, before.data.dtype) == (np.float32, np.int8)
        for name in ("voxel_size", "nstart"):
            assert getattr(after, name) == getattr(before, name)
        assert after.header.origin == before.header.origin
        assert np.corrcoef(after.data[::4].ravel(), before.data[::4].ravel())[0, 1] > 0.3
        assert abs(after.data.mean() - before.data.mean()) < 0.2 * before.data.std()


if __name__ == "__main__":
    for number in range(3):
        print(number, gain(Path(sys.argv[1]) / str(number), number))
