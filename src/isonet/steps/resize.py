"""Bring tomograms to another pixel size."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isonet.config import ResizeConfig
from isonet.core.filters import resampling, streamed
from isonet.errors import InputError
from isonet.io import blocks
from isonet.io.formats import open_volume
from isonet.io.text import counted
from isonet.io.volume import Volume, not_finite
from isonet.io.volume_files import find_volumes, stem
from isonet.project.table import HALF_COLUMNS, Project, Tomogram
from isonet.running.memory import within_limit
from isonet.running.runs import Run, start
from isonet.volumes.continued import Resized, continue_over_padding
from isonet.volumes.padding import find_padding
from isonet.volumes.pixel_size import DEFAULT_SIZE, pixel_size_in_table
from isonet.volumes.products import made_before, product_label

log = logging.getLogger("isonet")
_HALVES = dict(zip(HALF_COLUMNS, ("half1", "half2"), strict=True))
STALE = (
    "rlnDeconvTomoName",
    "rlnMaskName",
    "rlnMaskBoundary",
    "rlnBeadsName",
    "rlnCorrectedTomoName",
    "rlnCorrectedDeconvTomoName",
    "rlnDenoisedTomoName",
    "rlnBoxFile",
)
"""Columns that name what was made on the old grid."""


@dataclass(frozen=True)
class Job:
    """One volume to resize.

    Attributes
    ----------
    source : Path
        Its file.
    pixel_size : float
        Å per voxel of it, 0 where only its header knows.
    result : Path
        The file to make.
    """

    source: Path
    pixel_size: float
    result: Path


def resize_in_folder(inputs: Sequence[Path], config: ResizeConfig) -> None:
    """Bring the tomograms of a table, or of files and folders, to another pixel size.

    Raises
    ------
    InputError
        If neither is given, or both.
    """
    tables = [path for path in inputs if path.suffix.lower() == ".star"]
    if not inputs or (tables and len(inputs) > 1):
        raise InputError("resize needs one table, or folders and files: isonet resize tomograms.star")
    if not tables and config.tomo_idx is not None:
        raise InputError("--tomo-idx chooses from a table; give the table, or the files themselves")
    project = Project.read(tables[0]) if tables else None
    with start(config.output_dir, "resize", config, inputs=inputs) as run:
        if project is not None:
            resize(project, config, run)
        else:
            resize_files(inputs, config, run)


def resize(project: Project, config: ResizeConfig, run: Run) -> Project:
    """Resize the full tomograms and halves of a table, and write a table of the results beside it.

    Parameters
    ----------
    project : Project
        The table.
    config : ResizeConfig
        Options.
    run : Run
        The run folder.

    Returns
    -------
    Project
        `<table>_resized.star` with all columns but those that belong to the old grid.

    Raises
    ------
    InputError
        If a volume cannot be used, two have one name, or files that are there would be overwritten.
    RunError
        If a result cannot be written.
    """
    chosen = project.selected(config.tomo_idx)
    resized = Project(project.path.with_name(f"{project.path.stem}_resized.star"), ())
    jobs: list[Job] = []
    tomograms: list[Tomogram] = []
    for tomogram in chosen:
        files = dict(_jobs(tomogram, config))
        entries = {column: resized.entry(job.result) for column, job in files.items()}
        kept = {column: value for column, value in tomogram.row.items() if column not in STALE}
        row = {**kept, **entries, "rlnPixelSize": f"{config.pixel_size:.6g}"}
        tomograms.append(Tomogram(resized.path, row))
        jobs += files.values()
    resized = replace(resized, tomograms=tuple(tomograms))
    _refuse_other_table(resized, overwrite=config.overwrite)
    resize_volumes(jobs, config, run)
    dropped = [column for column in STALE if any(tomogram.text(column) is not None for tomogram in chosen)]
    if dropped:
        log.warning("%s: without %s, which fit the old grid; make them anew", resized.path, ", ".join(dropped))
    resized.write()
    log.info("%s: %s at %g A/voxel", resized.path, counted(len(tomograms), "tomogram"), config.pixel_size)
    return resized


def resize_files(paths: Sequence[Path], config: ResizeConfig, run: Run) -> None:
    """Resize MRC files and those of folders; errors as :func:`resize`."""
    found = dict.fromkeys(volume for path in paths for volume in find_volumes(path))
    resize_volumes([Job(path, 0.0, config.output_dir / f"{stem(path)}_resized.mrc") for path in found], config, run)


def resize_volumes(jobs: Sequence[Job], config: ResizeConfig, run: Run) -> None:
    """Resize volumes; what is wrong with any is found before the first is computed, but for voxels that are NaN."""
    results = [job.result for job in jobs]
    for job in jobs:
        if results.count(job.result) > 1:
            raise InputError(f"{job.result}: two volumes would have this name; resize them into two folders")
        _resampling(job, config)
    for job in jobs:
        label = product_label("resized", (job.source,), (config.pixel_size, job.pixel_size))
        if not made_before(job.result, label, overwrite=config.overwrite):
            _resize(job, config, label, run)


def _jobs(tomogram: Tomogram, config: ResizeConfig) -> Iterator[tuple[str, Job]]:
    """Iterate over the columns of a tomogram that name volumes to resize, and what is to be done with each."""
    pixel_size = pixel_size_in_table(tomogram)
    for column, folder in {tomogram.full_column: "", **_HALVES}.items():
        if column == tomogram.full_column or tomogram.text(column) is not None:
            source = tomogram.file(column)
            yield column, Job(source, pixel_size, config.output_dir / folder / f"{stem(source)}_resized.mrc")


def _refuse_other_table(resized: Project, *, overwrite: bool) -> None:
    """Refuse to replace a table that is not the one to be written."""
    if not resized.path.exists() or overwrite:
        return
    if [dict(t.row) for t in Project.read(resized.path).tomograms] != [dict(t.row) for t in resized.tomograms]:
        raise InputError(f"{resized.path}: exists and is another table; move it away or add --overwrite")


def _resampling(job: Job, config: ResizeConfig) -> tuple[Volume, resampling.Resampling]:
    """Open a volume and plan its resampling."""
    volume = open_volume(job.source)
    size = job.pixel_size or volume.pixel_size
    if not size > 0:
        raise InputError(f"{job.source}: no pixel size in its header; fill rlnPixelSize (A) in a table and resize that")
    with within_limit(job.source, config.max_memory) as memory:
        return volume, resampling.Resampling(volume.shape, (config.pixel_size / size,) * 3, memory)


def _resize(job: Job, config: ResizeConfig, label: str, run: Run) -> None:
    """Make one resized volume."""
    volume, how = _resampling(job, config)
    if not job.pixel_size and volume.pixel_size == DEFAULT_SIZE:
        log.warning(
            "%s: the header gives %g A/voxel, which is a default; set it, or fill a table", job.source, DEFAULT_SIZE
        )
    if min(how.steps) < 1 - 1e-6:
        log.warning("%s: %g A/voxel is finer than it is; that adds no detail", job.source, config.pixel_size)
    if min(how.result) < 2:
        raise InputError(
            f"{job.source}: {config.pixel_size:g} A/voxel leaves {how.result} voxels; choose a smaller one"
        )
    padding = find_padding(volume)
    old = volume.header.sized(job.pixel_size) if job.pixel_size else volume.header
    x, y, z = (round(start / step) for start, step in zip(old.start, reversed(how.steps), strict=True))
    header = replace(old, voxel_size=(config.pixel_size,) * 3, start=(x, y, z), labels=(*old.labels[:9], label))
    with (
        run.progress(f"resize {stem(job.source)}", how.count) as advance,
        blocks.create(job.result, how.result, header) as target,
        blocks.scratch(job.result.parent, how.between) as between,
    ):
        try:
            after = resampling.resample(
                *(continue_over_padding(volume, padding), between, target, how, advance),
                finish=None if padding is None else Resized(padding, how.steps).restore,
            )
        except streamed.NotFiniteError as error:
            raise InputError(not_finite(job.source, error.slab, error.first)) from error
        target.statistics = (after.low, after.high, after.mean, after.std)
    log.info("%s: %s voxels of %g A", job.result, " x ".join(map(str, how.result)), config.pixel_size)
