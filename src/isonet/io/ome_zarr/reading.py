"""Opening a level of an OME-Zarr image."""

import logging
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from isonet.errors import InputError
from isonet.io.mrc_bytes.glance import Glance
from isonet.io.ome_zarr.absent import absent_voxels
from isonet.io.ome_zarr.chunks import Chunks
from isonet.io.ome_zarr.levels import Level, level_of, root_of
from isonet.io.ome_zarr.library import zarr_for
from isonet.io.ome_zarr.nodes import Node, read_node
from isonet.io.storage.scratch import scratch_folder
from isonet.io.storage.stored import Absent
from isonet.io.storage.version import stamp

log = logging.getLogger("isonet")
_KEPT_OPEN = 8  # two tomograms, their halves and their masks
_KEPT = {name: name for name in ("int8", "uint8", "int16", "uint16", "float16", "float32")}
_TAKEN_AS = {**_KEPT, "bool": "uint8", "float64": "float32"}
_LARGE = 1 << 30  # bytes of a chunk


def open_level(path: Path) -> tuple[Level, Chunks]:
    """Open a level of an OME-Zarr image, or of a whole image the one nearest to 10 Å, and its voxels.

    Raises
    ------
    InputError
        If it cannot be read, or is no volume; or if the package zarr is not installed.
    """
    try:
        level = level_of(path)
        size, changed = stamp(level.path)
        return level, _chunks(level.path, size, changed)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check its permissions") from error


def glance(path: Path) -> Glance | None:
    """Read the sizes of a level; None where it is no volume that could be read."""
    try:
        level = level_of(path)
        node = read_node(level.path)
        if node is None or not node.is_array:
            return None
        depth, height, width = node.shape[-3:]
        return Glance((depth, height, width), depth, 1, level.header.pixel_size, depth)
    except (InputError, ValueError, OSError):
        return None


@lru_cache(maxsize=_KEPT_OPEN)
def _chunks(path: Path, _size: int, _changed: int) -> Chunks:
    """Voxels of one version of an array: what was decoded of it is there for whoever opens it next."""
    node = read_node(path)
    if node is None or not node.is_array:
        raise InputError(f"{path}: the array that its image names is not there; copy it again")
    _check_shape(node)
    zarr = zarr_for(path)
    try:
        array = zarr.open_array(str(path), mode="r", zarr_format=node.version)
        edges = [int(edge) for edge in array.chunks]
    except Exception as error:  # whatever zarr raises
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: not a readable array of zarr ({reason}); copy it again") from error
    dtype = _type(path, array.dtype)
    nbytes = math.prod(edges) * array.dtype.itemsize
    if nbytes > _LARGE:
        text = "%s: one chunk takes %.3g GB of memory, and more while it is decoded; chunks of 128 voxels take little"
        log.warning(text, path, nbytes / 1e9)
    return Chunks(array, path, dtype, _absent(node, array.fill_value), scratch_folder(root_of(path) or path))


def _check_shape(node: Node) -> None:
    """Refuse images, and several volumes in one array."""
    *others, _, _, _ = edges = [1] * (3 - len(node.shape)) + list(node.shape)
    if len(node.shape) < 3:
        raise InputError(
            f"{node.path}: {' x '.join(map(str, edges))} voxels is an image, not a volume; give a tomogram"
        )
    if any(edge != 1 for edge in others):
        told = " x ".join(map(str, edges))
        raise InputError(f"{node.path}: {told} voxels, of which the first axes hold several volumes; save one of them")


def _type(path: Path, dtype: Any) -> np.dtype[Any]:
    """Type that voxels are kept in."""
    name = np.dtype(dtype).name
    if name not in _TAKEN_AS:
        raise InputError(f"{path}: {name} voxels are not read; save the tomogram as float32")
    return np.dtype(_TAKEN_AS[name])


def _absent(node: Node, fill: Any) -> Absent | None:
    """Count what is left out of an array, and say so."""
    voxels = absent_voxels(node)
    if not voxels:
        return None
    value = float(fill) if fill is not None and np.isfinite(fill) else 0.0
    share = 100 * voxels / math.prod(node.shape)
    log.info("%s: %d voxels (%.2g %%) are in no chunk on disk: read as %g", node.path, voxels, share, value)
    return Absent(value, voxels)
