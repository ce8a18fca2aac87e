"""Exact order statistics of more numbers than fit into memory."""

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32

_HALF = 1 << 16


def _sortable(values: Float32[np.ndarray, "..."]) -> npt.NDArray[np.uint32]:
    """Whole numbers in the order of the floats: their bits, the sign set for positive, all inverted for negative."""
    bits = np.ascontiguousarray(values + np.float32(0)).view(np.uint32)  # -0 becomes 0, which it equals
    return np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))


class Selector:
    """The k-th smallest of float32 numbers that are shown twice, in any portions.

    First all of them are counted by their upper 16 bits, which tells in which class the wanted one is; then those of
    that class by their lower 16 bits. The result is one of the numbers, not an interpolation.

    Parameters
    ----------
    keep : float
        Fraction of the numbers, between 0 and 1, that shall lie above the wanted one.
    """

    def __init__(self, keep: float) -> None:
        self._keep = keep
        self._coarse = np.zeros(_HALF, dtype=np.int64)
        self._fine = np.zeros(_HALF, dtype=np.int64)

    @property
    def count(self) -> int:
        """How many numbers were shown."""
        return int(self._coarse.sum())

    @property
    def _rank(self) -> int:
        """Position of the wanted number in ascending order."""
        return max(0, self.count - 1 - int(np.ceil(self._keep * self.count - 1e-9)))

    @property
    def _class(self) -> int:
        return int(np.searchsorted(self._coarse.cumsum(), self._rank, side="right"))

    def count_coarse(self, values: Float32[np.ndarray, "..."]) -> None:
        """Show a portion for the first time."""
        self._coarse += np.bincount((_sortable(values) >> 16).ravel(), minlength=_HALF)

    def count_fine(self, values: Float32[np.ndarray, "..."]) -> None:
        """Show a portion again, after all were shown once."""
        keys = _sortable(values)
        mine = keys[keys >> 16 == self._class]
        self._fine += np.bincount(mine & np.uint32(_HALF - 1), minlength=_HALF)

    @property
    def threshold(self) -> float:
        """Number that `keep` of all lie above.

        Where equal numbers are so many that none lies above, the next smaller float: then they are kept.
        """
        below = int(self._coarse[: self._class].sum())
        low = int(np.searchsorted(self._fine.cumsum(), self._rank - below, side="right"))
        key = np.uint32((self._class << 16) | low)
        bits = key & ~np.uint32(1 << 31) if key >> 31 else ~key
        value = np.array([bits], dtype=np.uint32).view(np.float32)
        above = self._coarse[self._class + 1 :].sum() + self._fine[low + 1 :].sum()
        return float((value if above else np.nextafter(value, np.float32(-np.inf)))[0])
