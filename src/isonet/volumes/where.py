"""Where all maps of a tomogram have data, what may be cut out there, and whether that is large enough."""

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from isonet.core.sampling import Box, draw_centres, edges_of
from isonet.core.voxels import Voxels
from isonet.io.volume_files import title
from isonet.volumes.continued import Within, data_box
from isonet.volumes.source import Source

log = logging.getLogger("isonet")
_MULTIPLE = 16  # of voxels along the edges of usual cubes


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


def comment_on_thickness(sources: Sequence[Source], cube: int, size: int) -> None:
    """Warn of a tomogram whose data are thinner than the cubes of a network; say where they hold these, but no more.

    Parameters
    ----------
    sources : sequence of Source
        All maps of it.
    cube : int
        Edge of the cubes that a network is, or was, trained on: beyond the data they hold what is known already.
    size : int
        Edge of the sub-volumes that they are cut from, turned.
    """
    edges = edges_of(box_of_data(sources))
    thin = min(edges)
    name, axis = title(sources[0].volume.path), "zyx"[edges.index(thin)]
    if thin < cube:
        fits = thin // _MULTIPLE * _MULTIPLE
        log.warning(
            "%s: %d voxels along %s, thinner than the cubes of %d; continued by reflection, so that less of the wedge "
            "is filled: give a larger part of the tomogram%s",
            *(name, thin, axis, cube, f", or train with --cube-size {fits}" if fits else ""),
        )
    elif thin < size:
        log.info(
            "%s: %d voxels along %s, thinner than the sub-volumes of %d; continued by reflection",
            name,
            thin,
            axis,
            size,
        )
