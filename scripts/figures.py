"""Draw the figures of the documentation as SVG: the missing wedge, the flow of data, and the phases of learning.

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
    (1, 2, "deconv", "may be left out\n→ deconv/"),
    (2, 2, "mask", "where density is\n→ mask/"),
    (3, 2, "extract", "may be left out\n→ subtomo.star"),
    (3, 0.6, "refine", "fill, rotate, train\n→ results/model"),
    (2, 0.6, "predict", "tiles, blended\n→ corrected/"),
    (1, 0.6, "validate", "tilts withheld\n→ validation/"),
    (0, 0.6, "you", "look, measure,\nsegment, pick"),
)
"""Column, row, name and what is made, in the order of the arrows."""
PHASES: tuple[Box, ...] = (
    (0, 1, "simulations", "imagined samples,\nimaged in every way,\nand their truth"),
    (1, 1, "starter", "comes with\nthe program"),
    (2, 1.6, "your halves", "what one lacks is\nasked of the other,\nturned: again and again"),
    (2, 0.4, "your one map", "imagined samples,\nimaged as it was,\nand their truth"),
    (3, 1, "results", "predict corrects\nyour tomograms"),
)
LEADS_TO = ((0, 1), (1, 2), (1, 3), (2, 4), (3, 4))
"""From which of the phases to which."""


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
    for box in FLOW:
        _draw_box(axes, box)
    for pair in itertools.pairwise(FLOW):
        _draw_arrow(axes, *pair)
    layers = "cli, gui   →   steps   →   train   →   core          steps also use   config, project, runs, io"
    axes.text(1.5, -0.35, layers, ha="center", fontsize=9)
    axes.text(
        1.5, -0.58, "arrows of this line: imports, which go one way (a test enforces it)", ha="center", fontsize=8
    )
    axes.set(xlim=(-0.5, 3.5), ylim=(-0.7, 2.5))
    axes.axis("off")
    _save(figure, path)


def draw_phases(path: Path) -> None:
    """What a network learns from simulations, and then from halves or for one map."""
    figure = Figure(figsize=(9.6, 3.6), layout="constrained")
    axes = figure.subplots()
    for box in PHASES:
        _draw_box(axes, box)
    for first, second in LEADS_TO:
        _draw_arrow(axes, PHASES[first], PHASES[second])
    for column, phase in ((0.5, "first phase: done, once for all"), (2, "second phase: refine")):
        axes.text(column, 2.25, phase, ha="center", fontsize=10)
    axes.set(xlim=(-0.5, 3.5), ylim=(-0.1, 2.4))
    axes.axis("off")
    _save(figure, path)


def _draw_box(axes: Axes, box: Box) -> None:
    """A box with its name and what is made there; what is the user's is red."""
    column, row, name, made = box
    colour = RED if name.startswith("you") else BLUE
    axes.add_patch(FancyBboxPatch((column - 0.36, row - 0.36), 0.72, 0.72, "round,pad=0.04", fc="white", ec=colour))
    axes.text(column, row + 0.22, name, ha="center", va="center", weight="bold", color=colour)
    axes.text(column, row - 0.12, made, ha="center", va="center", fontsize=8)


def _draw_arrow(axes: Axes, first: Box, second: Box) -> None:
    """An arrow from one box to another."""
    start, end = np.array(first[:2]), np.array(second[:2])
    reach = 0.41 * (end - start) / np.abs(end - start).max()
    arrow = {"arrowstyle": "->", "color": "black", "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end - reach, start + reach, arrowprops=arrow)


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
    draw_phases(folder / "phases.svg")


if __name__ == "__main__":
    main()
