"""Where all maps of a tomogram have data, and what may be cut out there."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from isonet.core.sampling import Box, draw_centres
from isonet.core.voxels import Voxels
from isonet.volumes.continued import Within, data_box
from isonet.volumes.source import Source


def box_of_data(sources: Sequence[Source]) -> Box:
    """Return the smallest part that holds all voxels that are data in all maps of a tomogram."""
    boxes = [data_box(source.voxels) for source in sources]
    z, y, x = (
        slice(max(one.start for one in part), min(one.stop for one in part)) for part in zip(*boxes, strict=True)
    )
    return z, y, x


def draw_in_data(
    sources: Sequence[Source],
    count: int,
    edge: int,
    random: np.random.Generator,
    mask: Voxels | None = None,
    box: Box | None = None,
) -> npt.NDArray[np.int64]:
    """Draw centres of cubes where all maps of a tomogram have data; else as :func:`isonet.core.sampling.draw_centres`.

    Raises
    ------
    ValueError
        If no voxel of the mask can be a centre.
    """
    mask = where_data_are(sources, mask)
    return draw_centres(sources[0].shape, count, edge, random, mask, box or box_of_data(sources))


def where_data_are(sources: Sequence[Source], mask: Voxels | None = None) -> Voxels | None:
    """Leave the padding of all maps of a tomogram out of a mask; None for everywhere."""
    for source in sources:
        mask = mask if source.padding is None else Within(source.padding, mask)
    return mask
