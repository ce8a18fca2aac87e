r"""What is withheld of a tomogram to validate with: the outermost measured tilts, as a region of Fourier space.

Of a measured range, `withhold` degrees at each end are treated as if they had never been measured::

                    k_z
           unknown   |   unknown
               \     |     /  tilt_max
     withheld   \    |    /  withheld
         .       \   |   /       .  kept_max = tilt_max - withhold
            .     \  |  /     .
               .   \ | /   .
      kept  --------\+/--------  kept     k_x

A tomogram from which that region is removed is what the narrower range would have measured of the same sample, and the
original tells what the region really holds. Comparisons stay `guard` Fourier pixels off every face, that of the
withheld region and that of the measured one: a window spreads power that far. Of two tilt axes as much is withheld
about either.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from isonet.core.fourier import Shape
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured, Tilts

_NARROWEST = 10.0  # degrees that must be kept
_LONGEST = (256, 128, 384)  # voxels of a sub-volume along z, y, x: the faces are resolved by z and x
_SHORTEST = 24
_PARTS = 3  # of y, where it is not longer than that


def kept_range(tilts: Sequence[float], withhold: float) -> tuple[float, float]:
    """Range in degrees that is left of `tilts` (range or list) when `withhold` degrees are taken from each end.

    Raises
    ------
    ValueError
        If hardly anything is left.
    """
    low, high = min(tilts) + withhold, max(tilts) - withhold
    if not high - low >= _NARROWEST:
        raise ValueError(f"{withhold:g} degrees less at each end leave nothing of {min(tilts):g} to {max(tilts):g}")
    return low, high


def largest(tilts: Tilts) -> int:
    """Most whole degrees that can be withheld at either end of each sweep; less than 1 where none can."""
    spans = [sweep.ends[1] - sweep.ends[0] for sweep in Measured.of(tilts).sweeps]
    return math.floor((min(spans) - _NARROWEST) / 2)


def kept_tilts(tilts: Sequence[float], kept: tuple[float, float]) -> tuple[float, ...]:
    """Tilts of a list that lie within the kept range; of a range, the kept one."""
    if len(tilts) == 2:
        return kept
    return tuple(tilt for tilt in tilts if kept[0] <= tilt <= kept[1])


def kept_part(tilts: Tilts, withhold: float) -> Measured:
    """Ranges that are left of what was measured when `withhold` degrees are taken from each end of each sweep.

    Raises
    ------
    ValueError
        If hardly anything is left.
    """
    return Measured.of(tilts).each(lambda one: kept_range(one, withhold))


def region(shape: Shape, tilts: Sequence[Tilts], kept: Tilts, guard: float = 3.0) -> Bool[Tensor, "z y kx"]:
    """Coefficients that were measured and are withheld, away from all faces.

    Parameters
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    tilts : sequence
        Degrees, range or list, or what was measured in general, of each map that is compared: it must have been
        measured in all of them. Of a list, the coefficients within half a Fourier pixel of a tilt's plane count; halves
        from every other tilt have other planes, and share none of them at high frequencies.
    kept : tuple of float or Measured
        What is kept: the range in degrees.
    guard : float
        Fourier pixels left out on either side of each face.

    Returns
    -------
    tensor of bool
        `[z, y, x // 2 + 1]` in the rfft layout.
    """
    every = [Measured.of(kept), *map(Measured.of, tilts)]
    flat = (shape[0], 1, shape[2]) if all(one.at_home for one in every) else shape
    chosen = wedge.face_distance(flat, every[0]) <= -guard
    for one in every[1:]:
        chosen &= (wedge.face_distance(flat, one.ends) >= guard) & (wedge.weight(flat, one.ends) == 1)
        if any(len(sweep.tilts) > 2 for sweep in one.sweeps):
            chosen &= wedge.face_distance(flat, one, gap=0) >= 0
    return chosen.expand(shape[0], shape[1], shape[2] // 2 + 1)


def sectors(shape: Shape, kept: Tilts, width: float = 4.0) -> Int[Tensor, "z y kx"]:
    """Sector of each coefficient: how often `width` degrees it lies beyond the kept range, -1 within it."""
    beyond = wedge.degrees_beyond(shape, kept)
    return torch.where(beyond < 0, -1, (beyond / width + 1e-4).floor()).long()


def subvolumes(shape: Shape) -> tuple[Shape, list[Shape]]:
    """Edges and first voxels of the sub-volumes a tomogram is compared in, each half over the next one.

    The wedge's faces are sharp where z and x are whole, and do not depend on y: y is cut first, and z and x only where
    they are long.
    """
    part = max(_SHORTEST, shape[1] // _PARTS)
    edges = (min(shape[0], _LONGEST[0]), min(shape[1], part, _LONGEST[1]), min(shape[2], _LONGEST[2]))
    starts = [_starts(length, edge) for length, edge in zip(shape, edges, strict=True)]
    return edges, [(z, y, x) for z in starts[0] for y in starts[1] for x in starts[2]]


def _starts(length: int, edge: int) -> list[int]:
    """First voxels of pieces that cover an axis evenly and overlap by half at least."""
    steps = -(-2 * (length - edge) // edge)
    return [round(step * (length - edge) / steps) for step in range(steps + 1)] if steps else [0]


def farthest(corners: Sequence[Shape]) -> list[int]:
    """For each sub-volume, the one whose first voxel is farthest away."""
    places = torch.tensor(corners, dtype=torch.float64)
    return [int(index) for index in torch.cdist(places, places).argmax(1)]
