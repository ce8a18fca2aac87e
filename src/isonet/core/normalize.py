"""Invertible normalisation: every tomogram enters the network bright, with mean 0 and standard deviation 1."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32, Float64
from torch import Tensor

_SQUARE = 16  # edge of the parts of a section, voxels
_FEWEST_SQUARES = 64
_ALIKE = 0.85  # least deviation of parts with little, relative to most
_RULED = 1.5  # deviation of all voxels relative to that of most parts, above which few parts rule it
FARTHEST = 25.0
"""Standard deviations from the mean beyond which values are cut off where they are few, as hot pixels are."""
_FEW, _SHARE = 8, 1e-4  # values, or of all; more than that are sample of a map without noise
Squares = Float64[np.ndarray, "sections rows columns"]
Array = TypeVar("Array", Tensor, npt.NDArray[np.float32])


@dataclass(frozen=True)
class Normalization:
    """The affine map `x = sign (v - mean) / std` of one tomogram and its inverse.

    Attributes
    ----------
    mean, std : float
        Of the whole tomogram, in its own grey values.
    sign : int
        -1 where density is dark in the file, +1 where it is bright.
    """

    mean: float
    std: float
    sign: int

    @property
    def in_words(self) -> tuple[str, str, int]:
        """The numbers for a label, rounded: sums may differ in their last digits from machine to machine."""
        return f"{self.mean:.6g}", f"{self.std:.6g}", self.sign

    def forward(self, volume: Array) -> Array:
        """Turn grey values into network values (density bright, mean 0, standard deviation 1)."""
        return (volume - self.mean) * (self.sign / self.std)

    def inverse(self, volume: Array) -> Array:
        """Turn network values back into the tomogram's own sign, mean and scale."""
        return volume * (self.std * self.sign) + self.mean


class Moments:
    """Mean, standard deviation and extremes of values that come in pieces, in float64.

    Attributes
    ----------
    count : int
        Number of values so far.
    low, high : float
        Their extremes.
    """

    def __init__(self) -> None:
        self.count = 0
        self.low, self.high = float("inf"), float("-inf")
        self._pivot = self._total = self._squares = 0.0

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count values in; anything infinite or NaN makes :attr:`finite` false."""
        with np.errstate(invalid="ignore"):  # told by `finite`
            if self.count == 0:
                self._pivot = float(values.flat[: 1 << 16].mean(dtype=np.float64))  # keeps squares small
            centred = values.astype(np.float64)
            centred -= self._pivot
            self._total += float(centred.sum())
            self._squares += float(np.vdot(centred, centred))
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        self.count += values.size

    @property
    def finite(self) -> bool:
        """False as soon as a value was infinite or NaN."""
        return bool(np.isfinite(self._squares))

    @property
    def mean(self) -> float:
        """Mean of all values."""
        return self._pivot + self._total / self.count

    @property
    def std(self) -> float:
        """Standard deviation of all values."""
        return float(np.sqrt(max(0.0, self._squares / self.count - (self._total / self.count) ** 2)))

    @property
    def constant(self) -> bool:
        """True where all values are the same within float32."""
        return not self.std > 1e-7 * max(abs(self.mean), float(np.finfo(np.float32).tiny))


def are_few(count: int, of: int) -> bool:
    """Whether so many of some values may be hot pixels."""
    return count <= max(_FEW, _SHARE * of)


def without_hot(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Cut off, in place, a few of some normalised values that lie far beyond all others, but not infinite ones."""
    far = (np.abs(values) > FARTHEST) & np.isfinite(values)
    if are_few(int(np.count_nonzero(far)), far.size):
        np.clip(values, -FARTHEST, FARTHEST, out=values, where=far)
    return values


def float16_step(mean: float, std: float) -> float:
    """Distance of neighbouring numbers in float16 where values of a mean and a standard deviation lie, in deviations.

    Parameters
    ----------
    mean, std : float
        Of the values; the step is that at the larger end of `mean - std` to `mean + std`.

    Returns
    -------
    float
        Step divided by `std`; infinite where float16 holds no such values.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        step = float(np.spacing(np.float16(abs(mean) + std)))
    return step / std if np.isfinite(step) and std > 0 else float("inf")


class LocalMoments:
    """Mean and standard deviation that most parts of a volume have, whatever a few of them hold."""

    def __init__(self) -> None:
        self._means: list[Squares] = []
        self._variances: list[Squares] = []

    def add(self, slab: Float32[np.ndarray, "z y x"]) -> None:
        """Count sections in, square by square."""
        depth, height, width = slab.shape
        rows, columns = height // _SQUARE, width // _SQUARE
        squares = slab[:, : rows * _SQUARE, : columns * _SQUARE].reshape(depth, rows, _SQUARE, columns, _SQUARE)
        self._means.append(squares.mean(axis=(2, 4), dtype=np.float64))
        self._variances.append(squares.var(axis=(2, 4), dtype=np.float64))

    @property
    def squares(self) -> tuple[Squares, Squares]:
        """Means and variances of the squares of all sections, one after the other."""
        return np.concatenate(self._means), np.concatenate(self._variances)

    @property
    def usual(self) -> float:
        """Deviation of most parts; 0 of volumes without parts."""
        return float(np.sqrt(np.median(np.concatenate(self._variances)))) if self._sizes else 0.0

    @property
    def middle(self) -> float:
        """Mean of most parts; 0 of volumes without parts."""
        return float(np.median(np.concatenate(self._means))) if self._sizes else 0.0

    @property
    def _sizes(self) -> int:
        return sum(one.size for one in self._means)

    def overruled(self, moments: Moments) -> tuple[float, float] | None:
        """Mean and deviation of most parts, where few parts rule those of all voxels; None where they do not.

        Parts of noise deviate alike. Where those with little deviate much less than most, as in volumes without noise,
        what is strong is the sample itself.
        """
        variance = np.concatenate(self._variances)
        if variance.size < _FEWEST_SQUARES:
            return None
        low, usual = np.sqrt(np.quantile(variance, [0.25, 0.5]))
        if not low > _ALIKE * usual or moments.std < _RULED * usual:
            return None
        return self.middle, float(usual)


def skewness(values: npt.NDArray[np.float32]) -> float:
    """Third standardised moment; negative where the rare strong voxels (density) are dark."""
    centred = values.astype(np.float64) - values.mean(dtype=np.float64)
    squares = np.square(centred)
    std = float(np.sqrt(squares.mean()))
    return float(np.vdot(squares, centred)) / centred.size / std**3 if std > 0 else 0.0
