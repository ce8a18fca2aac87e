"""Show the method on a simulated tomogram whose truth is known; a demonstration that is there is gone on with.

First what the starter makes of it, within a minute; then what a training on the tomogram itself adds.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from isonet.config import DemoConfig, PredictConfig, PrepareConfig, RefineConfig, SimulateConfig
from isonet.core.comparison.metrics import ShellCorrelation, correlation, wedge_correlation
from isonet.core.tilts.measured import Measured
from isonet.io import files
from isonet.io.checkpoint import STARTER
from isonet.io.formats import open_volume
from isonet.models.folder import MODEL_NAME, STATE_NAME
from isonet.steps.predict import predict_in_folder
from isonet.steps.prepare import prepare
from isonet.steps.refine import refine_in_folder
from isonet.steps.simulate import simulate
from isonet.volumes.preview import save_comparison

log = logging.getLogger("isonet")
_SAMPLE = {
    "depth": 96,
    "height": 192,
    "width": 192,
    "pixel_size": 8.0,
    "vesicles": 12,
    "filaments": 1,
    "crowding": 0.06,
}


def demo(config: DemoConfig) -> Path:
    """Simulate a tomogram, correct it, and compare with the truth, which is opened only at the end.

    Parameters
    ----------
    config : DemoConfig
        Options.

    Returns
    -------
    Path
        The picture, `demo.png`; `demo.json` beside it has the numbers. `preview.png` shows the starter's result before
        the training begins.

    Raises
    ------
    IsonetError
        If a step fails.
    """
    folder = config.output_dir
    data, table, results = folder / "simulated", folder / "tomograms.star", folder / "results"
    if not table.exists():
        log.info("simulating a tomogram: tilts -60 to 60 degrees by 3, SNR %g per projection", config.snr)
        simulate(SimulateConfig(output_dir=data, snr=config.snr, seed=config.seed, overwrite=True, **_SAMPLE))
        halves = {"even": data / "even.mrc", "odd": data / "odd.mrc"}
        prepare([data / "full.mrc"], PrepareConfig(output=table, split="frames", **halves))
    preview = predict_in_folder(table, STARTER, _correction(config, "preview")).tomograms[0]
    paths = {"before": preview.file(preview.full_column), "preview": preview.file("rlnCorrectedTomoName")}
    _judge(paths, data / "truth.mrc", folder / "preview.png", preview.measured)
    refine_in_folder(table, _training(config, results))
    trained = predict_in_folder(table, results / MODEL_NAME, _correction(config, "corrected")).tomograms[0]
    paths["trained"] = trained.file("rlnCorrectedTomoName")
    return _judge(paths, data / "truth.mrc", folder / "demo.png", trained.measured)


def _training(config: DemoConfig, results: Path) -> RefineConfig:
    """The starter, trained on the halves for the time that was asked for."""
    if (results / STATE_NAME).exists():
        return RefineConfig(continue_from=results, time_budget=config.max_time)
    return RefineConfig(
        output_dir=results,
        preset="purified",
        pretrained_model=STARTER,
        time_budget=config.max_time,
        device=config.device,
        seed=config.seed,
    )


def _correction(config: DemoConfig, name: str) -> PredictConfig:
    return PredictConfig(output_dir=config.output_dir / name, halves=False, device=config.device)


def _judge(paths: Mapping[str, Path], truth_path: Path, picture: Path, measured: Measured) -> Path:
    """Compare tomograms with the truth; print a table, write a picture, and the numbers beside it."""
    volumes = {name: open_volume(path).read() for name, path in {**paths, "truth": truth_path}.items()}
    truth = torch.from_numpy(volumes["truth"])
    table = Table(title="FSC with the truth, mean of shells 0.04 to 0.25 cycles/voxel")
    for heading in ("", "inside the wedge", "outside", "correlation"):
        table.add_column(heading)
    numbers = {}
    for name in paths:
        volume = torch.from_numpy(volumes[name])
        inside, outside = wedge_correlation(volume, truth, measured)
        numbers[name] = _numbers(inside, outside, correlation(volume, truth))
        table.add_row(name, *(f"{numbers[name][key]:.3f}" for key in ("inside", "outside", "correlation")))
    Console().print(table)
    bright = {name: -volume for name, volume in volumes.items()}
    save_comparison(
        picture,
        bright,
        measured,
        _SAMPLE["pixel_size"],
        "isonet demo: a simulated tomogram before, in the preview by the starter, and trained; density bright",
    )
    files.write_json(picture.with_suffix(".json"), numbers)
    if "trained" in numbers and numbers["trained"]["inside"] < numbers["preview"]["inside"]:
        log.warning("the training was too short to better the preview; give a longer --max-time to go on with it")
    log.info("%s: look at it", picture)
    return picture


def _numbers(inside: ShellCorrelation, outside: ShellCorrelation, whole: float) -> dict[str, float]:
    return {"inside": inside.mean(), "outside": outside.mean(), "correlation": whole}
