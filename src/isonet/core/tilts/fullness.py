"""How full the coefficients of a tomogram's power spectrum are, and the directions that they lie in.

Most of what is not measured has next to no power: each coefficient tells, by more or less than half of what most of
its shell have, whether it was measured. As all that tilts measure are planes through the origin, only its direction
counts. So coefficients of about one direction are taken together wherever many wedges are tried.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Float32, Float64, Int64
from scipy import fft
from torch import Tensor

from isonet.core import fourier
from isonet.core.spikes import standardized

Numbers = npt.NDArray[np.int64]
GRID = 128
"""Samples of a spectrum along each axis, and the longest edge of a block."""
_BAND = (0.08, 0.42)  # cycles per voxel
_OFF_AXIS = math.cos(math.radians(35))  # nearer to y directions tell little
_EMPTY = 0.5  # of what most coefficients of a shell have
_USUAL = 0.6  # quantile
_MOST = 60_000  # coefficients
_SHORTEST = 32  # voxels
_CELL, _COARSE = 1.5, 4.0  # degrees, edges of what is one direction


@dataclass(frozen=True)
class Fullness:
    """How full the coefficients in some directions are.

    Attributes
    ----------
    places : array
        `[3, n]`: z, y, x of the directions, of any length.
    counts : array
        `[n]`: coefficients in each.
    sums : array
        `[n]`: how full these are together, each 0 to 1.
    variance : float
        Of all coefficients.
    """

    places: Float32[np.ndarray, "3 n"]
    counts: Float64[np.ndarray, " n"]
    sums: Float64[np.ndarray, " n"]
    variance: float

    @cached_property
    def by_direction(self) -> "Fullness":
        """The same with coefficients of about one direction taken together."""
        cells = _shells().cells
        return Fullness(cells.places, cells.counts, np.bincount(cells.number, self.sums), self.variance)

    @cached_property
    def most_explained(self) -> float:
        """Share of the variance that measured and missing region would explain if they could have any shape."""
        cells = _shells().coarse
        sums = np.bincount(cells.number, self.sums)
        order = np.argsort(-sums / cells.counts)  # the fullest first
        counts, sums = np.cumsum(cells.counts[order]), np.cumsum(sums[order])
        return float(between(counts[:-1], sums[:-1], counts[-1], sums[-1]).max(initial=0)) / self.variance


def between(
    counts: Float64[np.ndarray, "..."], sums: Float64[np.ndarray, "..."], count: float, total: float
) -> Float64[np.ndarray, "..."]:
    """Variance between some of all coefficients and the others; negative where these are not as full.

    Parameters
    ----------
    counts, sums : array
        How many there are of some, and how full they are together.
    count, total : float
        The same of all.
    """
    excess = sums * count - counts * total  # of what is inside, beyond its share of all; times all
    found: Float64[np.ndarray, ...] = excess * np.abs(excess) / np.maximum(counts * (count - counts), 1) / count**2
    return found


def block_power(block: Float[Tensor, "z y x"]) -> Float[Tensor, "grid grid half"] | None:
    """Power spectrum of a block under a Hann window, on the one grid of all; None of what is too small or constant."""
    if min(block.shape) < _SHORTEST:
        return None
    standard = standardized(block.numpy())
    if standard is None:
        return None
    windowed = standard * fourier.taper(block.shape, max(block.shape)).numpy()
    spectrum = fft.rfft(windowed, GRID, axis=2)  # axis by axis, as most of the padded block is empty
    spectrum = fft.fft(fft.fft(spectrum, GRID, axis=1), GRID, axis=0, overwrite_x=True)
    return torch.from_numpy(np.square(spectrum.real) + np.square(spectrum.imag))


def usual_of(values: npt.NDArray[np.floating[Any]]) -> float:
    """Value that most coefficients of a shell have."""
    at = int(_USUAL * (len(values) - 1))
    return float(np.partition(values, at)[at])


def fullness(power: Float[Tensor, "grid grid half"]) -> Fullness:
    """Tell how full the coefficients of a mean of :func:`block_power` are, evenly spread over its shells."""
    shells = _shells()
    values = power.numpy().ravel()[shells.places]
    usual = [usual_of(part) for part in np.split(values, shells.ends)]
    level = _EMPTY * np.maximum(usual, np.finfo(np.float32).tiny)
    full = np.clip(values[shells.some] / level[shells.shell[shells.some]], 0, 1).astype(np.float64)
    return Fullness(shells.frequencies, np.ones(len(full)), full, max(float(full.var()), 1e-12))


def directions() -> Float32[np.ndarray, "3 n"]:
    """Places of :attr:`Fullness.by_direction`, which all spectra share."""
    return _shells().cells.places


@dataclass(frozen=True)
class _Cells:
    """Directions, and which coefficients lie in which."""

    places: Float32[np.ndarray, "3 n"]
    counts: Float64[np.ndarray, " n"]
    number: Int64[np.ndarray, " coefficients"]


@dataclass(frozen=True)
class _Shells:
    """Coefficients of a spectrum that are looked at, shell after shell.

    Attributes
    ----------
    places : array
        Which they are in a flattened spectrum.
    ends : array
        Where shells begin among them.
    shell : array
        Number of the shell of each.
    some : array
        Those that the wedge is sought in, evenly spread.
    frequencies : array
        `[3, some]`: z, y, x.
    cells, coarse : _Cells
        Their directions, and wider ones.
    """

    places: Numbers
    ends: Numbers
    shell: Numbers
    some: Numbers
    frequencies: Float32[np.ndarray, "3 some"]
    cells: _Cells
    coarse: _Cells


@lru_cache(maxsize=1)
def _shells() -> _Shells:
    grid = [axis.expand(GRID, GRID, GRID // 2 + 1) for axis in fourier.frequencies((GRID,) * 3)]
    at = torch.stack(grid).flatten(1).numpy()
    radius = np.sqrt(np.square(at).sum(axis=0))
    chosen = np.flatnonzero(
        (radius >= _BAND[0]) & (radius <= _BAND[1]) & (np.abs(at[1]) < np.float32(_OFF_AXIS) * radius)
    )
    shell = (radius[chosen] * np.float32(GRID / 2)).astype(np.int64)
    order = np.argsort(shell, kind="stable")
    _, shell = np.unique(shell[order], return_inverse=True)
    every = max(1, len(chosen) // _MOST)
    some = np.argsort(order, kind="stable")[::every]
    frequencies = np.ascontiguousarray(at[:, chosen[::every]])
    cells, coarse = _cells(frequencies, _CELL), _cells(frequencies, _COARSE)
    return _Shells(chosen[order], np.flatnonzero(np.diff(shell)) + 1, shell, some, frequencies, cells, coarse)


def _cells(frequencies: Float32[np.ndarray, "3 n"], edge: float) -> _Cells:
    """Directions, of opposite ones one, in cells of so many degrees about y and from it.

    Each is represented by one of its members, drawn at random: the middles of all would be a lattice that shows.
    """
    shuffled = np.random.default_rng(0).permutation(frequencies.shape[1])
    z, y, x = frequencies[:, shuffled] / np.linalg.norm(frequencies[:, shuffled], axis=0)
    around = np.floor(np.degrees(np.arctan2(np.where(x < 0, -z, z), np.abs(x))) / edge)
    beyond = np.floor(np.degrees(np.arcsin(np.where(x < 0, -y, y))) / edge)
    _, first, place = np.unique(np.stack([around, beyond]), axis=1, return_index=True, return_inverse=True)
    number = np.empty_like(shuffled)
    number[shuffled] = place.ravel()
    return _Cells(frequencies[:, shuffled[first]], np.bincount(number).astype(np.float64), number)
