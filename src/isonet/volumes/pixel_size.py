"""The pixel size of a tomogram: the table's holds for all axes and stands in every result, else it is the file's."""

import logging
from dataclasses import replace

from isonet.errors import InputError
from isonet.io.mrc_bytes.header import Header
from isonet.io.volume import Volume
from isonet.project.check import measurements_of
from isonet.project.table import Tomogram

log = logging.getLogger("isonet")
COLUMN = "rlnPixelSize"
DEFAULT_SIZE = 1.0
"""Å per voxel, as programs write that know no size."""
_SAME = 0.01  # relative difference of sizes that are one
_FAR = 1.5  # times as large as the other: no two calibrations of one magnification


def pixel_size_in_table(tomogram: Tomogram) -> float:
    """Å per voxel as the table says, 0 where it does not.

    Raises
    ------
    InputError
        If it is no number, or negative.
    """
    size = tomogram.number(COLUMN) or 0.0
    if size < 0:
        raise InputError(f"{tomogram.table}: {COLUMN} of tomogram {tomogram.index} is {size:g}; give A per voxel")
    return size


def warn_of_other_size(tomogram: Tomogram, volume: Volume) -> None:
    """Warn where table and header have clearly different pixel sizes, and `prepare` did not write the table's."""
    size, found = pixel_size_in_table(tomogram), volume.header.pixel_size
    if not size or found in (0.0, DEFAULT_SIZE) or 1 / _FAR < found / size < _FAR:
        return
    told = [one.get("pixel_size") for one in measurements_of(tomogram.table) if one.get("name") == tomogram.name]
    if size not in told:
        log.warning(
            "%s: %s of tomogram %s is %g, and the header of %s has %g A/voxel; the table's is taken, correct it or "
            "prepare again with --pixel-size",
            *(tomogram.table, COLUMN, tomogram.index, size, volume.path, found),
        )


def pixel_size(tomogram: Tomogram, volume: Volume) -> float:
    """Å per voxel of a tomogram's volume, 0 where neither the table nor the file says.

    Raises
    ------
    InputError
        If the table has none and the voxels of the file are not cubes.
    """
    return pixel_size_in_table(tomogram) or volume.pixel_size


def header_for(volume: Volume, size: float, *labels: str) -> Header:
    """Header of what is made of a volume: its own with labels added, and a pixel size for all axes where one is given.

    Parameters
    ----------
    volume : Volume
        What a result of the same shape is made of.
    size : float
        Å per voxel; 0 keeps those of the volume.
    *labels : str
        Put after the volume's own, of which the last give way, those of this program after others.
    """
    own = volume.header.labels
    ours_first = sorted(range(len(own)), key=lambda at: not own[at].startswith("isonet "))
    kept = (own[at] for at in sorted(ours_first[: 10 - len(labels)]))
    return replace(volume.header.sized(size) if size else volume.header, labels=(*kept, *labels))


def corrected_size(tomogram: Tomogram, volume: Volume) -> tuple[float, ...]:
    """Pixel size of the table where that of the file is another one: what was made before may have the file's."""
    size = pixel_size_in_table(tomogram)
    return () if not size or has_size(volume, size) else (size,)


def has_size(volume: Volume, size: float) -> bool:
    """Tell whether the header of a volume has a pixel size, along all axes and within 1 %."""
    return all(abs(edge / size - 1) < _SAME for edge in volume.header.voxel_size)
