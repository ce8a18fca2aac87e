r"""The missing wedge as a tomogram itself shows it: about which axis, and from which tilt to which.

Of the power spectra across the three axes (:mod:`isonet.core.tilts.wedge_spectrum`) the one across the tilt axis has an
empty double wedge. Round one ring of the spectrum across y the power runs like this::

      power |    ____________________________
            |   /                            \
            |__/                              \__      empty about k_z, the rows: the beam is z
            +---|--------------|--------------|--> angle atan2(k_z, k_x)
          -90  tilt_min        0         tilt_max  90

An end is where the power has fallen half way, on each ring for itself: a volume of few voxels smears the planes of the
tilts, over the more degrees the smaller the ring. Power that falls smoothly towards an axis is no wedge (a
ramp-filtered tomogram seen across z; high tilts weighted down by their dose): at the end of a wedge it drops at once,
at the same angle on all rings, and where the signal is as much as where there is only noise.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from jaxtyping import Float64
from scipy.ndimage import gaussian_filter1d

from isonet.core.tilts.wedge_spectrum import ANGLES, PLANES, RINGS, STEP, Floats, Profiles, ring_profiles

State = Literal["wedge", "none", "unclear"]
Finding = Literal["agrees", "range", "mirrored", "axis", "no wedge", "unclear"]
TOLERANCE = 5.0  # degrees by which an end may differ from what was told
_AXES = "zyx"
_CLEAR = 16.0  # drop of power at the ends from which there is a wedge: a smooth fall with k^4 has 14
_CLEAR_INSIDE = 5.0  # the same on the inner rings, where thin volumes smear it
_FLAT = 2.5  # drop up to which there is none: phantoms and noise have less than 2
_SCATTER = 4.0  # degrees by which the ends on different rings may scatter
_INNER = 6  # rings, up to 0.15 cycles per voxel, where a tomogram has its signal
_SMALLEST_RANGE = 20.0  # degrees: less is the trace of stripes or layers
_NARROWEST = 14.0  # degrees: the smallest empty sector looked for
_NEAR, _FAR = 4.0, 12.0  # degrees from an end between which the power on its either side is taken
_SEARCH = 8.0  # degrees about the end common to all rings within which each ring has its own
_HALF_STEP = 1.25  # degrees: half a usual step between tilts, by which merged planes reach beyond the last one


@dataclass(frozen=True)
class WedgeEstimate:
    """The wedge that a volume shows.

    Attributes
    ----------
    state : str
        "wedge": there is one. "none": the power is alike in all directions. "unclear": neither can be said.
    axis, beam : str
        The axes "z", "y" or "x" of the array along which tilt axis and beam run; a guess unless there is a wedge.
    tilt_min, tilt_max : float
        Ends of the measured range in degrees, NaN unless there is a wedge: a tilt `a` measures
        `k_beam = k_across tan(a)`. For a volume as IMOD's tilt leaves it (:attr:`as_imod_tilt`) they hold once it is
        turned by -90 degrees about x.
    scatter : float
        Standard deviation of an end over the rings of the spectrum, degrees.
    contrast : float
        Power just within the range relative to that just beyond, where the signal is or where it is least.
    """

    state: State
    axis: str
    beam: str
    tilt_min: float
    tilt_max: float
    scatter: float
    contrast: float

    @property
    def at_home(self) -> bool:
        """Whether the tilt axis is y and the beam z."""
        return (self.axis, self.beam) == ("y", "z")

    @property
    def as_imod_tilt(self) -> bool:
        """Whether the volume lies as IMOD's tilt writes it: the tilt axis is z and the beam y."""
        return self.state == "wedge" and (self.axis, self.beam) == ("z", "y")


def estimate_wedge(spectra: Float64[np.ndarray, "3 rows columns"]) -> WedgeEstimate:
    """Find the wedge in the power spectra across z, y and x.

    Parameters
    ----------
    spectra : array
        Mean of :func:`isonet.core.tilts.wedge_spectrum.slice_spectra` over blocks.

    Returns
    -------
    WedgeEstimate
        Of the axis whose spectrum has the clearest wedge. It is "none" only if the spectra across y and x have no drop
        of power anywhere; across z it falls towards y in every ramp-filtered tomogram, wedge or not.
    """
    across = [_estimate_across(axis, spectra[axis]) for axis in range(3)]
    seen = [found for found in across if found.state == "wedge"]
    if seen:
        return max(seen, key=lambda found: found.contrast)
    likeliest = max(across[1:], key=lambda found: found.contrast)
    flat = likeliest.contrast < _FLAT and across[0].contrast < _CLEAR
    return replace(likeliest, state="none" if flat else "unclear", tilt_min=math.nan, tilt_max=math.nan)


def verdict(estimate: WedgeEstimate, tilts: Sequence[float]) -> list[Finding]:
    """Compare the wedge that a volume shows with the tilts it is said to have.

    Parameters
    ----------
    estimate : WedgeEstimate
        From :func:`estimate_wedge`.
    tilts : sequence of float
        Degrees: `(tilt_min, tilt_max)` or the list of tilts; the tilt axis is said to be y, the beam z.

    Returns
    -------
    list of str
        "agrees", "no wedge" or "unclear" alone; else "axis" where the tilt axis is not y or the beam not z, and
        "mirrored" where the range agrees only with its sign changed, or "range" where it does not agree either way.
    """
    if estimate.state != "wedge":
        return ["no wedge" if estimate.state == "none" else "unclear"]
    low, high = min(tilts), max(tilts)
    findings: list[Finding] = [] if estimate.at_home else ["axis"]
    if not agree(estimate, low, high):
        if not agree(estimate, -high, -low):
            findings.append("range")
        elif estimate.at_home or estimate.as_imod_tilt:  # else the sign hangs on which way the volume will be turned
            findings.append("mirrored")
    return findings or ["agrees"]


