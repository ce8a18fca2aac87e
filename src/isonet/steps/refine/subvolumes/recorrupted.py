r"""Two maps with independent noise, made of one map (Pang et al. 2021, "Recorrupted-to-Recorrupted").

A map is signal and noise, `m = s + n`. Noise `z` of the same power at each frequency is added once and taken away
once::

    v_0 = m + z          v_1 = m - z          <(n + z)(n - z)> = <n n> - <z z> = 0

Where noise is Gaussian, as the sum of many images nearly is, what is uncorrelated is independent. So both are trained
on like halves of frames: each has twice the noise of the map, and their mean is the map.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from isonet.core import fourier
from isonet.core.sampling import random_stream
from isonet.core.simulation.grain import Grain
from isonet.train.hardware.kept import Kept
from isonet.volumes.source import Source

_KEPT = Kept(room=300_000_000)  # amplitudes of some hundred tomograms
_STREAM = 2**31 - 3
_FIRST = 2**20  # more than a corner lies before the first voxel


@dataclass(frozen=True)
class MapNoise:
    """Noise of the power that a map's own has, another one at each place.

    Attributes
    ----------
    grain : Grain
        Power of the map's noise.
    seed : int
        Of what is added.
    """

    grain: Grain
    seed: int

    def at(self, corner: Sequence[int], shape: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return the noise of a block, always the same for a place."""
        depth, height, width = shape
        edges = (depth, height, width)
        amplitude = _KEPT.get((self.grain, edges), lambda: self.grain.amplitude(edges))
        random = random_stream(self.seed, _STREAM, *(_FIRST + int(one) for one in corner))
        white = torch.from_numpy(random.standard_normal(edges, dtype=np.float32))
        made: npt.NDArray[np.float32] = fourier.apply(white, amplitude).numpy()
        return made


@dataclass(frozen=True)
class Recorrupted(Source):
    """A map with more noise, or with less of that, as the network sees it.

    Attributes
    ----------
    noise : MapNoise
        What is added.
    sign : int
        1 to add it, -1 to take it away.
    """

    noise: MapNoise
    sign: int

    def cut(self, corner: Sequence[int], shape: Sequence[int]) -> npt.NDArray[np.float32]:
        """Cut a normalised block out, with its noise."""
        return super().cut(corner, shape) + self.sign * self.noise.at(corner, shape)


def recorrupted(source: Source, noise: MapNoise) -> tuple[Recorrupted, Recorrupted]:
    """Make two maps of one, which have measured the same, as halves of frames have."""
    alike = replace(source.tomogram, row={**source.tomogram.row, "rlnTiltSplit": "frames"})
    one, other = (
        Recorrupted(
            *(alike, source.volume, source.normalization, source.measured, noise, sign),
            padding=source.padding,
            beads=source.beads,
        )
        for sign in (1, -1)
    )
    return one, other
