"""What both halves of a tomogram have measured: all, or, from every other tilt, what is near the tilt axis."""

from collections.abc import Sequence

from torch import Tensor

from isonet.core import fourier
from isonet.core.tilts import shared, wedge
from isonet.volumes.source import Source
from isonet.volumes.where import box_of_data

_BAND = (0.04, 0.25)
"""Cycles per voxel: frequencies that count."""
ENOUGH_SHARED = 0.6
"""Of what is measured there, for one half to tell how well a network has done with the other."""


def thickness_of_halves(sources: Sequence[Source]) -> float | None:
    """Voxels along z that hold data, of halves from every other tilt; None where all maps have measured the same."""
    if len(sources) < 2 or sources[0].tomogram.split != "tilts":
        return None
    depth = box_of_data(sources)[0]
    return float(depth.stop - depth.start)


def shared_by_halves(sources: Sequence[Source], edge: int) -> Tensor | None:
    """How far both halves have measured the same of a cube, rfft layout; None where all maps have."""
    thickness = thickness_of_halves(sources)
    return None if thickness is None else shared.weight((edge,) * 3, sources[0].measured, thickness)


def share_of_halves(sources: Sequence[Source], edge: int) -> float:
    """How much of what a half has measured, at frequencies that count, the other half has, too: 0 to 1."""
    alike = shared_by_halves(sources, edge)
    if alike is None:
        return 1.0
    shape = (edge, edge, edge)
    radius = fourier.radial_frequency(shape)
    counts = (radius > _BAND[0]) & (radius < _BAND[1]) & (wedge.weight(shape, sources[0].measured) == 1)
    return float(alike.expand_as(radius)[counts].mean())
