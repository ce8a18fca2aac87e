"""How alike two halves are where noise does not hide it: at low resolution."""

import logging
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import fft

from isonet.core.comparison.likeness import (
    EDGE,
    NOISY_EDGE,
    PARTS,
    SAMPLES,
    Block,
    blocks_of,
    compared,
    window,
    without_hot_voxels,
)
from isonet.core.comparison.shift import NONE, shift_between
from isonet.core.comparison.stretch import stretch_between
from isonet.core.spikes import standardized
from isonet.core.voxels import Voxels
from isonet.io.formats import open_volume
from isonet.io.volume import Volume
from isonet.project.table import FULL_COLUMNS, Tomogram

Power = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]
log = logging.getLogger("isonet")
_COARSE = 10.0  # Å per voxel to which halves are binned, as the sample is seen at low resolution only
_MOST_BINNED = 4
_BLOCKS = 3
_NOISE_ALIKE = 0.35  # correlation in all of the finest shells from which noise is shared: own halves have less than 0.1
_SHELL, _FINE, _NYQUIST = 0.05, 4, 10  # cycles per voxel, and shells between which there is noise
_FINEST_SHELLS = 3
_NOTHING = 1e-3  # of the power of a block
_COARSEST, _FINEST = 2, 9  # shells: from 0.1 to 0.45 cycles per voxel there are coefficients enough to tell a filter
_FILTERED = 6.0  # times that the ratio of powers changes: 2 of own halves, 50 where one was smoothed by 0.7 voxels
_LARGE = 512  # voxels of a volume that may be one that was not binned


def likeness_of_halves(even: Volume, odd: Voxels) -> float | None:
    """Correlation of two halves at low resolution, see :data:`SAMPLES`; None where they are too small to tell."""
    found = []
    for factor in _factors(even):
        likeness = compared(even, odd, EDGE, factor).of_samples
        found += [] if likeness is None else [likeness]
        if found and found[-1] >= SAMPLES[1]:
            break
    return max(found, default=None)


def warn_of_unlike_halves(tomogram: Tomogram, even: Volume, odd: Volume) -> None:
    """Warn where a table names halves that have nothing in common, or not with their tomogram; `prepare` refuses them.

    Also where they have noise in common, are filtered differently, or shifted, enlarged or turned against each other.
    """
    warn_of_noise(even, odd)
    warn_of_stretch(even, odd)
    shift = shift_between(even, odd)
    if shift != NONE:
        text = "%s and %s: are shifted against each other by %s voxels along z, y, x; make both with one alignment"
        log.warning(text, even.path, odd.path, ", ".join(map(str, shift)))
    path = next((tomogram.file(name) for name in FULL_COLUMNS if tomogram.text(name) is not None), None)
    if path is not None and path.exists() and (full := open_volume(path)).shape == even.shape:
        alike = compared(full, even, NOISY_EDGE).of_parts
        if alike is not None and alike < PARTS[0]:
            text = "%s: is no half of %s (correlation %.2f, about 0.7 where it is); mend the table"
            log.warning(text, even.path, full.path, alike)
    likeness = likeness_of_halves(even, odd)
    if likeness is not None and likeness <= SAMPLES[0]:
        text = "%s and %s: have little in common (correlation %.2f); look whether they are halves of one tomogram"
        log.warning(text, even.path, odd.path, likeness)


def warn_of_stretch(first: Volume, second: Volume) -> None:
    """Warn where one of two volumes of one sample is enlarged, or turned about z, against the other."""
    found = stretch_between(first, second)
    if found is not None:
        text = "%s: is %s against %s; make both with one pixel size and one alignment"
        log.warning(text, second.path, found.in_words, first.path)


def warn_of_noise(even: Volume, odd: Volume) -> None:
    """Warn where halves are alike at frequencies at which there is little but noise, or are filtered differently."""
    alike: list[float] = []
    apart: list[float] = []
    for block in blocks_of(even.shape, NOISY_EDGE)[:_BLOCKS]:
        power = _power(even, odd, block)
        if power is None:
            continue
        apart.append(_apart(power))
        found = _at_fine_detail(power)
        alike += [] if found is None else [found]
        if min(apart) < _FILTERED and found is not None and found <= _NOISE_ALIKE:
            break
    if alike and min(alike) > _NOISE_ALIKE:
        log.warning(
            "%s and %s: have their noise in common, or none (correlation %.2f at high frequencies, about 0 of "
            "halves); one may be a copy of the other, or the full tomogram; give halves of other frames "
            "or tilts",
            *(even.path, odd.path, min(alike)),
        )
    elif apart and min(apart) >= _FILTERED:
        log.warning(
            "%s and %s: are filtered differently (the ratio of their powers changes %.2g times with frequency); "
            "make both alike",
            *(even.path, odd.path, min(apart)),
        )


def _apart(power: Power) -> float:
    """How many times the ratio of the powers of two volumes changes with frequency, where either has power."""
    _, one, two = power
    there = np.maximum(one / one.sum(), two / two.sum()) >= _NOTHING
    there[:_COARSEST] = there[_FINEST:] = False
    ratio = one[there] / np.maximum(two[there], np.finfo(np.float64).tiny)
    return float(ratio.max() / max(ratio.min(), np.finfo(np.float64).tiny)) if there.any() else 1.0


def _power(first: Volume, second: Volume, block: Block) -> Power | None:
    """Products and powers of a block of two volumes, shell by shell; None where it says nothing."""
    one, two = (standardized(np.asarray(volume[block], np.float32)) for volume in (first, second))
    if one is None or two is None:
        return None
    spectra = [fft.rfftn(window(part.shape) * without_hot_voxels(part)).ravel() for part in (one, two)]
    shell = _shells(one.shape)
    both, *powers = (
        np.asarray(np.bincount(shell, left.real * right.real + left.imag * right.imag), np.float64)
        for left, right in ((spectra[0], spectra[1]), (spectra[0],) * 2, (spectra[1],) * 2)
    )
    return both, powers[0], powers[1]


@lru_cache(maxsize=8)
def _shells(shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Number of the shell of each coefficient of a real transform."""
    depth, height, width = shape
    z, y, x = fft.fftfreq(depth), fft.fftfreq(height), fft.rfftfreq(width)
    radius = np.sqrt(np.square(z)[:, None, None] + np.square(y)[:, None] + np.square(x))
    return (radius / _SHELL).astype(np.int64).ravel()


def _at_fine_detail(power: Power) -> float | None:
    """Least correlation in one of the shells of highest frequency at which both have power; None if there is none.

    A strong signal is alike in some of them, shared noise in all.
    """
    both, *powers = power
    there = np.minimum(*(one / one.sum() for one in powers)) >= _NOTHING
    there[:_FINE] = there[_NYQUIST:] = False
    if not there.any():
        return None
    return float((both[there] / np.sqrt(powers[0][there] * powers[1][there]))[-_FINEST_SHELLS:].min())


def _factors(half: Volume) -> list[int]:
    """By how much halves are binned to look at low resolution: several to try where the pixel size is not known."""
    size = half.header.pixel_size
    if size > 1:
        return [min(_MOST_BINNED, max(1, round(_COARSE / size)))]
    return [1, 2, _MOST_BINNED] if max(half.shape) >= _LARGE else [1]
