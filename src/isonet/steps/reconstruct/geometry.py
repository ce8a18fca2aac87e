"""How images lie in the tomogram: stack, angles and alignment are brought together, or it is said what does not fit."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from isonet.config import ReconstructConfig
from isonet.core.tilts.ranges import beyond_largest
from isonet.errors import InputError
from isonet.io.programs import metadata
from isonet.io.programs.tilt_series import Alignment, TiltSeries
from isonet.io.text import Floats, counted
from isonet.io.volume import Volume
from isonet.steps.reconstruct.checks import (
    refuse_narrow,
    refuse_outside,
    stack_pixel_size,
    warn_of_order,
    warn_of_other_binning,
)

log = logging.getLogger("isonet")


@dataclass(frozen=True)
class Geometry:
    """Which images to use and how each one is brought onto the tomogram's grid.

    Attributes
    ----------
    images : list of int
        Numbers of the images in the stack, by rising tilt.
    tilts : Tensor
        Their angles in degrees.
    alignment : Alignment
        Of all images of the stack.
    pixel_size : float
        Å per pixel of the stack.
    scale : float
        Tomogram voxels per pixel of the stack.
    shape : tuple of int
        Height and width of the tomogram in voxels.
    about_x : float
        Degrees by which the tomogram is turned about x before it is tilted.
    """

    images: list[int]
    tilts: Float[Tensor, " tilts"]
    alignment: Alignment
    pixel_size: float
    scale: float
    shape: tuple[int, int]
    about_x: float


def geometry_of(source: Volume, config: ReconstructConfig) -> Geometry:
    """Bring stack, angles and alignment together, or say what does not fit."""
    count, height, width = source.shape
    alignment = _alignment(config.alignment, source.shape)
    pixel_size = stack_pixel_size(source, alignment, config)
    angles, about_x = _angles(source, alignment, config)
    for path, found in ((config.alignment, len(alignment.used)), (config.tilt_file, len(angles))):
        if found != count:
            raise InputError(
                f"{path}: {counted(found, 'tilt')}, but {source.path} has {counted(count, 'image')}; give matching "
                "files"
            )
    left_out = int(np.count_nonzero(np.isnan(angles)))
    if left_out:
        log.info("%s: leaves out %d of %s", config.tilt_file, left_out, counted(count, "image"))
    kept = alignment.used & (angles >= config.min_tilt) & (angles <= config.max_tilt)
    images = [int(number) for number in np.argsort(angles, kind="stable") if kept[number]]
    if len(images) < 4:
        raise InputError(
            f"{source.path}: {counted(len(images), 'tilt')} left of {count}, two halves need 4; leave out fewer"
        )
    refuse_narrow(config.tilt_file or config.alignment, angles[images])
    scale = pixel_size / (config.pixel_size or pixel_size)
    if scale > 1.001:
        raise InputError(
            f"{source.path}: {pixel_size:g} Å per pixel cannot give --pixel-size {config.pixel_size:g}; raise it"
        )
    refuse_outside(config.alignment, alignment, images, (width, height), pixel_size)
    warn_of_other_binning(config.alignment, alignment, images, (width, height), pixel_size)
    shape = (round(height * scale), round(width * scale))
    if min(shape) < 2:
        raise InputError(
            f"{source.path}: --pixel-size {config.pixel_size:g} leaves {shape[0]} x {shape[1]} pixels; make it smaller"
        )
    turned = abs(alignment.matrices[images[0], 0, 1]) > abs(alignment.matrices[images[0], 0, 0])
    tilts = torch.from_numpy(angles[images] + config.level_y).float()
    if beyond_largest(tilts.tolist()):
        raise InputError(
            f"--level-y {config.level_y:g}: makes a tilt of {float(tilts.abs().max()):g} degrees; use a smaller level, "
            "or leave out the outermost images"
        )
    return Geometry(images, tilts, alignment, pixel_size, scale, (shape[1], shape[0]) if turned else shape, about_x)


def _alignment(path: Path | None, shape: tuple[int, int, int]) -> Alignment:
    """Read the alignment by the file's kind; without a file, the axis is at pixel `width // 2` already."""
    if path is not None:
        return metadata.read_alignment(path)
    count, height, width = shape
    half_pixels = [width / 2 - width // 2, height / 2 - height // 2]
    matrices, shifts = np.tile(np.eye(2), (count, 1, 1)), np.tile(half_pixels, (count, 1))
    return Alignment(matrices, shifts, False, 0.0, None, np.ones(count, dtype=np.bool_))


def _angles(source: Volume, alignment: Alignment, config: ReconstructConfig) -> tuple[Floats, float]:
    """Tilt angles of all images, from the tilt file or else from the alignment, and the turn about x.

    NaN for images to leave out.
    """
    angles = alignment.tilts
    x_tilt = alignment.x_tilt
    if config.tilt_file is not None:
        series = metadata.read_tilts(config.tilt_file)
        if series.doubt and config.level_x is None:
            log.warning("%s", series.doubt)
        warn_of_order(source.path, series)
        given, x_tilt = _by_image(series, source.shape[0]), x_tilt if series.x_tilt is None else series.x_tilt
        if angles is not None and len(given) == len(angles) and np.nanmax(np.abs(given - angles)) > 5:
            raise InputError(
                f"{config.tilt_file}: its angles are not those of {config.alignment} "
                f"({given[0]:g} and {angles[0]:g} degrees first); leave out --tilt-file"
            )
        angles = given
    if angles is None:
        raise InputError(f"{source.path}: no tilt angles; add --tilt-file, one angle per image")
    about_x = x_tilt if config.level_x is None else config.level_x
    if config.invert_tilts and config.level_x is None:  # which mirrors z
        about_x = -x_tilt
    return -angles if config.invert_tilts else angles, about_x


def _by_image(series: TiltSeries, count: int) -> Floats:
    """Tilt of every image of a stack of `count`, NaN for those that the file leaves out and the stack has."""
    tilts = np.array(series.tilts, dtype=np.float64)
    if series.views is None or series.images is None:
        return tilts
    if count == len(tilts):
        return tilts[np.argsort(series.views)]
    angles = np.full(series.images, np.nan)
    angles[list(series.views)] = tilts
    return angles
