"""What other programs know of a tilt series: the records that all readers of metadata return."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NewType

import numpy as np
import numpy.typing as npt

from isonet.errors import InputError
from isonet.io.text import Floats

Doubt = NewType("Doubt", str)
"""What a file leaves open about the tilts and how they lie, as a warning for those who take them."""
NO_DOUBT = Doubt("")
SAME_TURN = 1.0
"""Degrees by which turns about x may differ and still be the same."""


@dataclass(frozen=True)
class TiltSeries:
    """What one file says about one tilt series; None (or nothing) where it says nothing.

    Attributes
    ----------
    source : Path
        The file.
    names : tuple of str
        Names of the series inside the file, for files of several series or of a general name.
    tilts : tuple of float or None
        Tilt angles of the images used, in degrees and in the order of the file.
    tilt_range : tuple of float or None
        Smallest and largest tilt, where the file knows no more.
    nominal : bool
        True where tilts are what the microscope was told, not what was measured.
    tilt_file : Path or None
        File from which the tilts alone can be read again.
    defoci : tuple of float
        Defocus of each image in Å, positive is underfocus, mean along both axes of astigmatism; one value for all
        where the file knows but one.
    defocus_tilts : tuple of float or None
        Tilt of each of `defoci`, where the file says.
    defocus_images : tuple of int or None
        Image of each of `defoci`, counted from 0, where the file numbers them.
    nominal_defocus : bool
        True where defocus is what the microscope was told.
    phase_shift : float or None
        Phase shift of a phase plate in degrees; None where there was none.
    voltage : float or None
        Acceleration voltage in kV.
    cs : float or None
        Spherical aberration in mm.
    amplitude_contrast : float or None
        Fraction of amplitude contrast.
    pixel_size : float or None
        Å per voxel of the tomogram.
    image_pixel_size : float or None
        Å per pixel of the images.
    hand : float or None
        RELION's rlnTomoHand, 1 or -1.
    views : tuple of int or None
        Which images of the stack `tilts` belong to, counted from 0; None where the file does not tell.
    images : int or None
        How many images the stack has, those left out counted, where the file tells.
    x_tilt : float or None
        Degrees by which the tomogram is turned about x before it is tilted, as RELION 5's rlnTomoXTilt: y to z.
    doubt : str
        What the file leaves open about the tilts and `x_tilt`; often nothing.
    axes : int
        Number of axes about which the sample was tilted, as far as the file tells.
    movie : bool
        True where the file is about one movie of a tilt series.
    axis : int
        1 or 2 where the file says which of two axes `tilts` are about, else 0.

    Raises
    ------
    InputError
        If a pixel size is no positive number.
    """

    source: Path
    names: tuple[str, ...] = ()
    tilts: tuple[float, ...] | None = None
    tilt_range: tuple[float, float] | None = None
    nominal: bool = False
    tilt_file: Path | None = None
    defoci: tuple[float, ...] = ()
    defocus_tilts: tuple[float, ...] | None = None
    defocus_images: tuple[int, ...] | None = None
    nominal_defocus: bool = False
    phase_shift: float | None = None
    voltage: float | None = None
    cs: float | None = None
    amplitude_contrast: float | None = None
    pixel_size: float | None = None
    image_pixel_size: float | None = None
    hand: float | None = None
    views: tuple[int, ...] | None = None
    images: int | None = None
    x_tilt: float | None = None
    doubt: Doubt = NO_DOUBT
    axes: int = 1
    movie: bool = False
    axis: int = 0

    def __post_init__(self) -> None:
        for size in (self.pixel_size, self.image_pixel_size):
            if size is not None and not size > 0:
                raise InputError(f"{self.source}: a pixel size of {size:g} A cannot be; correct it")

    def defocus(self) -> float | None:
        """Defocus at zero tilt in Å, positive is underfocus, as this file alone tells it; None where it has none.

        See :func:`defocus_at_zero_tilt`; the median of all values where the file does not say at which tilts they are.
        """
        if not self.defoci:
            return None
        if self.defocus_tilts is None or len(self.defocus_tilts) != len(self.defoci):
            return float(np.median(self.defoci))
        return defocus_at_zero_tilt(self.defoci, self.defocus_tilts)


def defocus_at_zero_tilt(defoci: Sequence[float], tilts: Sequence[float]) -> float:
    """Defocus of the image nearest to zero tilt, or the mean of two equally near ones.

    Where it differs by more than a tenth from the median of the five nearest images, its fit is taken to have
    failed, and that median is returned.
    """
    values, distance = np.asarray(defoci, dtype=np.float64), np.abs(np.asarray(tilts, dtype=np.float64))
    nearest = float(values[distance < distance.min() + 1e-3].mean())
    median = float(np.median(values[np.argsort(distance, kind="stable")[:5]]))
    return nearest if abs(nearest - median) <= 0.1 * abs(median) else median


def median_phase_shift(degrees: Sequence[float] | Floats) -> float | None:
    """Median phase shift of the images in degrees; None where it is 0, as programs write where there was no plate."""
    return (float(np.median(degrees)) or None) if len(degrees) else None


@dataclass(frozen=True)
class Alignment:
    """How recorded images are shifted and turned so that the tilt axis runs along y through their centre.

    A position `r` of a recorded image, (x, y), goes to `A (r - c) + d` from the centre of the aligned image.

    Attributes
    ----------
    matrices : numpy array
        `A`, shape `(tilts, 2, 2)`, acting on (x, y).
    shifts : numpy array
        `d` = (dx, dy), shape `(tilts, 2)`, in pixels of the recorded images or in Å: see `in_angstrom`.
    in_angstrom : bool
        True where shifts are in Å.
    centre : float
        Where `c` lies from pixel `n / 2` (counted from 0), in pixels: -0.5 in IMOD, 0 in Warp.
    tilts : numpy array or None
        Tilt angles in degrees for `u = x cos(a) + z sin(a)`; None where the file has none.
    used : numpy array of bool
        False for images that the alignment leaves out.
    x_tilt : float
        Degrees by which the tomogram is turned about x before it is tilted, as of :class:`TiltSeries`.
    """

    matrices: Floats
    shifts: Floats
    in_angstrom: bool
    centre: float
    tilts: Floats | None
    used: npt.NDArray[np.bool_]
    x_tilt: float = 0.0
