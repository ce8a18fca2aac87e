"""Invertible normalisation: every tomogram enters the network bright, with mean 0 and standard deviation 1."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

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

    def forward(self, volume: Array) -> Array:
        """Turn grey values into network values (density bright, mean 0, standard deviation 1)."""
        return (volume - self.mean) * (self.sign / self.std)

    def inverse(self, volume: Array) -> Array:
        """Turn network values back into the tomogram's own sign, mean and scale."""
        return volume * (self.std * self.sign) + self.mean


def skewness(values: npt.NDArray[np.float32]) -> float:
    """Third standardised moment; negative where the rare strong voxels (density) are dark."""
    centred = values.astype(np.float64) - values.mean(dtype=np.float64)
    std = float(np.sqrt(np.mean(centred**2)))
    return float(np.mean(centred**3)) / std**3 if std > 0 else 0.0
