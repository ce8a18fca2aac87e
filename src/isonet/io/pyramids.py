"""Writing OME-Zarr images so that they are either there in whole or not at all, and over nothing that is not ours."""

from pathlib import Path

import numpy.typing as npt

from isonet.errors import InputError
from isonet.io.files import atomic_folder
from isonet.io.mrc_bytes.header import Header
from isonet.io.ome_zarr import pyramid
from isonet.io.ome_zarr.levels import OURS
from isonet.io.ome_zarr.library import zarr_for
from isonet.io.ome_zarr.nodes import read_node
from isonet.io.storage.stored import Blocks
from isonet.io.volume_files import container, stem


def write(path: Path, voxels: Blocks, dtype: npt.DTypeLike, header: Header, version: str = "0.4") -> None:
    """Write a volume as an OME-Zarr image, with all levels.

    Parameters
    ----------
    path : Path
        Its finest level, `cell.zarr/0`; what is in `cell.zarr` is replaced if this program wrote it.
    voxels : array or file
        `[z, y, x]`, read in blocks.
    dtype : dtype
        What they are written as: bytes, 2-byte whole numbers, float16 or float32.
    header : Header
        Voxel size, origin, start and labels.
    version : str
        Of OME-Zarr: 0.4 (zarr 2) or 0.5 (zarr 3).

    Raises
    ------
    InputError
        If something else is there, or the package zarr is not installed.
    RunError
        If the disk is full or the folder cannot be written to.
    """
    zarr, image = zarr_for(path), container(path)
    refuse_foreign(image)
    with atomic_folder(image) as folder:
        pyramid.fill(folder, stem(path), voxels, dtype, header, version, zarr=zarr)


def refuse_foreign(image: Path) -> None:
    """Raise `InputError` where there is something that this program did not write, and must not replace."""
    if not image.exists():
        return
    node = read_node(image) if image.is_dir() else None
    if node is None or OURS not in node.attributes:
        raise InputError(f"{image}: exists and is no result of isonet; move it away or choose another --output-dir")
