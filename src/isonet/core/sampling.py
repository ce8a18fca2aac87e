"""Where to cut sub-volumes, and cutting them out of arrays that may be memory-mapped and smaller than asked."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from torch import Tensor

from isonet.core.voxels import Voxels

_TRIES = 200
_LARGEST_SHARE = 0.2
Box = tuple[slice, slice, slice]
"""Part of a volume along z, y, x; every slice has both ends."""


def random_stream(seed: int, *key: int) -> np.random.Generator:
    """Return the random generator that belongs to a seed and a key; different keys give independent streams.

    A run that derives all its randomness from where it is (iteration, epoch, step) can be continued from anywhere.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def reflected_indices(start: int, size: int, length: int) -> npt.NDArray[np.int64]:
    """Indices `start ... start + size - 1` into an axis, mirrored at its ends as often as needed.

    >>> reflected_indices(-2, 6, 3).tolist()
    [2, 1, 0, 1, 2, 1]
    """
    if length == 1:
        return np.zeros(size, dtype=np.int64)
    period = 2 * (length - 1)
    position = np.arange(start, start + size) % period
    return np.asarray(np.where(position < length, position, period - position), dtype=np.int64)


def cut(volume: Voxels, corner: Sequence[int], shape: Sequence[int]) -> npt.NDArray[np.float32]:
    """Cut a block out of a volume, continued by reflection where it reaches beyond.

    Beyond the faces of z the reflection is turned about y by 180 degrees within the block (z and x are both reversed):
    that leaves the missing wedge in place, which a mirror along z alone would swap end for end.

    Parameters
    ----------
    volume : array or file
        `[z, y, x]`, any type; of a file only the block is read.
    corner : sequence of int
        First voxel z, y, x; may be negative.
    shape : sequence of int
        Edges of the block.

    Returns
    -------
    array
        float32 of `shape`.
    """
    index = [
        reflected_indices(first, size, length) for first, size, length in zip(corner, shape, volume.shape, strict=True)
    ]
    low = [int(axis.min()) for axis in index]
    block = volume[tuple(slice(first, int(axis.max()) + 1) for first, axis in zip(low, index, strict=True))]
    inner = np.ix_(*(axis - first for first, axis in zip(low, index, strict=True)))
    result = np.asarray(block, dtype=np.float32)[inner]
    turned = _is_reflected(corner[0], shape[0], volume.shape[0])
    result[turned] = result[turned, :, ::-1]
    return result


def central_cube(volumes: Float[Tensor, "*b s s s"], cube: int) -> Float[Tensor, "*b c c c"]:
    """Crop the middle of cubes."""
    first = (volumes.shape[-1] - cube) // 2
    part = slice(first, first + cube)
    return volumes[..., part, part, part]


def _is_reflected(start: int, size: int, length: int) -> npt.NDArray[np.bool_]:
    """Tell which of the positions `start ... start + size - 1` are mirrored an odd number of times."""
    return np.arange(start, start + size) % max(1, 2 * (length - 1)) >= length


def draw_centres(
    shape: Sequence[int],
    count: int,
    edge: int,
    random: np.random.Generator,
    mask: Voxels | None = None,
    box: Box | None = None,
) -> npt.NDArray[np.int64]:
    """Draw centres of cubes uniformly among the voxels of a mask.

    Cubes lie inside the volume along every axis that is long enough; along a shorter one they are centred, to be
    continued by reflection.

    Parameters
    ----------
    shape : sequence of int
        Edges z, y, x of the volume.
    count : int
        How many centres.
    edge : int
        Edge of the cubes.
    random : numpy Generator
        Source of randomness.
    mask : array, optional
        `[z, y, x]`, larger than 0 where centres may lie; everywhere if left out.
    box : Box, optional
        Part of the volume in which the cubes must lie; all of it if left out.

    Returns
    -------
    array
        `[count, 3]` in z, y, x order.

    Raises
    ------
    ValueError
        If no voxel of the mask can be a centre.
    """
    low, high = _limits(shape, edge)
    if box is not None:
        inner_low, inner_high = _limits([part.stop - part.start for part in box], edge)
        first = np.array([part.start for part in box])
        low, high = first + inner_low, first + inner_high
    if mask is None:
        return random.integers(low, high, size=(count, 3), endpoint=True)
    found: list[npt.NDArray[np.int64]] = []
    for _ in range(_TRIES):
        guess = random.integers(low, high, size=(count, 3), endpoint=True)
        found.append(guess[np.asarray(mask[tuple(guess.T)]) > 0])
        if sum(map(len, found)) >= count:
            return np.concatenate(found)[:count]
    allowed = _Allowed(low, high, mask)
    if allowed.total == 0:
        raise ValueError(f"no voxel of the mask can be the centre of a cube of {edge} voxels")
    return allowed.voxels(random.integers(allowed.total, size=count))


