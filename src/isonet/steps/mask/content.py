"""Where one tomogram holds density, slab by slab: low-pass and bin, fit the lamella, threshold, and write.

Four passes, each over slabs of whole sections: (1) bin and blur within the sections; (2) blur along z, take the local
maximum and standard deviation and count them; (3) count them again for the exact percentile; (4) write the mask. What
lies between is in memory where it fits, else in files. Each pass reads as many neighbouring sections as its filters
look at, so that the result does not depend on the slabs.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isonet.core.masks import masking
from isonet.core.masks.beads import leave_out
from isonet.core.masks.order import Selector
from isonet.core.masks.region import Region, RegionGrid, columns_seen
from isonet.core.masks.slab import Slab, block_edge, block_variance, fit_slab
from isonet.io import blocks
from isonet.io.volume import FloatArray
from isonet.steps.mask.room import Room, Steps, room_for
from isonet.volumes.source import Source

Advance = Callable[[], None]
Chosen = Callable[[int, int], npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class ContentOptions:
    """What is looked for.

    Attributes
    ----------
    density, deviation : float
        Percentages of the allowed voxels to keep; more than 99.8 keeps all.
    patch : int
        Half the edge of the neighbourhood in binned voxels.
    memory : int
        Bytes to use at most beside the program's own.
    """

    density: float
    deviation: float
    patch: int
    memory: int

    @property
    def keeps_all(self) -> bool:
        """Whether the tomogram need not be looked at."""
        return min(self.density, self.deviation) > masking.SKIP_ABOVE


class Content:
    """The binned map of one tomogram and what is made of it.

    Parameters
    ----------
    source : Source
        The tomogram.
    options : ContentOptions
        What to look for.
    steps : Steps
        Sections at once.
    """

    def __init__(self, source: Source, options: ContentOptions, steps: Steps) -> None:
        self.source = source
        self.options = options
        self.steps = steps
        depth, height, width = source.volume.shape
        self.shape = (masking.halved(depth), masking.halved(height), masking.halved(width))

    def passes(self, *, looks: bool) -> int:
        """How many slabs all passes together handle; only the last one if the tomogram is not looked at."""
        steps, look = self.steps, 0 if self.options.keeps_all else 2
        each = [*([steps.bin, *[steps.look] * look] if looks else []), steps.write]
        return sum(-(-self.shape[0] // step) for step in each)

    def bin_into(self, room: Room, advance: Advance) -> npt.NDArray[np.float64]:
        """Write the map, binned and blurred within its sections, and return its variance in blocks `[z, y, x]`."""
        depth = self.source.volume.shape[0]
        edge = block_edge(*self.shape[1:])
        variances = []
        for first, last in slabs(self.shape[0], self.steps.bin):
            index = masking.halving_indices(first, last, depth)
            read = self.source.voxels.read_rows(slice(int(index[0]), int(index[-1]) + 1))
            binned = self.source.normalization.forward(masking.halve(read.take(index - index[0], axis=0)))
            blurred = masking.blur(binned, self.options.patch, axes=(1, 2))
            room.write_rows(first, 0, blurred)
            variances.append(block_variance(blurred, edge))
            advance()
        return np.concatenate(variances)

    def fit_slab(self, variance: npt.NDArray[np.float64], region: Region) -> Slab | None:
        """Fit the lamella, in voxels of the tomogram."""
        edge = block_edge(*self.shape[1:])
        found = fit_slab(variance, edge, columns_seen(region.grid(2), edge))
        return None if found is None else found.scaled(2)

    def features(self, binned: Room, first: int, last: int) -> tuple[FloatArray, FloatArray]:
        """Local maximum and local standard deviation of some sections."""
        patch, depth = self.options.patch, self.shape[0]
        reach = masking.blur_reach(patch) + patch
        low, high = max(0, first - reach), min(depth, last + reach)
        blurred = masking.blur(binned.read_rows(slice(low, high)), patch, axes=(0,))
        inner = slice(first - low, last - low)
        deviation = masking.local_deviation(blurred, patch, low, depth)[inner]
        return masking.local_maximum(blurred, patch)[inner], deviation

    def measured(self, sections: npt.NDArray[np.bool_], first: int, step: int) -> npt.NDArray[np.bool_]:
        """Leave padding and beads out of sections from `first` on, of voxels binned by `step`."""
        padding = self.source.padding
        if padding is not None:
            for number, plane in enumerate(sections, start=first):
                np.logical_and(plane, ~padding.plane(number * step)[::step, ::step], out=plane)
        leave_out(self.source.beads, sections, first, step)
        return sections

    def choose(self, binned: Room, rooms: tuple[Room, Room], grid: RegionGrid, advance: Advance) -> tuple[float, float]:
        """Write both features and return the thresholds above which the percentages of the allowed voxels lie."""
        selectors = (Selector(self.options.density / 100), Selector(self.options.deviation / 100))
        for first, last in slabs(self.shape[0], self.steps.look):
            allowed = self.measured(grid.sections(first, last), first, 2)
            for room, selector, values in zip(rooms, selectors, self.features(binned, first, last), strict=True):
                room.write_rows(first, 0, values)
                selector.count_coarse(values[allowed])
            advance()
        if selectors[0].count == 0:
            return math.inf, math.inf
        for first, last in slabs(self.shape[0], self.steps.look):
            allowed = self.measured(grid.sections(first, last), first, 2)
            for room, selector in zip(rooms, selectors, strict=True):
                selector.count_fine(room.read_rows(slice(first, last))[allowed])
            advance()
        return selectors[0].threshold, selectors[1].threshold


def slabs(depth: int, step: int) -> Iterator[tuple[int, int]]:
    """First and last section (not included) of each slab."""
    for first in range(0, depth, step):
        yield first, min(first + step, depth)


def write_content(
    content: Content, region: Region, slab: bool, target: blocks.NewVolume, folder: Path, advance: Advance
) -> tuple[Region, float]:
    """Find the density of a tomogram within a region and write the mask.

    Parameters
    ----------
    content : Content
        The tomogram.
    region : Region
        What the user allows.
    slab : bool
        Whether to look for the lamella too.
    target : NewVolume
        The mask, int8.
    folder : Path
        For what does not fit into memory.
    advance : callable
        Called once for each slab of each pass.

    Returns
    -------
    region, kept
        The region with the slab that was found, and the fraction of voxels kept.
    """
    options = content.options
    with ExitStack() as stack:
        rooms = tuple(stack.enter_context(room_for(folder, content.shape, options.memory)) for _ in range(3))
        variance = content.bin_into(rooms[0], advance)
        if slab:
            region = replace(region, slab=content.fit_slab(variance, region))
        if options.keeps_all:
            return region, write_mask(content, None, region, target, advance)
        limits = content.choose(rooms[0], (rooms[1], rooms[2]), region.grid(2), advance)
        limits = (
            -math.inf if options.density > masking.SKIP_ABOVE else limits[0],
            -math.inf if options.deviation > masking.SKIP_ABOVE else limits[1],
        )

        def chosen(first: int, last: int) -> npt.NDArray[np.bool_]:
            patch, start, end = options.patch, first // 2, masking.halved(last)
            low, high = max(0, start - 2 * patch), min(content.shape[0], end + 2 * patch)
            density, deviation = (room.read_rows(slice(low, high)) for room in rooms[1:])
            binned = masking.closed((density > limits[0]) & (deviation > limits[1]), patch)
            wide = binned[start - low : end - low].repeat(2, 0).repeat(2, 1).repeat(2, 2)
            return wide[: last - first, : region.shape[1], : region.shape[2]]

        return region, write_mask(content, chosen, region, target, advance)


def write_mask(
    content: Content, chosen: Chosen | None, region: Region, target: blocks.NewVolume, advance: Advance
) -> float:
    """Write what is chosen of a region, less the padding, and return the fraction of voxels kept.

    Parameters
    ----------
    content : Content
        The tomogram.
    chosen : callable or None
        Gives sections `first ... last - 1`, `first` even, as a boolean array; everything if None.
    region : Region
        What is allowed.
    target : NewVolume
        The mask, int8.
    advance : callable
        Called once for each slab.
    """
    grid = region.grid(1)
    kept = 0
    for first, last in slabs(region.shape[0], 2 * content.steps.write):
        mask = content.measured(grid.sections(first, last), first, 1)
        if chosen is not None:
            mask &= chosen(first, last)
        kept += int(np.count_nonzero(mask))
        target.write_rows(first, 0, mask)
        advance()
    fraction = kept / math.prod(region.shape)
    target.statistics = (float(fraction == 1), float(fraction > 0), fraction, math.sqrt(fraction * (1 - fraction)))
    return fraction
