"""Picture of how two independent predictions agree by direction."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure


def draw_by_angle(figure: Figure, place: tuple[int, int, int], independent: Mapping[str, Any]) -> None:
    """Draw the FSC inside the wedge by angle to the tilt axis, in polar coordinates.

    Parameters
    ----------
    figure : Figure
        Where to draw it.
    place : tuple of int
        Rows, columns and number of the subplot.
    independent : mapping
        What `validation.json` says of independent predictions: `inside.frequency` (1/Å) are the radii, and
        `by_angle.fsc` has a row for each sector of angles between the tilt axis (0 degrees) and the plane across it.
    """
    axes = figure.add_subplot(*place, projection="polar")
    fsc = np.array(independent["by_angle"]["fsc"], dtype=float)
    frequency = np.array(independent["inside"]["frequency"], dtype=float)
    half = frequency[0]
    edges = np.concatenate([frequency - half, [frequency[-1] + half]])
    angles = np.deg2rad(np.linspace(0, 90, len(fsc) + 1))
    image = axes.pcolormesh(angles, edges, fsc.T, vmin=0, vmax=1, cmap="viridis", edgecolors="face", linewidth=0.5)
    axes.grid(visible=False)
    axes.set(title="FSC inside the wedge by angle to the tilt axis", xlim=(0, np.pi / 2))
    radii = frequency[len(frequency) // 3 :: max(1, len(frequency) // 3)]
    axes.set_yticks(radii, [f"{1 / radius:.0f} Å" for radius in radii])
    figure.colorbar(image, ax=axes, shrink=0.7, label="FSC")
