"""Whether the grey values of a volume are even across the beam: a step or slope of their mean, or two gains.

Both are judged by what parts of the volume have, gathered along y and along x. Along the beam a thin sample differs
from the vacuum about it. A sample is uneven, too, but not in all of a column at once: what differs from column to
column must be far more than what differs within them. Where there is noise all over, its deviation differs little; of
two gains side by side all of one side is above all of the other, and both are alike within.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Float64

Parts = Float64[np.ndarray, "sections rows columns"]
Profile = npt.NDArray[np.float64]
_MAD = 1.4826  # standard deviation of normal noise over its median absolute deviation
_FEWEST, _FEWEST_COLUMNS = 64, 3  # parts, and columns of them
_RISE = 1.5  # deviations within parts: the least that the mean of columns differs by
_BEYOND_SAMPLE = 8.0  # times what means differ by within columns; of samples alone columns differ by up to 6 times that
_GAIN = 1.3  # deviation of one side over that of the other: the least
_SIDE = 0.2  # of a volume: the least that is a side
_ALIKE = 0.85  # least deviation of parts of a side with little, relative to most: there is noise all over


@dataclass(frozen=True)
class Uneven:
    """How grey values differ from one side to the other.

    Attributes
    ----------
    axis : str
        "y" or "x".
    rise : float or None
        By how many deviations within parts the mean of columns differs; None where it is the deviation that does.
    gain : float or None
        Deviation of the stronger side over that of the other; None where it is the mean that differs.
    """

    axis: str
    rise: float | None = None
    gain: float | None = None

    @property
    def in_words(self) -> str:
        """What differs, and the remedy."""
        if self.rise is not None:
            text = "its mean differs by {:.1f} deviations along {}; flatten it, or crop it to where it is even"
            return f"its background is not flat: {text.format(self.rise, self.axis)}"
        text = "one side along {} deviates {:.2f} times as much as the other; bring both to one scale, or crop it"
        return f"its grey values have two scales: {text.format(self.axis, self.gain)}"


def unevenness(means: Parts, variances: Parts) -> list[Uneven]:
    """Find out where the mean, or the deviation, of parts of a volume differs from one side to the other.

    Parameters
    ----------
    means, variances : array
        Of the parts, `[z, y, x]`.

    Returns
    -------
    list of Uneven
        Along the axis along which it differs most; the mean first.
    """
    if means.size < _FEWEST:
        return []
    unit = float(np.sqrt(variances.mean()))
    rises = {"y": 0.0, "x": 0.0}
    if 2 * np.ptp(means, axis=(1, 2)).max() >= _RISE * unit:  # else columns cannot rise as much
        flat = means - np.median(means, axis=(1, 2), keepdims=True)
        rises = {axis: _rise(flat, number, unit) for number, axis in ((1, "y"), (2, "x"))}
    gains = {axis: _gain(variances, number) for number, axis in ((1, "y"), (2, "x"))}
    most, strongest = max(rises, key=rises.__getitem__), max(gains, key=gains.__getitem__)
    found = [Uneven(most, rise=rises[most])] if rises[most] >= _RISE else []
    return [*found, *([Uneven(strongest, gain=gains[strongest])] if gains[strongest] >= _GAIN else [])]


def _rise(means: Parts, axis: int, unit: float) -> float:
    """How much the mean differs along an axis, in units; 0 where that may be the sample."""
    across = tuple(one for one in range(3) if one != axis)
    columns = np.median(means, axis=across, keepdims=True)
    if columns.size < _FEWEST_COLUMNS or not unit > 0:
        return 0.0
    within = _MAD * float(np.median(np.abs(means - columns)))
    rise = float(np.ptp(columns))
    return rise / unit if rise > _BEYOND_SAMPLE * within else 0.0


def _gain(variances: Parts, axis: int) -> float:
    """How much more one side along an axis deviates than the other; 1 where that may be the sample."""
    columns = np.moveaxis(variances, axis, 0).reshape(variances.shape[axis], -1)
    usual: Profile = np.sqrt(np.median(columns, axis=1))
    count = len(columns)
    least = math.ceil(_SIDE * count)
    borders = [(end, end) for end in range(least, count - least + 1)]
    borders += [(end, end + 1) for end in range(least, count - least)]  # the column between is of both
    gains = [1.0]
    for end, start in borders:
        low, high = usual[:end], usual[start:]
        if low.min() > high.max():
            low, high = high, low
        if high.min() > _GAIN * low.max() and _is_noise(columns[:end]) and _is_noise(columns[start:]):
            gains.append(float(np.median(high) / np.median(low)))
    return max(gains)


def _is_noise(variances: npt.NDArray[np.float64]) -> bool:
    """Whether parts deviate alike, as those of noise do and those of a sample do not."""
    low, usual = np.sqrt(np.quantile(variances, [0.25, 0.5]))
    return bool(low > _ALIKE * usual)
