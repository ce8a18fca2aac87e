"""Slices of memory-mapped volumes as grey pictures.

A slice is taken across x, y or z and drawn as 3dmod draws it: the lower of its two axes upwards, the first voxel at
the lower left. Only the voxels of the slice (and of the slab it is averaged over) are read.
"""

import io
import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter

from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.storage.stored import Stored
from isonet.io.volume import FloatArray, Volume

AXES = {"xy": 0, "xz": 1, "yz": 2}
"""Axis of `[z, y, x]` that a plane is perpendicular to."""
_OPEN_VOLUMES = 8
_KNOWN_RANGES = 256
_LARGEST_SLAB = 64
_TOGETHER = 16  # sections that are read for a slice across x before the next ones
_UNUSED = 5.0  # seconds without a look
_NOISY, _NOISY_VOXELS = 50.0, 5  # Å and voxels, the larger counts
_HALF_AT_CUTOFF = math.sqrt(math.log(2) / (2 * math.pi**2))


@dataclass(frozen=True)
class View:
    """What of a volume is drawn.

    Attributes
    ----------
    plane : str
        `xy`, `xz` or `yz`.
    index : int
        Which section; the nearest there is.
    slab : int
        Sections to average, centred on `index`.
    lowpass : float
        Å at which a Gaussian filter within the slice has fallen to one half; 0 for none.
    low, high : float
        Percentiles of the grey values drawn black and white.
    size : int
        Longest edge of the picture in pixels; larger slices are binned.
    reference : int
        Longest edge of the pictures whose grey values the percentiles are of, so that pictures of several sizes look
        alike; 0 for that of the picture itself.
    quality : int
        1 to 95 for a JPEG, which has a fraction of the bytes; 0 for a PNG, which is exact.
    """

    plane: str = "xy"
    index: int = 0
    slab: int = 1
    lowpass: float = 0.0
    low: float = 0.5
    high: float = 99.5
    size: int = 1024
    reference: int = 0
    quality: int = 0

    def __post_init__(self) -> None:
        """Raise `InputError` unless all of it makes sense."""
        if self.plane not in AXES:
            raise InputError(f"plane {self.plane!r}; use xy, xz or yz")
        if not 1 <= self.slab <= _LARGEST_SLAB:
            raise InputError(f"slab {self.slab}; use 1 to {_LARGEST_SLAB} sections")
        if not 0 <= self.lowpass <= 1e4:
            raise InputError(f"lowpass {self.lowpass:g}; use 0 to 10000 A")
        if not 0 <= self.low < self.high <= 100:
            raise InputError(f"contrast {self.low:g} to {self.high:g}; use percentiles, the first smaller")
        if not 16 <= self.size <= 2048:
            raise InputError(f"size {self.size}; use 16 to 2048 pixels")
        if self.reference and not 16 <= self.reference <= 2048:
            raise InputError(f"reference {self.reference}; use 16 to 2048 pixels")
        if not 0 <= self.quality <= 95:
            raise InputError(f"quality {self.quality}; use 1 to 95, or 0 for PNG")
        if not 0 <= self.index < 1 << 31:
            raise InputError(f"index {self.index}; use a section of the volume")


