"""Tomograms without their outermost tilts: the measured Fourier region is removed before anything is derived."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from isonet.config import DeconvConfig, MaskConfig, StepConfig, ValidateConfig
from isonet.core.tilts import wedge, withheld
from isonet.core.tilts.measured import Measured
from isonet.errors import InputError
from isonet.io import files
from isonet.io.formats import open_volume
from isonet.io.options import read_options
from isonet.io.volume_files import stem
from isonet.project.orientation import SECOND_AXIS
from isonet.project.table import HALF_COLUMNS, TURNED_COLUMN, Project, Tomogram
from isonet.running.runs import CONFIG_NAME, Run
from isonet.steps.deconv import deconv_in_folder
from isonet.steps.mask import mask_in_folder
from isonet.volumes.beads import BEADS_COLUMN
from isonet.volumes.filtering import filter_file
from isonet.volumes.masks import is_foreign
from isonet.volumes.pixel_size import corrected_size, pixel_size_in_table
from isonet.volumes.products import made_before, product_label

log = logging.getLogger("isonet")
TABLE = "tomograms.star"
_DERIVED = {
    *("rlnDeconvTomoName", "rlnMaskName", BEADS_COLUMN, TURNED_COLUMN),
    *("rlnCorrectedTomoName", "rlnCorrectedDeconvTomoName"),
}
_TILT_FILES = ("rlnTiltFile", "rlnTiltFileHalf1", "rlnTiltFileHalf2", f"rlnTiltFile{SECOND_AXIS}")
_LONGEST_NAME = 255 - len("_withheld.mrc")
Config = TypeVar("Config", bound=StepConfig)


def withhold(project: Project, config: ValidateConfig, run: Run) -> Project:
    """Write the tomograms and halves of a table without what is withheld, and a table of them.

    Deconvolved tomograms and masks are made anew from what is left, as their run folders say; masks of other programs
    are left out, since they may have been drawn with the help of what is withheld.

    Parameters
    ----------
    project : Project
        The table of measured tomograms.
    config : ValidateConfig
        Options.
    run : Run
        Shows the progress.

    Returns
    -------
    Project
        The table of what is left; its rows are those chosen, in order.

    Raises
    ------
    InputError
        If a tomogram cannot be used, or other files are in the way.
    """
    folder = config.output_dir / "withheld"
    chosen = project.selected(config.tomo_idx)
    rows = [_narrowed(tomogram, folder, config, run) for tomogram in chosen]
    left = Project(folder / TABLE, tuple(Tomogram(folder / TABLE, row) for row in rows))
    left.write()
    _derive(chosen, folder, config)
    return Project.read(left.path)


def kept_part(tomogram: Tomogram, degrees: float) -> Measured:
    """What is kept of a tomogram: its tilts but the outermost.

    Raises
    ------
    InputError
        If nothing is left.
    """
    try:
        return withheld.kept_part(tomogram.measured, degrees)
    except ValueError as error:
        most = withheld.largest(tomogram.measured)
        remedy = f"use --withhold {most} or less" if most > 0 else "its tilts span too little to withhold any"
        raise InputError(f"{tomogram.table}: tomogram {tomogram.index}: {error}; {remedy}") from error


def _narrowed(tomogram: Tomogram, folder: Path, config: ValidateConfig, run: Run) -> dict[str, str]:
    """Row of one tomogram of which the outermost tilts are removed."""
    kept = kept_part(tomogram, config.withhold)
    row = {name: value for name, value in tomogram.row.items() if name not in _DERIVED}
    columns = [tomogram.full_column, *(HALF_COLUMNS if tomogram.has_halves else ())]
    for column, place in zip(columns, ("full", "half1", "half2"), strict=False):
        source = tomogram.file(column)
        name = f"{stem(source)[:_LONGEST_NAME]}_withheld.mrc"
        _remove(tomogram, source, folder / place / name, kept, config, run)
        row[column] = f"{place}/{name}"
    for which, sweep in zip(("", SECOND_AXIS), kept.sweeps, strict=False):
        row |= {f"rlnTilt{end}{which}": f"{tilt:g}" for end, tilt in zip(("Min", "Max"), sweep.ends, strict=True)}
    sweeps = tomogram.measured.sweeps
    lists = (tomogram.tilts, *tomogram.half_tilts, *(sweep.tilts for sweep in sweeps[1:]))
    ends = [kept.sweeps[0].ends] * 3 + [sweep.ends for sweep in kept.sweeps[1:]]
    for column, tilts, range_ in zip(_TILT_FILES, lists, ends, strict=False):
        if tomogram.text(column) is not None:
            left = withheld.kept_tilts(tilts, range_)
            path = folder / "tilts" / f"{tomogram.index}_{column}.tlt"
            files.write_text(path, "".join(f"{tilt:.2f}\n" for tilt in left))
            row[column] = str(path.relative_to(folder))
            which = column.removeprefix("rlnTiltFile")
            if f"rlnTiltMin{which}" in row:
                row |= {f"rlnTiltMin{which}": f"{min(left):g}", f"rlnTiltMax{which}": f"{max(left):g}"}
    for column, path in ((name, tomogram.file(name)) for name in ("rlnMaskBoundary",) if tomogram.text(name)):
        row[column] = str(path.resolve())
    return row


def _remove(tomogram: Tomogram, source: Path, target: Path, kept: Measured, config: ValidateConfig, run: Run) -> None:
    """Write a volume of a tomogram without what is beyond the kept range, unless that is done."""
    volume = open_volume(source)
    ends = kept.sweeps[0].tilts if kept.at_home else (kept,)
    label = product_label("withheld", (source,), (*ends, *corrected_size(tomogram, volume)))
    if target.exists() and label not in open_volume(target).header.labels and not config.overwrite:
        raise InputError(
            f"{target}: made from other input or with another --withhold; add --overwrite or choose another "
            "--output-dir"
        )
    if made_before(target, label, overwrite=config.overwrite):
        return
    filter_file(
        *(source, target, wedge.transfer(volume.shape, kept), (label,), config.max_memory, run),
        rescale=False,
        pixel_size=pixel_size_in_table(tomogram),
    )
    log.info("%s: written, with tilts of %g to %g degrees only", target, *kept.sweeps[0].ends)


def _derive(measured: Sequence[Tomogram], folder: Path, config: ValidateConfig) -> None:
    """Deconvolve what is left and make masks for it, where that was done with the measured tomograms."""
    place: dict[str, object] = {"input_column": "auto", "overwrite": config.overwrite}
    deconvolved = [one for one in measured if one.text("rlnDeconvTomoName") is not None]
    if deconvolved:
        settings = _settings(deconvolved[0].file("rlnDeconvTomoName"), DeconvConfig)
        indices = ",".join(one.index for one in deconvolved)
        place |= {"tomo_idx": indices, "output_dir": folder / "deconv"}
        deconv_in_folder(folder / TABLE, settings.model_copy(update=place))
    masked = [one for one in measured if one.text("rlnMaskName") is not None]
    own = [one for one in masked if not is_foreign(one)]
    for one in masked:
        if one not in own:
            log.warning(
                "%s: not made by this program, may have seen what is withheld; left out", one.text("rlnMaskName")
            )
    if own:
        masking = _settings(own[0].file("rlnMaskName"), MaskConfig)
        place |= {"tomo_idx": ",".join(one.index for one in own), "output_dir": folder / "mask", "existing": None}
        mask_in_folder(folder / TABLE, masking.model_copy(update=place))


def _settings(product: Path, kind: type[Config]) -> Config:
    """Options of the run that made a file, as its folder says; else the defaults."""
    try:
        return kind(**read_options(product.parent / CONFIG_NAME))
    except (InputError, ValidationError):
        log.info("%s: its run folder does not say how it was made; the table and the defaults do", product)
        return kind()
