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
from collections.abc import Callable

import numpy as np

from isonet.core.filters.spectrum import (
    BLOCK_BYTES,
    Finish,
    FloatArray,
    Plan,
    Sink,
    Source,
    Spectrum,
    Target,
    backward,
    forward,
    multiply,
)
from isonet.core.fourier import Transfer
from isonet.core.normalize import Moments

_SLAB_BYTES = 1 << 25  # float32 voxels of a slab of sections, where memory allows it: larger ones are no faster
_SLAB_COPIES = 6  # arrays as large as a slab that transforming it takes
_BLOCK_COPIES = 5


def plan(shape: tuple[int, int, int], memory: int, volumes: int = 1) -> Plan:
    """Choose the largest pieces that fit into so many bytes, for work on one volume or several at a time.

    Raises
    ------
    ValueError
        If not even one section or one row does; says what would be needed.
    """
    depth, height, width = shape
    columns = width // 2 + 1
    section, row = 4 * height * width, 8 * depth * columns * volumes
    plane = 8 * depth * height * volumes
    for_sections, for_rows = memory - plane, memory - plane - _BLOCK_COPIES * max(row, BLOCK_BYTES)
    if for_sections < _SLAB_COPIES * section or for_rows < row:
        needed = plane + max(_SLAB_COPIES * section, _BLOCK_COPIES * max(row, BLOCK_BYTES) + row)
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
    finish: Finish | None = None,
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
    finish : callable, optional
        Given section, row and block of the result before it is written, which it may change.

    Returns
    -------
    input, output : Moments
        Mean, standard deviation and extremes of both.

    Raises
    ------
    NotFiniteError, ConstantVolumeError
        If the volume holds NaN or infinite voxels, or is constant.
    """
    spectrum = Spectrum(target, how.shape)
    before = _Before()
    forward(source, spectrum, how, advance, workers, before.take)
    if before.moments.constant:
        raise ConstantVolumeError(before.moments.mean)
    power = multiply([(spectrum, transfer)], how, advance, workers, mean=False)
    scale = before.moments.std * math.prod(how.shape) / math.sqrt(power) if rescale else 1.0
    result = _Watched(target, finish)
    backward(spectrum, result, (scale, before.moments.mean), how, advance, workers)
    return before.moments, result.moments


def combine_volumes(
    first: Target,
    second: Source,
    room: Target,
    result: Sink,
    transfers: tuple[Transfer, Transfer],
    affine: tuple[float, float],
    how: Plan,
    advance: Callable[[], None],
    workers: int = 1,
) -> None:
    """Filter two volumes, each with its own factors, and add them: `a F^-1[ T_1 F(v_1) + T_2 F(v_2) ] + b`.

    Parameters
    ----------
    first : Target
        A volume, overwritten.
    second : Source
        Another one of its shape.
    room : Target
        As much room again.
    result : Sink
        Takes the sum; may be `first`, each slab of which is read for the last time before it is written.
    transfers : tuple of callable
        Factors, as those of :func:`filter_volume`; the mean passes through them as well.
    affine : tuple of float
        `a` and `b`.
    how : Plan
        Made by :func:`plan` for two volumes.
    advance : callable
        Called `how.count + shape[0]` times.
    workers : int
        Threads.
    """
    spectra = Spectrum(first, how.shape), Spectrum(room, how.shape)
    for source, spectrum in zip((first, second), spectra, strict=True):
        forward(source, spectrum, how, advance, workers)
    multiply(list(zip(spectra, transfers, strict=True)), how, advance, workers, mean=True)
    backward(spectra[0], result, affine, how, advance, workers)


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


class _Before:
    """What is seen of a volume on its way in, which leaves it about the mean of its first slab.

    So no large constant costs digits.
    """

    def __init__(self) -> None:
        self.moments = Moments()
        self._pivot: np.float32 | None = None

    def take(self, part: slice, slab: FloatArray) -> None:
        """Count a slab in and shift its grey values."""
        self.moments.add(slab)
        if not self.moments.finite:
            raise NotFiniteError(part.start, slab)
        if self._pivot is None:
            self._pivot = np.float32(self.moments.mean)
        slab -= self._pivot


class _Watched:
    """A sink whose values are counted."""

    def __init__(self, sink: Sink, finish: Finish | None) -> None:
        self.moments = Moments()
        self._sink, self._finish = sink, finish

    def write_rows(self, section: int, row: int, block: FloatArray) -> None:
        """Count a block in, finished, and pass it on."""
        if self._finish is not None:
            self._finish(section, row, block)
        self.moments.add(block)
        self._sink.write_rows(section, row, block)
