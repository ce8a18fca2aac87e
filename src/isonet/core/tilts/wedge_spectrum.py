"""Power spectra in which a missing wedge can be seen, from a bounded number of blocks of a volume.

The wedge is constant along the tilt axis. So for each axis that may be the tilt axis the two-dimensional power spectra
of slices across it are averaged: of the three, the one across the true tilt axis shows the double wedge.
"""

import itertools
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32, Float64, Int64
from scipy import fft
from scipy.ndimage import gaussian_filter1d

from isonet.core.fourier import Shape

Block = tuple[slice, slice, slice]
Profiles = Float64[np.ndarray, "rings angles"]
Floats = npt.NDArray[np.float64]
GRID = 256  # samples of a spectrum along each axis, and the longest edge of a block
SHORTEST = 32  # voxels: shorter blocks resolve no wedge where a tomogram has its signal
PLANES = {0: (1, 2), 1: (0, 2), 2: (0, 1)}  # rows and columns of a slice across each axis
STEP = 0.5  # degrees between the samples round a ring
ANGLES: Floats = np.arange(-90, 90, STEP)
RINGS: Floats = np.arange(0.05, 0.43, 0.02)  # cycles per voxel
_WIDTH: Floats = np.linspace(-0.008, 0.008, 5)  # radii about each ring
_SLICES = 40  # of one block across one axis
_MERGE = 2.5  # degrees, standard deviation of the smoothing that merges the planes of tilts up to 5 degrees apart
_LEAKED = 1e-6  # of the strongest ring's power: fainter rings hold only what the window leaks
_EMPTY = 2e-3  # of the power on most of a ring: what is below counts as empty


def spread_blocks(shape: Shape, count: int, longest: int = GRID) -> list[Block]:
    """Choose blocks of at most `longest` voxels along each axis, spread from the middle of a volume to its corners.

    Parameters
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    count : int
        How many blocks at most.
    longest : int
        Voxels of a block along an axis at most.

    Returns
    -------
    list of tuple of slice
        Blocks, the middle one first.
    """
    corners = list(itertools.product(*(_starts(edge, longest) for edge in shape)))
    middle = [max(0, edge - longest) / 2 for edge in shape]
    corners.sort(key=lambda corner: sum((a - b) ** 2 for a, b in zip(corner, middle, strict=True)))
    chosen = np.linspace(0, len(corners) - 1, min(count, len(corners))).astype(int)
    return [_block(corners[index], shape, longest) for index in chosen]


