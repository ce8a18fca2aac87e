"""OME-Zarr images as another program writes them: ome-zarr, the reference implementation."""

import json
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

KINDS = {
    "0.4": {},
    "0.5": {},
    "0.5 in shards": {"shards": 32},
}
"""Versions of OME-Zarr, and what is particular about them."""
SPACE = ("z", "y", "x")


def written(
    path: Path,
    levels: Sequence[npt.NDArray[Any]],
    kind: str = "0.4",
    *,
    pixel_size: float | Sequence[float] = 10.0,
    unit: str | None = "angstrom",
    axes: Sequence[str] = SPACE,
    chunk: int = 16,
) -> Path:
    """Write a pyramid; the voxels of each level are twice as large as those of the one before."""
    zarr = pytest.importorskip("zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        format_ = pytest.importorskip("ome_zarr.format")
        writer = pytest.importorskip("ome_zarr.writer")
        chosen = format_.FormatV04() if kind == "0.4" else format_.FormatV05()
        count = levels[0].ndim
        sizes = [pixel_size] * 3 if isinstance(pixel_size, float | int) else list(pixel_size)
        options: dict[str, Any] = {"chunks": (1,) * (count - 3) + (chunk,) * 3}
        if "shards" in KINDS[kind]:
            options["shards"] = (1,) * (count - 3) + (KINDS[kind]["shards"],) * 3
        named = [
            {"name": name, "type": "space", **({} if unit is None else {"unit": unit})}
            if name in SPACE
            else {"name": name, "type": "time" if name == "t" else "channel"}
            for name in axes
        ]
        scales = [
            [{"type": "scale", "scale": [1.0] * (count - 3) + [2**number * size for size in sizes]}]
            for number in range(len(levels))
        ]
        group = zarr.open_group(str(path), mode="w", zarr_format=chosen.zarr_format)
        writer.write_multiscale(
            list(levels), group, fmt=chosen, axes=named, coordinate_transformations=scales, storage_options=options
        )
    return path


def pyramid(volume: npt.NDArray[Any], count: int = 3) -> list[npt.NDArray[Any]]:
    """A volume and smaller ones, every second voxel of the one before."""
    return [np.ascontiguousarray(volume[:: 2**number, :: 2**number, :: 2**number]) for number in range(count)]


def attributes(path: Path) -> dict[str, Any]:
    """Attributes of a group, of either version."""
    new = path / "zarr.json"
    found = json.loads((new if new.exists() else path / ".zattrs").read_text())
    return found["attributes"] if new.exists() else found


def with_attributes(path: Path, change: Any) -> None:
    """Change the attributes of a group of version 0.4."""
    found = attributes(path)
    change(found)
    (path / ".zattrs").write_text(json.dumps(found))


def chunk_files(array: Path) -> list[Path]:
    """Files of the chunks, or of the shards, of an array."""
    return sorted(path for path in array.rglob("*") if path.is_file() and path.name.isdecimal())


def without(array: Path, count: int) -> None:
    """Remove the first chunks of an array, so that they count as never written."""
    for path in chunk_files(array)[:count]:
        path.unlink()


def copied(path: Path, into: Path) -> Path:
    """Copy an image, to be changed."""
    return Path(shutil.copytree(path, into))
