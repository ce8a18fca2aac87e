"""Chunks that an array of zarr leaves out: nothing was written there, and they are read as its fill value."""

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isonet.io.ome_zarr.nodes import Node

_NOTHING = 2**64 - 1  # in place of position and length in the index of a shard
Place = tuple[int, ...]


def absent_voxels(node: Node) -> int:
    """Count the voxels of an array that no chunk on disk holds."""
    shape, chunk = node.shape, node.chunks
    if len(chunk) != len(shape):
        return 0
    inner = _inner_chunk(node)
    there = 0
    for file, place in _files(node):
        corner = [index * edge for index, edge in zip(place, chunk, strict=True)]
        if any(first >= edge for first, edge in zip(corner, shape, strict=True)):
            continue
        if inner is None:
            there += _voxels(corner, chunk, shape)
        else:
            there += _voxels_in_shard(file, corner, chunk, inner, shape)
    return math.prod(shape) - there


def _voxels(corner: Sequence[int], chunk: Sequence[int], shape: Sequence[int]) -> int:
    """Voxels of a chunk that lie inside the array."""
    edges = (min(first + edge, last) - first for first, edge, last in zip(corner, chunk, shape, strict=True))
    return math.prod(max(0, edge) for edge in edges)


def _files(node: Node) -> Iterator[tuple[Path, Place]]:
    """Iterate over the files of chunks or shards, and which each is."""
    separator, folder, count = _naming(node), node.path, len(node.shape)
    if node.version == 3 and separator[0] == "c":
        separator = separator[1:]
        if separator == "/":
            folder = folder / "c"
    if separator == "/":
        yield from _nested(folder, (), count)
        return
    for file in folder.iterdir():
        words = file.name.removeprefix("c.").split(".") if node.version == 3 else file.name.split(".")
        if len(words) == count and all(word.isdecimal() for word in words):
            yield file, tuple(map(int, words))


def _nested(folder: Path, place: Place, count: int) -> Iterator[tuple[Path, Place]]:
    """Iterate over files in folders of folders, one depth for each axis."""
    if not folder.is_dir():
        return
    for item in folder.iterdir():
        if item.name.isdecimal():
            here = (*place, int(item.name))
            if len(here) < count:
                yield from _nested(item, here, count)
            else:
                yield item, here


def _naming(node: Node) -> str:
    """Say how the files are called: `/` or `.` between numbers, after a `c` in the own way of version 3."""
    if node.version == 2:
        return str(node.fields.get("dimension_separator") or ".")
    encoding: Any = node.fields.get("chunk_key_encoding") or {}
    own = encoding.get("name") != "v2"
    given = (encoding.get("configuration") or {}).get("separator")
    return ("c" if own else "") + str(given or ("/" if own else "."))


def _inner_chunk(node: Node) -> Place | None:
    """Edges of the chunks in a shard; None where there are no shards, or their index is written in an unusual way."""
    codecs: Any = node.fields.get("codecs") or ()
    for codec in codecs if node.version == 3 else ():
        if codec.get("name") == "sharding_indexed":
            how = codec["configuration"]
            names = [one.get("name") for one in how.get("index_codecs") or ()]
            usual = how.get("index_location", "end") == "end" and names == ["bytes", "crc32c"]
            return tuple(how["chunk_shape"]) if usual else None
    return None


def _voxels_in_shard(
    file: Path, corner: Sequence[int], shard: Sequence[int], inner: Sequence[int], shape: Sequence[int]
) -> int:
    """Voxels of the chunks in a shard that its index, at the end of the file, says are there."""
    grid = [edge // part for edge, part in zip(shard, inner, strict=True)]
    length = 16 * math.prod(grid)
    with file.open("rb") as opened:
        opened.seek(-min(length + 4, file.stat().st_size), 2)
        raw = opened.read(length)
    if len(raw) < length:
        return 0
    index = np.frombuffer(raw, "<u8").reshape(-1, 2)
    places = itertools.product(*(range(count) for count in grid))
    return sum(
        _voxels([first + one * edge for first, one, edge in zip(corner, place, inner, strict=True)], inner, shape)
        for place, (position, size) in zip(places, index.tolist(), strict=True)
        if (position, size) != (_NOTHING, _NOTHING)
    )