def draw_distinct_centres(
    shape: Sequence[int],
    count: int,
    edge: int,
    random: np.random.Generator,
    mask: Voxels | None = None,
) -> npt.NDArray[np.int64]:
    """Draw centres of cubes as :func:`draw_centres` does, but each voxel at most once.

    Returns
    -------
    array
        `[count, 3]` in z, y, x order; all possible centres, in random order, where they are fewer.

    Raises
    ------
    ValueError
        If no voxel of the mask can be a centre.
    """
    found: dict[tuple[int, ...], None] = {}
    for _ in range(_TRIES):
        found.update(dict.fromkeys(map(tuple, draw_centres(shape, count, edge, random, mask).tolist())))
        if len(found) >= count:
            return np.array(list(found)[:count], dtype=np.int64)
    allowed = _Allowed(*_limits(shape, edge), mask)
    return allowed.voxels(random.choice(allowed.total, min(count, allowed.total), replace=False))


def shares(counts: Sequence[int], total: int, random: np.random.Generator) -> list[int]:
    """Share `total` draws among sources in proportion to their `counts`; what does not come out even is drawn by lot.

    >>> shares([100, 100, 100], 300, random_stream(0))
    [100, 100, 100]
    """
    edges = np.concatenate([[0.0], np.cumsum(counts)]) * (total / sum(counts))
    ticks = np.floor(edges + (0.0 if total == sum(counts) else random.random()) + 1e-9)
    return [int(share) for share in np.diff(ticks)]


def held_out_boxes(shape: Sequence[int], share: float, edge: int) -> tuple[Box, Box | None]:
    """Split a volume across its longest axis into a part to train on and a part to test on.

    Parameters
    ----------
    shape : sequence of int
        Edges z, y, x of the volume.
    share : float
        Share of the volume to hold out; what is held out is at least one cube wide.
    edge : int
        Edge of the cubes that must lie in one part or the other.

    Returns
    -------
    train, test : Box
        The second is None where `share` is 0 or one cube would be more than a fifth of the volume.
    """
    axis = int(np.argmax(shape))
    width = max(edge, round(share * shape[axis]))
    whole = [slice(0, length) for length in shape]
    if share == 0 or edge > max(_LARGEST_SHARE, share) * shape[axis]:
        return (whole[0], whole[1], whole[2]), None
    border = shape[axis] - width
    train, test = list(whole), list(whole)
    train[axis], test[axis] = slice(0, border), slice(border, shape[axis])
    return (train[0], train[1], train[2]), (test[0], test[1], test[2])


def edges_of(box: Box) -> tuple[int, int, int]:
    """Voxels of a part of a volume along z, y, x."""
    depth, height, width = (part.stop - part.start for part in box)
    return depth, height, width


def moved(box: Box, whole: Box) -> Box:
    """Give a part of a part of a volume its place in the volume."""
    z, y, x = (slice(one.start + part.start, one.stop + part.start) for one, part in zip(box, whole, strict=True))
    return z, y, x


def _limits(shape: Sequence[int], edge: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and last possible centre of a cube along each axis."""
    half = edge // 2
    low = np.array([half if length > edge else length // 2 for length in shape], dtype=np.int64)
    last = [max(length - (edge - half), first) for length, first in zip(shape, low.tolist(), strict=True)]
    return low, np.array(last, dtype=np.int64)


class _Allowed:
    """Voxels between two corners that a mask allows, section by section: all of them are never listed at once.

    Attributes
    ----------
    total : int
        How many there are.
    """

    def __init__(self, low: npt.NDArray[np.int64], high: npt.NDArray[np.int64], mask: Voxels | None) -> None:
        self._low, self._high, self._mask = low, high, mask
        self._ends = np.cumsum([np.count_nonzero(self._section(z)) for z in range(int(high[0] - low[0]) + 1)])
        self.total = int(self._ends[-1])

    def _section(self, z: int) -> npt.NDArray[np.bool_]:
        """Tell which voxels of the section `z` above the lower corner are allowed."""
        rows, columns = (slice(first, last + 1) for first, last in zip(self._low[1:], self._high[1:], strict=True))
        if self._mask is None:
            return np.ones((rows.stop - rows.start, columns.stop - columns.start), dtype=np.bool_)
        return np.asarray(self._mask[int(self._low[0]) + z, rows, columns]) > 0

    def voxels(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return voxels `[n, 3]` by their numbers, counted along x, then y, then z."""
        found = np.empty((len(numbers), 3), dtype=np.int64)
        sections = np.searchsorted(self._ends, numbers, side="right")
        for z in np.unique(sections):
            here = sections == z
            places = np.argwhere(self._section(int(z)))
            first = int(self._ends[z - 1]) if z > 0 else 0
            found[here, 0], found[here, 1:] = z, places[numbers[here] - first]
        return found + self._low
