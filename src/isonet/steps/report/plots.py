"""Curves of a report as SVG whose colours are those of the page, so that they follow its light and dark theme."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from isonet.validation.curve_styles import THRESHOLDS, WITHHELD, Curve
from isonet.validation.polar import draw_by_angle

_COLOURS = {"#010101": "currentColor", "#020202": "var(--line)"} | {f"#0{n}0{n}0f": f"var(--c{n})" for n in range(1, 5)}
_STYLES = ("-", "--", ":")
_INK, _FAINT = "#010101", "#020202"
SERIES = tuple(f"#0{number}0{number}0f" for number in range(1, 5))
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "isonet",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": _FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "text.color": _INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
}
Numbers = Mapping[str, Any]
FloatArray = npt.NDArray[np.float64]


def draw_training(training: Numbers) -> str:
    """Loss of every epoch, loss on what is held out, and the balance of the wedge, by iteration."""
    curves = {
        "loss of an epoch": _by_epoch(training["loss"]),
        "held-out loss": training["held_out"],
    }
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9.4, 3.1), layout="constrained")
        loss, balance = figure.subplots(1, 2)
        for colour, (name, points) in zip(SERIES, curves.items(), strict=False):
            if points:
                loss.plot(*np.array(points, dtype=float).T, color=colour, label=name, marker=_marker(points))
        for start in training["noise_changes"]:
            if start <= training["iterations"]:
                loss.axvline(start - 1, color=_FAINT, lw=1, ls="--")
        loss.set(title="Loss", xlabel="iteration")
        loss.legend()
        if training["wedge_balance"]:
            points = training["wedge_balance"]
            balance.plot(*np.array(points, dtype=float).T, color=SERIES[0], marker=_marker(points))
        balance.axhline(1, color=_INK, lw=1, ls="--")
        balance.set(title="Power inside the wedge / outside (0 empty, 1 filled)", xlabel="iteration", ylim=(0, None))
        return _svg(figure, "training")


def draw_balance(number: int, balance: Mapping[str, Numbers], tilts: Sequence[float]) -> str:
    """Power by direction around the tilt axis, before and after, with the missing wedge shaded."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 2.9), layout="constrained")
        axes = figure.subplots()
        for name, colour, style in (("before", SERIES[1], "--"), ("after", SERIES[0], "-")):
            if name in balance:
                around = balance[name]["around"]
                angle, power = (np.array(around[key], dtype=float) for key in ("angle", "power"))
                axes.plot(angle, power, style, color=colour, label=name, marker=".")
        for low, high in ((-90, tilts[0]), (tilts[1], 90)):
            axes.axvspan(low, high, color=SERIES[2], alpha=0.12, lw=0)
        axes.axhline(1, color=_INK, lw=1, ls="--")
        axes.set(xlim=(-90, 90), ylim=(0, None), xticks=range(-90, 91, 30))
        axes.set(title="Power by direction, relative to what was measured (shaded: missing wedge)")
        axes.set(xlabel="angle to the $k_x$ axis (degrees)")
        axes.legend()
        return _svg(figure, f"balance{number}")


def draw_withheld(withheld: Numbers) -> str:
    """Curves of the withheld region with the two controls, and what is claimed by sector."""
    curves = withheld["curves"]
    colours = dict(zip(WITHHELD, (SERIES[0], SERIES[0], _INK, SERIES[3], SERIES[1], SERIES[2]), strict=True))
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9.4, 3.6), layout="constrained")
        whole, sectors = figure.subplots(1, 2)
        for name, curve in WITHHELD.items():
            if name in curves:
                _line(whole, curves, name, replace(curve, colour=colours[name]))
        for place, sector in enumerate(withheld["sectors"]):
            label = f"{sector['from']:g} to {sector['to']:g} degrees"
            name = "claimed" if "claimed" in sector["curves"] else "agreement"
            sectors.plot(
                *_points(sector["curves"], name), _STYLES[place // 4 % 3], color=SERIES[place % 4], label=label
            )
        whole.set(title="FSC inside what was withheld")
        sectors.set(title="By distance from what was kept")
        for axes in (whole, sectors):
            _frame(axes, curves["resolution"])
        return _svg(figure, "withheld")


def draw_independent(independent: Numbers) -> str:
    """FSC of two independent predictions inside and outside the wedge, and inside by angle to the tilt axis."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9.4, 3.6), layout="constrained")
        axes = figure.add_subplot(1, 2, 1)
        for colour, name in zip(SERIES, ("inside", "outside"), strict=False):
            one = independent[name]
            frequency, value = (np.array(one[key], dtype=float) for key in ("frequency", "fsc"))
            axes.plot(frequency, value, color=colour, marker=".", label=f"{name} the missing wedge")
        axes.set(title="FSC between two independent networks")
        _frame(axes, [1 / value for value in independent["inside"]["frequency"]])
        draw_by_angle(figure, (1, 2, 2), independent)
        return _svg(figure, "independent")


def _by_epoch(losses: Sequence[Sequence[Any]]) -> list[tuple[float, float | None]]:
    """Place epochs within their iteration: the last one of iteration 3 at 3; losses that are not finite are None."""
    most = max((epoch for _, epoch, _ in losses), default=1)
    return [(iteration - 1 + epoch / most, loss) for iteration, epoch, loss in losses]


def _marker(points: Sequence[object]) -> str:
    return "o" if len(points) < 3 else "." if len(points) < 40 else ""


def _line(axes: Axes, curves: Numbers, name: str, curve: Curve) -> None:
    """Draw one curve against frequency, with its interval where it has one."""
    frequency, value = _points(curves, name)
    axes.plot(frequency, value, linestyle=curve.style, color=curve.colour, label=curve.label, marker=".")
    if curve.has_interval and f"{name}_low" in curves:
        low, high = (np.array(curves[f"{name}_{end}"], dtype=float) for end in ("low", "high"))
        axes.fill_between(frequency, low, high, where=np.isfinite(value), color=curve.colour, alpha=0.15, lw=0)


def _points(curves: Numbers, name: str) -> tuple[FloatArray, FloatArray]:
    """Frequency in 1/Å and value of a curve."""
    return 1 / np.array(curves["resolution"], dtype=float), np.array(curves[name], dtype=float)


def _frame(axes: Axes, resolution: Sequence[float]) -> None:
    """Thresholds, limits, and ticks in Å."""
    for threshold in THRESHOLDS.values():
        axes.axhline(threshold, color=_INK, lw=0.8, ls="--")
    end = 1 / min(resolution)
    ticks = np.linspace(0, end, 7)[1:]
    axes.set(ylim=(-0.25, 1.15), xlim=(0, end * 1.05), xlabel="resolution (Å)", ylabel="FSC")
    axes.set_xticks(ticks, [f"{1 / tick:.3g}" for tick in ticks])
    axes.legend(fontsize=8)


def _svg(figure: Figure, name: str) -> str:
    """Write a figure as an SVG element without ids that another one may have, in the colours of the page."""
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1 aria-hidden="true" focusable="false"', text, count=1)
    for colour, meant in _COLOURS.items():
        text = text.replace(colour, meant)
    return text.strip()
