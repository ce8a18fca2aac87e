"""Steps in their run folders, as the command line calls them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from isonet.companions import follow, start_together
from isonet.config import DeconvConfig, ExtractConfig, MaskConfig, PredictConfig, RefineConfig, ResizeConfig
from isonet.errors import InputError, LostProcessError
from isonet.project import Project
from isonet.runs import Run, start
from isonet.steps.deconv import deconv
from isonet.steps.extract import extract
from isonet.steps.mask import mask
from isonet.steps.predict import HALVES, predict
from isonet.steps.processes import side_by_side, together
from isonet.steps.refine import refine
from isonet.steps.refine_files import continued, holds_run, move_aside, refuse_existing
from isonet.steps.resize import resize, resize_files
from isonet.steps.subvolume_files import with_sizes_of
from isonet.train.device import choose_device
from isonet.train.fit import gathered
from isonet.train.team import ConnectionLostError, Team
from isonet.world import current

Limited = TypeVar("Limited", DeconvConfig, MaskConfig)


def extract_in_folder(star: Path, config: ExtractConfig) -> Project:
    """Cut sub-volumes of the tomograms of a table into `config.output_dir`."""
    project = Project.read(star)
    with start(config.output_dir, "extract", config, inputs=(star,)) as run:
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
    given = config
    if config.continue_from is not None:
        table, config = continued(config)
        star = star or table
    elif star is None:
        raise InputError("refine needs a table of tomograms: isonet refine tomograms.star")
    return together(given, config, _refine, star, config)


def _refine(star: Path, config: RefineConfig) -> tuple[Project, bool]:
    """Train as one of the processes that :func:`isonet.world.current` tells of."""
    here = current()
    team = Team(here.rank, here.size, here.local_size, here.address, here.port)
    project = Project.read(star, subvolumes=True)
    if config.continue_from is None:
        config = with_sizes_of(project, config)
    try:
        device = choose_device(config.device, here.local_rank)
    except ValueError as error:
        raise InputError(str(error)) from error
    with gathered(team, device), _in_run_folder(star, config, team) as run:
        try:
            return refine(project, config, run, device, team), run.stopped_early
        except ConnectionLostError as error:
            raise LostProcessError(f"{error}; go on with: isonet refine --continue-from {run.folder}") from error


def _in_run_folder(star: Path, config: RefineConfig, team: Team) -> AbstractContextManager[Run]:
    """Open the run folder, which process 0 writes to and the others follow."""
    if not team.first:
        return follow(config.output_dir, "refine", config.max_time)
    if config.continue_from is None:
        if config.overwrite and holds_run(config.output_dir):
            move_aside(config.output_dir.resolve())
        refuse_existing(config.output_dir)
    return start(config.output_dir, "refine", config, config.max_time, (star,))


def deconv_in_folder(star: Path, config: DeconvConfig) -> Project:
    """Deconvolve the tomograms of a table into `config.output_dir`."""
    return side_by_side(config, _deconv, star, config)


def _deconv(star: Path, config: DeconvConfig) -> Project:
    project = Project.read(star)
    with start_together(config.output_dir, "deconv", config, inputs=(star,)) as run:
        return deconv(project, _with_its_memory(config), run)


def mask_in_folder(star: Path, config: MaskConfig) -> Project:
    """Make masks for the tomograms of a table in `config.output_dir`."""
    return side_by_side(config, _mask, star, config)


def _mask(star: Path, config: MaskConfig) -> Project:
    project = Project.read(star)
    with start_together(config.output_dir, "mask", config, inputs=(star,)) as run:
        return mask(project, _with_its_memory(config), run)


def _with_its_memory(config: Limited) -> Limited:
    """Leave to this process its share of the memory that all on this machine may take."""
    return config.model_copy(update={"max_memory": config.max_memory // current().local_size})


def predict_in_folder(star: Path, model: Path, config: PredictConfig) -> Project:
    """Correct the tomograms of a table into `config.output_dir`."""
    return side_by_side(config, _predict, star, model, config)


def _predict(star: Path, model: Path, config: PredictConfig) -> Project:
    project = Project.read(star)
    with start_together(config.output_dir, "predict", config, inputs=(star, model), parts=(HALVES,)) as run:
        return predict(project, model, config, run)


def resize_in_folder(inputs: Sequence[Path], config: ResizeConfig) -> None:
    """Bring the tomograms of a table, or of files and folders, to another pixel size.

    Raises
    ------
    InputError
        If neither is given, or both.
    """
    tables = [path for path in inputs if path.suffix.lower() == ".star"]
    if not inputs or (tables and len(inputs) > 1):
        raise InputError("resize needs one table, or folders and MRC files: isonet resize tomograms.star")
    if not tables and config.tomo_idx is not None:
        raise InputError("--tomo-idx chooses from a table; give the table, or the files themselves")
    project = Project.read(tables[0]) if tables else None
    with start(config.output_dir, "resize", config, inputs=inputs) as run:
        if project is not None:
            resize(project, config, run)
        else:
            resize_files(inputs, config, run)
