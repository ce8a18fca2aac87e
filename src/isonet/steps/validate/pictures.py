"""Figures of a validation."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from isonet.validation.curve_styles import SERIES, THRESHOLDS, WITHHELD, Curve
from isonet.validation.numbers import Numbers
from isonet.validation.polar import draw_by_angle
from isonet.volumes.preview import save_figure


def draw_withheld(path: Path, numbers: Numbers) -> None:
    """Draw the curves of the withheld region: all of it with its controls, and what is claimed by sector."""
    figure = Figure(figsize=(13, 5), layout="constrained")
    whole, sectors = figure.subplots(1, 2)
    lowest, inner, outer, highest = numbers["degrees"]
    figure.suptitle(f"withheld: {lowest:g} to {inner:g} and {outer:g} to {highest:g} degrees ({numbers['kind']})")
    for name, curve in WITHHELD.items():
        if name in numbers["curves"]:
            _line(whole, numbers["curves"], name, curve)
    _shade_what_is_not_measurable(whole, numbers["curves"])
    for number, sector in enumerate(numbers["sectors"]):
        label = f"{sector['from']:g} to {sector['to']:g} degrees beyond what was kept"
        _line(sectors, sector["curves"], "claimed", Curve(label, SERIES[number % len(SERIES)], has_interval=True))
    whole.set(title="FSC inside what was withheld")
    sectors.set(title="claimed, by the distance from what was kept")
    for axes in (whole, sectors):
        _frame(axes, numbers["curves"]["resolution"])
    save_figure(figure, path)


def draw_independent(path: Path, numbers: Numbers) -> None:
    """Draw FSC between two independent predictions inside and outside the wedge, and by angle to the tilt axis."""
    figure = Figure(figsize=(12, 5), layout="constrained")
    figure.suptitle(f"two independent networks: {numbers['kind']}, not truth")
    curves = figure.add_subplot(1, 2, 1)
    for colour, name in zip(SERIES, ("inside", "outside"), strict=False):
        one = numbers[name]
        frequency, value = (np.array(one[key], dtype=float) for key in ("frequency", "fsc"))
        low, high = (np.array(one[f"fsc_{end}"], dtype=float) for end in ("low", "high"))
        curves.plot(frequency, value, color=colour, marker=".", label=f"{name} the missing wedge")
        curves.fill_between(frequency, low, high, color=colour, alpha=0.15, lw=0)
    _frame(curves, [1 / value for value in numbers["inside"]["frequency"]])
    draw_by_angle(figure, (1, 2, 2), numbers)
    save_figure(figure, path)


def _line(axes: Axes, curves: Numbers, name: str, curve: Curve) -> None:
    """Draw one curve against frequency, with its interval where it has one."""
    frequency = 1 / np.array(curves["resolution"], dtype=float)
    value = np.array(curves[name], dtype=float)
    axes.plot(frequency, value, linestyle=curve.style, color=curve.colour, label=curve.label, marker=".")
    if curve.has_interval and f"{name}_low" in curves:
        low, high = (np.array(curves[f"{name}_{end}"], dtype=float) for end in ("low", "high"))
        axes.fill_between(frequency, low, high, where=np.isfinite(value), color=curve.colour, alpha=0.15, lw=0)


def _shade_what_is_not_measurable(axes: Axes, curves: Numbers) -> None:
    frequency = 1 / np.array(curves["resolution"], dtype=float)
    half = (frequency[1] - frequency[0]) / 2 if len(frequency) > 1 else 0.0
    for place, known in zip(frequency, curves["measurable"], strict=True):
        if not known:
            axes.axvspan(place - half, place + half, color="0.9", lw=0, zorder=0)


def _frame(axes: Axes, resolution: list[float]) -> None:
    """Thresholds, limits and ticks in Å."""
    for threshold in THRESHOLDS.values():
        axes.axhline(threshold, color="0.6", lw=0.8, ls="--")
    axes.axhline(0, color="0.6", lw=0.8)
    ticks = np.linspace(0, 1 / min(resolution), 7)[1:]
    axes.set(ylim=(-0.25, 1.15), xlim=(0, 1 / min(resolution) * 1.05), xlabel="resolution (Å)", ylabel="FSC")
    axes.set_xticks(ticks, [f"{1 / tick:.3g}" for tick in ticks])
    axes.legend(fontsize=8)
    axes.grid(alpha=0.2)
