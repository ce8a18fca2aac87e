"""Pictures of a report as data addresses: slices in grey, spectra in colour."""

import base64
import io
import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from PIL import Image

from isonet.steps.report.looks import FloatArray

_SMALLEST = 320  # pixels: smaller slices are enlarged by whole numbers


def slice_picture(image: FloatArray, sign: int) -> tuple[str, tuple[int, int]]:
    """Draw a slice as JPEG, density bright, the first row at the bottom; all but half a per cent at either end.

    Parameters
    ----------
    image : array
        Grey values.
    sign : int
        -1 where density is dark in the file.

    Returns
    -------
    address, size
        Data address, and width and height in pixels.
    """
    bright = sign * image
    low, high = np.percentile(bright, [0.5, 99.5])
    grey = (255 * np.clip((bright - low) / max(high - low, 1e-12), 0, 1)).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(grey[::-1]))
    factor = max(1, round(_SMALLEST / max(picture.size)))
    picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.BICUBIC)
    return _address(picture, "JPEG", quality=88), picture.size


def made_picture(path: str) -> str:
    """Take a picture that a step has drawn, as JPEG; nothing where it cannot be read any more."""
    try:
        with Image.open(path) as picture:
            return _address(picture.convert("RGB"), "JPEG", quality=85)
    except OSError:
        return ""


def spectrum_picture(power: FloatArray) -> str:
    """Draw a log power spectrum as PNG: `k_z` upwards, from the 5th to the 99.7th percentile of its values."""
    low, high = np.percentile(power, [5, 99.7])
    scaled = np.clip((power[::-1] - low) / max(high - low, 1e-12), 0, 1)
    picture = Image.fromarray(np.clip(256 * scaled, 0, 255).astype(np.uint8))
    picture.putpalette(mpl.colormaps["magma"](np.arange(256), bytes=True)[:, :3].tobytes())  # a byte for each voxel
    return _address(picture, "PNG")


def faces(traces: Sequence[float]) -> list[tuple[float, float, float, float]]:
    """Lines of the wedge's faces, at angles in degrees, over a spectrum: x1, y1, x2, y2 in percent of the picture."""
    lines = []
    for angle in traces:
        x, z = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        reach = 50 / max(abs(x), abs(z))
        lines.append((50 - reach * x, 50 + reach * z, 50 + reach * x, 50 - reach * z))
    return [tuple(round(end, 2) for end in line) for line in lines]  # type: ignore[misc]


def _address(picture: Image.Image, kind: str, **options: object) -> str:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
