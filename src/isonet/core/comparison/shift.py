"""By how many voxels two volumes of one sample are shifted against each other, where that is clear."""

import numpy as np
import numpy.typing as npt
from scipy import fft

from isonet.core.comparison.likeness import BANDS, EDGE, NOISY_EDGE, bands_of, blocks_of, spectrum_of
from isonet.core.voxels import Voxels

Shift = tuple[int, int, int]
Correlation = npt.NDArray[np.float32]
NONE: Shift = (0, 0, 0)
_FARTHEST = 4  # voxels along an axis
_USED = slice(1, len(BANDS) - 1)  # bands, of as much weight each coefficient
_FAR = 8  # voxels, beyond which correlation is chance
_CLEAR, _SEEN = 7.0, 10.0  # deviations of chance: of the peak beyond no shift, and of the peak


def shift_between(first: Voxels, second: Voxels, farthest: int = _FARTHEST) -> Shift:
    """Find how much further along z, y, x a volume lies than another one of its shape.

    Parameters
    ----------
    first, second : array or file
        `[z, y, x]`, of one sample.
    farthest : int
        Voxels along an axis that they may be shifted by.

    Returns
    -------
    tuple of int
        Voxels; none where that is not clear, or where one is inverted. What shares its noise
        shows one voxel, halves show two.
    """
    z, y, x = first.shape
    if peak_of(correlation_of(first, second, blocks_of((z, y, x), NOISY_EDGE)[:1]), farthest) in (None, NONE):
        return NONE
    correlation = correlation_of(first, second, blocks_of((z, y, x), EDGE))
    found = peak_of(correlation, farthest)
    if correlation is None or found is None:
        return NONE
    distances = [np.square(fft.fftfreq(edge, 1 / edge)) for edge in correlation.shape]
    far = distances[0][:, None, None] + distances[1][:, None] + distances[2] > max(_FAR, farthest) ** 2
    chance = np.roll(correlation, [-one for one in found], (0, 1, 2)) - correlation
    height = float(correlation[found])
    if not far.any() or height < max(_SEEN * float(correlation[far].std()), -float(correlation.min())):
        return NONE
    return found if height - float(correlation[NONE]) > _CLEAR * float(chance[far].std()) else NONE


def correlation_of(first: Voxels, second: Voxels, blocks: list[tuple[slice, slice, slice]]) -> Correlation | None:
    """Sum over blocks of two volumes of their correlation at each shift; None where they say nothing.

    Parameters
    ----------
    first, second : array or file
        `[z, y, x]`, of one shape.
    blocks : list of tuple of slice
        Of one shape.

    Returns
    -------
    array or None
        At shifts of the second against the first as in the layout of a Fourier transform, 0 first.
    """
    total: Correlation | None = None
    for block in blocks:
        one, two = (np.asarray(volume[block], np.float32) for volume in (first, second))
        left, right = spectrum_of(one), spectrum_of(two)
        if left is None or right is None:
            continue
        band = bands_of(one.shape)
        power = [np.bincount(band, np.square(np.abs(part)), len(BANDS) + 1) for part in (left, right)]
        weight = np.zeros(len(BANDS) + 1, np.float32)
        weight[_USED] = (np.bincount(band, minlength=len(BANDS) + 1) / np.sqrt(power[0] * power[1] + 1e-30))[_USED]
        product = (left.conj() * right * weight[band]).reshape(*one.shape[:2], -1)
        found = np.asarray(fft.irfftn(product, one.shape), np.float32)
        total = found if total is None else total + found
    return total


def peak_of(correlation: Correlation | None, farthest: int = _FARTHEST) -> Shift | None:
    """Return the shift, not too far, at which a correlation is largest; None of None."""
    if correlation is None:
        return None
    near = np.roll(correlation, (farthest,) * 3, (0, 1, 2))[(slice(2 * farthest + 1),) * 3]
    z, y, x = (int(place) - farthest for place in np.unravel_index(int(near.argmax()), near.shape))
    return z, y, x
