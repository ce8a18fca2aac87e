"""Steps in their run folders, as the command line calls them; `refine_command` has the one that trains."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from isonet.companions import start_together
from isonet.config import DeconvConfig, ExtractConfig, MaskConfig, PredictConfig, ResizeConfig
from isonet.errors import InputError
from isonet.project import Project
from isonet.runs import start
from isonet.steps.deconv import deconv
from isonet.steps.extract import extract
from isonet.steps.mask import mask
from isonet.steps.predict import HALVES, predict
from isonet.steps.processes import side_by_side
from isonet.steps.resize import resize, resize_files
from isonet.world import current

Limited = TypeVar("Limited", DeconvConfig, MaskConfig)


def extract_in_folder(star: Path, config: ExtractConfig) -> Project:
    """Cut sub-volumes of the tomograms of a table into `config.output_dir`."""
    project = Project.read(star)
    with start(config.output_dir, "extract", config, inputs=(star,)) as run:
        return extract(project, config, run)


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
