"""Which tomograms are deconvolved; of corrected ones that is known before they are made."""

import logging
from collections.abc import Sequence
from pathlib import Path

from isonet.config import DeconvConfig
from isonet.config.deconv import CORRECTED
from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.project.table import Project, Tomogram
from isonet.steps.deconv.wiener import value, was_deconvolved, wiener_of

log = logging.getLogger("isonet")
DECONVOLVED = "rlnDeconvTomoName"
FOLDER = "deconvolved"
"""In the folder of corrected tomograms."""


def chosen(project: Project, config: DeconvConfig, *, aloud: bool = True) -> Sequence[Tomogram]:
    """Tomograms of a table that can be deconvolved, as asked; it is said why others are left out.

    Raises
    ------
    InputError
        If they are corrected ones and there is none, or a value in the table cannot be used.
    """
    tomograms = project.selected(config.tomo_idx)
    if config.input_column == CORRECTED:
        return _with_contrast_to_restore(tomograms, CORRECTED, config, aloud=aloud)
    kept = []
    for tomogram in tomograms:
        phase_shift = value(tomogram, config, "phase_shift")
        if phase_shift:
            log.info("%s: phase plate (%g degrees), skipped: train on it as it is", tomogram.name, phase_shift)
        else:
            kept.append(tomogram)
    return kept


def for_corrected(tomograms: Sequence[Tomogram], column: str, folder: Path, **options: object) -> DeconvConfig:
    """Options for deconvolving what will be made of tomograms in a column, without those where that cannot be done.

    Parameters
    ----------
    tomograms : sequence of Tomogram
        Rows of the table.
    column : str
        What is corrected.
    folder : Path
        Of the corrected tomograms.
    **options
        Further options.

    Raises
    ------
    InputError
        As of :func:`chosen`.
    """
    config = DeconvConfig(input_column=CORRECTED, output_dir=folder / FOLDER, **options)
    kept = _with_contrast_to_restore(tomograms, column, config)
    return config.model_copy(update={"tomo_idx": ",".join(one.index for one in kept)})


def _with_contrast_to_restore(
    tomograms: Sequence[Tomogram], column: str, config: DeconvConfig, *, aloud: bool = True
) -> Sequence[Tomogram]:
    """Leave out, with a line, what has no contrast to be restored, or of which it is not known how."""
    reasons = {one.index: why_not(one, column, config) for one in tomograms}
    kept = [one for one in tomograms if not reasons[one.index]]
    if not kept:
        first = tomograms[0]
        raise InputError(
            f"{first.table}: no corrected tomogram can be deconvolved; {first.name} {reasons[first.index]}"
        )
    for one in tomograms:
        if reasons[one.index]:
            log.log(
                logging.INFO if aloud else logging.DEBUG, "%s: not deconvolved: it %s", one.name, reasons[one.index]
            )
    return kept


def why_not(tomogram: Tomogram, column: str, config: DeconvConfig) -> str:
    """Say why the correction of what is in a column should not be deconvolved; nothing where it should.

    Raises
    ------
    InputError
        If a value in the table cannot be used.
    """
    phase_shift = value(tomogram, config, "phase_shift")
    if phase_shift:
        return f"was taken with a phase plate ({phase_shift:g} degrees): its contrast is there"
    if value(tomogram, config, "defocus") == 0:
        return "has no defocus; fill rlnDefocus (A, positive is underfocus)"
    path = tomogram.file(column)
    if column == DECONVOLVED or was_deconvolved(path):
        return "was deconvolved before it was corrected; train on what was not"
    wiener_of(tomogram, open_volume(path), config)
    return ""
