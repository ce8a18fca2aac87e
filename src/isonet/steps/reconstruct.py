"""Reconstruct a real tilt series: align, weight, back-project, with halves from every other tilt."""

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from isonet.config import ReconstructConfig
from isonet.core.simulation import projection
from isonet.errors import InputError
from isonet.io import mrc
from isonet.io.mrc_bytes.header import Header
from isonet.io.programs import metadata
from isonet.io.programs.tilt_series import LARGEST_X_TILT, Alignment, TiltSeries
from isonet.io.text import Floats
from isonet.io.volume import Volume
from isonet.io.volume_files import stem
from isonet.steps.simulate import refuse_existing, write_tilts

log = logging.getLogger("isonet")
_SLAB_VOXELS = 1 << 24
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
    """

    images: list[int]
    tilts: Float[Tensor, " tilts"]
    alignment: Alignment
    scale: float
    shape: tuple[int, int]


def reconstruct(stack: Path, config: ReconstructConfig) -> Path:
    """Reconstruct a tilt series into `<stem>_full.mrc`, `_even.mrc`, `_odd.mrc` and `<stem>.tlt`.

    Images are set to mean 0 and standard deviation 1, binned by cropping their Fourier transform, aligned, weighted
    and back-projected a few rows at a time. Halves are made of the used tilts 0, 2, 4... and 1, 3, 5... by rising
    angle. The angles written obey `u = x cos(a) + z sin(a)` for the tomogram beside them.

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
    header = Header((pixel_size / geometry.scale,) * 3, labels=(f"isonet reconstruct {series}"[:79],))
    height, width = geometry.shape
    with mrc.scratch(config.output_dir, (len(geometry.images), height, width)) as images, ExitStack() as opened:
        for index, number in enumerate(geometry.images):
            aligned = _aligned(source, number, geometry, pixel_size)
            images[index] = projection.ramp_filter(aligned[None], config.filter)[0].numpy()
        volumes = {
            name: opened.enter_context(mrc.create(path, (config.thickness, height, width), header))
            for name, path in outputs.items()
        }
        _back_project(images, geometry.tilts, volumes)
    write_tilts(tilt_path, geometry.tilts)
    return outputs["full"]


def _back_project(
    images: npt.NDArray[np.float32],
    tilts: Float[Tensor, " tilts"],
    volumes: dict[str, npt.NDArray[np.float32]],
) -> None:
    """Fill the volumes a few rows at a time."""
    depth, height, width = volumes["full"].shape
    step = max(1, _SLAB_VOXELS // (depth * width))
    for rows in (slice(first, first + step) for first in range(0, height, step)):
        slab = torch.from_numpy(np.array(images[:, rows]))
        for name, part in _HALVES.items():
            volumes[name][:, rows] = projection.back_project(slab[part], tilts[part], depth).numpy()


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
    angles = _angles(source.path, alignment, config)
    for path, found in ((config.alignment, len(alignment.used)), (config.tilt_file, len(angles))):
        if found != count:
            raise InputError(f"{path}: {found} tilts, but {source.path} has {count} images; give matching files")
    left_out = int(np.count_nonzero(np.isnan(angles)))
    if left_out:
        log.info("%s: leaves out %d of %d images", config.tilt_file, left_out, count)
    kept = alignment.used & (angles >= config.min_tilt) & (angles <= config.max_tilt)
    images = [int(number) for number in np.argsort(angles, kind="stable") if kept[number]]
    if len(images) < 4:
        raise InputError(f"{source.path}: {len(images)} tilts left of {count}, two halves need 4; leave out fewer")
    scale = pixel_size / (config.pixel_size or pixel_size)
    if scale > 1.001:
        raise InputError(
            f"{source.path}: {pixel_size:g} Å per pixel cannot give --pixel-size {config.pixel_size:g}; raise it"
        )
    shape = (round(height * scale), round(width * scale))
    if min(shape) < 2:
        raise InputError(
            f"{source.path}: --pixel-size {config.pixel_size:g} leaves {shape[0]} x {shape[1]} pixels; make it smaller"
        )
    turned = abs(alignment.matrices[images[0], 0, 1]) > abs(alignment.matrices[images[0], 0, 0])
    tilts = torch.from_numpy(angles[images]).float()
    return Geometry(images, tilts, alignment, scale, (shape[1], shape[0]) if turned else shape)


def _alignment(path: Path | None, shape: tuple[int, int, int]) -> Alignment:
    """Read the alignment by the file's kind; without a file, the axis is at pixel `width // 2` already."""
    if path is not None:
        return metadata.read_alignment(path)
    count, height, width = shape
    half_pixels = [width / 2 - width // 2, height / 2 - height // 2]
    matrices, shifts = np.tile(np.eye(2), (count, 1, 1)), np.tile(half_pixels, (count, 1))
    return Alignment(matrices, shifts, False, 0.0, None, np.ones(count, dtype=np.bool_))


def _angles(stack: Path, alignment: Alignment, config: ReconstructConfig) -> Floats:
    """Tilt angles of all images, from the tilt file or else from the alignment; NaN for images to leave out."""
    angles = alignment.tilts
    x_tilt = alignment.x_tilt
    if config.tilt_file is not None:
        series = metadata.read_tilts(config.tilt_file)
        given, x_tilt = _by_image(series), series.x_tilt or x_tilt
        if angles is not None and len(given) == len(angles) and np.nanmax(np.abs(given - angles)) > 5:
            raise InputError(
                f"{config.tilt_file}: its angles are not those of {config.alignment} "
                f"({given[0]:g} and {angles[0]:g} degrees first); leave out --tilt-file"
            )
        angles = given
    if angles is None:
        raise InputError(f"{stack}: no tilt angles; add --tilt-file, one angle per image")
    if abs(x_tilt) > LARGEST_X_TILT:
        log.warning(
            "%s: is turned by %g degrees about x in %s, and is not turned here; level the tomogram afterwards",
            stack,
            x_tilt,
            config.alignment or config.tilt_file,
        )
    return -angles if config.invert_tilts else angles


def _by_image(series: TiltSeries) -> Floats:
    """Tilt of every image of the stack, NaN for those that the file leaves out."""
    tilts = np.array(series.tilts, dtype=np.float64)
    if series.views is None or series.images is None:
        return tilts
    angles = np.full(series.images, np.nan)
    angles[list(series.views)] = tilts
    return angles
