"""Tilt series of volumes that lie turned in the microscope, and their reconstruction where the sample lies flat.

A volume is turned by `about_z` and then `about_x` degrees before it is tilted, as :mod:`isonet.core.tilts.measured`
draws it. For the projections it is turned by shears, each of which shifts rows by parts of voxels in Fourier space
(Unser et al. 1995), so that no detail is lost. Back-projection needs no turning: it looks up where each voxel was seen.
"""

import itertools
import math

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from isonet.core.fourier import Shape
from isonet.core.simulation.projection import angular_weights
from isonet.core.tilts.measured import Sweep

_MARGIN = 4  # voxels of room on either side of a turned volume


def as_in_microscope(volume: Float[Tensor, "z y x"], about_x: float, about_z: float = 0.0) -> Float[Tensor, "_z _y _x"]:
    """Turn a volume by `about_z` and then `about_x` degrees, right-handed, into a box that holds all of it.

    The centre voxel `n // 2` stays the centre.
    """
    return _turn(_turn(volume, about_z, (2, 1)), about_x, (1, 0))


def _turn(volume: Tensor, degrees: float, plane: tuple[int, int]) -> Tensor:
    """Turn from the first axis of a plane to the second: by quarters exactly, by shears for the rest."""
    quarters = round(degrees / 90)
    radians = math.radians(degrees - 90 * quarters)
    first, second = plane
    if quarters % 4:
        odd = [edge if axis not in plane else edge + 1 - edge % 2 for axis, edge in enumerate(volume.shape)]
        volume = torch.rot90(_centred_in(volume, odd), quarters, plane)
    if radians == 0:
        return volume
    edges = list(volume.shape)
    one, two = edges[first], edges[second]
    edges[first] = math.ceil(one * abs(math.cos(radians)) + two * abs(math.sin(radians))) + 2 * _MARGIN
    edges[second] = math.ceil(two * abs(math.cos(radians)) + one * abs(math.sin(radians))) + 2 * _MARGIN
    room = list(edges)
    room[first] += math.ceil(max(two, edges[second]) * math.tan(abs(radians) / 2))
    volume = _centred_in(volume, room)
    for amount, axis, by in (
        (-math.tan(radians / 2), first, second),
        (math.sin(radians), second, first),
        (-math.tan(radians / 2), first, second),
    ):
        volume = _shear(volume, amount, axis, by)
    return _centred_in(volume, edges)


