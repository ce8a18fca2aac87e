"""Draw the figures of the documentation as SVG: the missing wedge, and the flow of data through the program.

::

    python scripts/figures.py [FOLDER]     docs/figures if left out
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")

import itertools

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Wedge

from isonet.core.tilts import wedge

FOLDER = Path(__file__).parents[1] / "docs" / "figures"
TILTS = (-60.0, 60.0)
STEP = 10.0
EDGE = 96
BLUE, GREY, RED = "#2b6ca3", "#d9d9d9", "#b5443c"
Box = tuple[float, float, str, str]
FLOW: tuple[Box, ...] = (
    (0, 2, "prepare", "tomograms, metadata\n→ tomograms.star"),
    (1, 2, "deconv", "one map\n→ deconv/"),
    (2, 2, "mask", "where density is\n→ mask/"),
    (3, 2, "extract", "may be left out\n→ subtomo.star"),
    (3, 0.6, "refine", "fill, rotate, train\n→ results/model"),
    (2, 0.6, "predict", "tiles, blended\n→ corrected/"),
    (1, 0.6, "validate", "tilts withheld\n→ validation/"),
    (0, 0.6, "you", "look, measure,\nsegment, pick"),
)
"""Column, row, name and what is made, in the order of the arrows."""


def specimen() -> torch.Tensor:
    """A vesicle with a particle in it and a flat membrane above: `[z, y, x]`, bright density."""
    z, y, x = np.meshgrid(*(np.arange(EDGE) - EDGE / 2,) * 3, indexing="ij")
    radius = np.sqrt((z - 10) ** 2 + y**2 + x**2)
    shell = np.exp(-(((radius - 22) / 2.0) ** 2))
    particle = np.exp(-(((z - 10) ** 2 + y**2 + x**2) / 40))
    sheet = np.exp(-(((z + 30) / 2.0) ** 2))
    return torch.tensor(shell + particle + sheet, dtype=torch.float32)


def draw_wedge(path: Path) -> None:
    """Planes measured by a tilt series, a specimen, and what is left of it without the wedge."""
    figure = Figure(figsize=(9.6, 3.4), layout="constrained")
    planes, truth, seen = figure.subplots(1, 3)
    _draw_planes(planes)
    volume = specimen()
    for axes, shown, title in (
        (truth, volume, "the specimen, XZ"),
        (seen, wedge.apply(volume, TILTS), "what tilts of ±60° leave of it"),
    ):
        axes.imshow(-shown[:, EDGE // 2].numpy(), cmap="gray", origin="lower", interpolation="bilinear")
        axes.set(title=title, xticks=[], yticks=[], xlabel="x", ylabel="z, the beam")
    _save(figure, path)


def _draw_planes(axes: Axes) -> None:
    """The plane across the tilt axis of the Fourier transform."""
    low, high = TILTS
    for start in (high, high + 180):
        axes.add_patch(Wedge((0, 0), 1, start, start + 180 - (high - low), color=GREY, zorder=0))
    for angle in np.deg2rad(np.arange(low, high + STEP / 2, STEP)):
        ends = np.array([-1, 1])
        axes.plot(ends * np.cos(angle), ends * np.sin(angle), color=BLUE, linewidth=1)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.axvline(0, color="black", linewidth=0.5)
    axes.text(0, 0.72, "missing", ha="center")
    axes.text(0, -0.78, "missing", ha="center")
    axes.text(1.06, 0, "$k_x$", va="center")
    axes.text(0, 1.06, "$k_z$", ha="center")
    axes.annotate("tilt +60°", (0.5, 0.866), (0.72, 0.98), color=BLUE)
    axes.annotate("tilt -60°", (0.5, -0.866), (0.72, -1.02), color=BLUE)
    axes.set(xlim=(-1.2, 1.3), ylim=(-1.15, 1.2), aspect="equal", title="one plane per tilt, alike for all $k_y$")
    axes.axis("off")


def draw_flow(path: Path) -> None:
    """The steps, what they make, and the order of the layers below them."""
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    axes = figure.subplots()
    for column, row, name, made in FLOW:
        colour = RED if name == "you" else BLUE
        axes.add_patch(FancyBboxPatch((column - 0.36, row - 0.36), 0.72, 0.72, "round,pad=0.04", fc="white", ec=colour))
        axes.text(column, row + 0.2, name, ha="center", va="center", weight="bold", color=colour)
        axes.text(column, row - 0.12, made, ha="center", va="center", fontsize=8)
    arrow = {"arrowstyle": "->", "color": "black", "shrinkA": 0, "shrinkB": 0}
    for (from_column, from_row, *_), (to_column, to_row, *_) in itertools.pairwise(FLOW):
        step = np.array([to_column - from_column, to_row - from_row])
        reach = 0.41 * step / np.abs(step).max()
        start, end = np.array([from_column, from_row]) + reach, np.array([to_column, to_row]) - reach
        axes.annotate("", end, start, arrowprops=arrow)
    layers = "cli, gui   →   steps   →   train   →   core          steps also use   config, project, runs, io"
    axes.text(1.5, -0.35, layers, ha="center", fontsize=9)
    axes.text(
        1.5, -0.58, "arrows of this line: imports, which go one way (a test enforces it)", ha="center", fontsize=8
    )
    axes.set(xlim=(-0.5, 3.5), ylim=(-0.7, 2.5))
    axes.axis("off")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    """Write an SVG that is the same each time."""
    mpl.rcParams["svg.hashsalt"] = "isonet"
    figure.savefig(path, metadata={"Date": None, "Creator": None}, facecolor="white")
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def main() -> None:
    """Draw all figures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    draw_wedge(folder / "wedge.svg")
    draw_flow(folder / "flow.svg")


if __name__ == "__main__":
    main()
