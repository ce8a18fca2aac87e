"""Where the sub-volumes of a tomogram are centred: drawn inside its mask, or at given coordinates."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isonet.config import ExtractConfig
from isonet.core.sampling import draw_distinct_centres, random_stream
from isonet.errors import InputError
from isonet.io import mrc
from isonet.io.programs import coordinates
from isonet.project.subvolumes import subvolume_count
from isonet.project.table import Tomogram
from isonet.volumes.masks import open_mask
from isonet.volumes.source import Source, where_data_are

log = logging.getLogger("isonet")
BOX_COLUMN = "rlnBoxFile"
Centres = npt.NDArray[np.int64]


def find_centres(
    tomogram: Tomogram, source: Source, config: ExtractConfig, tomograms: Sequence[Tomogram], stream: int
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
    tomograms : sequence of Tomogram
        All that sub-volumes are cut from.
    stream : int
        With the seed, decides what is drawn.

    Returns
    -------
    numpy array
        `[n, 3]`: voxels z, y, x. Given coordinates keep their order.

    Raises
    ------
    InputError
        If the mask leaves no room, or coordinates cannot be used.
    """
    random = random_stream(config.seed, stream)
    path = _coordinate_file(tomogram, config)
    if path is None:
        if config.coordinates is None:
            return _drawn(
                tomogram, source, config, subvolume_count(tomogram, config.number_subtomos, tomograms), random
            )
        log.warning("%s: no coordinates in %s", tomogram.name, config.coordinates)
        return np.zeros((0, 3), dtype=np.int64)
    return _given(path, tomogram, source.volume, config, tomograms, random)


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
        log.warning("%s: room for %d sub-volumes, not %d", tomogram.name, len(found), count)
    return found


def _given(
    path: Path,
    tomogram: Tomogram,
    volume: mrc.Volume,
    config: ExtractConfig,
    tomograms: Sequence[Tomogram],
    random: np.random.Generator,
) -> Centres:
    """Read the centres of a tomogram, or a random choice of them where a number is asked for."""
    points = coordinates.read_coordinates(path)
    if not points.tomograms and path == config.coordinates and len(tomograms) > 1:
        raise InputError(
            f"{path}: does not say which tomogram its points belong to; choose one by --tomo-idx, or give a folder "
            "with one file per tomogram"
        )
    mine = points.of(tomogram.name)
    if len(mine.xyz) == 0:
        log.warning("%s: no coordinates in %s, which names %s", tomogram.name, path, ", ".join(_names(points)))
    found = mine.voxels(volume.shape, tomogram.number("rlnPixelSize") or volume.header.pixel_size)
    if config.number_subtomos is not None and config.number_subtomos < len(found):
        found = found[np.sort(random.choice(len(found), config.number_subtomos, replace=False))]
    return found


def _names(points: coordinates.Points) -> list[str]:
    """A few of the tomograms that a file names."""
    names = list(dict.fromkeys(points.tomograms))
    return names[:3] + ["..."] * (len(names) > 3)


def _coordinate_file(tomogram: Tomogram, config: ExtractConfig) -> Path | None:
    """File with the coordinates of a tomogram, as the option or its row names it; None if there is none."""
    given = config.coordinates
    if given is None:
        return tomogram.file(BOX_COLUMN) if tomogram.text(BOX_COLUMN) is not None else None
    if not given.is_dir():
        return given
    fitting = [path for path in sorted(given.iterdir()) if path.suffix.lower() in coordinates.EXTENSIONS]
    name = tomogram.name
    fitting = [
        path
        for path in fitting
        if coordinates.belongs(path.stem, name) or path.stem.startswith((f"{name}_", f"{name}."))
    ]
    exact = [path for path in fitting if path.stem == name]
    if len(fitting) > 1 and len(exact) != 1:
        files = ", ".join(path.name for path in fitting[:3])
        raise InputError(f"{given}: several files fit {name} ({files}); leave one, or name it in {BOX_COLUMN}")
    return next(iter(exact or fitting), None)
