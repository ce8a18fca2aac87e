"""Turning a volume as IMOD's tilt writes it so that its beam runs along z and its tilt axis along y."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from isonet.io import mrc
from isonet.io.formats import open_volume
from isonet.io.mrc_bytes.header import Header
from isonet.io.volume import Volume
from isonet.volumes.pixel_size import has_size, header_for
from isonet.volumes.products import made_before, product_label


def turned(volume: Volume, path: Path, *, overwrite: bool = False, pixel_size: float = 0.0) -> Volume:
    """Turn a volume with its beam along y by -90 degrees about x, as `clip rotx` does: y becomes -z, z becomes y.

    It is a rotation, so that handedness is kept: `turned[i, j, k] = volume[j, n - 1 - i, k]`. Sections are turned a
    few at a time.

    Parameters
    ----------
    volume : Volume
        The volume `[tilt axis, beam, x]`.
    path : Path
        Where the turned one will be: same type of voxels, voxel size along z and y exchanged.
    overwrite : bool
        Whether another file of that name may be replaced.
    pixel_size : float
        Å per voxel of the turned one; 0 for those of the volume.

    Returns
    -------
    Volume
        The turned volume `[beam, tilt axis, x]`, made now or before.

    Raises
    ------
    InputError
        If `path` exists and was not made from this volume.
    RunError
        If it cannot be written.
    """
    size = 0.0 if pixel_size == 0 or has_size(volume, pixel_size) else pixel_size
    label = product_label("turned", [volume.path], size or None)
    if not made_before(path, label, overwrite=overwrite):
        sections, rows, columns = volume.shape
        unsigned_bytes = volume.stored.dtype == np.uint8  # no mode of MRC
        dtype = np.dtype(np.uint16) if unsigned_bytes else volume.stored.dtype.newbyteorder("=")
        header = _turned_header(header_for(volume, size), label)
        with mrc.create(path, (rows, sections, columns), header, dtype) as result:
            for part, slab in volume.slabs():
                result[:, part] = slab[:, ::-1].transpose(1, 0, 2)
    return open_volume(path)


def _turned_header(header: Header, label: str) -> Header:
    """Exchange y and z in a header; labels keep room for the new one."""
    depth, height, width = header.voxel_size
    x, y, z = header.origin
    first_x, first_y, first_z = header.start
    return replace(
        header,
        voxel_size=(height, depth, width),
        origin=(x, z, y),
        start=(first_x, first_z, first_y),
        labels=(*header.labels[:9], label),
    )
