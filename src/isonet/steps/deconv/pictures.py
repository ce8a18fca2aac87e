"""Pictures of a deconvolution: before and after with the filter's curves, and one slice under several settings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from isonet.core import fourier
from isonet.core.filters.ctf import WienerFilter
from isonet.io.volume import FloatArray, Volume
from isonet.io.volume_files import title
from isonet.volumes.preview import draw_slice, save_figure

_SECTIONS = 5  # averaged for a slice
_WIDEST = 1024  # pixels of a slice
_PART = (64, 400, 400)  # voxels of the part on which settings are tried, at most
_FALLOFFS = (0.5, 1.0, 1.5)  # times the one asked for
_STRENGTHS = (-1.0, 0.0, 1.0)  # added to the one asked for


def save_deconvolved(path: Path, before: Volume, after: Volume, wiener: WienerFilter) -> None:
    """Draw the central XY and XZ slices before and after, and the curves of the filter.

    Parameters
    ----------
    path : Path
        PNG file to write.
    before, after : Volume
        The tomogram and what became of it.
    wiener : WienerFilter
        The filter.
    """
    depth, height, width = before.shape
    figure = Figure(figsize=(13, 1.2 + 5 * (height + depth) / width), layout="constrained")
    figure.suptitle(f"{title(before.path)}: {_setting(wiener)}, defocus {wiener.optics.defocus / 1e4:.3g} µm")
    grid = figure.add_gridspec(2, 3, height_ratios=(max(height, width // 3), max(depth, width // 4)))
    for column, (name, volume) in enumerate((("before", before), ("after", after))):
        for row, (plane, image) in enumerate((("XY", _section(volume)), ("XZ", _rows(volume)))):
            axes = figure.add_subplot(grid[row, column])
            draw_slice(axes, image, f"{plane} {name}")
            _scale_bar(axes, image.shape[1], wiener.pixel_size * width / image.shape[1])
    _draw_ctf(figure.add_subplot(grid[0, 2]), wiener)
    _draw_filters(figure.add_subplot(grid[1, 2]), [wiener])
    save_figure(figure, path)


def save_choices(path: Path, volume: Volume, wiener: WienerFilter) -> None:
    """Draw a central slice under a grid of falloffs and strengths about those of a filter, beside the slice as it is.

    Parameters
    ----------
    path : Path
        PNG file to write.
    volume : Volume
        The tomogram, of which the central part is filtered.
    wiener : WienerFilter
        The filter in the middle of the grid.
    """
    part = torch.from_numpy(volume.read(*(_middle(edge, most) for edge, most in zip(volume.shape, _PART, strict=True))))
    shape = fourier.spatial_shape(part)
    coefficients = fourier.transform(part - part.mean())
    grid = fourier.frequencies(shape)
    falloffs = [factor * (wiener.snr_falloff or 1.0) for factor in _FALLOFFS]
    figure = Figure(figsize=(15, 0.6 + 11.5 * shape[1] / shape[2]), layout="constrained")
    figure.suptitle(f"{title(volume.path)}: choose --snr-falloff (columns) and --deconv-strength (rows)")
    panels = figure.subplots(len(_STRENGTHS), 1 + len(falloffs))
    draw_slice(panels[0, 0], _mean(part.numpy()), "as it is")
    _scale_bar(panels[0, 0], shape[2], wiener.pixel_size)
    _draw_ctf(panels[1, 0], wiener)
    _draw_filters(panels[2, 0], [replace(wiener, snr_falloff=falloff) for falloff in falloffs])
    for row, added in zip(panels[:, 1:], _STRENGTHS, strict=True):
        for axes, falloff in zip(row, falloffs, strict=True):
            tried = replace(wiener, snr_falloff=falloff, strength=wiener.strength + added)
            filtered = fourier.inverse(coefficients * tried.radial(*grid), shape)
            draw_slice(axes, _mean(filtered.numpy()), _setting(tried))
    save_figure(figure, path)


def _setting(wiener: WienerFilter) -> str:
    return f"falloff {wiener.snr_falloff:.3g}, strength {wiener.strength:.3g}"


def _middle(edge: int, most: int) -> slice:
    """Return the central part of an axis."""
    first = max(0, (edge - most) // 2)
    return slice(first, min(edge, first + most))


def _mean(volume: FloatArray) -> FloatArray:
    """Mean of the central sections."""
    return np.asarray(volume[_middle(len(volume), _SECTIONS)].mean(axis=0))


def _section(volume: Volume) -> FloatArray:
    """Mean of the central sections, binned to a picture's size."""
    return _binned(volume.read_rows(_middle(volume.shape[0], _SECTIONS)).mean(axis=0))


def _rows(volume: Volume) -> FloatArray:
    """Mean of the central rows of all sections, binned to a picture's size."""
    return _binned(volume.read_rows(slice(None), _middle(volume.shape[1], _SECTIONS)).mean(axis=1))


def _binned(image: FloatArray) -> FloatArray:
    """Average squares of pixels so that the image is at most `_WIDEST` wide and high."""
    factor = -(-max(image.shape) // _WIDEST)
    height, width = (max(1, edge // factor) for edge in image.shape)
    cropped = image[: height * factor, : width * factor]
    return np.asarray(cropped.reshape(height, -1, width, cropped.shape[1] // width).mean(axis=(1, 3)))


def _draw_ctf(axes: Axes, wiener: WienerFilter) -> None:
    """Draw the transfer of the data against spatial frequency."""
    fraction = torch.linspace(0, 1, 500)
    axes.plot(fraction / (2 * wiener.pixel_size), wiener.ctf(fraction), color="C0")
    axes.axhline(0, color="black", lw=0.5)
    axes.set(title="contrast transfer", xlabel="1/Å", ylim=(-1.05, 1.05))


def _draw_filters(axes: Axes, filters: list[WienerFilter]) -> None:
    """Draw what frequencies are multiplied by."""
    fraction = torch.linspace(0, 1, 1000)
    for wiener in filters:
        axes.plot(fraction / (2 * wiener.pixel_size), wiener.at(fraction), label=f"falloff {wiener.snr_falloff:.3g}")
    axes.axhline(0, color="black", lw=0.5)
    axes.set(title=f"filter, strength {filters[0].strength:.3g}", xlabel="1/Å")
    axes.legend(fontsize="small")


def _scale_bar(axes: Axes, width: int, pixel_size: float) -> None:
    """Draw a bar of a round length, about a fifth of the image wide."""
    rough = width * pixel_size / 50  # nm
    power = 10.0 ** np.floor(np.log10(rough))
    length = max(step * power for step in (1, 2, 5) if step * power <= rough)
    start, level = 0.04 * width, 0.03 * width
    outline = [withStroke(linewidth=4, foreground="black")]
    axes.plot([start, start + 10 * length / pixel_size], [level, level], color="white", lw=2, path_effects=outline)
    axes.text(start, 2 * level, f"{length:g} nm", color="white", path_effects=outline, fontsize="small")
