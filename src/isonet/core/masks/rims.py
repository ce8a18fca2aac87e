"""Rims that programs filled by copying edges outward: each line ends in one value over and over, its own.

::

a a a a b c d e         equal to the voxel beside it in nearly every line, down to the data, and there in few
f f f f g h i j
k k k k l m n o         values of neighbouring lines differ, other than those of padding of one value
"""

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32

from isonet.core.voxels import Voxels

Counts = npt.NDArray[np.int64]
_COPIED = 0.9  # of the lines, whose voxels of a layer are equal to those of the next one
_INNER, _DATA = 8, 0.75  # layers behind a rim, and share of equal voxels in each from which they are no data
_ACROSS = 0.5  # of the voxels of a layer: those equal to the next line's, from which it is padding of one value
_WIDEST = 0.5  # of a volume


class Rims:
    """How wide such rims are along y and x, from slabs of sections that are shown one after the other."""

    def __init__(self) -> None:
        self._pairs: list[Counts] = []
        self._sections: list[list[float]] = []
        self._voxels = 0

    def look(self, slab: Float32[np.ndarray, "z y x"]) -> None:
        """Show sections."""
        along_y, along_x = slab[:, 1:] == slab[:, :-1], slab[:, :, 1:] == slab[:, :, :-1]
        planes = [same.sum(axis=0, dtype=np.int32) for same in (along_y, along_x)]
        found = [plane.sum(axis=axis, dtype=np.int64) for axis in (1, 0) for plane in planes]
        self._pairs = [old + new for old, new in zip(self._pairs, found, strict=True)] if self._pairs else found
        for section in range(len(slab)):
            counts = np.count_nonzero(along_y[section]), np.count_nonzero(along_x[section])
            self._sections.append([count / slab[0].size for count in counts])
        self._voxels += slab.size

    @property
    def inside(self) -> tuple[slice, slice]:
        """Rows and columns within the rims."""
        by_rows, across_rows, across_columns, by_columns = self._pairs
        height, width = len(across_rows), len(across_columns)
        row, column = self._voxels / height, self._voxels / width
        rows = _within(by_rows / row, across_rows / row)
        return rows, _within(by_columns / column, across_columns / column)

    @property
    def lined(self) -> bool:
        """Whether the first or last row or column, or section that was shown, is made of lines of one value each."""
        height, width = len(self._pairs[1]), len(self._pairs[2])
        shares = (
            self._pairs[1] * (height / self._voxels),
            self._pairs[2] * (width / self._voxels),
            *np.transpose(self._sections),
        )
        return any(max(one[0], one[-1]) >= _COPIED and float(np.median(one)) < _ACROSS for one in shares)


def sections_inside(volume: Voxels) -> slice:
    """Sections of a volume between those that are copies of the next one; of others few are read."""
    depth = volume.shape[0]
    equal, across = np.zeros(depth - 1), np.zeros(depth)
    for outer, step in ((0, 1), (depth - 1, -1)):
        others = 0
        for number in range(outer, outer + step * (depth - 1), step):
            pair = min(number, number + step)
            one, other = np.asarray(volume[pair : pair + 2, :, :])[::step]
            equal[pair], across[number] = np.mean(one == other), np.mean(one[1:] == one[:-1])
            others += equal[pair] < _COPIED
            if others > (0 if number == outer else _INNER):
                break
    return _within(equal, across)


def _within(equal: npt.NDArray[np.float64], across: npt.NDArray[np.float64]) -> slice:
    """Layers between rims, from the share of voxels equal to the next layer's, and to a neighbour in their own."""
    first = _width(equal, across)
    return slice(first, len(across) - _width(equal[::-1], across[::-1]))


def _width(equal: npt.NDArray[np.float64], across: npt.NDArray[np.float64]) -> int:
    """Layers of a rim at the beginning; 0 where it is none, or all of a volume repeats as an enlarged one does."""
    copied = (equal >= _COPIED) & (across[:-1] < _ACROSS)
    width = int(np.argmin(copied)) if not copied.all() else len(copied)
    behind = equal[width : width + _INNER]
    is_rim = 0 < width < _WIDEST * len(across) and behind.max(initial=0.0) < _DATA
    return width + 1 if is_rim else 0  # where lines have values of their own, the last of those is no data
