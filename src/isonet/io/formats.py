"""Volumes of every format: the one place where a reader, or a writer, is chosen."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isonet.errors import InputError
from isonet.io import blocks, mrc, pyramids
from isonet.io.blocks import NewVolume
from isonet.io.mrc_bytes.glance import Glance
from isonet.io.mrc_bytes.glance import glance as glance_at_mrc
from isonet.io.mrc_bytes.header import Header
from isonet.io.ome_zarr import reading
from isonet.io.volume import Volume
from isonet.io.volume_files import container, is_zarr, refuse_remote


def open_volume(path: Path) -> Volume:
    """Open a volume for reading.

    Parameters
    ----------
    path : Path
        An MRC file, as of :func:`isonet.io.mrc.open_stack`, or an OME-Zarr image (`cell.zarr`) or a level of one
        (`cell.zarr/1`).

    Raises
    ------
    InputError
        If it is missing, unreadable, on another machine, or no volume.
    """
    path = Path(path)
    refuse_remote(path)
    if is_zarr(path):
        level, chunks = reading.open_level(path)
        volume = Volume(level.path, level.header, chunks)
    else:
        volume = mrc.open_stack(path)
    if min(volume.stored.shape) < 2:
        shape = " x ".join(map(str, volume.shape))
        raise InputError(f"{path}: {shape} voxels is an image, not a volume; give a reconstructed tomogram")
    return volume


@contextmanager
def create(
    path: Path, shape: tuple[int, int, int], header: Header, dtype: npt.DTypeLike = np.float32, version: str = "0.4"
) -> Iterator[NewVolume]:
    """Create a volume to be filled block by block, of the format that its name tells.

    Parameters
    ----------
    path : Path
        An MRC file, or the finest level of an OME-Zarr image, `cell.zarr/0`.
    shape, header, dtype
        As of :func:`isonet.io.blocks.create`.
    version : str
        Of OME-Zarr.

    Raises
    ------
    InputError
        If an image that this program did not write is there.
    RunError
        If the disk is full or the folder cannot be written to.
    """
    if not is_zarr(path):
        with blocks.create(path, shape, header, dtype) as target:
            yield target
        return
    with blocks.scratch(container(path).parent, shape, dtype) as target:
        yield target
        pyramids.write(path, target, dtype, header, version)


def glance(path: Path) -> Glance | None:
    """Read the sizes of a volume without opening the rest; None where it is packed, unreadable or makes no sense."""
    return reading.glance(path) if is_zarr(path) else glance_at_mrc(path)