def _shear(volume: Tensor, amount: float, axis: int, by: int) -> Tensor:
    """Shift along one axis by `amount` voxels for each voxel from the centre along another one."""
    length, places = volume.shape[axis], volume.shape[by]
    frequency = torch.fft.rfftfreq(length, dtype=torch.float64)
    shift = amount * (torch.arange(places, dtype=torch.float64) - places // 2)
    shape = [1, 1, 1]
    shape[axis], shape[by] = len(frequency), places
    phase = -2 * math.pi * (shift[:, None] * frequency if by < axis else frequency[:, None] * shift)
    wave = torch.polar(torch.ones_like(phase), phase).to(torch.complex64).reshape(shape)
    return torch.fft.irfft(torch.fft.rfft(volume, dim=axis) * wave, n=length, dim=axis)


def _centred_in(volume: Tensor, edges: list[int]) -> Tensor:
    """Cut or pad with zeros so that the centre voxel `n // 2` stays the centre."""
    for axis, edge in enumerate(edges):
        before = edge // 2 - volume.shape[axis] // 2
        after = edge - volume.shape[axis] - before
        ends = [0, 0] * (2 - axis) + [max(0, before), max(0, after)]
        first = max(0, -before)
        volume = nnf.pad(volume.narrow(axis, first, min(volume.shape[axis] - first, edge)), ends)
    return volume


def finer(images: Float[Tensor, "tilts v u"]) -> Float[Tensor, "tilts _v _u"]:
    """Sample images twice as finely, so that next to nothing is lost or made up between the pixels.

    What linear interpolation then takes away is made good, in place of what the ramp filter made good of it.
    """
    height, width = images.shape[1:]
    spectrum = torch.fft.rfft2(images)
    v, u = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
    spectrum *= (1 / torch.sinc(v / 2).square())[:, None] * (torch.sinc(u) / torch.sinc(u / 2)).square()
    if height % 2 == 0:  # the Nyquist coefficient is shared by both signs
        spectrum[:, height // 2] /= 2
        spectrum = torch.cat([spectrum[:, : height // 2 + 1], spectrum[:, height // 2 :]], 1)
    if width % 2 == 0:
        spectrum[..., -1] /= 2
    low = (height + 1) // 2 + (height % 2 == 0)
    wide = spectrum.new_zeros(len(images), 2 * height, width + 1)
    wide[:, :low, : spectrum.shape[2]] = spectrum[:, :low]
    wide[:, -(spectrum.shape[1] - low) :, : spectrum.shape[2]] = spectrum[:, low:]
    return 4 * torch.fft.irfft2(wide, s=(2 * height, 2 * width))


def rows_seen(sweep: Sweep, shape: Shape, rows: range) -> tuple[int, int]:
    """First and last row of an image, from its centre, in which some rows of the volume are seen."""
    corners = itertools.product((-(shape[0] // 2), shape[0] - shape[0] // 2), (rows[0], rows[-1]), (0, shape[2]))
    into = np.array(sweep.turn).T[1]
    places = [float(into @ (z, y - shape[1] // 2, x - shape[2] // 2)) for z, y, x in corners]
    return math.floor(min(places)) - 1, math.ceil(max(places)) + 1


def back_project_turned(
    images: Float[Tensor, "tilts v u"], sweep: Sweep, shape: Shape, rows: slice = slice(None), middle: int | None = None
) -> Float[Tensor, "z rows x"]:
    """Back-project as :func:`isonet.core.simulation.projection.back_project` into a volume that lies turned.

    Parameters
    ----------
    images : Tensor
        Ramp-filtered images as the microscope has them, by :func:`finer`, of shape `(tilts, v, u)`.
    sweep : Sweep
        Tilts of the images, and how axis and beam lie in the volume.
    shape : tuple of int
        Voxels of the volume along z, y, x.
    rows : slice
        Rows that are made.
    middle : int, optional
        Row of the finer images at the centre of the volume, where they are a part of all rows.

    Returns
    -------
    Tensor
        The rows of the volume; a ray beyond an image's edge adds nothing.
    """
    made = range(shape[1])[rows]
    height, width = images.shape[1:]
    into = torch.from_numpy(2 * np.array(sweep.turn).T)  # z, y, x of the finer images by those of the volume
    angles = torch.deg2rad(torch.tensor(sweep.tilts, dtype=torch.float64))
    u = angles.cos()[:, None] * into[2] + angles.sin()[:, None] * into[0]
    v = into[1].expand_as(u)
    centres = 2 * (width // 4), 2 * (height // 4) if middle is None else middle
    weights = angular_weights(torch.tensor(sweep.tilts)).to(images.dtype)[:, None, None]
    z, y, x = (torch.arange(edge, dtype=torch.float64) - edge // 2 for edge in shape)
    y = y[made.start : made.stop]
    volume = images.new_empty(shape[0], len(y), shape[2])
    scale = torch.tensor([2 / max(1, width - 1), 2 / max(1, height - 1)], dtype=torch.float64)
    for plane, depth in enumerate(z.tolist()):
        at = [
            (one[:, 0] * depth)[:, None, None] + one[:, 1, None, None] * y[:, None] + one[:, 2, None, None] * x + centre
            for one, centre in zip((u, v), centres, strict=True)
        ]
        grid = (torch.stack(at, -1) * scale - 1).to(images.dtype)
        seen = nnf.grid_sample(images[:, None], grid, mode="bilinear", padding_mode="zeros", align_corners=True)
        volume[plane] = (seen[:, 0] * weights).sum(0)
    return volume


def joined(volumes: list[Float[Tensor, "z y x"]], weights: list[Tensor]) -> Float[Tensor, "z y x"]:
    """Join reconstructions about several axes: the mean of what they have measured, frequency by frequency.

    Parameters
    ----------
    volumes : list of Tensor
        One for each axis, of one shape.
    weights : list of Tensor
        What each has measured (:func:`isonet.core.tilts.wedge.weight`).
    """
    shape = volumes[0].shape
    total = sum(torch.fft.rfftn(one) * weight for one, weight in zip(volumes, weights, strict=True))
    count = torch.as_tensor(sum(weight.square() for weight in weights)).clamp(min=1)
    return torch.fft.irfftn(torch.as_tensor(total) / count, s=tuple(shape))
