"""Whether the images of a stack are in the order of the angles: if not, they look more alike in another order."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from torch import Tensor

from isonet.core.tilts import neighbours
from isonet.core.tilts.ranges import in_order

log = logging.getLogger("isonet")
_GROUPS = (1, 2, 3, 4)  # tilts that are recorded on one side before the other's turn


def warn_of_other_order(
    path: Path | None,
    stack: Path,
    images: Sequence[int],
    tilts: Sequence[float],
    structures: Float[Tensor, "images coefficients"],
) -> None:
    """Warn where neighbouring images look clearly more alike in another order than by their tilts.

    Parameters
    ----------
    path, stack : Path
        File of the tilts, and tilt series.
    images : sequence of int
        Numbers of the images used, by rising tilt.
    tilts : sequence of float
        Degrees.
    structures : Tensor
        What each of them shows, see :func:`isonet.core.tilts.neighbours.structure`.
    """
    given = neighbours.likeness(structures, range(len(images)))
    for order, what in _others(images, tilts):
        found = neighbours.likeness(structures, order)
        if neighbours.clearly_higher(found, given):
            log.warning(
                "%s: by its tilts neighbouring images of %s look less alike (correlation %.2f) than %s (%.2f); give "
                "the tilts in the order of the images",
                *(path, stack, given.mean(), what, found.mean()),
            )
            return


def _others(images: Sequence[int], tilts: Sequence[float]) -> Iterator[tuple[list[int], str]]:
    """Other orders by tilt that the images may have, as places in `images`, and what they would mean."""
    in_stack = [int(place) for place in np.argsort(images)]
    if not in_order([tilts[place] for place in in_stack]):
        yield in_stack, "in the order of the stack"
        return
    for group in _GROUPS:
        recorded = [0.0] * len(images)
        for place, tilt in zip(in_stack, _both_sides(tilts, group), strict=True):
            recorded[place] = tilt
        yield [int(place) for place in np.argsort(recorded)], "if it was recorded from 0 degrees to both sides in turn"


def _both_sides(tilts: Sequence[float], group: int) -> list[float]:
    """Tilts in the order in which they are recorded from 0 degrees to both sides in turn, some at once."""
    by_size = sorted(tilts, key=abs)
    sides = [tilt for tilt in by_size if tilt >= 0], [tilt for tilt in by_size if tilt < 0]
    turns = [(2 * (k // group) + side, k, tilt) for side in (0, 1) for k, tilt in enumerate(sides[side])]
    return [tilt for _, _, tilt in sorted(turns)]
