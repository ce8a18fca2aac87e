r"""Other voxel sizes without aliasing: crop the spectrum of a volume continued by reflection, at any ratio.

Along each axis the `n` voxels are continued by reflection at both faces, which makes them a sum of `n` cosines without
a jump where the ends meet (the discrete cosine transform, type II):

    v(j) = sum_k c_k cos(pi k (2 j + 1) / (2 n))        frequency k / (2 n) cycles per voxel

The cosines below the new Nyquist frequency, `1 / (2 step)`, are kept as they are and evaluated at `j = 0, step,
2 step ...`, so that the ratio need not be one of whole numbers and voxel 0 stays where it is: one matrix per axis.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core.filters.spectrum import Finish, Source, Target, slabs
from isonet.core.filters.streamed import NotFiniteError
from isonet.core.normalize import Moments

_SLAB_BYTES = 1 << 26
_SLAB_COPIES = 4  # arrays as large as a slab of sections, or of rows, that resampling it takes
_SAME = 1e-6  # ratios that differ by less are the same


@dataclass(frozen=True)
class Resampling:
    """From one grid to another.

    Attributes
    ----------
    shape : tuple of int
        Voxels along z, y, x before.
    steps : tuple of float
        Size of the new voxels along z, y, x in units of the old ones.
    memory : int
        Bytes that may be used.
    """

    shape: tuple[int, int, int]
    steps: tuple[float, float, float]
    memory: int

    def __post_init__(self) -> None:
        if self.sections < 1 or self.rows < 1:
            needed = self._matrices + _SLAB_COPIES * max(self._section, self._row)
            raise ValueError(f"{' x '.join(map(str, self.shape))} voxels need {needed / 1e9:.2g} GB")

    @property
    def result(self) -> tuple[int, int, int]:
        """Voxels along z, y, x afterwards: as many as begin within the volume."""
        depth, height, width = (size_after(size, step) for size, step in zip(self.shape, self.steps, strict=True))
        return depth, height, width

    @property
    def between(self) -> tuple[int, int, int]:
        """Shape of the volume that is resampled along y and x, but not yet along z."""
        return self.shape[0], *self.result[1:]

    @property
    def sections(self) -> int:
        """Sections in memory at once."""
        return min(self.shape[0], (self.memory - self._matrices) // (_SLAB_COPIES * self._section), self._at_most)

    @property
    def rows(self) -> int:
        """Rows of all sections in memory at once."""
        return min(self.result[1], (self.memory - self._matrices) // (_SLAB_COPIES * self._row))

    @property
    def count(self) -> int:
        """How often :func:`resample` reports progress."""
        return -(-self.shape[0] // self.sections) + -(-self.result[1] // self.rows)

    @property
    def _matrices(self) -> int:
        return 4 * sum(before * after for before, after in zip(self.shape, self.result, strict=True))

    @property
    def _section(self) -> int:
        return 4 * max(self.shape[1], self.result[1]) * max(self.shape[2], self.result[2])

    @property
    def _row(self) -> int:
        return 4 * max(self.shape[0], self.result[0]) * self.result[2]

    @property
    def _at_most(self) -> int:
        return max(1, _SLAB_BYTES // self._section)


def size_after(size: int, step: float) -> int:
    """Count the voxels that begin within an axis of `size` voxels, `step` apart."""
    return math.ceil(size / step - _SAME)


def matrix(size: int, step: float) -> Float[Tensor, "after before"]:
    """Return the matrix that resamples an axis; see the module's docstring.

    Parameters
    ----------
    size : int
        Voxels before.
    step : float
        Size of the new voxels in units of the old ones; above 1 crops the spectrum, below 1 only interpolates.

    Returns
    -------
    tensor
        float32, of shape `(size_after(size, step), size)`.
    """
    kept = min(size, math.ceil(size / step - _SAME))
    order = torch.arange(kept, dtype=torch.float64)
    before = torch.arange(size, dtype=torch.float64)
    after = torch.arange(size_after(size, step), dtype=torch.float64) * step
    analysis = torch.cos(math.pi * order[:, None] * (2 * before + 1) / (2 * size)) * (2 / size)
    analysis[0] /= 2
    return (torch.cos(math.pi * (2 * after[:, None] + 1) * order / (2 * size)) @ analysis).float()


def resample(
    source: Source,
    between: Target,
    target: Target,
    how: Resampling,
    advance: Callable[[], None],
    finish: Finish | None = None,
) -> Moments:
    """Resample a volume that need not fit into memory.

    Parameters
    ----------
    source : Source
        The volume.
    between : Target
        Room for a volume of `how.between`.
    target : Target
        Takes the result, of `how.result`.
    how : Resampling
        The grids.
    advance : callable
        Called `how.count` times.
    finish : callable, optional
        Given section, row and block of the result before it is written, which it may change.

    Returns
    -------
    Moments
        Mean, standard deviation and extremes of the result.

    Raises
    ------
    NotFiniteError
        If the volume holds NaN or infinite voxels.
    """
    along_z, along_y, along_x = (matrix(size, step) for size, step in zip(how.shape, how.steps, strict=True))
    for part in slabs(how.shape[0], how.sections):
        slab = source.read_rows(part, slice(None))
        if not np.isfinite(slab.sum(dtype=np.float64)):
            raise NotFiniteError(part.start, slab)
        between.write_rows(part.start, 0, (along_y @ (torch.from_numpy(slab) @ along_x.T)).numpy())
        advance()
    moments = Moments()
    for part in slabs(how.result[1], how.rows):
        rows = torch.from_numpy(between.read_rows(slice(None), part))
        block = (along_z @ rows.flatten(1)).reshape(-1, *rows.shape[1:]).numpy()
        if finish is not None:
            finish(0, part.start, block)
        moments.add(block)
        target.write_rows(0, part.start, block)
        advance()
    return moments