def agree(estimate: WedgeEstimate, low: float, high: float) -> bool:
    """Tell whether both ends of the wedge are those of a range in degrees, within the tolerance."""
    return max(abs(estimate.tilt_min - low), abs(estimate.tilt_max - high)) <= TOLERANCE


def _estimate_across(axis: int, spectrum: Float64[np.ndarray, "rows columns"]) -> WedgeEstimate:
    """Read the emptiest sector of the spectrum across one axis as a wedge about it."""
    profiles = ring_profiles(spectrum)
    middle = _emptiest(profiles)
    fore = np.roll(profiles, -middle, axis=1)  # from the middle of the empty sector towards larger angles
    back = np.roll(profiles[:, ::-1], middle + 1, axis=1)
    ends, drops, common = (np.stack(both) for both in zip(_follow(back), _follow(fore), strict=True))
    rise = common.mean(0)
    high = np.percentile(rise, 80)
    clear = rise >= min(high, 0.5 * high)
    outer = clear & (RINGS[: len(rise)] >= 0.5 * RINGS[np.flatnonzero(clear)[-1]])
    reach = np.median(ends[:, outer], axis=1)
    scatter = 1.4826 * float(np.median(np.abs(ends[:, outer] - reach[:, None]), axis=1).max())
    contrast, inside = float(np.exp(drops[:, outer].mean())), float(np.exp(np.median(rise[:_INNER])))
    start, end = ANGLES[middle] - reach[0], ANGLES[middle] + reach[1]
    beam, low, high = _tilts(axis, float(start), float(end))
    sharp = contrast >= _CLEAR and inside >= _CLEAR_INSIDE and scatter <= _SCATTER
    seen = sharp and high - low >= _SMALLEST_RANGE
    return WedgeEstimate(
        "wedge" if seen else "unclear", _AXES[axis], _AXES[beam], low, high, scatter, min(contrast, inside)
    )


def _tilts(axis: int, start: float, end: float) -> tuple[int, float, float]:
    """Turn the ends of the empty sector (degrees) of the spectrum across an axis into beam, tilt_min and tilt_max."""
    row, column = PLANES[axis]
    quarter = round((start + end) / 180)  # which axis lies nearest to the middle of the sector, columns or rows
    start, end = start - 90 * quarter, end - 90 * quarter
    low, high = end - 90 + _HALF_STEP, start + 90 - _HALF_STEP
    if quarter % 2:
        beam = row
    else:
        beam, low, high = column, -high, -low
    turned_over = (axis, beam) == (0, 1)  # turning by -90 degrees about x takes y to -z
    return (beam, -high, -low) if turned_over else (beam, low, high)


def _emptiest(profiles: Profiles) -> int:
    """Index of the angle about which the rings together have the least power."""
    together = gaussian_filter1d(np.log(profiles).mean(0), _NARROWEST / STEP / 4, mode="wrap")
    return int(np.argmin(together))


def _follow(side: Profiles) -> tuple[Floats, Floats, Floats]:
    """Follow the rings out of the empty sector.

    Parameters
    ----------
    side : array
        Power on each ring at steps of `STEP` from the middle of the empty sector.

    Returns
    -------
    ends : array
        Degrees from the middle, for each ring: where its power is half of what it reaches just beyond.
    drops : array
        Logarithm of the power just beyond that end relative to the power just before it.
    common : array
        The same at the end where all rings together drop most.
    """
    near, far = round(_NEAR / STEP), round(_FAR / STEP)
    reach = 2 * far
    wide = np.pad(side, ((0, 0), (reach, reach)), mode="wrap")
    means = np.lib.stride_tricks.sliding_window_view(wide, far - near, axis=1).mean(2)
    beyond, before = (means[:, reach + first :][:, : side.shape[1] // 2] for first in (near, -far))
    ratio = np.log(beyond / before)
    common = int(np.argmax(ratio.mean(0)))
    ends, drops = _half_way(wide, reach + common)
    return (ends - reach) * STEP, drops, ratio[:, common]


def _half_way(runs: Float64[np.ndarray, "rings samples"], common: int) -> tuple[Floats, Floats]:
    """Place near `common` where the power of each ring is half of what it is just beyond; its drop there."""
    near, far, search = (round(degrees / STEP) for degrees in (_NEAR, _FAR, _SEARCH))
    rings = np.arange(len(runs))
    sums = np.pad(np.cumsum(runs, axis=1), ((0, 0), (1, 0)))

    def mean(low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]) -> Floats:
        return (sums[rings, high] - sums[rings, low]) / (high - low)

    ends, first = np.full(len(runs), float(common)), common - search
    for _ in range(3):
        at = np.rint(ends).astype(int)
        thresholds = (mean(at + near, at + 2 * near) + mean(at - far, at - near)) / 2
        ends = first + _crossings(runs[:, first : common + search], thresholds)
    at = np.rint(ends).astype(int)
    return ends, np.log(mean(at + near, at + far) / mean(at - far, at - near))


def _crossings(runs: Float64[np.ndarray, "rings samples"], thresholds: Floats) -> Floats:
    """Place between samples where the power of each ring first exceeds its threshold; an end where it never does."""
    above = runs > thresholds[:, None]
    step = np.maximum(1, above.argmax(axis=1))
    rings = np.arange(len(runs))
    high, low = runs[rings, step], runs[rings, step - 1]
    rise = np.where(high > low, high - low, 1.0)
    places = np.where(above[:, 0], 0.0, step - (high - thresholds) / rise)
    return np.where(above.any(axis=1), places, runs.shape[1] - 1.0)
