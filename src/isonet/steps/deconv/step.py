"""Undo the contrast transfer of the microscope, tomogram by tomogram, in bounded memory."""

import logging
from dataclasses import dataclass
from pathlib import Path

from isonet.config import DeconvConfig
from isonet.config.deconv import CORRECTED
from isonet.core.filters import streamed
from isonet.core.filters.ctf import WienerFilter
from isonet.io.files import refuse_read_only
from isonet.io.formats import open_volume
from isonet.project.table import Project, Tomogram
from isonet.running.companions import start_together
from isonet.running.forecast import refuse_full_disk, voxels_to_write
from isonet.running.memory import with_its_share, within_limit
from isonet.running.processes import side_by_side
from isonet.running.runs import PREVIEWS, Run
from isonet.running.sharing import nobodys
from isonet.steps.deconv.choice import chosen
from isonet.steps.deconv.pictures import save_choices, save_deconvolved
from isonet.steps.deconv.wiener import columns_of, setting_labels, warn_of_doubtful, wiener_of
from isonet.volumes.filtering import filter_file
from isonet.volumes.pixel_size import corrected_size, warn_of_other_size
from isonet.volumes.products import label_of_next, made_before, output_paths, product_label

log = logging.getLogger("isonet")


@dataclass(frozen=True)
class Job:
    """One tomogram to deconvolve.

    Attributes
    ----------
    tomogram : Tomogram
        Its row in the table.
    source : Path
        Its file.
    wiener : WienerFilter
        The filter, with all that it depends on.
    result : Path
        The file to make.
    """

    tomogram: Tomogram
    source: Path
    wiener: WienerFilter
    result: Path


def deconv_in_folder(star: Path, config: DeconvConfig) -> Project:
    """Deconvolve the tomograms of a table into `config.output_dir`."""
    return side_by_side(config, _deconv, star, config)


def _deconv(star: Path, config: DeconvConfig) -> Project:
    project = Project.read(star)
    if not config.preview:
        refuse_read_only(project.path)
    with start_together(config.output_dir, "deconv", config, inputs=(star,)) as run:
        return deconv(project, with_its_share(config), run)


def deconv(project: Project, config: DeconvConfig, run: Run) -> Project:
    """Deconvolve the tomograms of a table, or draw what several settings would do (`config.preview`).

    What cannot be done with any of them is found before the first one is computed, but for voxels that are NaN.
    Corrected tomograms (`config.input_column`) have filters, names and a column of their own.

    Parameters
    ----------
    project : Project
        The table.
    config : DeconvConfig
        Options; what is left out is taken from the table.
    run : Run
        The run folder.

    Returns
    -------
    Project
        With `rlnDeconvTomoName` and the values used filled in, or with `rlnCorrectedDeconvTomoName`, also on disk after
        each tomogram.

    Raises
    ------
    InputError
        If a tomogram cannot be used, its defocus is unknown, or the memory is too little.
    RunError
        If a result cannot be written.
    """
    jobs = _jobs(project, config, run)
    if run.leads and not config.preview:
        sources, results = ([getattr(job, name) for job in jobs] for name in ("source", "result"))
        needed = 4 * sum(voxels_to_write(sources, results, overwrite=config.overwrite))
        refuse_full_disk(config.output_dir, needed, "free some space, or choose by --tomo-idx")
    pictures = config.output_dir / PREVIEWS
    for job, _ in nobodys(jobs, [job.result for job in jobs]):
        if config.preview:
            choices = pictures / f"{job.tomogram.name}_choices.png"
            save_choices(choices, open_volume(job.source), job.wiener)
            print(choices)
            continue
        _deconvolve(job, config, run)
        made = project.entry(job.result)
        if config.input_column == CORRECTED:
            project.recorded(job.tomogram.index, rlnCorrectedDeconvTomoName=made)
        else:
            project.recorded(job.tomogram.index, rlnDeconvTomoName=made, **columns_of(job.wiener))
    return Project.read(project.path)


def _deconvolve(job: Job, config: DeconvConfig, run: Run) -> None:
    """Write a deconvolved tomogram and its picture, unless they are there."""
    if config.input_column == CORRECTED:
        label = label_of_next("deconvolved", job.source, job.wiener)
    else:
        size = corrected_size(job.tomogram, open_volume(job.source))
        label = product_label("deconvolved", (job.source,), (job.wiener, *size) if size else job.wiener)
    picture = config.output_dir / PREVIEWS / f"{job.result.name.removesuffix('_deconv.mrc')}.png"
    if not made_before(job.result, label, overwrite=config.overwrite):
        filter_file(
            *(job.source, job.result, job.wiener.radial, (*setting_labels(job.wiener), label), config.max_memory, run),
            rescale=True,
            pixel_size=job.wiener.pixel_size,
        )
        log.info("%s: written", job.result)
        picture.unlink(missing_ok=True)
    if not picture.exists():
        save_deconvolved(picture, open_volume(job.source), open_volume(job.result), job.wiener)


def _jobs(project: Project, config: DeconvConfig, run: Run) -> list[Job]:
    """Return what is to be done, checked."""
    corrected = config.input_column == CORRECTED
    tomograms = chosen(project, config, aloud=run.leads)
    results = output_paths(tomograms, config.output_dir, "corrected_deconv" if corrected else "deconv")
    jobs = []
    for tomogram, path in zip(tomograms, results, strict=True):
        source = tomogram.file(tomogram.full_column if config.input_column == "auto" else config.input_column)
        volume = open_volume(source)
        wiener = wiener_of(tomogram, volume, config)
        warn_of_doubtful(tomogram, wiener)
        warn_of_other_size(tomogram, volume)
        if not config.preview:
            with within_limit(source, config.max_memory) as memory:
                streamed.plan(volume.shape, memory)
        jobs.append(Job(tomogram, source, wiener, path))
        optics = wiener.optics
        log.log(
            logging.INFO if run.leads else logging.DEBUG,
            "%s: defocus %g A, %g kV, Cs %g mm, amplitude contrast %g, %g A/voxel; falloff %g, strength %g",
            tomogram.name,
            *(optics.defocus, optics.voltage, optics.cs, optics.amplitude_contrast),
            *(wiener.pixel_size, wiener.snr_falloff, wiener.strength),
        )
    return jobs
