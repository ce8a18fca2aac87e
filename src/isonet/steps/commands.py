"""Steps in their run folders, as the command line calls them."""

from pathlib import Path

from isonet.config import ExtractConfig, PredictConfig, RefineConfig
from isonet.errors import InputError
from isonet.project import Project
from isonet.runs import start
from isonet.steps.extract import extract
from isonet.steps.predict import predict
from isonet.steps.refine import refine
from isonet.steps.refine_files import continued, holds_run, move_aside, refuse_existing
from isonet.steps.subvolume_files import with_sizes_of


def extract_in_folder(star: Path, config: ExtractConfig) -> Project:
    """Cut sub-volumes of the tomograms of a table into `config.output_dir`."""
    project = Project.read(star)
    with start(config.output_dir, "extract", config) as run:
        return extract(project, config, run)


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
    project = Project.read(star, subvolumes=True)
    if config.continue_from is None:
        config = with_sizes_of(project, config)
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
