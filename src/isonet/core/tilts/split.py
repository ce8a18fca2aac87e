"""Whether two halves of a tomogram are made from the same tilts (split by frames) or from every other one each.

By the projection theorem each tilt measures one plane of Fourier space, blurred to about 1 / thickness. Seen along
the tilt axis, planes are lines through the origin: the power at high frequency, as a function of the angle
`atan(k_z / k_x)`, has a comb with a tooth at each tilt. Halves from frames have the same comb; halves from tilts have
teeth where the other one has gaps. Noise of the images lies on the same planes, so that this is seen at any SNR.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float
from scipy import fft
from scipy.ndimage import gaussian_filter1d

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
_STEP = 0.5  # degrees per bin of a profile
_ANGLES = np.arange(-85, 85 + _STEP, _STEP)
_BAND = (0.2, 0.5)  # cycles per voxel
_LEAKED = 1e-3  # of the power of the strongest shell: what has less holds only what the window leaks
_SMOOTH = 6.0  # standard deviation in degrees of what is taken off as no comb
_DIFFERENT = 0.9  # times what combs have in common: halves from tilts differ by 1.05 and more, filtered ones by 0.6
_FEWEST = 60  # bins of a profile that can be judged
_FITS = 0.7  # of the most that a choice of tilts could explain: right ones explain 0.99, others next to nothing


@dataclass(frozen=True)
class SplitEstimate:
    """What the spectra of two halves say.

    Attributes
    ----------
    kind : str
        `frames`, `tilts`, or `unknown` where the planes of single tilts do not stand out.
    together, apart : float
        Correlation between two parts of the volume of what both halves' combs have in common, and of where they
        differ; between -1 and 1.
    difference : numpy array
        Log power of the first half over that of the second, without slow changes, at `-85, -84.5 ... 85` degrees;
        0 where nothing is measured.
    """

    kind: Literal["frames", "tilts", "unknown"]
    together: float
    apart: float
    difference: Float[npt.NDArray[np.float64], " bins"]


def section_power(sections: Float[npt.NDArray[np.float32], "z y x"]) -> Float[npt.NDArray[np.float64], "kz kx"]:
    """Sum over y of the power spectra of XZ sections, padded to twice their depth, in the rfft layout."""
    depth, _, width = sections.shape
    window = np.outer(_taper(depth, depth // 16), _taper(width, width // 8)).astype(np.float32)[:, None, :]
    centred = (sections - sections.mean(axis=(0, 2), keepdims=True)) * window
    spectrum = fft.rfft2(centred, s=(2 * depth, width), axes=(0, 2))
    return (np.square(spectrum.real) + np.square(spectrum.imag)).sum(axis=1, dtype=np.float64)


def estimate(
    first: Sequence[Float[npt.NDArray[np.float64], "kz kx"]],
    second: Sequence[Float[npt.NDArray[np.float64], "kz kx"]],
    width: int,
) -> SplitEstimate:
    """Tell how halves were split from power spectra of XZ sections.

    Parameters
    ----------
    first, second : sequence of numpy array
        For either half, the spectra (see :func:`section_power`) of two parts of the volume that share no sections.
    width : int
        Voxels along x.

    Returns
    -------
    SplitEstimate
        `tilts` where the halves' combs differ in the same way in both parts of the volume (correlation above 0.4;
        chance and frames give up to about 0.2), and by more than they have in common, as they do not where one half
        was filtered or resampled; `frames` where that is so only of what they have in common.
    """
    combs = [[_comb(power, width) for power in half] for half in (first, second)]
    valid = np.logical_and.reduce([measured for half in combs for _, measured in half])
    if valid.sum() < _FEWEST:
        return SplitEstimate("unknown", 0.0, 0.0, np.zeros(len(_ANGLES)))
    values = np.array([[comb for comb, _ in half] for half in combs])
    common, difference = values[0] + values[1], values[0] - values[1]
    together, apart = (_correlation(part[0, valid], part[1, valid]) for part in (common, difference))
    kind: Literal["frames", "tilts", "unknown"] = "unknown"
    if apart > 0.4 and difference[:, valid].std() > _DIFFERENT * common[:, valid].std():
        kind = "tilts"
    elif together > 0.4:
        kind = "frames"
    return SplitEstimate(kind, together, apart, np.where(valid, difference.mean(axis=0), 0.0))


def tilts_of_first(found: SplitEstimate, tilts: Sequence[float]) -> Bool[npt.NDArray[np.bool_], " tilts"]:
    """Tell which tilts the first of two halves has: every other one if that fits, else those that its spectrum shows.

    Parameters
    ----------
    found : SplitEstimate
        Of halves from tilts.
    tilts : sequence of float
        All tilts in degrees.

    Returns
    -------
    numpy array of bool
        True where the first half has the tilt; the second half has the others.
    """
    excess = np.interp(np.asarray(tilts, np.float64), _ANGLES, gaussian_filter1d(found.difference, 0.5 / _STEP))
    fits = [float(excess[chosen].sum() - excess[~chosen].sum()) for chosen in every_other(tilts)]
    best = int(np.argmax(fits))
    return every_other(tilts)[best] if fits[best] >= _FITS * np.abs(excess).sum() else excess > 0


def every_other(tilts: Sequence[float]) -> list[Bool[npt.NDArray[np.bool_], " tilts"]]:
    """Ways to take every other tilt: by angle, or in the order given, from the first or from the second on."""
    in_order = np.arange(len(tilts)) % 2 == 0
    by_angle = np.empty_like(in_order)
    by_angle[np.argsort(np.asarray(tilts, np.float64), kind="stable")] = in_order
    return [by_angle, ~by_angle, in_order, ~in_order]


def _comb(power: Array, width: int) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Log power by angle without slow changes, and where it is measured."""
    used, shell, bins = _places(power.shape, width)
    level = np.bincount(shell, power[used]) / np.maximum(np.bincount(shell), 1)
    relative = power[used] / np.maximum(level[shell], np.finfo(np.float64).tiny)
    inside = (bins >= 0) & (bins < len(_ANGLES)) & (level >= _LEAKED * level.max())[shell]
    count = np.bincount(bins[inside], minlength=len(_ANGLES)).astype(np.float64)
    total = np.bincount(bins[inside], relative[inside], minlength=len(_ANGLES)).astype(np.float64)
    slow = _smoothed(total, count)
    measured = (count > 0) & (slow > 0.3 * slow.max())
    profile = np.log(np.where(measured, total / np.maximum(count, 1) + 0.05 * slow, 1.0))
    weight = measured.astype(np.float64)
    return np.where(measured, profile - _smoothed(profile * weight, weight), 0.0), measured


