"""Reconstruct a real tilt series: align, weight, back-project, with halves from every other tilt."""

import logging
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from isonet.config import ReconstructConfig
from isonet.core.simulation import levelling, projection
from isonet.core.tilts import neighbours
from isonet.core.tilts.measured import positioned
from isonet.errors import InputError
from isonet.io import mrc
from isonet.io.mrc_bytes.header import Header
from isonet.io.volume import Volume
from isonet.io.volume_files import stem
from isonet.project.derived import LEVELLED, RECONSTRUCTED
from isonet.steps.reconstruct.checks import warn_of_volume
from isonet.steps.reconstruct.geometry import Geometry, geometry_of
from isonet.steps.reconstruct.order import warn_of_other_order
from isonet.steps.simulate import refuse_existing, write_tilts

log = logging.getLogger("isonet")
_SLAB_VOXELS = 1 << 24
_HALVES = {"full": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}


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
    warn_of_volume(source.path)
    geometry = geometry_of(source, config)
    label = f"{RECONSTRUCTED}{series}{LEVELLED if geometry.about_x else ''}"
    header = Header((geometry.pixel_size / geometry.scale,) * 3, labels=(label[:79],))
    height, width = geometry.shape
    finer = 2 if geometry.about_x else 1
    stack_shape = (len(geometry.images), finer * height, finer * width)
    with mrc.scratch(config.output_dir, stack_shape) as images, ExitStack() as opened:
        structures = []
        for index, number in enumerate(geometry.images):
            aligned = _aligned(source, number, geometry)
            structures.append(neighbours.structure(aligned))
            filtered = projection.ramp_filter(aligned[None], config.filter)
            images[index] = (levelling.finer(filtered) if geometry.about_x else filtered)[0].numpy()
        path = config.tilt_file or config.alignment
        warn_of_other_order(path, source.path, geometry.images, geometry.tilts.tolist(), torch.stack(structures))
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


def _aligned(source: Volume, number: int, geometry: Geometry) -> Float[Tensor, "height width"]:
    """Normalise, bin and align one image."""
    image = torch.tensor(source.read(slice(number, number + 1))[0])
    deviation, mean = torch.std_mean(image.double())
    if not float(deviation) > 0:
        raise InputError(f"{source.path}: image {number + 1} is blank or not finite; leave its tilt out")
    height, width = image.shape
    binned = _fourier_crop(((image - mean) / deviation).float(), geometry.scale)
    finer = torch.tensor([binned.shape[1] / width, binned.shape[0] / height], dtype=torch.float64)
    alignment = geometry.alignment
    per_pixel = geometry.scale / (geometry.pixel_size if alignment.in_angstrom else 1)
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
