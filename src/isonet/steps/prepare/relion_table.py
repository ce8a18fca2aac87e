"""A table of tomograms that RELION 5 reads."""

import logging
from collections.abc import Sequence
from pathlib import Path

from isonet.errors import InputError
from isonet.io import star
from isonet.io.formats import open_volume
from isonet.io.text import counted
from isonet.project.table import HALF_COLUMNS, Project, Tomogram
from isonet.steps.prepare.description import Description

log = logging.getLogger("isonet")
_USUAL_HAND = -1.0


def write_relion_table(path: Path, project: Project, descriptions: Sequence[Description], *, overwrite: bool) -> None:
    """Write `data_global` with one row per tomogram.

    RELION's names of series, sizes in pixels of the unbinned images and pixel sizes of the images are written; where
    these are unknown, the tomograms count as not binned. Paths are relative to the working folder, which RELION takes
    to be its project's, or absolute.

    Raises
    ------
    InputError
        If the file exists and may not be overwritten, two tomograms have one name, or one has no pixel size.
    """
    if path.exists() and not overwrite:
        raise InputError(f"{path}: exists; choose another --relion5 or add --overwrite")
    rows = [_row(*pair) for pair in zip(project.tomograms, descriptions, strict=True)]
    names = [row["rlnTomoName"] for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: two tomograms are called {name}, RELION tells them by name; rename one")
    if any(description.hand is None for description in descriptions):
        log.warning("%s: rlnTomoHand is set to %g, the usual one; correct it if yours differs", path, _USUAL_HAND)
    if all(description.series_star is None for description in descriptions):
        log.info("%s: has no tilt series: enough to pick and to look, not to extract from images", path)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    incomplete = [name for name in columns if any(name not in row for row in rows)]
    if incomplete:
        log.warning("%s: not known of all tomograms and left out: %s", path, ", ".join(incomplete))
    complete = [{name: row[name] for name in columns if name not in incomplete} for row in rows]
    star.write_table(path, complete, ("rlnTomoName",), name="global")
    log.info("%s: %s for RELION 5", path, counted(len(rows), "tomogram"))


def _row(tomogram: Tomogram, known: Description) -> dict[str, str]:
    """One tomogram in RELION's terms."""
    volume = open_volume(tomogram.file(tomogram.full_column))
    pixel_size = tomogram.number("rlnPixelSize")
    if not pixel_size:
        raise InputError(f"{volume.path}: no pixel size, which RELION needs; set --pixel-size")
    image = known.image_pixel_size or pixel_size
    binning = pixel_size / image
    depth, height, width = (round(edge * binning) for edge in volume.shape)
    halves = {column: _relative(tomogram.file(column)) for column in HALF_COLUMNS if tomogram.text(column) is not None}
    return {
        "rlnTomoName": known.series or tomogram.name,
        "rlnVoltage": f"{known.voltage:.6f}",
        "rlnSphericalAberration": f"{known.cs:.6f}",
        "rlnAmplitudeContrast": f"{known.amplitude_contrast:.6f}",
        "rlnMicrographOriginalPixelSize": f"{image:.6f}",
        "rlnTomoHand": f"{_USUAL_HAND if known.hand is None else known.hand:.6f}",
        "rlnOpticsGroupName": "optics1",
        "rlnTomoTiltSeriesPixelSize": f"{image:.6f}",
        **({} if known.series_star is None else {"rlnTomoTiltSeriesStarFile": _relative(known.series_star)}),
        "rlnTomoTomogramBinning": f"{binning:.6f}",
        "rlnTomoSizeX": str(width),
        "rlnTomoSizeY": str(height),
        "rlnTomoSizeZ": str(depth),
        "rlnTomoReconstructedTomogram": _relative(volume.path),
        **halves,
    }


def _relative(path: Path) -> str:
    """Path from the working folder where it lies in it, else absolute."""
    absolute, folder = path.parent.resolve() / path.name, Path.cwd().resolve()
    return str(absolute.relative_to(folder) if absolute.is_relative_to(folder) else absolute)
