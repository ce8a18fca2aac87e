"""Undo the contrast transfer of the microscope, tomogram by tomogram, in bounded memory."""

import logging
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from isonet.config import DeconvConfig
from isonet.config.deconv import IN_TABLE
from isonet.core.filters import streamed
from isonet.core.filters.ctf import Optics, WienerFilter
from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.volume import Volume
from isonet.project.table import Project, Tomogram
from isonet.running.companions import start_together
from isonet.running.forecast import refuse_full_disk, voxels_to_write
from isonet.running.memory import with_its_share, within_limit
from isonet.running.processes import side_by_side
from isonet.running.runs import PREVIEWS, Run
from isonet.running.sharing import nobodys
from isonet.steps.deconv.pictures import save_choices, save_deconvolved
from isonet.volumes.filtering import filter_file
from isonet.volumes.pixel_size import DEFAULT_SIZE, corrected_size, pixel_size
from isonet.volumes.products import made_before, output_paths, product_label

log = logging.getLogger("isonet")
_SMALLEST_DEFOCUS = 100.0  # Å: less is a value in micrometres
_UNUSUAL_DEFOCUS = 8_000.0  # Å: less may be a value in nanometres


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

    @property
    def values(self) -> dict[str, str]:
        """Values used, by column of the table."""
        optics = self.wiener.optics
        numbers = {
            "defocus": optics.defocus,
            "voltage": optics.voltage,
            "cs": optics.cs,
            "amplitude_contrast": optics.amplitude_contrast,
            "snr_falloff": self.wiener.snr_falloff,
            "deconv_strength": self.wiener.strength,
        }
        return {IN_TABLE[option][0]: f"{value:.8g}" for option, value in numbers.items()}


def deconv_in_folder(star: Path, config: DeconvConfig) -> Project:
    """Deconvolve the tomograms of a table into `config.output_dir`."""
    return side_by_side(config, _deconv, star, config)


def _deconv(star: Path, config: DeconvConfig) -> Project:
    project = Project.read(star)
    with start_together(config.output_dir, "deconv", config, inputs=(star,)) as run:
        return deconv(project, with_its_share(config), run)


def deconv(project: Project, config: DeconvConfig, run: Run) -> Project:
    """Deconvolve the tomograms of a table, or draw what several settings would do (`config.preview`).

    What cannot be done with any of them is found before the first one is computed, but for voxels that are NaN.

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
        With `rlnDeconvTomoName` and the values used filled in, also on disk after each tomogram.

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
    for job, _ in nobodys(jobs, [job.result for job in jobs]):
        pictures = config.output_dir / PREVIEWS
        if config.preview:
            choices = pictures / f"{job.tomogram.name}_choices.png"
            save_choices(choices, open_volume(job.source), job.wiener)
            print(choices)
            continue
        corrected = corrected_size(job.tomogram, open_volume(job.source))
        label = product_label("deconvolved", (job.source,), (job.wiener, *corrected) if corrected else job.wiener)
        picture = pictures / f"{job.tomogram.name}.png"
        if not made_before(job.result, label, overwrite=config.overwrite):
            filter_file(
                *(job.source, job.result, job.wiener.radial, label, config.max_memory, run),
                rescale=True,
                pixel_size=job.wiener.pixel_size,
            )
            log.info("%s: written", job.result)
            picture.unlink(missing_ok=True)
        if not picture.exists():
            save_deconvolved(picture, open_volume(job.source), open_volume(job.result), job.wiener)
        project.recorded(job.tomogram.index, rlnDeconvTomoName=project.entry(job.result), **job.values)
    return Project.read(project.path)


def _jobs(project: Project, config: DeconvConfig, run: Run) -> list[Job]:
    """Return what is to be done, checked; phase-plate tomograms are left out with a line."""
    chosen = project.selected(config.tomo_idx)
    jobs = []
    for tomogram, path in zip(chosen, output_paths(chosen, config.output_dir, "deconv"), strict=True):
        phase_shift = _value(tomogram, config, "phase_shift")
        if phase_shift:
            log.info("%s: phase plate (%g degrees), skipped: train on it as it is", tomogram.name, phase_shift)
            continue
        source = tomogram.file(tomogram.full_column if config.input_column == "auto" else config.input_column)
        volume = open_volume(source)
        wiener = _filter(tomogram, volume, config)
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


def _value(tomogram: Tomogram, config: DeconvConfig, option: str) -> float:
    """Return an option of one tomogram: the flag, else its column within the flag's bounds, else the default."""
    column, default = IN_TABLE[option]
    flag, in_table = getattr(config, option), tomogram.number(column)
    if flag is None and in_table is not None:
        try:
            DeconvConfig(**{option: in_table})
        except ValidationError as error:
            where = f"{tomogram.table}: {column} of tomogram {tomogram.index} is {in_table:g}"
            raise InputError(f"{where}; {error.errors()[0]['msg']}") from error
    return float(next(value for value in (flag, in_table, default) if value is not None))


def _filter(tomogram: Tomogram, volume: Volume, config: DeconvConfig) -> WienerFilter:
    """Filter of one tomogram."""
    size = pixel_size(tomogram, volume)
    if not size > 0:
        raise InputError(f"{tomogram.table}: tomogram {tomogram.index} has no pixel size; fill rlnPixelSize (A)")
    if size == DEFAULT_SIZE:
        log.warning(
            "%s: tomogram %s has 1 A/voxel, which is a default of headers; fill rlnPixelSize",
            tomogram.table,
            tomogram.index,
        )
    return WienerFilter(
        Optics(
            _defocus(tomogram, config),
            _value(tomogram, config, "voltage"),
            _value(tomogram, config, "cs"),
            _value(tomogram, config, "amplitude_contrast"),
        ),
        size,
        _value(tomogram, config, "snr_falloff"),
        _value(tomogram, config, "deconv_strength"),
        config.highpass_nyquist,
        config.phase_flipped,
    )


def _defocus(tomogram: Tomogram, config: DeconvConfig) -> float:
    """Defocus in Å; refuse what is unknown or in another unit."""
    defocus = _value(tomogram, config, "defocus")
    where = f"{tomogram.table}: tomogram {tomogram.index} ({tomogram.name})"
    if defocus == 0:
        raise InputError(
            f"{where} has no defocus; fill rlnDefocus or give --defocus (A, positive is underfocus); for a phase "
            "plate fill rlnPhaseShift or give --phase-shift"
        )
    if abs(defocus) < _SMALLEST_DEFOCUS:
        raise InputError(f"{where} has a defocus of {defocus:g} A; give it in A (4 micrometres are 40000)")
    if abs(defocus) < _UNUSUAL_DEFOCUS:
        log.warning(
            "%s has a defocus of %g A, which is little for a tomogram; if it is in nanometres, give ten times as much",
            *(where, defocus),
        )
    if defocus < 0:
        log.warning("%s has a defocus of %g A, which is overfocus; underfocus is positive", where, defocus)
    return defocus
