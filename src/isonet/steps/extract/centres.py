"""Where the sub-volumes of a tomogram are centred: drawn inside its mask, or at given coordinates."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isonet.config import ExtractConfig
from isonet.core.sampling import draw_distinct_centres, random_stream
from isonet.errors import InputError
from isonet.io.programs import coordinates
from isonet.io.programs.particles import unread
from isonet.io.text import counted
from isonet.project.belonging import file_in, named, tell_of_others
from isonet.project.names import without_ending
from isonet.project.places import refuse_other_sampling, warn_of_turned
from isonet.project.subvolumes import subvolume_count
from isonet.project.table import Project, Tomogram
from isonet.steps.extract.rows import called, of_none
from isonet.volumes.masks import open_mask, tell_of_foreign
from isonet.volumes.pixel_size import pixel_size
from isonet.volumes.source import Source
from isonet.volumes.where import where_data_are

log = logging.getLogger("isonet")
BOX_COLUMN = "rlnBoxFile"
Centres = npt.NDArray[np.int64]


def find_centres(
    tomogram: Tomogram, source: Source, config: ExtractConfig, project: Project, tomograms: Sequence[Tomogram]
) -> Centres:
    """Choose the centres of one tomogram's sub-volumes.

    Parameters
    ----------
    tomogram : Tomogram
        Its row in the table.
    source : Source
        What the sub-volumes are cut from.
    config : ExtractConfig
        Options.
    project : Project
        The table: what fits another of its tomograms better is not taken for this one's.
    tomograms : sequence of Tomogram
        All that sub-volumes are cut from.

    Returns
    -------
    numpy array
        `[n, 3]`: voxels z, y, x. Given coordinates keep their order.

    Raises
    ------
    InputError
        If the mask leaves no room, or coordinates cannot be used.
    """
    number = project.tomograms.index(tomogram)
    random = random_stream(config.seed, number)
    path = _coordinate_file(number, project, config)
    if path is None:
        if config.coordinates is None:
            return _drawn(
                tomogram, source, config, subvolume_count(tomogram, config.number_subtomos, tomograms), random
            )
        log.warning("%s: no coordinates in %s", tomogram.name, config.coordinates)
        return np.zeros((0, 3), dtype=np.int64)
    warn_of_turned(path, tomogram)
    volume = source.volume
    points = _points(path, number, project, config, tomograms)
    size = pixel_size(tomogram, volume)
    if not points.say_size:
        for name in dict.fromkeys((path.stem, *map(without_ending, points.tomograms))):
            refuse_other_sampling(path, name, tomogram.name, size)
    found = points.voxels(volume.shape, size, volume.header.pixel_size)
    if config.number_subtomos is not None and config.number_subtomos < len(found):
        found = found[np.sort(random.choice(len(found), config.number_subtomos, replace=False))]
    return found


def tell_of_other_places(project: Project, tomograms: Sequence[Tomogram], config: ExtractConfig) -> None:
    """Warn where the table names masks, or files of places that name no tomogram, of others or for several."""
    if config.coordinates is not None:
        return
    listed = [one for one in tomograms if one.text(BOX_COLUMN) is not None]
    tell_of_foreign(project, [one for one in tomograms if one not in listed])
    files = {one.file(BOX_COLUMN) for one in listed}
    nameless = {path for path in files if not coordinates.read_coordinates(path).tomograms}
    tell_of_others(project, BOX_COLUMN, [one for one in listed if one.file(BOX_COLUMN) in nameless])


def _drawn(
    tomogram: Tomogram, source: Source, config: ExtractConfig, count: int, random: np.random.Generator
) -> Centres:
    """Draw centres among the voxels of the mask, each at most once."""
    volume, size = source.volume, config.subvolume_size
    mask = open_mask(tomogram, volume)
    try:
        found = draw_distinct_centres(volume.shape, count, size, random, where_data_are([source], mask))
    except ValueError as error:
        where = volume.path if mask is None else tomogram.file("rlnMaskName")
        raise InputError(f"{where}: {error}; make a wider mask or use a smaller --cube-size") from error
    if len(found) < count:
        log.warning("%s: room for %s, not %d", tomogram.name, counted(len(found), "sub-volume"), count)
    return found


def _points(
    path: Path, number: int, project: Project, config: ExtractConfig, tomograms: Sequence[Tomogram]
) -> coordinates.Points:
    """Read the points of a tomogram."""
    points = coordinates.read_coordinates(path)
    if not points.tomograms and path == config.coordinates and len(tomograms) > 1:
        raise InputError(
            f"{path}: does not say which tomogram its points belong to; choose one by --tomo-idx, or give a folder "
            "with one file per tomogram"
        )
    names = list(dict.fromkeys(points.tomograms))
    asked = [project.tomograms.index(one) for one in tomograms]
    mine = points.of(called(names, number, named(project), asked))
    if path != config.coordinates or number == asked[0]:
        _warn_of_strangers(points, names, project)
    if len(mine.xyz) == 0:
        log.warning("%s: no coordinates in %s, which names %s", project.tomograms[number].name, path, _few(names))
    return mine


def _warn_of_strangers(points: coordinates.Points, names: Sequence[str], project: Project) -> None:
    """Warn of points of tomograms that the table does not have."""
    strangers = of_none(names, named(project))
    if strangers:
        count = len(points.of(set(strangers)).xyz)
        log.warning(
            "%s: %d of %d rows are of no tomogram of %s and are left out: %s; rename them where they are of one",
            *(points.path, count, len(points.xyz), project.path, _few(strangers)),
        )


def _few(names: Sequence[str]) -> str:
    return ", ".join([*names[:3], *["..."] * (len(names) > 3)])


def _coordinate_file(number: int, project: Project, config: ExtractConfig) -> Path | None:
    """File with the coordinates of a tomogram, as the option or its row names it; None if there is none."""
    given, tomogram = config.coordinates, project.tomograms[number]
    if given is None:
        return tomogram.file(BOX_COLUMN) if tomogram.text(BOX_COLUMN) is not None else None
    if not given.is_dir():
        return given
    wanted = f"leave one in {given}, or name it in {BOX_COLUMN}"
    found = file_in(given, coordinates.EXTENSIONS, number, named(project), wanted)
    if found is None and (other := file_in(given, unread.ENDINGS, number, named(project), wanted)) is not None:
        unread.refuse_unread(other)
    return found
