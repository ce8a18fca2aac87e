"""Steps in their run folders, as the command line calls them."""

from pathlib import Path

from isonet.config import MaskConfig, PredictConfig, RefineConfig
from isonet.errors import InputError
from isonet.project import Project
from isonet.runs import start
from isonet.steps.mask import mask
from isonet.steps.predict import predict
from isonet.steps.refine import refine
from isonet.steps.refine_files import continued, holds_run, move_aside, refuse_existing


def refine_in_folder(star: Path | None, config: RefineConfig) -> tuple[Project, bool]:
    """Start a refine in `config.output_dir`, or go on with the one in `config.continue_from`.

    Returns
    -------
    project, stopped_early
        The table, and whether `max_time` ended the training before its last iteration.

    Raises
    ------
    InputError
        If no table is given, or the folder holds a run already.
    """
    if config.continue_from is not None:
        table, config = continued(config)
        star = star or table
    elif star is None:
        raise InputError("refine needs a table of tomograms: isonet refine tomograms.star")
    project = Project.read(star)
    if config.continue_from is None:
        if config.overwrite and holds_run(config.output_dir):
            move_aside(config.output_dir.resolve())
        refuse_existing(config.output_dir)
    with start(config.output_dir, "refine", config, config.max_time) as run:
        return refine(project, config, run), run.stopped_early


def predict_in_folder(star: Path, model: Path, config: PredictConfig) -> Project:
    """Correct the tomograms of a table into `config.output_dir`."""
    project = Project.read(star)
    with start(config.output_dir, "predict", config) as run:
        return predict(project, model, config, run)


def mask_in_folder(star: Path, config: MaskConfig) -> Project:
    """Make masks for the tomograms of a table in `config.output_dir`."""
    project = Project.read(star)
    with start(config.output_dir, "mask", config) as run:
        return mask(project, config, run)
