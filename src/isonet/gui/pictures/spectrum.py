"""Power spectra of XZ and YZ slices, with the faces of the missing wedge drawn over them."""

import io
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from isonet.gui.pictures.slices import AXES
from isonet.io.volume import Volume

EDGE = 256
_SLICES = 12
_LARGEST = 512


def power(volume: Volume, plane: str) -> npt.NDArray[np.float64]:
    """Mean log power of slices of the middle, zero frequency in the centre.

    Parameters
    ----------
    volume : Volume
        The tomogram.
    plane : str
        `xz` or `yz`.

    Returns
    -------
    array
        `[vertical, horizontal]` frequencies from -1/2 to 1/2 per voxel; of long slices, the middle is looked at.
    """
    axis = AXES[plane]
    edge = volume.shape[axis]
    count = min(_SLICES, edge)
    place: list[slice | int] = [_middle(length) for length in volume.shape]
    total: npt.NDArray[np.float64] | None = None
    for index in np.linspace(edge // 4, max(edge // 4, 3 * edge // 4 - 1), count).astype(int):
        place[axis] = int(index)
        image = np.asarray(volume.stored[tuple(place)], dtype=np.float32)
        window = np.outer(*(np.hanning(length + 2)[1:-1] for length in image.shape))
        spectrum = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2
        total = spectrum if total is None else total + spectrum
    assert total is not None
    return np.log10(np.fft.fftshift(total) / count + 1e-12)


def _middle(edge: int) -> slice:
    start = max(0, (edge - _LARGEST) // 2)
    return slice(start, start + _LARGEST)


def faces(traces: Sequence[float]) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Lines at angles in degrees, ends as (k_x or k_y, k_z) from -1/2 to 1/2."""
    lines = []
    for angle in traces:
        x, z = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        reach = 0.5 / max(abs(x), abs(z))
        lines.append(((-reach * x, -reach * z), (reach * x, reach * z)))
    return lines


def picture(volume: Volume, plane: str, traces: Sequence[float]) -> bytes:
    """Draw a power spectrum as a square PNG.

    Parameters
    ----------
    volume : Volume
        The tomogram.
    plane : str
        `xz` or `yz`.
    traces : sequence of float
        Degrees of the lines that the wedge's faces draw.
    """
    values = power(volume, plane)
    low, high = np.percentile(values, [5, 99.7])
    scaled = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
    image = Image.fromarray((255 * scaled[::-1]).astype(np.uint8)).resize((EDGE, EDGE)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for line in faces(traces):
        draw.line([(EDGE * (0.5 + x), EDGE * (0.5 - z)) for x, z in line], fill=(255, 170, 60), width=1)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()