class Volumes:
    """The volumes last looked at, kept open; a file that has changed is opened anew."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[Path, int, int], Volume] = OrderedDict()
        self._ranges: OrderedDict[object, npt.NDArray[Any]] = OrderedDict()
        self._lock = Lock()
        self._opening = Lock()
        self._looked = 0.0

    def get(self, path: Path) -> Volume:
        """Open a volume; errors as :func:`isonet.io.formats.open_volume`."""
        key = _key(path)
        with self._lock:
            self._looked = time.monotonic()
            if key in self._open:
                self._open.move_to_end(key)
                return self._open[key]
        with self._opening:  # those who ask meanwhile wait for the same
            if key in self._open:
                return self._open[key]
            volume = open_volume(path)
            with self._lock:
                self._open[key] = volume
                while len(self._open) > _OPEN_VOLUMES:
                    self._open.popitem(last=False)
        return volume

    def rest(self) -> None:
        """Give back the mapped parts of files, which count as memory in use, once nobody looks at any for a while."""
        with self._lock:
            if time.monotonic() - self._looked > _UNUSED:
                for volume in self._open.values():
                    volume.release()

    def picture(self, path: Path, view: View) -> bytes:
        """Draw a slice as PNG or JPEG.

        Raises
        ------
        InputError
            If the volume cannot be opened.
        """
        volume = self.get(path)
        low, high = np.interp((view.low, view.high), np.linspace(0, 100, 1001), self._range(path, volume, view))
        return encoded(grey(drawn(volume, view), float(low), float(high)), view.quality)

    def _range(self, path: Path, volume: Volume, view: View) -> npt.NDArray[Any]:
        """Grey values at each tenth of a percentile in three slices, the same for all slices of a plane."""
        size = view.reference or view.size
        key = (_key(path), view.plane, view.slab, view.lowpass, size)
        with self._lock:
            if key in self._ranges:
                return self._ranges[key]
        edge = volume.shape[AXES[view.plane]]
        looks = [
            drawn(volume, View(view.plane, edge * part // 4, view.slab, view.lowpass, size=size)).ravel()
            for part in (1, 2, 3)
        ]
        values = np.concatenate(looks)
        values = values[np.isfinite(values)]
        quantiles = np.percentile(values[:: max(1, values.size >> 18)], np.linspace(0, 100, 1001))
        with self._lock:
            self._ranges[key] = quantiles
            while len(self._ranges) > _KNOWN_RANGES:
                self._ranges.popitem(last=False)
        return quantiles


def _key(path: Path) -> tuple[Path, int, int]:
    """Tell a file from what it was before."""
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{path}: no such file; has it been moved?") from error
    return path, status.st_mtime_ns, status.st_size


def section(volume: Volume, plane: str, index: int, slab: int = 1, step: int = 1) -> FloatArray:
    """Return the mean of `slab` sections around one, binned by `step` within them.

    Parameters
    ----------
    volume : Volume
        Where to take it from.
    plane : str
        `xy`, `xz` or `yz`.
    index : int
        Section; beyond the ends, the last one.
    slab : int
        Sections to average; fewer at the ends.
    step : int
        Voxels of the slice per pixel along either axis; what is left over at the end is dropped.

    Returns
    -------
    array
        `[y, x]`, `[z, x]` or `[z, y]`.
    """
    axis = AXES[plane]
    edge = volume.shape[axis]
    middle = min(max(index, 0), edge - 1)
    first = max(0, middle - (slab - 1) // 2)
    last = min(edge, middle + slab // 2 + 1)
    return _binned(_mean(volume.stored, axis, first, last), step)


def _mean(stored: Stored, axis: int, first: int, last: int) -> FloatArray:
    """Mean over some sections, read in the order of the file: no more than a slice and a few rows are held at once."""
    total = np.zeros(np.delete(stored.shape, axis), np.float32)
    if axis < 2:
        for position in range(first, last):
            total += stored[position] if axis == 0 else stored[:, position]
    else:
        for top in range(0, len(stored), _TOGETHER):
            part = slice(top, top + _TOGETHER)
            for position in range(first, last):
                total[part] += stored[part, :, position]
    return total / np.float32(last - first)


def _binned(image: FloatArray, step: int) -> FloatArray:
    """Mean over squares of `step` pixels; strided sums are several times as fast as means of a reshaped image."""
    if step == 1:
        return image
    rows, columns = (max(1, edge // step) for edge in image.shape)
    down, right = (min(step, edge) for edge in image.shape)
    image = image[: rows * down, : columns * right]
    narrow = np.zeros((rows * down, columns), np.float32)
    for offset in range(right):
        narrow += image[:, offset::right]
    small = np.zeros((rows, columns), np.float32)
    for offset in range(down):
        small += narrow[offset::down]
    return small / np.float32(down * right)


def binning(volume: Volume, plane: str, size: int) -> int:
    """Voxels per pixel that bring the longest edge of a slice to at most `size`."""
    edges = [edge for axis, edge in enumerate(volume.shape) if axis != AXES[plane]]
    return -(-max(edges) // size)


def suiting_lowpass(pixel: float | None) -> float:
    """Å of a low-pass that makes a raw tomogram readable, in tens; its noise hides all else."""
    return 10.0 * round(max(_NOISY, _NOISY_VOXELS * (pixel or 1.0)) / 10)


def drawn(volume: Volume, view: View) -> FloatArray:
    """Return what a view shows, as numbers: binned, averaged, low-passed."""
    step = binning(volume, view.plane, view.size)
    step = min(step, *(edge for axis, edge in enumerate(volume.shape) if axis != AXES[view.plane]))
    image = section(volume, view.plane, view.index, view.slab, step)
    pixel = (volume.header.pixel_size or 1.0) * step
    if view.lowpass > 2 * pixel:
        image = gaussian_filter(image, _HALF_AT_CUTOFF * view.lowpass / pixel)
    return image


def grey(image: FloatArray, low: float, high: float) -> npt.NDArray[np.uint8]:
    """Map `low` to black and `high` to white."""
    scale = 255.0 / (high - low) if high > low else 0.0
    return np.nan_to_num(np.clip((image - low) * scale, 0, 255)).astype(np.uint8)


def encoded(picture: npt.NDArray[np.uint8], quality: int = 0) -> bytes:
    """Encode a picture, its first row at the bottom: as JPEG of a quality, or as PNG for 0."""
    file = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(picture[::-1]))
    if quality:
        image.save(file, "JPEG", quality=quality)
    else:
        image.save(file, "PNG", compress_level=1)
    return file.getvalue()
