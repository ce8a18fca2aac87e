"""Pictures of what a step did: slices and power spectra before and after, and curves."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter
from torch import Tensor

from isonet.core import fourier
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured, Tilts
from isonet.io.files import atomic_path

FloatArray = npt.NDArray[np.float32]
_SLAB = 5  # sections averaged for a slice, and the blur within it in voxels: single raw ones are noise
_BLUR = 0.8


def save_comparison(path: Path, volumes: dict[str, FloatArray], tilts: Tilts, pixel_size: float, title: str) -> None:
    """Draw the central XY and XZ slices and the power spectra of XZ and YZ, one row per volume.

    Parameters
    ----------
    path : Path
        PNG file to write.
    volumes : dict
        Name to volume `[z, y, x]`; density of one sign.
    tilts : sequence of float or Measured
        Degrees, or what was measured in general; the faces of the wedge are drawn over the spectra.
    pixel_size : float
        Å per voxel; 0 if unknown.
    title : str
        Heading.
    """
    _, height, width = next(iter(volumes.values())).shape
    figure = Figure(figsize=(16, 0.4 + (0.3 + max(4.0, 4.0 * height / width)) * len(volumes)), layout="constrained")
    figure.suptitle(title)
    grid = figure.subplots(len(volumes), 4, squeeze=False)
    scale = f"{pixel_size:g} Å/voxel" if pixel_size else "voxels"
    for row, (name, volume) in zip(grid, volumes.items(), strict=True):
        draw_slice(row[0], _slab(volume, 0), f"{name}: XY ({scale})")
        draw_slice(row[1], _slab(volume, 1), f"{name}: XZ")
        _spectrum(row[2], volume.swapaxes(0, 1), f"{name}: log power of XZ ($k_x$ right, $k_z$ up)")
        _faces(row[2], Measured.of(tilts).traces("xz"))
        _spectrum(row[3], volume.transpose(2, 0, 1), f"{name}: log power of YZ ($k_y$ right, $k_z$ up)")
        _faces(row[3], Measured.of(tilts).traces("yz"))
    save_figure(figure, path)


def save_curves(path: Path, curves: dict[str, Sequence[tuple[float, float]]]) -> None:
    """Draw one panel per curve of (x, y) points."""
    figure = Figure(figsize=(5 * len(curves), 3.5), layout="constrained")
    for axes, (name, points) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
        axes.plot(*zip(*points, strict=True), marker="." if len(points) < 40 else "")
        axes.set(title=name)
        axes.grid(alpha=0.3)
    save_figure(figure, path)


def wedge_balance(
    volume: FloatArray,
    tilts: Tilts,
    low: float = 0.04,
    high: float = 0.25,
    measured: FloatArray | None = None,
) -> list[tuple[float, float]]:
    """Mean power inside the missing wedge relative to outside, by shell: about 0 where it is empty, 1 where filled.

    Shells between `low` and `high` (cycles per voxel), three Fourier pixels off the wedge's faces, under a Hann window.
    Outside is that of the volume itself, or of another one of its shape (`measured`), such as what it was made from.

    Returns
    -------
    list of tuple
        Middle of the shell (cycles per voxel) and ratio, where both regions have coefficients.
    """
    found = _power(volume)
    known = found if measured is None else _power(measured)
    shape = fourier.spatial_shape(torch.from_numpy(volume))
    inside, outside = wedge.regions(shape, tilts)
    radius = fourier.radial_frequency(shape)
    edges = torch.arange(low, high, 1 / min(shape)).tolist()
    ratios = []
    for start, stop in pairwise(edges):
        shell = (radius >= start) & (radius < stop)
        if bool((shell & inside).any()) and bool((shell & outside).any()):
            ratio = float(found[shell & inside].mean() / known[shell & outside].mean())
            ratios.append(((start + stop) / 2, ratio))
    return ratios


def _power(volume: FloatArray) -> Tensor:
    """Power spectrum of a volume under a Hann window."""
    block = torch.from_numpy(volume)
    shape = fourier.spatial_shape(block)
    return fourier.transform((block - block.mean()) * fourier.taper(shape, max(shape))).abs() ** 2


def mean_balance(shells: Sequence[tuple[float, float]]) -> float:
    """Mean of the ratios of :func:`wedge_balance`; NaN where there are none."""
    return float(np.mean([ratio for _, ratio in shells])) if shells else float("nan")


def _slab(volume: FloatArray, axis: int) -> FloatArray:
    """Mean of the central sections across an axis, slightly blurred."""
    middle, half = volume.shape[axis] // 2, _SLAB // 2
    index = range(max(0, middle - half), min(volume.shape[axis], middle + half + 1))
    return np.asarray(gaussian_filter(volume.take(list(index), axis=axis).mean(axis=axis), _BLUR))


def draw_slice(axes: Axes, image: FloatArray, title: str) -> None:
    """Draw a slice in grey, all but half a per cent of its values at either end."""
    low, high = np.percentile(image, [0.5, 99.5])
    axes.imshow(image, cmap="gray", vmin=low, vmax=high, origin="lower", interpolation="nearest")
    axes.set(title=title, xticks=[], yticks=[])


def _spectrum(axes: Axes, slices: FloatArray, title: str) -> None:
    """Draw the mean log power of slices, `[slice, vertical, horizontal]`."""
    power = np.log10(fourier.power_spectrum_centred(torch.from_numpy(np.ascontiguousarray(slices))).numpy() + 1e-12)
    low, high = np.percentile(power, [5, 99.7])
    view: dict[str, Any] = {"extent": (-0.5, 0.5, -0.5, 0.5), "origin": "lower", "aspect": "equal"}
    axes.imshow(power, cmap="magma", vmin=low, vmax=high, **view)
    axes.set(title=title, xlim=(-0.5, 0.5), ylim=(-0.5, 0.5), xticks=[-0.5, 0, 0.5], yticks=[-0.5, 0, 0.5])


def _faces(axes: Axes, traces: Sequence[float]) -> None:
    """Draw the lines of the wedge's faces over a spectrum, at angles in degrees."""
    for angle in traces:
        kx = np.array([-0.5, 0.5])
        axes.plot(kx, kx * np.tan(np.deg2rad(angle)), color="white", lw=0.6, ls="--")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a picture as PNG, atomically."""
    with mpl.rc_context({"font.size": 9}), atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)
