"""What a tomogram's halves from every other tilt let one know of noise: see `isonet.core.comparison.sampled`."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core.comparison import sampled
from isonet.core.comparison.sampled import Sampling
from isonet.core.tilts import withheld
from isonet.core.tilts.measured import Measured
from isonet.io.volume import Volume

_BLUR = 4  # sections on either side that the amplitude is averaged over


def sampling_of_tilts(
    halves: Sequence[Volume], measured: Sequence[Measured], reference: Measured, kept: Measured, width: float
) -> Sampling:
    """Sampling of a tomogram in shells of a width in cycles per voxel; `measured` is that of each half."""
    return sampled.of_planes(
        amplitude_by_section(halves),
        [half.sweeps[0].tilts for half in measured],
        reference.sweeps[0].tilts,
        kept.sweeps[0].ends,
        withheld.subvolumes(halves[0].shape)[0],
        width,
    )


def amplitude_by_section(halves: Sequence[Volume]) -> Float[Tensor, " depth"]:
    """How strong the specimen is in each section, from what two halves have in common; the same everywhere if nothing.

    Detail that both halves have measured is coarse, and its noise is small.
    """
    common = []
    for section in range(halves[0].shape[0]):
        first, second = (torch.from_numpy(half.read_rows(slice(section, section + 1))).double() for half in halves)
        common.append(((first - first.mean()) * (second - second.mean())).mean())
    power = torch.stack(common)[None, None]
    mean = torch.nn.functional.avg_pool1d(power, 2 * _BLUR + 1, 1, _BLUR, count_include_pad=False)[0, 0].clamp(min=0)
    return mean.sqrt() if bool(mean.any()) else torch.ones_like(mean)
