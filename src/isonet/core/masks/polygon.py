"""Areas drawn by hand: polygons in the XY plane with a range of sections.

x and y count from the outer edge of the first voxel, so that a volume of n voxels reaches from 0 to n and voxel i has
its centre at i + 1/2; z counts sections, section i being at i.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float

_SAME_SECTION = 0.5


@dataclass(frozen=True)
class Area:
    """What a polygon encloses, in all sections or in some.

    Attributes
    ----------
    points : tuple of (x, y)
        Corners in voxels; the last is joined to the first.
    z : tuple of float or None
        First and last section, both included; all sections if None.
    exclude : bool
        Whether the area is to be left out instead of kept.
    """

    points: tuple[tuple[float, float], ...]
    z: tuple[float, float] | None = None
    exclude: bool = False

    def scaled(self, factor: float) -> "Area":
        """Return the area in voxels that are `factor` times as small; centres of sections stay where they are."""
        points = tuple((factor * x, factor * y) for x, y in self.points)
        z = None if self.z is None else (factor * (self.z[0] + 0.5) - 0.5, factor * (self.z[1] + 0.5) - 0.5)
        return Area(points, z, self.exclude)


def inside(
    points: Sequence[tuple[float, float]], y: Float[np.ndarray, " y"], x: Float[np.ndarray, " x"]
) -> Bool[np.ndarray, "y x"]:
    """Tell which points of a grid a polygon encloses, by the even-odd rule.

    Parameters
    ----------
    points : sequence of (x, y)
        Corners; the last is joined to the first. It may cross itself.
    y, x : array
        Coordinates of the grid's rows and columns, ascending.

    Returns
    -------
    array
        True where a ray along x crosses the boundary an odd number of times.
    """
    crossings = np.zeros((len(y), len(x) + 1), dtype=np.int32)
    corners = np.asarray(points, dtype=np.float64)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        rows = np.flatnonzero((y >= min(y0, y1)) & (y < max(y0, y1)))
        if rows.size:
            at = x0 + (y[rows] - y0) * ((x1 - x0) / (y1 - y0))
            np.add.at(crossings, (rows, np.searchsorted(x, at)), 1)
    return np.asarray(crossings[:, :-1].cumsum(axis=1) % 2 == 1)


def stacked(contours: Sequence[npt.NDArray[np.float64]], *, exclude: bool) -> list[Area]:
    """Areas of the contours of one object.

    Contours that all lie in one section hold for all sections. Where they lie in several, the object reaches from
    the lowest to the highest, and each section in between takes the contours nearest to it.

    Parameters
    ----------
    contours : sequence of array
        `[points, 3]` in x, y, z order, three points at least; each lies at its median z.
    exclude : bool
        Whether the areas are to be left out.
    """
    heights = np.array([float(np.median(contour[:, 2])) for contour in contours])
    levels = _levels(heights)
    areas = []
    for contour, height in zip(contours, heights, strict=True):
        points = tuple((float(x), float(y)) for x, y in contour[:, :2])
        areas.append(Area(points, _share(levels, float(height)), exclude))
    return areas


def _levels(heights: npt.NDArray[np.float64]) -> list[float]:
    """Different heights in ascending order."""
    levels: list[float] = []
    for height in sorted(heights.tolist()):
        if not levels or height - levels[-1] > _SAME_SECTION:
            levels.append(height)
    return levels


def _share(levels: list[float], height: float) -> tuple[float, float] | None:
    """Sections that are nearer to one level than to the others, between the first level and the last."""
    if len(levels) < 2:
        return None
    nearest = int(np.abs(np.array(levels) - height).argmin())
    low = levels[nearest] if nearest == 0 else (levels[nearest - 1] + levels[nearest]) / 2
    last = nearest == len(levels) - 1
    return low, levels[nearest] if last else (levels[nearest] + levels[nearest + 1]) / 2
