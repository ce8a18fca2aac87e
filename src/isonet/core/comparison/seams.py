"""Seams: whether a volume that was corrected tile by tile changes more at the borders of tiles than elsewhere.

Of each axis the mean step between neighbouring planes is known, `d[i] = mean |v[i + 1] - v[i]|`. At a seam it stands
out. How much it may stand out by chance is seen at all other places that are as far from each other as the borders::

    d[i]   ______|________|________|______      borders at i: excess = d at borders / d at the other places - 1
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_VISIBLE = 0.15  # excess of a step that is seen in slices
_SURE = 5.0  # robust standard deviations beyond what other places show
_FEWEST_PLACES = 8


@dataclass(frozen=True)
class Seam:
    """How much the borders of tiles stand out along one axis.

    Attributes
    ----------
    excess : float
        By which fraction the step at borders is larger than at other places.
    certainty : float
        The same in robust standard deviations of what other places show.
    """

    excess: float
    certainty: float

    @property
    def visible(self) -> bool:
        """Whether it is a seam."""
        return self.excess > _VISIBLE and self.certainty > _SURE


def measure_seam(steps: npt.NDArray[np.float64], borders: Sequence[int]) -> Seam | None:
    """Compare the steps at the borders of tiles with those elsewhere.

    Parameters
    ----------
    steps : array
        `[n - 1]`: mean absolute difference of neighbouring planes along an axis of `n` voxels.
    borders : sequence of int
        First planes that belong to the next tile.

    Returns
    -------
    Seam or None
        None where there is no border, or too little beside it to compare with.
    """
    inside = [border for border in borders if 1 <= border <= len(steps)]
    if not inside:
        return None
    spacing = min(np.diff([0, *inside, len(steps) + 1]))
    shifts = [shift for shift in range(-(spacing // 2), (spacing + 1) // 2) if abs(shift) > 1]
    if len(shifts) < _FEWEST_PLACES:
        return None
    at_borders, *elsewhere = (_mean_at(steps, inside, shift) for shift in (0, *shifts))
    usual = float(np.median(elsewhere))
    if not usual > 0:
        return None
    scatter = 1.4826 * float(np.median(np.abs(np.array(elsewhere) - usual)))
    excess = at_borders / usual - 1
    return Seam(excess, (at_borders - usual) / max(scatter, 1e-3 * usual))


def _mean_at(steps: npt.NDArray[np.float64], borders: Sequence[int], shift: int) -> float:
    """Mean step into the planes that lie `shift` after the borders."""
    places = np.clip(np.array(borders) + shift - 1, 0, len(steps) - 1)
    return float(steps[places].mean())


def crossings(weights: Sequence[npt.NDArray[np.float32]], starts: Sequence[int]) -> list[int]:
    """First voxel along an axis in which each next tile has the larger share.

    Parameters
    ----------
    weights : sequence of array
        Share of each tile in its voxels.
    starts : sequence of int
        First voxel of each tile.
    """
    found = []
    for one, begins, other, follows in zip(weights, starts, weights[1:], starts[1:], strict=False):
        shared = range(follows, begins + len(one))
        found += [place for place in shared if other[place - follows] >= one[place - begins]][:1] or [follows]
    return found
