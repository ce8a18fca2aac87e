"""Picture of a mask: its outline on low-passed slices."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from isonet.io.volume import FloatArray, Volume
from isonet.volumes.preview import draw_slice, save_figure

_SLAB = 5  # sections averaged to either side, and the blur within the slice in voxels: single raw ones are noise
_BLUR = 1.5


def save_outline(path: Path, volume: Volume, mask: Volume, title: str) -> None:
    """Draw an XY and an XZ slice through the middle of what the mask keeps, with its outline.

    Parameters
    ----------
    path : Path
        PNG file to write.
    volume : Volume
        The tomogram.
    mask : Volume
        Of its shape.
    title : str
        Heading.
    """
    depth, height, width = volume.shape
    z, y = _middle(mask)
    figure = Figure(figsize=(9, 0.8 + 8 * (height + depth) / width), layout="constrained")
    figure.suptitle(title)
    upper, lower = figure.subplots(2, 1, height_ratios=(height, depth))
    image = volume.read_rows(slice(max(0, z - _SLAB), z + _SLAB + 1)).mean(axis=0)
    _draw(upper, image, mask.read_rows(slice(z, z + 1))[0], f"XY, z = {z}")
    image = volume.read_rows(slice(None), slice(max(0, y - _SLAB), y + _SLAB + 1)).mean(axis=1)
    _draw(lower, image, mask.read_rows(slice(None), slice(y, y + 1))[:, 0], f"XZ, y = {y}")
    save_figure(figure, path)


def _middle(mask: Volume) -> tuple[int, int]:
    """Mean z and y of the voxels kept; the middle of the volume if there are none."""
    depth, height, _ = mask.shape
    along_z, along_y = np.zeros(depth), np.zeros(height)
    for part, slab in mask.slabs():
        along_z[part] = slab.sum(axis=(1, 2))
        along_y += slab.sum(axis=(0, 2))
    if not along_z.any():
        return depth // 2, height // 2
    return round(np.average(np.arange(depth), weights=along_z)), round(np.average(np.arange(height), weights=along_y))


def _draw(axes: Axes, image: FloatArray, mask: FloatArray, title: str) -> None:
    draw_slice(axes, np.asarray(gaussian_filter(image, _BLUR)), title)
    framed = np.pad(mask, 1)  # closes outlines at the edge
    grid = [np.clip(np.arange(edge) - 1.0, -0.5, edge - 2.5) for edge in framed.shape]
    if mask.any():
        axes.contour(grid[1], grid[0], framed, levels=[0.5], colors="orange", linewidths=0.9)
    axes.set(xlim=(-0.5, image.shape[1] - 0.5), ylim=(-0.5, image.shape[0] - 0.5))