@lru_cache(maxsize=8)
def _places(shape: tuple[int, int], width: int) -> tuple[npt.NDArray[np.bool_], Places, Places]:
    """Which coefficients `[kz, kx]` are looked at, and of these the number of their shell and of their angle."""
    kz = fft.fftfreq(shape[0])[:, None]
    kx = np.arange(shape[1])[None, :] / width
    radius = np.hypot(kz, kx)
    used = (radius >= _BAND[0]) & (radius <= _BAND[1]) & (kx > 0) & (np.abs(kz) * shape[0] > 2)
    angles = np.degrees(np.arctan2(np.broadcast_to(kz, shape)[used], np.broadcast_to(kx, shape)[used]))
    shell = np.round(radius[used] * width).astype(np.int64)
    return used, shell, np.round((angles - _ANGLES[0]) / _STEP).astype(np.int64)


def _smoothed(total: Array, weight: Array) -> Array:
    """Gaussian average over the angle, of what there is."""
    blur = [gaussian_filter1d(values, _SMOOTH / _STEP, mode="constant") for values in (total, weight)]
    return np.asarray(blur[0] / np.maximum(blur[1], 1e-9))


def _correlation(one: Array, two: Array) -> float:
    covariance = float(np.mean((one - one.mean()) * (two - two.mean())))
    return covariance / max(float(one.std() * two.std()), 1e-12)


def _taper(length: int, edge: int) -> npt.NDArray[np.float32]:
    """Window that rises over `edge` samples at either end as a raised cosine."""
    window = np.ones(length, dtype=np.float32)
    rise = np.sin(np.arange(1, edge + 1) / (edge + 1) * (np.pi / 2)) ** 2
    window[:edge], window[length - edge :] = rise, rise[::-1]
    return window
