"""By how much a volume is enlarged or turned about z against another one of its sample, where that is clear.

Seen from the middle, things are then shifted the more the farther away they are. Round about the middle, blocks of both
are correlated at the shifts that an enlargement and a turn would give; what is right adds up over the blocks.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from isonet.core.comparison.likeness import EDGE, NOISY_EDGE, Block
from isonet.core.comparison.shift import NONE, correlation_of, peak_of
from isonet.core.voxels import Voxels

Place = tuple[float, float]
Plane = npt.NDArray[np.float32]
_FARTHEST = 100  # voxels of a block's middle from that of the volume along y and x
_LARGE = 128  # voxels along y and x from which blocks are large
_ROUND_ABOUT = ((1, 1), (-1, -1), (1, -1), (-1, 1), (1, 0), (-1, 0), (0, 1), (0, -1))
_AT_FIRST = 2  # blocks in which things in place are enough to tell that there is no stretch
_ENLARGED = np.arange(-10, 11) / 100
_TURNED = np.arange(-12, 13) / 2  # degrees
_BEYOND = 0.4  # of a block's edge: shifts at which correlation is chance
_CLEAR, _SEEN = 9.0, 10.0  # deviations of chance: of the best beyond none (own halves have up to 6), and of the best


@dataclass(frozen=True)
class Stretch:
    """How a volume lies over another one.

    Attributes
    ----------
    enlarged : float
        By which part of its size it is larger; below 0 where it is smaller.
    turned : float
        Degrees about z, right-handed: x to y.
    """

    enlarged: float
    turned: float

    @property
    def in_words(self) -> str:
        """What was done to it."""
        larger = "enlarged" if self.enlarged > 0 else "reduced"
        words = [f"{larger} by about {100 * abs(self.enlarged):.0f} %"] if self.enlarged else []
        words += [f"turned by about {self.turned:g} degrees about z"] if self.turned else []
        return " and ".join(words)


def stretch_between(first: Voxels, second: Voxels) -> Stretch | None:
    """Find out whether a volume is enlarged, or turned about z, against another one of its shape.

    Parameters
    ----------
    first, second : array or file
        `[z, y, x]`, of one sample.

    Returns
    -------
    Stretch or None
        To a hundredth of the size and half a degree, up to a tenth and 6 degrees; None where nothing is clear.
    """
    z, y, x = first.shape
    correlations: list[tuple[Plane, Place]] = []
    in_place = 0
    for number, (block, place) in enumerate(_blocks((z, y, x))):
        found = correlation_of(first, second, [block])
        if found is None:
            return None
        in_place += peak_of(found) == NONE
        if number + 1 == in_place == _AT_FIRST:
            return None
        correlations.append((found[0], place))
    return _clearest(correlations)


def _blocks(shape: tuple[int, int, int]) -> list[tuple[Block, Place]]:
    """Choose blocks round about the middle, with their places y, x as seen from there."""
    wanted = EDGE if min(shape[1:]) >= _LARGE else NOISY_EDGE
    edges = min(EDGE, shape[0]), min(wanted, shape[1]), min(wanted, shape[2])
    away = [min(_FARTHEST, (length - edge) // 2) for length, edge in zip(shape[1:], edges[1:], strict=True)]
    found = []
    for side in _ROUND_ABOUT:
        corner = [(length - edge) // 2 for length, edge in zip(shape, edges, strict=True)]
        corner[1:] = [at + one * far for at, one, far in zip(corner[1:], side, away, strict=True)]
        z, y, x = (slice(at, at + edge) for at, edge in zip(corner, edges, strict=True))
        middle_y, middle_x = ((part.start + part.stop - length) / 2 for part, length in ((y, shape[1]), (x, shape[2])))
        found.append(((z, y, x), (middle_y, middle_x)))
    return found


def _clearest(correlations: list[tuple[Plane, Place]]) -> Stretch | None:
    """Return the stretch that explains the correlations of all blocks best, if much better than none."""
    enlarged, turned = np.meshgrid(_ENLARGED, np.deg2rad(_TURNED), indexing="ij")
    cosine, sine = (1 + enlarged) * np.cos(turned), (1 + enlarged) * np.sin(turned)
    height, chance = np.zeros(enlarged.shape), 0.0
    for plane, (y, x) in correlations:
        shifts = np.stack([y * cosine + x * sine - y, x * cosine - y * sine - x])
        height += ndimage.map_coordinates(plane, shifts, mode="grid-wrap")
        far = np.hypot(*np.meshgrid(*(fft.fftfreq(edge, 1 / edge) for edge in plane.shape), indexing="ij"))
        chance += float(plane[far > _BEYOND * min(plane.shape)].var())
    best = np.unravel_index(int(height.argmax()), height.shape)
    none = height[len(_ENLARGED) // 2, len(_TURNED) // 2]
    if height[best] < _SEEN * math.sqrt(chance) or height[best] - none < _CLEAR * math.sqrt(chance):
        return None
    return Stretch(float(_ENLARGED[best[0]]), float(_TURNED[best[1]]))
