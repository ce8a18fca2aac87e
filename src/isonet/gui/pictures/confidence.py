"""Where two independent networks agree, as colours to lay over a slice."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from isonet.gui.pictures.slices import section
from isonet.io.volume import FloatArray, Volume

STOPS = ((178, 24, 43), (247, 247, 247), (33, 102, 172))
"""Colours of a correlation of 0 (and below), 1/2 and 1; told apart by the colour-blind."""
LEGEND = "linear-gradient(to right, " + ", ".join(f"rgb{stop}" for stop in STOPS) + ")"
"""The same as a background of CSS."""


def colours(values: FloatArray) -> npt.NDArray[np.uint8]:
    """Map local correlations to colours.

    Parameters
    ----------
    values : array
        Correlations from -1 to 1, `[rows, columns]`.

    Returns
    -------
    array
        Red, green, blue and opacity; clear where there is no number.
    """
    known = np.isfinite(values)
    within = np.clip(np.where(known, values, 0), 0, 1)
    channels = [np.interp(within, (0, 0.5, 1), stops) for stops in zip(*STOPS, strict=True)]
    return np.stack([*channels, 255 * known], axis=-1).round().astype(np.uint8)


def picture(volume: Volume, plane: str, index: int, step: int) -> bytes:
    """Draw a section of a map of confidence, binned by `step`, as PNG with its first row at the bottom."""
    file = io.BytesIO()
    drawn = colours(section(volume, plane, index, 1, step))
    Image.fromarray(np.ascontiguousarray(drawn[::-1])).save(file, "PNG", compress_level=1)
    return file.getvalue()
