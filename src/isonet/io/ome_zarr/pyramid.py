"""Pyramids of OME-Zarr: arrays, each level the mean of 2 x 2 x 2 voxels of the one before.

The units and the order of the axes are those of the CryoET Data Portal. Chunks are cubes of 128 voxels.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isonet.io.mrc_bytes.header import Header
from isonet.io.ome_zarr.levels import OURS
from isonet.io.storage.stored import Blocks

_CHUNK = 128
_COARSEST = 64  # voxels along the longest axis of a level that has none below it
_THINNEST = 4  # voxels along an axis that are not halved any more
_MOST_LEVELS = 8
_ZARR = {"0.4": 2, "0.5": 3}
Edges = tuple[int, int, int]


def fill(
    folder: Path, name: str, voxels: Blocks, dtype: npt.DTypeLike, header: Header, version: str, *, zarr: Any
) -> None:
    """Write all of an image into a folder.

    Parameters
    ----------
    folder : Path
        Empty.
    name : str
        What the image is called in it.
    voxels : array or file
        `[z, y, x]`, read in blocks.
    dtype : dtype
        What they are written as.
    header : Header
        Voxel size, origin, start and labels.
    version : str
        Of OME-Zarr.
    zarr : module
        The package.
    """
    depth, height, width = (int(edge) for edge in voxels.shape)
    shapes = tuple(_shapes((depth, height, width)))
    attributes = _attributes(name, shapes, header, version)
    group = zarr.create_group(str(folder), zarr_format=_ZARR[version], attributes=attributes)
    _fill([_array(group, str(number), shape, dtype) for number, shape in enumerate(shapes)], voxels)


def _shapes(shape: Edges) -> Iterator[Edges]:
    """Iterate over the edges of the levels, the finest first."""
    for _ in range(_MOST_LEVELS):
        yield shape
        if max(shape) <= _COARSEST or min(shape) < _THINNEST:
            return
        depth, height, width = (edge // 2 for edge in shape)
        shape = depth, height, width


def _array(group: Any, name: str, shape: Edges, dtype: npt.DTypeLike) -> Any:
    """Make an array, of which every chunk is written, also where it holds nothing but zeros."""
    old = group.metadata.zarr_format == _ZARR["0.4"]
    return group.create_array(
        name,
        shape=shape,
        chunks=tuple(min(edge, _CHUNK) for edge in shape),
        dtype=np.dtype(dtype).newbyteorder("<"),
        fill_value=0,
        chunk_key_encoding={"name": "v2" if old else "default", "separator": "/"},
        dimension_names=None if old else ("z", "y", "x"),
        config={"write_empty_chunks": True},
    )


def _attributes(name: str, shapes: Sequence[Edges], header: Header, version: str) -> Mapping[str, Any]:
    """Say where the levels are in space, and what OME-Zarr has no place for."""
    known = all(size > 0 for size in header.voxel_size)
    sizes = header.voxel_size if known else (1.0, 1.0, 1.0)
    unit = {"unit": "angstrom"} if known else {}
    origin = tuple(reversed(header.origin)) if known else (0.0, 0.0, 0.0)
    datasets = []
    for number in range(len(shapes)):
        scale = [2**number * size for size in sizes]
        shift = [first + (2**number - 1) / 2 * size for first, size in zip(origin, sizes, strict=True)]
        both = [{"type": "scale", "scale": scale}, {"type": "translation", "translation": shift}]
        datasets.append({"path": str(number), "coordinateTransformations": both})
    axes = [{"name": axis, "type": "space", **unit} for axis in "zyx"]
    image = {"name": name, "axes": axes, "datasets": datasets, "type": "mean"}
    ours = {"labels": list(header.labels), "start": list(header.start)}
    if version == "0.4":
        return {"multiscales": [{"version": version, **image}], OURS: ours}
    return {"ome": {"version": version, "multiscales": [image]}, OURS: ours}


def _fill(arrays: Sequence[Any], voxels: Blocks) -> None:
    """Write all levels, chunk by chunk."""
    finest = arrays[0]
    for z, y in product(_parts(finest.shape[0], _CHUNK), _parts(finest.shape[1], _CHUNK)):
        rows = voxels[z, y, slice(0, finest.shape[2])]
        for x in _parts(finest.shape[2], _CHUNK):
            finest[z, y, x] = rows[:, :, x].astype(finest.dtype)
    for fine, coarse in pairwise(arrays):
        for block in product(*(_parts(edge, _CHUNK) for edge in coarse.shape)):
            coarse[block] = _halved(fine, block)


def _halved(fine: Any, block: tuple[slice, ...]) -> npt.NDArray[Any]:
    """Mean of 2 x 2 x 2 voxels of a level, for a block of the next."""
    result = np.empty([part.stop - part.start for part in block], fine.dtype)
    for part in product(*(_parts(edge, _CHUNK // 2) for edge in result.shape)):
        there = tuple(
            slice(2 * (whole.start + one.start), 2 * (whole.start + one.stop))
            for whole, one in zip(block, part, strict=True)
        )
        cubes = np.asarray(fine[there], np.float32)
        depth, height, width = (edge // 2 for edge in cubes.shape)
        mean = cubes.reshape(depth, 2, height, 2, width, 2).mean(axis=(1, 3, 5))
        result[part] = np.rint(mean) if result.dtype.kind in "iu" else mean
    return result


def _parts(edge: int, step: int) -> Iterator[slice]:
    for first in range(0, edge, step):
        yield slice(first, min(first + step, edge))
