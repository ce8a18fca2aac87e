"""Do a job of RELION: prepare what its table names, train or correct, and tell RELION what came of it."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

from isonet.config import (
    DeconvConfig,
    MaskConfig,
    PredictConfig,
    PrepareConfig,
    RefineConfig,
    RelionConfig,
    ReportConfig,
    StepConfig,
)
from isonet.errors import InputError
from isonet.io.options import read_options
from isonet.io.programs.relion_job import Job, State
from isonet.models.folder import MODEL_NAME
from isonet.models.trained import read_model
from isonet.project.table import Project
from isonet.running.processes import refuse_launchers
from isonet.running.runs import CONFIG_NAME, start
from isonet.running.signals import Interruption
from isonet.steps.deconv import deconv_in_folder
from isonet.steps.predict import predict_in_folder
from isonet.steps.relion.tables import write_groups, write_with_corrected
from isonet.steps.relion.watch import abortable
from isonet.steps.report import report
from isonet.steps.run import DECONVOLVED, RESULTS, as_begun, part, prepared, trained

log = logging.getLogger("isonet")
TABLE, OUTPUT = "isonet.star", "tomograms.star"
_GROUPS = "given.star"
_INPUTS = ("in_mics", "in_movies", "in_parts", "in_coords")
_OPTIONS: Mapping[str, tuple[type[StepConfig], ...]] = {
    "refine": (PrepareConfig, DeconvConfig, MaskConfig, RefineConfig),
    "predict": (PrepareConfig, DeconvConfig, PredictConfig),
}
_MORE = {"refine": ("deconv", "mask"), "predict": ("model",)}


def relion(step: Path, config: RelionConfig) -> None:
    """Do a job in the folder that RELION gave it; the same command again goes on where it was.

    Of `--in_mics` the table of tomograms is read. `refine` leaves the model in `results`, `predict` the corrected
    tomograms in `corrected` and a report. Both leave `tomograms.star`, RELION's own table; after `predict` it names the
    corrected tomograms as rlnTomoReconstructedTomogramDenoised. What RELION expects in the folder, and where that is
    written, is told in `isonet.io.programs.relion_job`.

    Parameters
    ----------
    step : Path
        The word refine or predict.
    config : RelionConfig
        Options of the steps, and what RELION adds.

    Raises
    ------
    InputError
        If the table names no tomograms, or an option is not one of the step.
    """
    folder, name = config.o, str(step)
    if folder is None:
        _refuse_other_job(name)
        raise InputError("--o: no folder for the job; RELION gives it, by hand it is --o External/job001/")
    given = [path for field in _INPUTS if (path := getattr(config, field)) is not None]
    with _told(Job(folder, given)) as outputs:
        _refuse(name, config, len(given))
        if config.j is not None:
            os.environ["OMP_NUM_THREADS"] = str(config.j)  # of processes that are started from here
            torch.set_num_threads(config.j)
        (source,), table = given, folder / TABLE
        if table.exists():
            config = as_begun(config, folder, table, also=_INPUTS, elsewhere="start a new job")
        with start(folder, "relion", config, inputs=(source,)) as work:
            project = Project.read(table) if table.exists() else _prepared(source, config, folder)
            project, work.stopped_early = _WORK[name](project, source, config, folder)
        if not work.stopped_early:
            write_with_corrected(source, folder / OUTPUT, project)
            outputs.append(folder / OUTPUT)


@contextmanager
def _told(job: Job) -> Iterator[list[Path]]:
    """Tell RELION how a job begins and ends; what stopped as planned, without output, counts as aborted.

    Yields
    ------
    list of Path
        To be filled with the outputs.
    """
    outputs: list[Path] = []
    job.folder.mkdir(parents=True, exist_ok=True)
    job.begin()
    try:
        with abortable(job):
            yield outputs
    except Interruption:
        job.end(State.ABORTED)
        raise
    except BaseException:
        job.end(State.FAILED)
        raise
    if outputs:
        job.end(State.SUCCEEDED, outputs)
    else:
        job.end(State.ABORTED)
        log.info("%s: stopped before the end; RELION's Continue goes on with it", job.folder)


def _refuse_other_job(step: str) -> None:
    if step not in _OPTIONS:
        raise InputError(f"{step}: not a job for RELION; give isonet relion refine, or isonet relion predict")


def _refuse(step: str, config: RelionConfig, given: int) -> None:
    """Refuse what cannot be done."""
    refuse_launchers("relion")
    _refuse_other_job(step)
    if given != 1:
        raise InputError(f"--in_mics: {given or 'no'} tables are given, one is needed; fill in Input micrographs alone")
    known = {"o", "j", *_INPUTS, *_MORE[step], *(name for kind in _OPTIONS[step] for name in kind.model_fields)}
    for name in sorted(config.model_fields_set - known):
        raise InputError(f"--{name.replace('_', '-')}: not an option of {step}; take it out of the job's parameters")
    if config.format == "zarr":
        raise InputError("--format zarr: RELION reads no OME-Zarr; give both, and its table names the MRC files")


def _prepared(source: Path, config: RelionConfig, folder: Path) -> Project:
    """Make our table from RELION's, which tells tilts and CTF as well."""
    write_groups(source, folder / _GROUPS)
    if config.metadata is None:
        config = config.model_copy(update={"metadata": source})
    return prepared([folder / _GROUPS], config, folder, folder / TABLE)


def _refine(project: Project, _source: Path, config: RelionConfig, folder: Path) -> tuple[Project, bool]:
    return trained(project, config, folder)


def _predict(project: Project, source: Path, config: RelionConfig, folder: Path) -> tuple[Project, bool]:
    model = _model(config, source)
    if read_model(model).about.get("input_column") == DECONVOLVED:
        _deconvolve_as_for(model, project, config, folder)
    asked = part(config, PredictConfig).model_copy(update={"output_dir": folder / "corrected"})
    project = predict_in_folder(project.path, model, asked)
    report(project.path, ReportConfig(output=folder / "report.html"))
    return project, False


def _model(config: RelionConfig, source: Path) -> Path:
    """Find the model: the one that is given, also by the folder of its job, else the one beside the table."""
    place = source.parent if config.model is None else config.model
    if (place / RESULTS / MODEL_NAME).is_file():
        return place / RESULTS
    if config.model is None:
        raise InputError(
            f"--model: no model beside {source}; give the folder of a refine job, starter for a preview, or "
            "tomograms.star of the refine job as input"
        )
    return config.model


def _deconvolve_as_for(model: Path, project: Project, config: RelionConfig, folder: Path) -> None:
    """Deconvolve as the tomograms were that a model was trained on, where its job tells how."""
    record = model.parent / "deconv" / CONFIG_NAME
    known = read_options(record) if record.is_file() else {}
    asked = part(config, DeconvConfig, without=("input_column",)).model_dump(exclude_unset=True)
    deconv_in_folder(project.path, DeconvConfig(**{**known, **asked, "output_dir": folder / "deconv"}))


_WORK: Mapping[str, Callable[[Project, Path, RelionConfig, Path], tuple[Project, bool]]] = {
    "refine": _refine,
    "predict": _predict,
}
