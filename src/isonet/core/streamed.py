"""Fourier filters of volumes that do not fit into memory: the transform stays on disk, in the place of the result.

The transform of a real volume is made axis by axis, so that only some sections or some rows are in memory at once:

    sections of z:  transform along x and y        half of x is enough, `x // 2 + 1` columns
    rows of y:      transform along z, multiply, transform back
    sections of z:  transform back along y and x

`x // 2` complex columns take just the room of the `x` floats of a row, and the last column, one plane, stays in memory:
there is no other file than the result. It is the filter of the whole volume, whatever fits into memory: there are no
seams, and low frequencies reach as far as they do.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import scipy.fft
import torch
from torch import Tensor

from isonet.core.normalize import Moments

FloatArray = npt.NDArray[np.float32]
ComplexArray = npt.NDArray[np.complex64]
Transfer = Callable[[Tensor, Tensor, Tensor], Tensor]
_SLAB_BYTES = 1 << 25  # float32 voxels of a slab of sections, where memory allows it: larger ones are no faster
_SLAB_COPIES = 6  # arrays as large as a slab that transforming it takes
_BLOCK_BYTES = 1 << 23  # complex columns transformed along z at a time: these stay in the processor's cache
_BLOCK_COPIES = 5


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
class Target(Source, Protocol):
    """A volume that can be read and written by whole rows."""

    def write_rows(self, section: int, row: int, block: FloatArray) -> None:
        """Write a block of rows whose first is `row` of `section`."""
        ...


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
        """How often :func:`filter_volume` reports progress: for each section twice, for each row once."""
        return 2 * self.shape[0] + self.shape[1]


def plan(shape: tuple[int, int, int], memory: int) -> Plan:
    """Choose the largest pieces that fit into so many bytes.

    Raises
    ------
    ValueError
        If not even one section or one row does; says what would be needed.
    """
    depth, height, width = shape
    columns = width // 2 + 1
    section, row = 4 * height * width, 8 * depth * columns
    plane = 8 * depth * height
    for_sections, for_rows = memory - plane, memory - plane - _BLOCK_COPIES * max(row, _BLOCK_BYTES)
    if for_sections < _SLAB_COPIES * section or for_rows < row:
        needed = plane + max(_SLAB_COPIES * section, _BLOCK_COPIES * max(row, _BLOCK_BYTES) + row)
        raise ValueError(f"{' x '.join(map(str, shape))} voxels need {needed / 1e9:.2g} GB")
    sections = min(depth, max(1, min(_SLAB_BYTES, for_sections // _SLAB_COPIES) // section))
    return Plan(shape, sections, min(height, for_rows // row))


def filter_volume(
    source: Source,
    target: Target,
    transfer: Transfer,
    how: Plan,
    advance: Callable[[], None],
    workers: int = 1,
    *,
    rescale: bool = True,
) -> tuple[Moments, Moments]:
    """Filter a volume in Fourier space and give the result the mean and standard deviation of the input.

    The mean itself does not pass through the filter.

    Parameters
    ----------
    source : Source
        The volume.
    target : Target
        Takes the result; of the same shape, another file.
    transfer : callable
        Takes `k_z`, `k_y`, `k_x` in cycles per voxel, shaped to broadcast, and returns the real factors there,
        symmetric under a change of sign of each; or factors at every `k_z`, as `fftfreq` has them, where they are only
        symmetric under a change of all signs.
    how : Plan
        Made by :func:`plan`.
    advance : callable
        Called `how.count` times.
    workers : int
        Threads.
    rescale : bool
        Off keeps the filtered grey values as they are, about the mean of the input.

    Returns
    -------
    input, output : Moments
        Mean, standard deviation and extremes of both.

    Raises
    ------
    NotFiniteError, ConstantVolumeError
        If the volume holds NaN or infinite voxels, or is constant.
    """
    spectrum = _Spectrum(target, how.shape)
    before = _forward(source, spectrum, how, advance, workers)
    power = _multiply(spectrum, transfer, how, advance, workers)
    std = math.sqrt(power) / math.prod(how.shape)
    scale = before.std / std if rescale else 1.0
    after = _backward(spectrum, target, scale, before.mean, how, advance, workers)
    return before, after


class NotFiniteError(ValueError):
    """NaN or infinite voxels in one of the sections from `first` on; the slab is at hand."""

    def __init__(self, first: int, slab: FloatArray) -> None:
        super().__init__(f"NaN or infinite voxels from section {first} on")
        self.first, self.slab = first, slab


class ConstantVolumeError(ValueError):
    """All voxels are the same."""

    def __init__(self, value: float) -> None:
        super().__init__(f"all voxels are {value:g}")
        self.value = value


def slabs(depth: int, size: int) -> Iterator[slice]:
    """Iterate over consecutive slices of at most `size`."""
    for first in range(0, depth, size):
        yield slice(first, min(first + size, depth))


class _Spectrum:
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


def _forward(source: Source, spectrum: _Spectrum, how: Plan, advance: Callable[[], None], workers: int) -> Moments:
    """Transform along x and y, about the mean of the first slab so that no large constant costs digits."""
    moments = Moments()
    pivot: np.float32 | None = None
    for part in slabs(how.shape[0], how.sections):
        slab = source.read_rows(part, slice(None))
        moments.add(slab)
        if not moments.finite:
            raise NotFiniteError(part.start, slab)
        if pivot is None:
            pivot = np.float32(moments.mean)
        slab -= pivot
        spectrum.write(part.start, 0, scipy.fft.rfft2(slab, overwrite_x=True, workers=workers))
        _repeat(advance, len(slab))
    if moments.constant:
        raise ConstantVolumeError(moments.mean)
    return moments


def _multiply(spectrum: _Spectrum, transfer: Transfer, how: Plan, advance: Callable[[], None], workers: int) -> float:
    """Transform along z, multiply, transform back; return the power of the result without its mean."""
    depth, height, width = how.shape
    kz, ky, kx = torch.fft.rfftfreq(depth), torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
    at_once = max(1, _BLOCK_BYTES // (8 * depth * spectrum.columns))
    columns = np.empty((depth, how.rows, spectrum.columns), dtype=np.complex64)
    power = 0.0
    for part in slabs(height, how.rows):
        chunk = columns[:, : part.stop - part.start]
        for section in range(depth):
            spectrum.read_into(chunk[section : section + 1], slice(section, section + 1), part)
        for rows in slabs(chunk.shape[1], at_once):
            factors = transfer(kz[:, None, None], ky[part][rows][None, :, None], kx[None, None, :]).numpy()
            block = scipy.fft.fft(chunk[:, rows], axis=0, workers=workers)
            half = len(factors)
            block[:half] *= factors
            if half < depth:
                block[half:] *= factors[depth - half : 0 : -1]
            if part.start == rows.start == 0:
                block[0, 0, 0] = 0
            power += _power(block, width)
            chunk[:, rows] = scipy.fft.ifft(block, axis=0, overwrite_x=True, workers=workers)
            _repeat(advance, block.shape[1])
        for section in range(depth):
            spectrum.write(section, part.start, chunk[section : section + 1])
    return power


def _power(block: ComplexArray, width: int) -> float:
    """Sum of squares over the full transform, of which all but the first and the Nyquist column are there once."""
    columns = (block.real**2 + block.imag**2).sum(axis=(0, 1), dtype=np.float64)
    once = columns[0] + (columns[-1] if width % 2 == 0 else 0.0)
    return float(2 * columns.sum() - once)


def _backward(
    spectrum: _Spectrum,
    target: Target,
    scale: float,
    mean: float,
    how: Plan,
    advance: Callable[[], None],
    workers: int,
) -> Moments:
    """Transform back along y and x; multiply by `scale` and add `mean`."""
    depth, height, width = how.shape
    moments = Moments()
    for part in slabs(depth, how.sections):
        coefficients = np.empty((part.stop - part.start, height, spectrum.columns), dtype=np.complex64)
        spectrum.read_into(coefficients, part, slice(None))
        back = scipy.fft.irfft2(coefficients, s=(height, width), overwrite_x=True, workers=workers)
        slab: FloatArray = np.asarray(back, dtype=np.float32)
        slab *= np.float32(scale)
        slab += np.float32(mean)
        moments.add(slab)
        target.write_rows(part.start, 0, slab)
        _repeat(advance, len(slab))
    return moments


def _repeat(advance: Callable[[], None], times: int) -> None:
    for _ in range(times):
        advance()
