"""Grey values that repeat as padding does: exactly, side by side, where programs had no data.

Measured grey values as floats hardly ever repeat. Those in bytes and other whole numbers do, but neither in blocks nor
much more often than the next ones up and down. Pairs of equal neighbours tell::

    data                 padding               data in whole numbers
    a b c d e f          0 0 0 0 a b           3 4 3 2 3 3          pairs of 3 about as frequent as those of 2 and 4
    g h i j k l          0 0 0 0 g h           4 3 3 2 4 3
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32

from isonet.core.masks.continuation import level

Slab = Float32[np.ndarray, "z y x"]
_MOST_VALUES = 4  # of padding in one volume that are told apart
_PAIRS, _SAMPLE = 1 << 18, 1 << 12  # pairs of equal neighbours, and voxels, of a slab that are counted by their value
_FEWEST = 64  # voxels of padding
_SHARE, _SHARE_AMONG_LEVELS = 1e-4, 5e-3  # of all voxels: the least padding, and where data hold its value too
_APART = 0.15  # of a padding's voxels: those that may lie apart, at most
_LESS_APART = 3  # times as few as by chance
_PEAK = 1.2  # times as often as the levels beside it: the least for a level that is padding
_SMOOTH = 0.4  # share of equal neighbours of the levels beside it, above which those lie together as well
_LEVELS = 0.5  # of values that are distinct: where fewer are, grey values are levels
_AMONG = 0.02  # of the voxels of a padding's value: where more may be data, only blocks of it are padding
_MOST = 0.9  # of all voxels: what fills more is no padding
_FEWEST_VALUES = 4  # that data have
_WORTH_A_WORD = 0.02  # of all voxels of one value that do not lie together


@dataclass(frozen=True)
class Repeated:
    """A value that repeats.

    Attributes
    ----------
    value : float
        The grey value.
    share : float
        Of all voxels that were shown.
    among_data : bool
        Whether data hold it too, so that only where it lies together it is padding.
    """

    value: float
    share: float
    among_data: bool = False


@dataclass
class _Tally:
    """Voxels of one value: all, and those in rows or columns that hold nothing else.

    Of the others, those with a neighbour along z, y, x, and those whose neighbour there is equal.
    """

    count: int = 0
    lined: int = 0
    neighbours: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(3, np.int64))
    equal: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(3, np.int64))

    def together(self, less: "_Tally | None" = None) -> float:
        """Share of voxels that lie in lines, or have an equal neighbour along the axis that has most; less others."""
        neighbours, equal, count = self.neighbours, self.equal, self.count
        if less is not None:
            neighbours, equal, count = neighbours - less.neighbours, equal - less.equal, count - less.count
        known = neighbours > 0
        beside = float((equal[known] / neighbours[known]).max(initial=0))
        return (self.lined + (count - self.lined) * beside) / max(1, count)


class Census:
    """Which values repeat, from slabs of sections that are shown once, and again where there are :attr:`suspects`."""

    def __init__(self) -> None:
        self._voxels = self._beside = 0
        self._random = np.random.default_rng(0)
        self._pairs: Counter[float] = Counter()
        self._sample: Counter[float] = Counter()
        self._tallies: dict[float, _Tally] = {}
        self._level = 0
        self._lined = False

    def look(self, slab: Slab) -> None:
        """Show sections that lie next to each other for the first time."""
        self._voxels += slab.size
        chosen = self._random.integers(slab.size, size=min(_SAMPLE, slab.size))
        self._sample.update(slab.reshape(-1)[chosen].tolist())
        for after, before in ((slab[:, :, 1:], slab[:, :, :-1]), (slab[:, 1:], slab[:, :-1])):
            found = after[after == before]
            self._beside += found.size
            step = -(-found.size // _PAIRS)
            values, counts = np.unique(found[:: max(1, step)], return_counts=True)
            for value, count in zip(values.tolist(), counts.tolist(), strict=True):
                self._pairs[value] += step * count

    @cached_property
    def suspects(self) -> tuple[float, ...]:
        """Values that may be padding, those that repeat most."""
        return self._often[:_MOST_VALUES]

    @cached_property
    def _often(self) -> tuple[float, ...]:
        often = [value for value, pairs in self._pairs.most_common() if pairs >= _SHARE * self._voxels]
        if self._has_levels:
            often = [value for value in often if self._pairs[value] > _PEAK * self._pairs_beside(value)]
        return tuple(often)

    def tell_of_lines(self) -> None:
        """Say that an outer layer is made of lines of one value each, which the frequency of values does not show."""
        self._lined = True

    def count(self, slab: Slab) -> None:
        """Show sections again."""
        if self.has_more:
            self._level += int(np.count_nonzero(level(slab) & ~np.isin(slab, np.array(self.suspects, np.float32))))
        beside = {level for suspect in self.suspects for level in self._levels_beside(suspect)}
        for value in {*self.suspects, *beside}:
            tally = self._tallies.setdefault(value, _Tally())
            same = slab == np.float32(value)
            lines = same.all(axis=2, keepdims=True) | same.all(axis=1, keepdims=True)
            tally.count += int(np.count_nonzero(same))
            tally.lined += int(np.count_nonzero(same & lines))
            same &= ~lines
            for axis in range(3):
                along = np.moveaxis(same, axis, 0)
                tally.neighbours[axis] += np.count_nonzero(along[:-1])
                tally.equal[axis] += np.count_nonzero(along[:-1] & along[1:])

    @property
    def padding(self) -> tuple[Repeated, ...]:
        """Values of padding; none where they would be nearly all voxels, or would leave nothing that varies."""
        found = [one for value in self.suspects if (one := self._judged(value)) is not None]
        left = len(self._sample) - sum(one.value in self._sample for one in found)
        if sum(one.share for one in found) > _MOST or left < _FEWEST_VALUES:
            return ()
        return tuple(found)

    @property
    def others(self) -> float:
        """Share of voxels in pieces of rows or columns of one value, where there are more such values than are counted.

        So it is where each section has its own. :func:`isonet.core.masks.continuation.level` finds them. 0 where some
        value is doubtful.
        """
        if self._level < max(_FEWEST, _SHARE * self._voxels) or self.doubtful:
            return 0.0
        share = self._level / self._voxels
        return share if share + sum(one.share for one in self.padding) < _MOST else 0.0

    @property
    def doubtful(self) -> tuple[Repeated, ...]:
        """Values that repeat as measured ones do not, and are no padding."""
        known = {one.value for one in self.padding}
        shares = [(value, self._tallies[value].count / self._voxels) for value in self.suspects if value not in known]
        least = _MOST if self._has_levels else _WORTH_A_WORD
        return tuple(Repeated(value, share) for value, share in shares if share > least)

    @property
    def copied(self) -> float:
        """Share of voxels that are equal to a neighbour, of values that do not repeat else; 0 where there are levels.

        Edges that were copied outward are so, and volumes that were enlarged voxel by voxel.
        """
        often = sum(pairs for pairs in self._pairs.values() if pairs >= _SHARE * self._voxels)
        return 0.0 if self._has_levels else max(0.0, self._beside - often) / max(1, self._voxels)

    @property
    def has_more(self) -> bool:
        """Whether more values repeat than are told apart; levels may all do."""
        return self._lined or (len(self._often) > _MOST_VALUES and not self._has_levels)

    def _judged(self, value: float) -> Repeated | None:
        """Tell whether a suspect is padding, from how much of it lies together."""
        tally = self._tallies[value]
        levels = [self._tallies[level] for level in self._levels_beside(value)]
        data = max(levels, key=lambda one: one.count, default=_Tally())  # as many voxels of this value may be data
        padded = tally.count - data.count
        among = data.count > _AMONG * tally.count
        if among and (tally.count < _PEAK * self._rise(value) * data.count or data.together() > _SMOOTH):
            return None
        if padded < max(_FEWEST, (_SHARE_AMONG_LEVELS if among else _SHARE) * self._voxels):
            return None
        if 1 - tally.together(data) > min(_APART, (1 - tally.count / self._voxels) / _LESS_APART):
            return None
        return Repeated(value, padded / self._voxels, among)

    @cached_property
    def _has_levels(self) -> bool:
        """Whether grey values are few levels, such as whole numbers; the most frequent ones may be padding."""
        rest = sorted(self._sample.values())[:-_MOST_VALUES]
        return len(rest) < _LEVELS * sum(rest) or not rest

    def _levels_beside(self, value: float) -> list[float]:
        """Next levels up and down; none where grey values are no levels."""
        if not self._has_levels:
            return []
        levels = self._levels
        below, above = bisect_left(levels, value), bisect_right(levels, value)
        return [*levels[max(0, below - 1) : below], *levels[above : above + 1]]

    def _rise(self, value: float) -> float:
        """How much more often than the levels beside it a level is there, where it is the middle of normal noise.

        Of noise of deviation s, in levels, that is `exp(1 / (2 s^2))`, the cube root of what those beside it have over
        the next ones.
        """
        rises = [1.0]
        for one in self._levels_beside(value):
            following = [self._sample[level] for level in self._levels_beside(one) if level != value]
            rises.append((self._sample[one] / max([1, *following])) ** (1 / 3))
        return max(rises)

    def _pairs_beside(self, value: float) -> int:
        """Pairs of the next level up or down that has more."""
        return max((self._pairs[level] for level in self._levels_beside(value)), default=0)

    @cached_property
    def _levels(self) -> list[float]:
        """All values of the sample, ascending."""
        return sorted(self._sample)
