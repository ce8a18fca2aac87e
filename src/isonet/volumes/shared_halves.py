"""What both halves of a tomogram have measured: all, or, from every other tilt, what is near the tilt axis."""

from collections.abc import Sequence

from torch import Tensor

from isonet.core.tilts import shared
from isonet.volumes.source import Source
from isonet.volumes.where import box_of_data


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
