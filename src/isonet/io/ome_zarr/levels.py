"""The levels of an OME-Zarr image: which there are, how large their voxels are, and which one is taken.

Named is a level by its folder, `cell.zarr/1`. Of an image that is named alone, `cell.zarr`, the level is taken whose
voxels are nearest to 10 Å, at which the method works best.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from isonet.errors import InputError
from isonet.io.mrc_bytes.header import Header
from isonet.io.ome_zarr.nodes import Fields, Node, read_node

log = logging.getLogger("isonet")
ENDING = ".zarr"
OURS = "isonet"
"""Name of the attribute with what the format has no place for: labels and start of the header."""
USUAL_SIZE = 10.0
"""Å per voxel, at which the method works best."""
_VERSIONS = ("0.4", "0.5")
_SPACE = ("z", "y", "x")
_ANGSTROM = {
    "angstrom": 1.0,
    "picometer": 0.01,
    "nanometer": 10.0,
    "micrometer": 1e4,
    "millimeter": 1e7,
    "meter": 1e10,
}
_LISTED = 6
_HUGE = 1e30  # what no scale can be


@dataclass(frozen=True)
class Level:
    """One array of an image.

    Attributes
    ----------
    path : Path
        Its folder.
    header : Header
        Voxel size (0 where the image does not say) and origin, and labels of this program.
    """

    path: Path
    header: Header = field(default_factory=Header)


def root_of(path: Path) -> Path | None:
    """Return the outermost folder called `*.zarr` in a path; None where there is none, or where that is a file."""
    if ENDING not in str(path).lower():
        return None
    for place in reversed((path, *path.parents)):
        if place.name.lower().endswith(ENDING) and not place.is_file():
            return place
    return None


def level_of(path: Path) -> Level:
    """Return the level that a path names: itself, or of a whole image the one nearest to 10 Å.

    Raises
    ------
    InputError
        If there is no such level, what is there is no image, or one that is not read.
    """
    node = _node(path)
    return _of_array(node) if node.is_array else _nearest(_levels(node))


def tomogram_level(path: Path) -> Level:
    """Return the level that a path names, unless it is of labels, and say so where it was chosen among several.

    Raises
    ------
    InputError
        As :func:`level_of`; also if it is of labels.
    """
    node, root = _node(path), root_of(path)
    inside = () if root is None else path.relative_to(root).parts
    if "labels" in inside or "image-label" in node.ome:
        raise InputError(f"{path}: labels, a segmentation and no tomogram; give the image they belong to")
    if node.is_array:
        return _of_array(node)
    levels = _levels(node)
    chosen = _nearest(levels)
    if len(levels) > 1:
        known = (f"{one.path.relative_to(path)} ({one.header.pixel_size:.4g} A)" for one in levels)
        text = "%s: level %s taken, of %s; name another one to take it, such as %s"
        log.info(text, path, chosen.path.relative_to(path), ", ".join(known), levels[0].path)
    return chosen


def _nearest(levels: Sequence[Level]) -> Level:
    """Return the level with voxels nearest to 10 Å, the finer of two; the first where sizes are not known."""
    return min(levels, key=lambda one: abs((one.header.pixel_size or USUAL_SIZE) - USUAL_SIZE))


def _node(path: Path) -> Node:
    """Read the node at a path, or say why there is none."""
    if not path.exists():
        above = read_node(path.parent) if path.parent.is_dir() else None
        there = "" if above is None else f"; there is {_inside(path.parent)}"
        raise InputError(f"{path}: no such file or folder{there or '; check the name'}")
    node = read_node(path)
    if node is None:
        raise InputError(f"{path}: no zarr.json, .zgroup or .zarray in it, so no OME-Zarr image; copy it again")
    return node


def _of_array(node: Node) -> Level:
    """Return the level of an array: with the voxel size that the image says that it belongs to, if there is one."""
    root = root_of(node.path)
    for place in node.path.parents if root is not None else ():
        group = read_node(place)
        if group is not None and not group.is_array and "multiscales" in group.ome:
            for level in _levels(group):
                if level.path == node.path:
                    return level
        if place == root:
            break
    names = node.fields.get("dimension_names")
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        _check_order(node.path, names)
    return Level(node.path)


def _levels(group: Node) -> tuple[Level, ...]:
    """Read the levels of an image, the finest first."""
    path, ome = group.path, group.ome
    for name, what in (("plate", "a plate of wells"), ("well", "a well of images")):
        if name in ome:
            raise InputError(f"{path}: {what}, not one image; give an image in it{_such_as(path)}")
    found = ome.get("multiscales")
    if not isinstance(found, list) or not found or not isinstance(found[0], dict):
        what = "a list of labels" if "labels" in ome else "no multiscales in its attributes, so no OME-Zarr image"
        raise InputError(f"{path}: {what}; give an image or an array in it{_such_as(path)}")
    image: Fields = found[0]
    version = image.get("version", ome.get("version", _VERSIONS[0]))
    if version not in _VERSIONS:
        raise InputError(f"{path}: OME-Zarr {version} is not read, {' and '.join(_VERSIONS)} are; convert it")
    axes = image.get("axes")
    if not isinstance(axes, list) or not all(
        isinstance(axis, dict) and isinstance(axis.get("name"), str) for axis in axes
    ):
        raise InputError(f"{path}: its multiscales name no axes; mend its attributes, or copy it again")
    _check_order(path, [axis["name"] for axis in axes])
    datasets = image.get("datasets")
    if not isinstance(datasets, list) or not datasets:
        raise InputError(f"{path}: its multiscales name no levels (datasets); mend its attributes, or copy it again")
    units = [_angstrom(path, axis) for axis in axes[-3:]]
    levels = [_level(path, image, dataset, units, len(axes)) for dataset in datasets]
    return (_with_ours(levels[0], group), *(_with_ours(one, group, first=False) for one in levels[1:]))


def _level(path: Path, image: Fields, dataset: object, units: Sequence[float], count: int) -> Level:
    """Read one level: its folder and its place in space."""
    place = dataset.get("path") if isinstance(dataset, dict) else None
    parts = PurePosixPath(place).parts if isinstance(place, str) else ()
    if not isinstance(dataset, dict) or not parts or ".." in parts or parts[0] == "/":
        raise InputError(f"{path}: its multiscales name a level {place!r}; mend its attributes, or copy it again")
    scale, shift = [1.0] * count, [0.0] * count
    for holder in (dataset, image):
        for transformation in holder.get("coordinateTransformations") or ():
            kind = transformation.get("type") if isinstance(transformation, dict) else transformation
            if kind not in ("scale", "translation", "identity"):
                raise InputError(f"{path}: level {place}: a transformation {kind!r} is not read, scale is; resample it")
            if kind == "identity":
                continue
            values = _numbers(path, place, transformation.get(kind), count, positive=kind == "scale")
            if kind == "scale":
                scale = [one * value for one, value in zip(scale, values, strict=True)]
                shift = [one * value for one, value in zip(shift, values, strict=True)]
            else:
                shift = [one + value for one, value in zip(shift, values, strict=True)]
    z, y, x = (unit * value for unit, value in zip(units, scale[-3:], strict=True))
    oz, oy, ox = (unit * value for unit, value in zip(units, shift[-3:], strict=True))
    return Level(path.joinpath(*parts), Header((z, y, x), (ox, oy, oz)))


def _numbers(path: Path, place: object, found: object, count: int, *, positive: bool) -> list[float]:
    """Check the numbers of a transformation."""
    numbers = isinstance(found, list) and all(
        isinstance(one, int | float) and abs(one) < _HUGE and (one > 0 or not positive) for one in found
    )
    if not isinstance(found, list) or not numbers or len(found) != count:
        kind = "scale" if positive else "translation"
        raise InputError(
            f"{path}: level {place}: {kind} {found!r} for {count} axes makes no sense; mend its attributes"
        )
    return [float(one) for one in found]


def _check_order(path: Path, names: Sequence[str]) -> None:
    """Refuse axes that do not end in z, y, x."""
    told = ", ".join(names)
    if len(names) < 3 or not set(_SPACE) <= {name.lower() for name in names}:
        raise InputError(f"{path}: axes {told} are no volume; give a tomogram with axes z, y, x")
    if tuple(name.lower() for name in names[-3:]) != _SPACE:
        raise InputError(f"{path}: axis order {told} is not read; save it with x fastest, then y, then z")


def _angstrom(path: Path, axis: Fields) -> float:
    """Å in the unit of an axis; 0 where that is not known."""
    unit = axis.get("unit")
    if unit is None:
        return 0.0
    if unit not in _ANGSTROM:
        raise InputError(f"{path}: the unit of axis {axis['name']} is {unit!r}; use {', '.join(_ANGSTROM)}")
    return _ANGSTROM[unit]


def _with_ours(level: Level, group: Node, *, first: bool = True) -> Level:
    """Add labels, and of the finest level the start, that this program has left in a group."""
    ours: Any = group.attributes.get(OURS)
    if not isinstance(ours, dict):
        return level
    labels = tuple(str(label) for label in ours.get("labels") or ())
    start = ours.get("start")
    whole = isinstance(start, list) and len(start) == 3 and all(isinstance(one, int) for one in start)
    header = replace(level.header, labels=labels, start=tuple(start) if first and whole and start else (0, 0, 0))
    return replace(level, header=header)


def _inside(path: Path) -> str:
    """Names of the groups and arrays in a folder."""
    names = [one.name for one in sorted(path.iterdir()) if one.is_dir() and read_node(one) is not None]
    more = ", ..." if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more if names else "nothing"


def _such_as(path: Path) -> str:
    """Name what is in a group, as a proposal."""
    first = next((one for one in sorted(path.iterdir()) if one.is_dir() and read_node(one) is not None), None)
    return "" if first is None else f", such as {first}"
