r"""Gold beads: found by how far their density stands out, left out, and painted over with what lies beside them.

A bead is many times as dense as protein. In a tomogram it is drawn out along the beam, with fringes on either side, and
most of a loss, a mean or a correlation is gold where there is some. A bead and its surroundings are taken for an
ellipsoid about twice as wide as its core and as far beyond its ends. Whatever looks at the sample sees there, in place
of the bead, the same depth of the tomogram some way off, the same way in both halves: its noise and its streaks are
those of the sample, and noise that was independent stays so.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from scipy.ndimage import find_objects, gaussian_filter, label

FloatArray = npt.NDArray[np.float32]
BLUR = 1.5
"""Voxels: standard deviation of the low-pass in which beads are looked for."""
REACH = 6
"""Voxels that the low-pass reaches."""
_DENSE = 12.0  # spreads of the low-passed bulk by which gold stands out, and
_RARE, _TIMES_RARE = 99.5, 2.5  # times what 0.5 % exceed, which gold that is rare does not raise, or, in noise,
_NOISY, _PLENTY, _TIMES, _VOXELS = 2.0, 95.0, 6.0, 4.0  # times what 5 % exceed, and spreads of single voxels
_MAD = 1.4826  # standard deviation of normal noise over its median absolute deviation
_WIDEST = 40  # voxels across
_SOFT = 0.25  # of the ellipsoid's radius, over which painting begins
_DIRECTIONS, _DISTANCES = 12, (1.1, 1.5, 2.0, 3.0)  # where to take texture from, in units of the ellipsoids' reach
_APART = 3.0  # voxels between cores that belong to one bead

Box = tuple[slice, slice, slice]
Ends = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bead:
    """An ellipsoid, upright along z.

    Attributes
    ----------
    centre : tuple of float
        Voxels z, y, x.
    radius, height : float
        Half axes across z and along it, voxels.
    """

    centre: tuple[float, float, float]
    radius: float
    height: float

    @property
    def box(self) -> Box:
        """The smallest block that holds it, which may reach beyond the volume."""
        (z, y, x), r, h = self.centre, self.radius, self.height
        lows, highs = (z - h, y - r, x - r), (z + h, y + r, x + r)
        one, two, three = (slice(math.floor(low), math.ceil(high) + 1) for low, high in zip(lows, highs, strict=True))
        return one, two, three

    def cover(self, block: Box) -> Float[npt.NDArray[np.float32], "z y x"]:
        """How much of each voxel of a block is painted: 1 within, 0 outside, soft at the edge."""
        z, y, x = (
            np.arange(part.start, part.stop, dtype=np.float32) - at for part, at in zip(block, self.centre, strict=True)
        )
        across = (y[:, None] ** 2 + x**2) / self.radius**2
        out = np.sqrt((z[:, None, None] / self.height) ** 2 + across)
        return ((1 - out) / _SOFT).clip(0, 1)


@dataclass(frozen=True)
class Level:
    """What densities of a low-passed tomogram are usual.

    Attributes
    ----------
    middle, spread : float
        Median, and standard deviation of the bulk.
    gold : float
        Density that only beads exceed.
    noisy : bool
        Whether single voxels are noisy, as they are in a tomogram that nothing has smoothed.
    """

    middle: float
    spread: float
    gold: float
    noisy: bool

    @classmethod
    def of(cls, values: FloatArray, voxels: FloatArray) -> "Level":
        """Look at low-passed densities, and at densities as they are, from all over a tomogram.

        In noise sample hardly stands out of single voxels, even low-passed, and gold does, however much there is. In a
        smooth map particles in empty ice stand out as far as gold does, and gold has to be rare.
        """
        (middle, spread), (_, noise) = _bulk(values), _bulk(voxels)
        plenty, rare = (float(one) - middle for one in np.percentile(values, (_PLENTY, _RARE)))
        above, noisy = _TIMES_RARE * rare, noise > _NOISY * spread
        if noisy:
            above = min(above, max(_TIMES * plenty, _VOXELS * noise))
        return cls(middle, spread, middle + max(_DENSE * spread, above), noisy)


def _bulk(values: FloatArray) -> tuple[float, float]:
    """Median, and standard deviation of most values, whatever a few of them are."""
    middle = float(np.median(values))
    return middle, _MAD * float(np.median(np.abs(values - middle)))


def low_passed(density: FloatArray) -> FloatArray:
    """Low-pass in which beads are looked for; the outermost `REACH` voxels depend on how it is continued."""
    return np.asarray(gaussian_filter(density, BLUR, truncate=REACH / BLUR), np.float32)


def cores(density: FloatArray, level: Level) -> Iterator[Box]:
    """Iterate over the cores of beads in a low-passed block."""
    labels, _ = label(density > level.gold)
    yield from ((z, y, x) for z, y, x in find_objects(labels))


def beads(found: Iterable[Box]) -> tuple[Bead, ...]:
    """Make beads of the boxes of cores; those that touch, as where blocks end, are one. What is too wide is no bead."""
    boxes: list[Ends] = []
    for box in found:
        one = np.array([[part.start, part.stop] for part in box])
        joined = np.stack([one, *(other for other in boxes if _touch(one, other))])
        boxes = [other for other in boxes if not _touch(one, other)]
        boxes.append(np.stack([joined[:, :, 0].min(0), joined[:, :, 1].max(0)], axis=1))
    made = (_bead(ends) for ends in boxes if np.ptp(ends[1:], axis=1).max() <= _WIDEST)
    return tuple(sorted(made, key=lambda bead: bead.centre))


def _touch(one: Ends, other: Ends) -> bool:
    """Whether boxes are less than some voxels apart."""
    gap = np.maximum(one[:, 0] - other[:, 1], other[:, 0] - one[:, 1])
    return bool((gap <= _APART).all())


def _bead(ends: Ends) -> Bead:
    """Ellipsoid about a core that lies between the `ends` along z, y, x."""
    half = (ends[:, 1] - ends[:, 0]) / 2
    z, y, x = ((ends[:, 0] + ends[:, 1] - 1) / 2).tolist()
    radius = float(max(half[1:]))
    return Bead((z, y, x), 2 * radius + 1, float(half[0]) + radius + 1)


@dataclass(frozen=True)
class Patch:
    """A bead, and how far from it the texture is that takes its place.

    Attributes
    ----------
    bead : Bead
        What is painted over.
    shift : tuple of int
        Voxels along y and x.
    """

    bead: Bead
    shift: tuple[int, int]

    def within(self, block: Box) -> Box | None:
        """Return the part of a block that is painted; None if there is none."""
        parts = [
            slice(max(part.start, own.start), min(part.stop, own.stop))
            for part, own in zip(block, self.bead.box, strict=True)
        ]
        z, y, x = parts
        return (z, y, x) if all(part.start < part.stop for part in parts) else None

    def source(self, block: Box) -> Box:
        """Return the block that the texture of a painted block is from."""
        z, y, x = block
        dy, dx = self.shift
        return z, slice(y.start + dy, y.stop + dy), slice(x.start + dx, x.stop + dx)


@lru_cache(maxsize=64)
def patches(found: tuple[Bead, ...], shape: tuple[int, int, int]) -> tuple[Patch, ...]:
    """Choose for each bead the nearest place without beads, at the same depth, that holds all of it.

    Beads for which there is no such place, in a small or crowded tomogram, are left as they are.
    """
    made = []
    for bead in found:
        shift = next((one for one in _shifts(bead) if _free(bead, one, found, shape)), None)
        if shift is not None:
            made.append(Patch(bead, shift))
    return tuple(made)


def _shifts(bead: Bead) -> Iterator[tuple[int, int]]:
    """Iterate over shifts along y and x, the shortest first."""
    for distance in _DISTANCES:
        for number in range(_DIRECTIONS):
            angle = 2 * math.pi * number / _DIRECTIONS
            length = 2 * bead.radius * distance + 2
            yield round(length * math.sin(angle)), round(length * math.cos(angle))


def _free(bead: Bead, shift: tuple[int, int], found: Sequence[Bead], shape: tuple[int, int, int]) -> bool:
    """Whether a bead's block, moved, lies within the volume and holds no bead."""
    moved = Patch(bead, shift).source(bead.box)
    if any(part.start < 0 or part.stop > edge for part, edge in zip(moved[1:], shape[1:], strict=True)):
        return False
    return all(
        any(one.stop <= other.start or other.stop <= one.start for one, other in zip(moved, each.box, strict=True))
        for each in found
    )


def leave_out(found: Iterable[Bead], sections: npt.NDArray[np.bool_], first: int, step: int) -> None:
    """Set what beads cover to False in sections from `first` on, `[z, y, x]`, of voxels binned by `step`."""
    depth, height, width = (step * edge for edge in sections.shape)
    block = slice(step * first, step * first + depth), slice(0, height), slice(0, width)
    for bead in found:
        part = Patch(bead, (0, 0)).within(block)
        if part is not None:
            places = np.argwhere(bead.cover(part) > 0) + [at.start for at in part]
            sections[tuple((places // step - [first, 0, 0]).T)] = False
