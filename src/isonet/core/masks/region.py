"""The part of a volume that the user allows: crops at the ends, areas drawn by hand, and the slab."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from isonet.core.masks.polygon import Area, inside
from isonet.core.masks.slab import Slab

Planes = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Region:
    """What of a volume may be kept, before its content is looked at.

    Attributes
    ----------
    shape : tuple of int
        Voxels z, y, x of the volume.
    crops : tuple of float
        Fractions of z, y, x to leave out at each end.
    areas : tuple of Area
        Kept is the union of those that do not exclude (everything if there is none) less all that do.
    slab : Slab or None
        Keep only what lies in it.
    """

    shape: tuple[int, int, int]
    crops: tuple[float, float, float] = (0.0, 0.0, 0.0)
    areas: tuple[Area, ...] = ()
    slab: Slab | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return not any(self.crops) and not self.areas and self.slab is None

    def grid(self, step: int) -> "RegionGrid":
        """Return the region on voxels binned by `step`; a binned voxel belongs to it if its centre does."""
        return RegionGrid(self, step)


@dataclass(frozen=True)
class RegionGrid:
    """A region on a grid of voxels.

    Attributes
    ----------
    region : Region
        The region.
    step : int
        Voxels of the volume per voxel of the grid along each axis.
    """

    region: Region
    step: int
    _axes: tuple[npt.NDArray[np.float64], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        counts = [-(-edge // self.step) for edge in self.region.shape]
        axes = tuple((np.arange(count) + 0.5) * self.step - 0.5 for count in counts)
        object.__setattr__(self, "_axes", axes)

    @cached_property
    def _planes(self) -> list[tuple[Planes, Area]]:
        """Every area as a plane of voxels."""
        _, y, x = self._axes
        return [(inside(area.points, y + 0.5, x + 0.5), area) for area in self.region.areas]

    @cached_property
    def _uncropped(self) -> list[npt.NDArray[np.bool_]]:
        """Positions of each axis that the crops leave."""
        left = []
        for axis, edge, crop in zip(self._axes, self.region.shape, self.region.crops, strict=True):
            cut = int(crop * edge)
            left.append((axis >= cut) & (axis <= edge - 1 - cut))
        return left

    def reach(self, number: int) -> int:
        """How many voxels an area covers, its own range of sections and nothing else considered."""
        plane, area = self._planes[number]
        return int(plane.sum()) * sum(_holds(area, height) for height in self._axes[0].tolist())

    def sections(self, first: int, last: int) -> Planes:
        """Return sections `first ... last - 1` as a boolean array `[z, y, x]`."""
        z, y, x = self._axes
        kept_z, kept_y, kept_x = self._uncropped
        result = kept_z[first:last, None, None] & kept_y[:, None] & kept_x
        if self.region.slab is not None:
            result &= self.region.slab.between(z[first:last], y, x)
        if self.region.areas:
            for position, height in enumerate(z[first:last].tolist()):
                result[position] &= self._drawn(height)
        return result

    def _drawn(self, height: float) -> Planes:
        """What the areas leave of one section."""
        there = [(plane, area) for plane, area in self._planes if _holds(area, height)]
        only_excluded = all(area.exclude for area in self.region.areas)
        result = np.full(self._planes[0][0].shape, only_excluded)
        for plane, area in there:
            if not area.exclude:
                result |= plane
        for plane, area in there:
            if area.exclude:
                result &= ~plane
        return result


def columns_seen(grid: RegionGrid, edge: int) -> Planes:
    """Tell which square blocks of columns lie, in the middle of the volume, at least half in the region."""
    middle = -(-grid.region.shape[0] // grid.step) // 2
    plane = grid.sections(middle, middle + 1)[0]
    rows, columns = (length // edge for length in plane.shape)
    blocks = plane[: rows * edge, : columns * edge].reshape(rows, edge, columns, edge)
    return np.asarray(blocks.mean(axis=(1, 3)) >= 0.5)


def _holds(area: Area, height: float) -> bool:
    """Tell whether a section lies in an area's range."""
    return area.z is None or area.z[0] <= height <= area.z[1]


def bounding_box(areas: Sequence[Area]) -> tuple[float, float, float, float]:
    """Smallest and largest x, smallest and largest y of some areas."""
    points = np.array([point for area in areas for point in area.points])
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return float(x0), float(x1), float(y0), float(y1)
