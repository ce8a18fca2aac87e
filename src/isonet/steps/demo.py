"""Show the method on a simulated tomogram whose truth is known; a demonstration that is there is gone on with."""

import logging
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from isonet.config import DemoConfig, PredictConfig, PrepareConfig, RefineConfig, SimulateConfig
from isonet.core.comparison.metrics import ShellCorrelation, correlation, wedge_correlation
from isonet.io import files, mrc
from isonet.models.folder import MODEL_NAME, STATE_NAME
from isonet.project.table import Project
from isonet.steps.predict import predict_in_folder
from isonet.steps.prepare import prepare
from isonet.steps.refine import refine_in_folder
from isonet.steps.simulate import simulate
from isonet.volumes.preview import save_comparison

log = logging.getLogger("isonet")
_SHAPE = {"depth": 64, "height": 128, "width": 128}


def demo(config: DemoConfig) -> Path:
    """Simulate a tomogram, correct it, and compare with the truth, which is opened only at the end.

    Parameters
    ----------
    config : DemoConfig
        Options.

    Returns
    -------
    Path
        The picture, `demo.png`; `demo.json` beside it has the numbers.

    Raises
    ------
    IsonetError
        If a step fails.
    """
    folder = config.output_dir
    data, table, results = folder / "simulated", folder / "tomograms.star", folder / "results"
    if not table.exists():
        log.info("simulating a tomogram: tilts -60 to 60 degrees by 3, SNR %g per projection", config.snr)
        simulate(SimulateConfig(output_dir=data, snr=config.snr, seed=config.seed, overwrite=True, **_SHAPE))
        halves = {"even": data / "even.mrc", "odd": data / "odd.mrc"}
        prepare([data / "full.mrc"], PrepareConfig(output=table, split="frames", **halves))
    refine_in_folder(table, _training(config, results))
    project = predict_in_folder(table, results / MODEL_NAME, _correction(config))
    return _judge(project, data / "truth.mrc", folder)


def _training(config: DemoConfig, results: Path) -> RefineConfig:
    """A small network, trained on the halves for the time that was asked for."""
    if (results / STATE_NAME).exists():
        return RefineConfig(continue_from=results, time_budget=config.max_time)
    return RefineConfig(
        output_dir=results,
        preset="purified",
        arch="small",
        time_budget=config.max_time,
        device=config.device,
        seed=config.seed,
    )


def _correction(config: DemoConfig) -> PredictConfig:
    return PredictConfig(output_dir=config.output_dir / "corrected", halves=False, device=config.device)


def _judge(project: Project, truth_path: Path, folder: Path) -> Path:
    """Compare the tomogram before and after with the truth; print a table, write a picture and the numbers."""
    tomogram = project.tomograms[0]
    paths = {
        "before": tomogram.file(tomogram.full_column),
        "after": tomogram.file("rlnCorrectedTomoName"),
        "truth": truth_path,
    }
    volumes = {name: mrc.open_volume(path).read() for name, path in paths.items()}
    truth = torch.from_numpy(volumes["truth"])
    table = Table(title="FSC with the truth, mean of shells 0.04 to 0.25 cycles/voxel")
    for heading in ("", "inside the wedge", "outside", "correlation"):
        table.add_column(heading)
    numbers = {}
    for name in ("before", "after"):
        volume = torch.from_numpy(volumes[name])
        inside, outside = wedge_correlation(volume, truth, tomogram.measured)
        numbers[name] = _numbers(inside, outside, correlation(volume, truth))
        table.add_row(name, *(f"{numbers[name][key]:.3f}" for key in ("inside", "outside", "correlation")))
    Console().print(table)
    picture = folder / "demo.png"
    bright = {name: -volume for name, volume in volumes.items()}
    save_comparison(picture, bright, tomogram.measured, 10.0, "isonet demo: simulated tomogram (density bright)")
    files.write_json(folder / "demo.json", numbers)
    log.info("%s: look at it", picture)
    return picture


def _numbers(inside: ShellCorrelation, outside: ShellCorrelation, whole: float) -> dict[str, float]:
    return {"inside": inside.mean(), "outside": outside.mean(), "correlation": whole}
