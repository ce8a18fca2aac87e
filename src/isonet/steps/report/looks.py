"""One pass over a volume that keeps what a report shows of it: slices, spectra, steps between planes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from isonet.core import fourier
from isonet.core.normalize import Moments
from isonet.io.volume import Volume

FloatArray = npt.NDArray[np.float32]
SPECTRUM = 256
"""Edge of the picture of a spectrum in pixels."""
_SLAB = 5  # sections averaged for a slice, and the blur within it in voxels: single raw ones are noise
_BLUR = 0.8
_SLICES = 16  # averaged for a spectrum
_LONGEST = 1024  # voxels of a slice that go into a spectrum
_LARGEST = 640  # pixels of a slice
_LOOKS = 1 << 21  # voxels of a section whose steps are looked at


@dataclass(frozen=True)
class Look:
    """What a report shows of a volume.

    Attributes
    ----------
    mean, std : float
        Of all voxels.
    slices : dict
        `xy`, `xz` and `yz` to the mean of the central sections, binned to at most 640 pixels, the lower axis upwards.
    spectra : dict
        `xz` and `yz` to the log power, square, zero frequency in the middle.
    steps : tuple of array
        For z, y and x: mean absolute difference of neighbouring planes, `[edge - 1]`.
    """

    mean: float
    std: float
    slices: dict[str, FloatArray]
    spectra: dict[str, FloatArray]
    steps: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]


class _Collector:
    """Takes what is needed out of slabs of whole sections as they come."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        depth, height, width = shape
        self.moments = Moments()
        self._middle = [_around(edge) for edge in shape]
        self._rows, self._columns = _spread(height), _spread(width)
        self._section = np.zeros((height, width), np.float64)
        self._slice = {"xz": np.empty((depth, width), np.float32), "yz": np.empty((depth, height), np.float32)}
        self._stack = {
            "xz": np.empty((len(self._rows), depth, min(width, _LONGEST)), np.float32),
            "yz": np.empty((len(self._columns), depth, min(height, _LONGEST)), np.float32),
        }
        self._steps = [np.zeros(edge - 1) for edge in shape]
        self._counted = 0
        self._last: FloatArray | None = None
        self._thinning = max(1, round((height * width / _LOOKS) ** 0.5))

    def add(self, part: slice, slab: FloatArray) -> None:
        """Take in sections `part` of the volume."""
        self.moments.add(slab)
        for number in self._middle[0]:
            if part.start <= number < part.stop:
                self._section += slab[number - part.start]
        self._slice["xz"][part] = slab[:, self._middle[1]].mean(1)
        self._slice["yz"][part] = slab[:, :, self._middle[2]].mean(2)
        self._stack["xz"][:, part] = slab[:, self._rows, _central(slab.shape[2])].swapaxes(0, 1)
        self._stack["yz"][:, part] = slab[:, _central(slab.shape[1])][:, :, self._columns].transpose(2, 0, 1)
        self._add_steps(part, slab)

    def _add_steps(self, part: slice, slab: FloatArray) -> None:
        every = self._thinning
        thin = slab[:, ::every, ::every]
        before = thin[:1] if self._last is None else np.concatenate([self._last[None], thin[:1]])
        across = np.abs(np.diff(np.concatenate([before, thin[1:]]), axis=0)).mean(axis=(1, 2), dtype=np.float64)
        self._steps[0][max(0, part.start - 1) : part.stop - 1] = across
        self._last = thin[-1].copy()
        self._steps[1] += np.abs(np.diff(slab[:, :, ::every], axis=1)).mean(axis=2, dtype=np.float64).sum(0)
        self._steps[2] += np.abs(np.diff(slab[:, ::every], axis=2)).mean(axis=1, dtype=np.float64).sum(0)
        self._counted += len(slab)

    def result(self) -> Look:
        """Say what was seen."""
        slices = {"xy": (self._section / len(self._middle[0])).astype(np.float32), **self._slice}
        z, y, x = self._steps
        return Look(
            self.moments.mean,
            self.moments.std,
            {plane: _shown(image) for plane, image in slices.items()},
            {plane: _log_power(stack) for plane, stack in self._stack.items()},
            (z, y / self._counted, x / self._counted),
        )


def look(volume: Volume) -> Look:
    """Read a volume once, in slabs of whole sections."""
    collector = _Collector(volume.shape)
    for part, slab in volume.slabs():
        collector.add(part, slab)
    return collector.result()


def _around(edge: int) -> list[int]:
    """Numbers of the central sections."""
    middle, half = edge // 2, _SLAB // 2
    return list(range(max(0, middle - half), min(edge, middle + half + 1)))


def _spread(edge: int) -> list[int]:
    """Numbers of sections all over the middle half."""
    return [int(number) for number in np.linspace(edge // 4, max(edge // 4, 3 * edge // 4 - 1), min(_SLICES, edge))]


def _central(edge: int) -> slice:
    first = max(0, (edge - _LONGEST) // 2)
    return slice(first, first + min(edge, _LONGEST))


def _shown(image: FloatArray) -> FloatArray:
    """Blur a slice, and bin it to the size that is shown."""
    step = -(-max(image.shape) // _LARGEST)
    rows, columns = (max(1, edge // step) for edge in image.shape)
    step_down, step_right = min(step, image.shape[0]), min(step, image.shape[1])
    blurred = gaussian_filter(image, _BLUR)[: rows * step_down, : columns * step_right]
    return np.asarray(blurred.reshape(rows, step_down, columns, step_right).mean(axis=(1, 3)), np.float32)


def _log_power(stack: FloatArray) -> FloatArray:
    """Mean log power of slices, brought to a square picture."""
    power = np.log10(fourier.power_spectrum_centred(torch.from_numpy(stack)).numpy() + 1e-12)
    return np.asarray(Image.fromarray(power.astype(np.float32)).resize((SPECTRUM, SPECTRUM)), np.float32)