def _starts(edge: int, longest: int) -> list[int]:
    """First voxels of an odd number of blocks that cover an edge, so that one lies in its middle.

    Those that would be the same, where the edge is a voxel longer than a block, are one.
    """
    if edge <= longest:
        return [0]
    pieces = -(-edge // longest) // 2 * 2 + 1
    return list(dict.fromkeys(round(index * (edge - longest) / (pieces - 1)) for index in range(pieces)))


def _block(corner: Sequence[int], shape: Shape, longest: int) -> Block:
    z, y, x = (slice(start, min(start + longest, edge)) for start, edge in zip(corner, shape, strict=True))
    return z, y, x


def without_padding(block: Float32[np.ndarray, "z y x"]) -> Float32[np.ndarray, "_z _y _x"]:
    """Cut off constant layers at the faces of a block, as padding leaves them; nothing is left of a constant block."""
    for axis in range(3):
        layers = np.moveaxis(block, axis, 0)
        first, last = 0, len(layers)
        while first < last and _constant(layers[first]):
            first += 1
        while last > first and _constant(layers[last - 1]):
            last -= 1
        block = np.moveaxis(layers[first:last], 0, axis)
        if block.size == 0:
            break
    return block


def _constant(layer: Float32[np.ndarray, "rows columns"]) -> bool:
    return bool(layer.max() == layer.min())


def slice_spectra(block: Float32[np.ndarray, "z y x"]) -> Float64[np.ndarray, "3 rows columns"] | None:
    """Mean power spectra of slices across the axes z, y and x of a block.

    Slices fall to zero at their borders (Hann window) and are padded, so that the spectra of blocks of all sizes have
    one grid and can be averaged. Frequencies are in cycles per voxel, whatever the block's edges.

    Parameters
    ----------
    block : array
        `[z, y, x]`; edges at most `GRID`.

    Returns
    -------
    array or None
        `[3, GRID, GRID // 2 + 1]` in the rfft layout: rows k_y, k_z, k_z and columns k_x, k_x, k_y of the slices
        across z, y, x, of the block scaled to standard deviation 1. None where less than `SHORTEST` voxels along an
        axis are left without padding, or some are not finite.
    """
    block = without_padding(block)
    if min(block.shape) < SHORTEST:
        return None
    with np.errstate(invalid="ignore"):  # told by the deviation
        block = block / np.abs(block).max()  # squares of very small or large values are none in float32
        deviation, mean = float(block.std(dtype=np.float64)), block.mean(dtype=np.float64)
    if not 0 < deviation < float("inf"):
        return None
    block = block - np.float32(mean)
    return np.stack([_spectrum(block, axis) for axis in PLANES]) / deviation**2


def _spectrum(block: Float32[np.ndarray, "z y x"], axis: int) -> Float64[np.ndarray, "rows columns"]:
    """Mean power spectrum of slices across one axis of a block of mean 0."""
    count = block.shape[axis]
    chosen = np.linspace(0, count - 1, min(count, _SLICES)).round().astype(int)
    images = np.moveaxis(block.take(chosen, axis), axis, 0)
    rows, columns = (np.hanning(edge + 2)[1:-1].astype(np.float32) for edge in images.shape[1:])
    window = rows[:, None] * columns
    images = images - (images * window).sum((1, 2), keepdims=True) / window.sum()
    return _mean_power(images * window) / np.square(window, dtype=np.float64).sum()


def _mean_power(images: Float32[np.ndarray, "count rows columns"]) -> Float64[np.ndarray, "_rows _columns"]:
    """Mean power spectrum of images padded to `GRID`.

    Power is the transform of the autocorrelation, which is twice as wide as an image: of small ones the mean is taken
    on a grid that just holds it, and brought to the large one as a whole.
    """
    height, width = (min(GRID, fft.next_fast_len(2 * edge, real=True)) for edge in images.shape[1:])
    spectrum = fft.fft(fft.rfft(images, width, axis=2), height, axis=1)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).mean(0, dtype=np.float64)
    if (height, width) == (GRID, GRID):
        return power
    near = fft.fftshift(fft.irfft2(power, (height, width)))
    whole = np.zeros((GRID, GRID))
    whole[_middle(height), _middle(width)] = near
    return fft.rfft2(fft.ifftshift(whole)).real


def _middle(length: int) -> slice:
    """Part of a centred axis of `GRID` samples that one of `length` samples is in, with both origins in one place."""
    first = GRID // 2 - length // 2
    return slice(first, first + length)


def ring_profiles(spectrum: Float64[np.ndarray, "rows columns"]) -> Profiles:
    """Power round the rings of a spectrum, relative to what most of each ring has.

    Parameters
    ----------
    spectrum : array
        In the rfft layout.

    Returns
    -------
    array
        `[rings, angles]` at radii `RINGS`, as far out as there is power, and angles `ANGLES = atan2(k_row, k_column)`.
        Smoothed so that the planes of single tilts merge.
    """
    places, weights = _on_rings(spectrum.shape)
    power = (spectrum.ravel()[places] * weights).sum(axis=0).mean(axis=1)
    leaked = power.mean(1) < _LEAKED * power.mean(1).max()
    seen = power[: int(np.argmax(leaked))] if leaked.any() else power
    smooth = gaussian_filter1d(seen, _MERGE / STEP, axis=1, mode="wrap")
    usual = np.percentile(smooth, 60, axis=1, keepdims=True)
    profiles: Profiles = smooth / np.maximum(usual, np.finfo(np.float64).tiny) + _EMPTY
    return profiles


@lru_cache(maxsize=1)
def _on_rings(
    shape: tuple[int, int],
) -> tuple[Int64[np.ndarray, "4 rings width angles"], Float64[np.ndarray, "4 rings width angles"]]:
    """Samples of a spectrum in the rfft layout about each point of the rings, and their weights: linear in between."""
    radius = ((RINGS[:, None] + _WIDTH) * shape[0])[..., None]
    angle = np.deg2rad(ANGLES)
    row, column = np.broadcast_arrays(radius * np.sin(angle), radius * np.cos(angle))
    top, left = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    down, right = row - top, column - left
    corners = ((0, 0), (0, 1), (1, 0), (1, 1))
    places = [(top + below) % shape[0] * shape[1] + left + beside for below, beside in corners]
    weights = [np.abs(1 - below - down) * np.abs(1 - beside - right) for below, beside in corners]
    return np.stack(places), np.stack(weights)
