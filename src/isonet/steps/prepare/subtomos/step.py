"""Make the table of sub-volumes that another program cut."""

import logging
from pathlib import Path

from isonet.config import PrepareSubtomoStarConfig
from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.text import counted
from isonet.io.volume_files import find_volumes
from isonet.project.orientation import ABOUT_X, ABOUT_Z
from isonet.project.table import SUBVOLUME_COLUMN, Project, Tomogram
from isonet.steps.prepare.subtomos.cubes import compare_wedge, sub_volumes_of, warn_of_sizes
from isonet.volumes.continued import open_continued
from isonet.volumes.contrast import pooled_contrast
from isonet.volumes.source import CONTRAST_COLUMN, pooled_statistics

log = logging.getLogger("isonet")
_MULTIPLE = 16
_SMALLEST = 16


def prepare_subtomos(folder: Path, config: PrepareSubtomoStarConfig) -> Project:
    """Write `subtomo.star` from a folder of sub-volumes.

    Parameters
    ----------
    folder : Path
        MRC files, cubes of one size.
    config : PrepareSubtomoStarConfig
        Options.

    Returns
    -------
    Project
        The table, also on disk.

    Raises
    ------
    InputError
        If a file cannot be used, is no cube or of another size, or the table exists.
    """
    if config.output.exists() and not config.overwrite:
        raise InputError(f"{config.output}: exists; choose another --output or add --overwrite")
    paths = sub_volumes_of(find_volumes(folder))
    edge = _common_edge(paths)
    pooled_statistics(map(open_continued, paths))  # refuses NaN
    contrast = config.contrast
    if contrast == "auto":
        contrast = "dark" if pooled_contrast(map(open_continued, paths)) == "dark" else "light"
    cube = config.cube_size or _cube_size(edge, paths[0])
    if cube > edge:
        raise InputError(f"--cube-size {cube}: the sub-volumes of {folder} have {edge} voxels; use a smaller one")
    table = Project(config.output, ())
    turns = {ABOUT_X: f"{config.level_x:.6g}", ABOUT_Z: f"{config.axis_turn:.6g}"}
    rows = []
    for number, path in enumerate(paths, start=1):
        row = {
            "rlnSubtomoIndex": str(number),
            SUBVOLUME_COLUMN: table.entry(path),
            "rlnCubeSize": str(cube),
            "rlnCropSize": str(edge),
            "rlnPixelSize": f"{config.pixel_size or open_volume(path).pixel_size:.6g}",
            "rlnTiltMin": f"{config.tilt_min:.6g}",
            "rlnTiltMax": f"{config.tilt_max:.6g}",
            CONTRAST_COLUMN: contrast,
            **(turns if config.level_x or config.axis_turn else {}),
        }
        rows.append(Tomogram(config.output, row))
    _comment_on_pixel_size(rows[0], paths[0])
    if config.pixel_size is None:
        warn_of_sizes(paths)
    by_default = not config.model_fields_set & {"tilt_min", "tilt_max"}
    compare_wedge(folder, paths, rows[0].measured, config.accept, by_default=by_default)
    table = Project(config.output, tuple(rows))
    table.write()
    text = "%s: %s of %d^3, cubes of %d, tilts %g to %g, density %s"
    log.info(
        text, config.output, counted(len(rows), "sub-volume"), edge, cube, config.tilt_min, config.tilt_max, contrast
    )
    return table


def _common_edge(paths: list[Path]) -> int:
    """Edge of the cubes; refuse a file of another shape."""
    first = open_volume(paths[0]).shape
    for path in paths:
        shape = open_volume(path).shape
        if len(set(shape)) > 1:
            raise InputError(f"{path}: {' x '.join(map(str, shape))} voxels is no cube; cut sub-volumes as cubes")
        if shape != first:
            raise InputError(f"{path}: {shape[0]} voxels wide, {paths[0]} has {first[0]}; all must have one size")
    return first[0]


def _cube_size(edge: int, path: Path) -> int:
    """Edge of training cubes that rotated sub-volumes fill: two thirds of theirs, for any network."""
    cube = int(edge / 1.5) // _MULTIPLE * _MULTIPLE
    if cube < _SMALLEST:
        raise InputError(f"{path}: sub-volumes of {edge} voxels are too small to train on; cut larger ones (96)")
    return cube


def _comment_on_pixel_size(row: Tomogram, path: Path) -> None:
    if row.number("rlnPixelSize") in (0.0, 1.0):
        size = row.row["rlnPixelSize"]
        log.warning("%s: a pixel size of %s A is a default; set --pixel-size", path, size)
