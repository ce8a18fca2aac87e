"""What a viewer shows of a tomogram, and where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ABOVE = 2.5  # standard deviations over the mean at which the surface is drawn
_APART = 1.1  # widths of a tomogram


@dataclass(frozen=True)
class Scene:
    """A corrected tomogram and what belongs to it.

    Attributes
    ----------
    name : str
        Of the tomogram.
    before, after : Path
        What was corrected, and what came of it.
    mask, confidence : Path or None
        Where density is; where two networks agree on what fills the wedge.
    shape : sequence of int
        Edges z, y, x in voxels.
    pixel_size : float
        Å per voxel; 1 where it is not known.
    sign : int
        -1 where density is dark.
    mean, std : float
        Of the corrected tomogram.
    """

    name: str
    before: Path
    after: Path
    mask: Path | None
    confidence: Path | None
    shape: Sequence[int]
    pixel_size: float
    sign: int
    mean: float
    std: float

    @property
    def step(self) -> float:
        """Distance in Å from one volume to the next along x."""
        return _APART * self.shape[2] * self.pixel_size

    @property
    def level(self) -> float:
        """Grey value of a surface around density, in the corrected tomogram times `sign`."""
        return self.sign * self.mean + _ABOVE * self.std
