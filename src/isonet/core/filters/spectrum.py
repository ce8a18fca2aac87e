"""Fourier coefficients of a volume on disk, made axis by axis; :mod:`isonet.core.filters.streamed` says how."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import scipy.fft
import torch
from torch import Tensor

from isonet.core.fourier import Transfer

FloatArray = npt.NDArray[np.float32]
ComplexArray = npt.NDArray[np.complex64]
Finish = Callable[[int, int, FloatArray], None]
"""Given section, row and a block of a result before it is written, which it may change."""
BLOCK_BYTES = 1 << 23
"""Complex columns transformed along z at a time: these stay in the processor's cache."""


@runtime_checkable
class Source(Protocol):
    """A volume that can be read by whole rows."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        ...

    def read_rows(self, sections: slice, rows: slice) -> FloatArray:
        """Return a new block of rows, `[z, y, x]`."""
        ...


@runtime_checkable
class Sink(Protocol):
    """A volume that can be written by whole rows."""

    def write_rows(self, section: int, row: int, block: FloatArray) -> None:
        """Write a block of rows whose first is `row` of `section`."""
        ...


@runtime_checkable
class Target(Source, Sink, Protocol):
    """A volume that can be read and written by whole rows."""


@dataclass(frozen=True)
class Plan:
    """How a volume is taken apart.

    Attributes
    ----------
    shape : tuple of int
        Voxels along z, y, x.
    sections : int
        Sections in memory at once.
    rows : int
        Rows of all sections in memory at once.
    """

    shape: tuple[int, int, int]
    sections: int
    rows: int

    @property
    def count(self) -> int:
        """How often filtering a volume reports progress: for each section twice, for each row once."""
        return 2 * self.shape[0] + self.shape[1]


def slabs(depth: int, size: int) -> Iterator[slice]:
    """Iterate over consecutive slices of at most `size`."""
    for first in range(0, depth, size):
        yield slice(first, min(first + size, depth))


class Spectrum:
    """Coefficients `[z, y, x // 2 + 1]` in the rows of a target, but for their last column, which is kept here."""

    def __init__(self, target: Target, shape: tuple[int, int, int]) -> None:
        self.width, self.columns = shape[2], shape[2] // 2 + 1
        self._target = target
        self._last = np.empty(shape[:2], dtype=np.complex64)

    def write(self, section: int, row: int, block: ComplexArray) -> None:
        """Write a block whose first row is `row` of `section`."""
        depth, height, _ = block.shape
        self._last[section : section + depth, row : row + height] = block[..., -1]
        # a row of odd length takes half of the last column too, which does no harm
        self._target.write_rows(section, row, block.view(np.float32)[..., : self.width])

    def read_into(self, block: ComplexArray, sections: slice, rows: slice) -> None:
        """Fill `block` with the coefficients of some sections and rows."""
        block.view(np.float32)[..., : self.width] = self._target.read_rows(sections, rows)
        block[..., -1] = self._last[sections, rows]


def forward(
    source: Source,
    spectrum: Spectrum,
    how: Plan,
    advance: Callable[[], None],
    workers: int,
    look: Callable[[slice, FloatArray], None] | None = None,
) -> None:
    """Transform along x and y; the source may be where the spectrum goes.

    Parameters
    ----------
    look : callable, optional
        Given each slab of sections before it is transformed, which it may change.
    """
    for part in slabs(how.shape[0], how.sections):
        slab = source.read_rows(part, slice(None))
        if look is not None:
            look(part, slab)
        spectrum.write(part.start, 0, scipy.fft.rfft2(slab, overwrite_x=True, workers=workers))
        _repeat(advance, part.stop - part.start)


def multiply(
    parts: Sequence[tuple[Spectrum, Transfer]], how: Plan, advance: Callable[[], None], workers: int, *, mean: bool
) -> float:
    """Transform along z, multiply each spectrum by its factors, add them up and transform back into the first one.

    Returns the power of the result without its mean, which is removed unless it is asked for.
    """
    depth, height, width = how.shape
    frequencies = torch.fft.rfftfreq(depth), torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
    at_once = max(1, BLOCK_BYTES // (8 * depth * (width // 2 + 1)))
    columns = [np.empty((depth, how.rows, width // 2 + 1), dtype=np.complex64) for _ in parts]
    power = 0.0
    for part in slabs(height, how.rows):
        chunks = [each[:, : part.stop - part.start] for each in columns]
        for (spectrum, _), chunk in zip(parts, chunks, strict=True):
            for section in range(depth):
                spectrum.read_into(chunk[section : section + 1], slice(section, section + 1), part)
        for rows in slabs(part.stop - part.start, at_once):
            at = (frequencies[0][:, None, None], frequencies[1][part][rows][None, :, None], frequencies[2][None, None])
            block = _filtered(chunks[0][:, rows], parts[0][1](*at), workers)
            for (_, transfer), chunk in zip(parts[1:], chunks[1:], strict=True):
                block += _filtered(chunk[:, rows], transfer(*at), workers)
            if part.start == rows.start == 0 and not mean:
                block[0, 0, 0] = 0
            power += _power(block, width)
            chunks[0][:, rows] = scipy.fft.ifft(block, axis=0, overwrite_x=True, workers=workers)
            _repeat(advance, block.shape[1])
        for section in range(depth):
            parts[0][0].write(section, part.start, chunks[0][section : section + 1])
    return power


def _filtered(columns: ComplexArray, factors: Tensor, workers: int) -> ComplexArray:
    """Transform columns along z and multiply them by factors at every `k_z`, or at those that are not negative."""
    block: ComplexArray = scipy.fft.fft(columns, axis=0, workers=workers)
    depth, half = len(block), len(factors)
    values = factors.numpy()
    block[:half] *= values
    if half < depth:
        block[half:] *= values[depth - half : 0 : -1]
    return block


def _power(block: ComplexArray, width: int) -> float:
    """Sum of squares over the full transform, of which all but the first and the Nyquist column are there once."""
    columns = np.zeros(block.shape[2])
    for section in block:  # squares of very large or small values are none in float32
        for part in (section.real, section.imag):
            columns += np.square(part, dtype=np.float64).sum(axis=0)
    once = columns[0] + (columns[-1] if width % 2 == 0 else 0.0)
    return float(2 * columns.sum() - once)


def backward(
    spectrum: Spectrum, target: Sink, affine: tuple[float, float], how: Plan, advance: Callable[[], None], workers: int
) -> None:
    """Transform back along y and x; multiply by the first number of `affine` and add the second."""
    depth, height, width = how.shape
    for part in slabs(depth, how.sections):
        coefficients = np.empty((part.stop - part.start, height, spectrum.columns), dtype=np.complex64)
        spectrum.read_into(coefficients, part, slice(None))
        back = scipy.fft.irfft2(coefficients, s=(height, width), overwrite_x=True, workers=workers)
        slab: FloatArray = np.asarray(back, dtype=np.float32)
        slab *= np.float32(affine[0])
        slab += np.float32(affine[1])
        target.write_rows(part.start, 0, slab)
        _repeat(advance, len(slab))


def _repeat(advance: Callable[[], None], times: int) -> None:
    for _ in range(times):
        advance()
