"""Areas drawn by the user for a tomogram: IMOD models and JSON polygons in the tomogram's own voxels."""

import logging
from pathlib import Path

import numpy as np

from isonet.core.masks.polygon import Area, stacked
from isonet.core.masks.region import Region, bounding_box
from isonet.errors import InputError
from isonet.io.polygons import read_polygons
from isonet.io.programs.imod import (
    Model,
    ModelObject,
    Points,
    read_model,
    says_size,
    scale_of_drawing,
    warn_of_another_image,
)
from isonet.io.text import counted
from isonet.io.volume import Volume
from isonet.io.volume_files import stem, title
from isonet.project.places import refuse_other_sampling

log = logging.getLogger("isonet")
BOUNDARY_EXTENSIONS = (".mod", ".json")
_EXCLUDING = ("exclude", "carbon", "hole")
_RANGE_MARK = 10  # voxels that the last two points of an object must lie apart in z to mean first and last section


def read_areas(path: Path, volume: Volume, pixel_size: float) -> tuple[Area, ...]:
    """Read the areas of a file, in voxels of a volume.

    Every closed contour of an IMOD model is an area. Contours of one object in several sections reach from the lowest
    to the highest; if the last two points of an object lie 10 voxels or more apart in z, they mark its first and last
    section instead (as in IsoNet 1); an object of two such points does so for all that have no range. Objects called
    exclude, carbon or hole are left out. Scattered points are no areas. A model drawn on a binned copy is scaled by
    the ratio of the pixel sizes.

    Parameters
    ----------
    path : Path
        `.mod` or `.json`.
    volume : Volume
        The tomogram.
    pixel_size : float
        Its Å per voxel; 0 if unknown.

    Raises
    ------
    InputError
        If the file cannot be used, its name says another binning, or an area to keep lies outside the tomogram.
    """
    if path.suffix.lower() == ".json":
        refuse_other_sampling(path, path.stem, stem(volume.path), pixel_size)
        areas = tuple(Area(each.points, each.z, each.exclude) for each in read_polygons(path))
    elif path.suffix.lower() == ".mod":
        model = read_model(path)
        if not says_size(model.voxel_size):
            refuse_other_sampling(path, path.stem, stem(volume.path), pixel_size)
        scale = scale_of_drawing(path, model.voxel_size, pixel_size, volume.header.pixel_size)
        depth, height, width = volume.shape
        warn_of_another_image(path, model.size, (width, height, depth), scale)
        areas = tuple(area.scaled(scale) for area in _model_areas(path, model))
    else:
        raise InputError(f"{path}: not a boundary; give an IMOD model (.mod) or polygons in JSON (.json)")
    _check_reach(path, areas, volume)
    return areas


def boundary_text(areas: tuple[Area, ...]) -> str:
    """Say how many areas there are."""
    excluded = sum(area.exclude for area in areas)
    return f"areas drawn: {len(areas) - excluded} to keep, {excluded} to leave out"


def _model_areas(path: Path, model: Model) -> list[Area]:
    """Turn objects into areas."""
    areas: list[Area] = []
    general: tuple[float, float] | None = None
    for number, each in enumerate(model.objects, start=1):
        contours, marked = _without_range_marks(each)
        if marked is not None and not contours:
            general = marked
        elif each.kind == "scattered":
            log.warning("%s: object %d holds scattered points, which enclose nothing; left aside", path, number)
        elif contours:
            exclude = any(word in each.name.lower() for word in _EXCLUDING)
            drawn = stacked(_checked(path, number, contours), exclude=exclude)
            areas += [Area(area.points, marked or area.z, exclude) for area in drawn]
    if not areas:
        raise InputError(f"{path}: no contours that enclose an area; draw closed contours on XY sections in 3dmod")
    return [Area(area.points, area.z or general, area.exclude) for area in areas]


def _without_range_marks(each: ModelObject) -> tuple[list[Points], tuple[float, float] | None]:
    """Split an object into its contours and the sections that its last two points mark, if they do."""
    contours = [contour for contour in each.contours if len(contour)]
    if sum(map(len, contours)) < 2:
        return contours, None
    heights = np.concatenate(contours)[-2:, 2]
    if abs(heights[1] - heights[0]) < _RANGE_MARK or _is_stack(contours):
        return contours, None
    left = 2
    while left:
        kept = contours[-1][: max(0, len(contours[-1]) - left)]
        left -= len(contours[-1]) - len(kept)
        contours = [*contours[:-1], kept] if len(kept) else contours[:-1]
    return contours, (float(heights.min()), float(heights.max()))


def _is_stack(contours: list[Points]) -> bool:
    """Tell whether every contour lies in a section of its own, so that its last points mark nothing."""
    return all(len(contour) >= 3 and np.ptp(contour[:, 2]) < 1 for contour in contours)


def _checked(path: Path, number: int, contours: list[Points]) -> list[Points]:
    """Refuse contours that enclose nothing in XY."""
    for position, contour in enumerate(contours, start=1):
        where = f"{path}: object {number}, contour {position}"
        if len(contour) < 3:
            raise InputError(
                f"{where} has {counted(len(contour), 'point')}; an area needs three, remove it or add points"
            )
        if min(np.ptp(contour[:, 0]), np.ptp(contour[:, 1])) < 1:
            raise InputError(f"{where} encloses nothing in XY; draw it on an XY section")
    return contours


def _check_reach(path: Path, areas: tuple[Area, ...], volume: Volume) -> None:
    """Refuse areas to keep that no voxel lies in; mention those to leave out."""
    grid = Region(volume.shape, areas=areas).grid(1)
    depth, height, width = volume.shape
    for number, area in enumerate(areas):
        if grid.reach(number):
            continue
        x0, x1, y0, y1 = bounding_box([area])
        sections = "" if area.z is None else f", z {area.z[0]:g} to {area.z[1]:g}"
        text = (
            f"{path}: area {number + 1} (x {x0:g} to {x1:g}, y {y0:g} to {y1:g}{sections}) holds no voxel of "
            f"{title(volume.path)} ({width} x {height} x {depth} along x, y, z)"
        )
        if not area.exclude:
            raise InputError(f"{text}; draw it on this tomogram")
        log.warning("%s", text)
