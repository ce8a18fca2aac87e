"""Reconstruct a real tilt series: align, weight, back-project, with halves from every other tilt."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from isonet.config import ReconstructConfig
from isonet.core.simulation import levelling, projection
from isonet.core.tilts.measured import positioned
from isonet.core.tilts.ranges import beyond_largest, in_order
from isonet.errors import InputError
from isonet.io import mrc
from isonet.io.mrc_bytes.header import Header
from isonet.io.programs import metadata
from isonet.io.programs.tilt_series import Alignment, TiltSeries
from isonet.io.text import Floats, counted
from isonet.io.volume import Volume
from isonet.io.volume_files import stem
from isonet.project.derived import LEVELLED, RECONSTRUCTED
from isonet.steps.simulate import refuse_existing, write_tilts

log = logging.getLogger("isonet")
_SLAB_VOXELS = 1 << 24
_AS_RECORDED = (".mdoc", ".tomostar", ".star")  # kinds of files that list images in the order of the microscope
_HALVES = {"full": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}


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
    scale: float
    shape: tuple[int, int]
    about_x: float


def reconstruct(stack: Path, config: ReconstructConfig) -> Path:
    """Reconstruct a tilt series into `<stem>_full.mrc`, `_even.mrc`, `_odd.mrc` and `<stem>.tlt`.

    Images are set to mean 0 and standard deviation 1, binned by cropping their Fourier transform, aligned, weighted
    and back-projected a few rows at a time. Halves are made of the used tilts 0, 2, 4... and 1, 3, 5... by rising
    angle. The angles written obey `u = x cos(a) + z sin(a)` for the tomogram beside them, turned about x first where
    it is levelled.

    Parameters
    ----------
    stack : Path
        Tilt series (.st, .mrc, .ali), one section per tilt.
    config : ReconstructConfig
        Angles, alignment, size and where to put the results.

    Returns
    -------
    Path
        The full reconstruction.

    Raises
    ------
    InputError
        If files would be overwritten or stack, angles and alignment do not fit together.
    """
    series = stem(Path(stack))
    outputs = {name: config.output_dir / f"{series}_{name}.mrc" for name in _HALVES}
    tilt_path = config.output_dir / f"{series}.tlt"
    refuse_existing([*outputs.values(), tilt_path], overwrite=config.overwrite)
    source = mrc.open_stack(stack)
    pixel_size = _stack_pixel_size(source, config)
    geometry = _geometry(source, pixel_size, config)
    label = f"{RECONSTRUCTED}{series}{LEVELLED if geometry.about_x else ''}"
    header = Header((pixel_size / geometry.scale,) * 3, labels=(label[:79],))
    height, width = geometry.shape
    finer = 2 if geometry.about_x else 1
    stack_shape = (len(geometry.images), finer * height, finer * width)
    with mrc.scratch(config.output_dir, stack_shape) as images, ExitStack() as opened:
        for index, number in enumerate(geometry.images):
            filtered = projection.ramp_filter(_aligned(source, number, geometry, pixel_size)[None], config.filter)
            images[index] = (levelling.finer(filtered) if geometry.about_x else filtered)[0].numpy()
        volumes = {
            name: opened.enter_context(mrc.create(path, (config.thickness, height, width), header))
            for name, path in outputs.items()
        }
        (_back_project_turned if geometry.about_x else _back_project)(images, geometry, volumes)
    write_tilts(tilt_path, geometry.tilts)
    if geometry.about_x:
        words = f"--tilt-file {tilt_path} --level-x={geometry.about_x:g}"
        log.info("%s: levelled; tell prepare how it lies: %s", outputs["full"], words)
    return outputs["full"]


def _back_project(
    images: npt.NDArray[np.float32], geometry: Geometry, volumes: dict[str, npt.NDArray[np.float32]]
) -> None:
    """Fill the volumes a few rows at a time."""
    depth, height, width = volumes["full"].shape
    step = max(1, _SLAB_VOXELS // (depth * width))
    for rows in (slice(first, first + step) for first in range(0, height, step)):
        slab = torch.from_numpy(np.array(images[:, rows]))
        for name, part in _HALVES.items():
            volumes[name][:, rows] = projection.back_project(slab[part], geometry.tilts[part], depth).numpy()


def _back_project_turned(
    images: npt.NDArray[np.float32], geometry: Geometry, volumes: dict[str, npt.NDArray[np.float32]]
) -> None:
    """Fill levelled volumes a few rows at a time, from the rows of the finer images in which they are seen."""
    shape = volumes["full"].shape
    step = max(1, _SLAB_VOXELS // (shape[0] * shape[2]))
    whole = positioned(geometry.tilts.tolist(), geometry.about_x)
    middle = 2 * (images.shape[1] // 4)
    for first in range(0, shape[1], step):
        rows = slice(first, min(first + step, shape[1]))
        low, high = levelling.rows_seen(whole, shape, range(rows.start, rows.stop))
        start, stop = max(0, middle + 2 * low), min(images.shape[1], middle + 2 * high + 1)
        slab = torch.from_numpy(np.array(images[:, start : max(stop, start + 2)]))
        for name, part in _HALVES.items():
            sweep = positioned(geometry.tilts[part].tolist(), geometry.about_x)
            made = levelling.back_project_turned(slab[part], sweep, shape, rows, middle - start)
            volumes[name][:, rows] = made.numpy()


def _aligned(source: Volume, number: int, geometry: Geometry, pixel_size: float) -> Float[Tensor, "height width"]:
    """Normalise, bin and align one image."""
    image = torch.tensor(source.read(slice(number, number + 1))[0])
    deviation, mean = torch.std_mean(image.double())
    if not float(deviation) > 0:
        raise InputError(f"{source.path}: image {number + 1} is blank or not finite; leave its tilt out")
    height, width = image.shape
    binned = _fourier_crop(((image - mean) / deviation).float(), geometry.scale)
    finer = torch.tensor([binned.shape[1] / width, binned.shape[0] / height], dtype=torch.float64)
    alignment = geometry.alignment
    per_pixel = geometry.scale / (pixel_size if alignment.in_angstrom else 1)
    middle = (torch.tensor([width / 2, height / 2]) + alignment.centre) * finer
    return projection.align(
        binned,
        torch.from_numpy(alignment.matrices[number]) * geometry.scale / finer,
        torch.from_numpy(alignment.shifts[number]) * per_pixel,
        geometry.shape,
        centre=(float(middle[0]), float(middle[1])),
    )


def _fourier_crop(image: Float[Tensor, "y x"], scale: float) -> Float[Tensor, "height width"]:
    """Sample more coarsely by leaving out high frequencies; pixel 0 stays where it is."""
    height, width = (round(n * scale) for n in image.shape)
    if (height, width) == tuple(image.shape):
        return image
    centred = torch.fft.fftshift(torch.fft.fft2(image))
    top, left = image.shape[0] // 2 - height // 2, image.shape[1] // 2 - width // 2
    kept = torch.fft.ifftshift(centred[top : top + height, left : left + width])
    binned: Tensor = torch.fft.ifft2(kept).real * (height * width / image.numel())
    return binned


def _stack_pixel_size(source: Volume, config: ReconstructConfig) -> float:
    """Å per pixel of the stack, from the option or the header."""
    pixel_size = config.stack_pixel_size or source.header.pixel_size
    if pixel_size <= 0:
        raise InputError(f"{source.path}: the header has no pixel size; add --stack-pixel-size")
    return pixel_size


def _geometry(source: Volume, pixel_size: float, config: ReconstructConfig) -> Geometry:
    """Bring stack, angles and alignment together, or say what does not fit."""
    count, height, width = source.shape
    alignment = _alignment(config.alignment, source.shape)
    angles, about_x = _angles(source.path, alignment, config)
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
    scale = pixel_size / (config.pixel_size or pixel_size)
    if scale > 1.001:
        raise InputError(
            f"{source.path}: {pixel_size:g} Å per pixel cannot give --pixel-size {config.pixel_size:g}; raise it"
        )
    _refuse_outside(config.alignment, alignment, images, (width, height), pixel_size)
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
    return Geometry(images, tilts, alignment, scale, (shape[1], shape[0]) if turned else shape, about_x)


def _refuse_outside(
    path: Path | None, alignment: Alignment, images: Sequence[int], size: tuple[int, int], pixel_size: float
) -> None:
    """Refuse shifts that leave nothing of an image in the field: they are in another unit, or of another stack."""
    shifts = np.abs(alignment.shifts) / (pixel_size if alignment.in_angstrom else 1)
    reach = np.abs(alignment.matrices) @ np.array(size) / 2 + max(size) / 2
    for number in images:
        if (shifts[number] >= reach[number]).any():
            unit = "A" if alignment.in_angstrom else "pixels"
            shift = " ".join(f"{value:g}" for value in alignment.shifts[number])
            raise InputError(
                f"{path}: image {number + 1} is shifted by {shift} {unit}, out of the field; give the alignment of "
                "this stack, in its own unit"
            )


def _alignment(path: Path | None, shape: tuple[int, int, int]) -> Alignment:
    """Read the alignment by the file's kind; without a file, the axis is at pixel `width // 2` already."""
    if path is not None:
        return metadata.read_alignment(path)
    count, height, width = shape
    half_pixels = [width / 2 - width // 2, height / 2 - height // 2]
    matrices, shifts = np.tile(np.eye(2), (count, 1, 1)), np.tile(half_pixels, (count, 1))
    return Alignment(matrices, shifts, False, 0.0, None, np.ones(count, dtype=np.bool_))


def _angles(stack: Path, alignment: Alignment, config: ReconstructConfig) -> tuple[Floats, float]:
    """Tilt angles of all images, from the tilt file or else from the alignment, and the turn about x.

    NaN for images to leave out.
    """
    angles = alignment.tilts
    x_tilt = alignment.x_tilt
    if config.tilt_file is not None:
        series = metadata.read_tilts(config.tilt_file)
        if series.doubt and config.level_x is None:
            log.warning("%s", series.doubt)
        _warn_of_order(stack, series)
        given, x_tilt = _by_image(series), x_tilt if series.x_tilt is None else series.x_tilt
        if angles is not None and len(given) == len(angles) and np.nanmax(np.abs(given - angles)) > 5:
            raise InputError(
                f"{config.tilt_file}: its angles are not those of {config.alignment} "
                f"({given[0]:g} and {angles[0]:g} degrees first); leave out --tilt-file"
            )
        angles = given
    if angles is None:
        raise InputError(f"{stack}: no tilt angles; add --tilt-file, one angle per image")
    about_x = x_tilt if config.level_x is None else config.level_x
    if config.invert_tilts and config.level_x is None:  # which mirrors z
        about_x = -x_tilt
    return -angles if config.invert_tilts else angles, about_x


def _warn_of_order(stack: Path, series: TiltSeries) -> None:
    """Warn of tilts as they were recorded: a stack may have been sorted by tilt since."""
    if metadata.suffix(series.source) in _AS_RECORDED and not in_order(series.tilts or ()):
        log.warning(
            "%s: lists tilts as they were recorded, not by angle; the images of %s must be in that order, if they are "
            "sorted by tilt give a list that is (.tlt, .rawtlt)",
            series.source,
            stack,
        )


def _by_image(series: TiltSeries) -> Floats:
    """Tilt of every image of the stack, NaN for those that the file leaves out."""
    tilts = np.array(series.tilts, dtype=np.float64)
    if series.views is None or series.images is None:
        return tilts
    angles = np.full(series.images, np.nan)
    angles[list(series.views)] = tilts
    return angles
