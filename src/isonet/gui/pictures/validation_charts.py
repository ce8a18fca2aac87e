"""Curves of `validation.json` as charts: agreement against frequency, with its ceiling and controls, and by sector."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isonet.validation.curve_styles import SERIES, THRESHOLDS, WITHHELD, Curve

_TEXT = "#7d8d99"
Point = list[float | None]


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes
    ----------
    title : str
        What it shows.
    options : dict
        For ECharts.
    """

    title: str
    options: dict[str, Any]


def charts(report: Any) -> list[Chart]:
    """Make the charts of a report; what is missing or damaged in it is left out."""
    if not isinstance(report, dict):
        return []
    found = []
    withheld = _mapping(report.get("withheld"))
    curves = _mapping(withheld.get("curves"))
    if whole := [line for name, curve in WITHHELD.items() for line in _line(curve, _frequencies(curves), curves, name)]:
        whole[0]["markArea"] = _unmeasurable(curves)
        found.append(Chart("FSC inside what was withheld", _options(whole)))
    if sectors := _sectors(withheld.get("sectors")):
        found.append(Chart("Claimed, by the distance from what was kept", _options(sectors)))
    independent = _mapping(report.get("independent"))
    regions = {name: _mapping(independent.get(name)) for name in ("inside", "outside")}
    if lines := [
        line
        for (name, one), colour in zip(regions.items(), SERIES, strict=False)
        for line in _line(
            Curve(f"{name} the missing wedge", colour, has_interval=True), _numbers(one.get("frequency")), one, "fsc"
        )
    ]:
        found.append(Chart("Two independent networks: precision, not truth", _options(lines)))
    return found


def _sectors(sectors: Any) -> list[dict[str, Any]]:
    """What is claimed, a line for each sector."""
    lines = []
    for number, sector in enumerate(sectors if isinstance(sectors, list) else []):
        one = _mapping(sector)
        curves = _mapping(one.get("curves"))
        label = f"{one.get('from', '?')} to {one.get('to', '?')} degrees beyond"
        lines += _line(Curve(label, SERIES[number % len(SERIES)]), _frequencies(curves), curves, "claimed")
    return lines


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _numbers(values: Any) -> list[float | None]:
    """Finite numbers, None for others."""
    return [
        float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        else None
        for value in (values if isinstance(values, list) else [])
    ]


def _frequencies(curves: Mapping[str, Any]) -> list[float | None]:
    """Frequencies in 1/Å of a curve against resolution in Å."""
    return [1 / value if value else None for value in _numbers(curves.get("resolution"))]


def _line(
    curve: Curve, frequency: Sequence[float | None], curves: Mapping[str, Any], name: str
) -> list[dict[str, Any]]:
    """One curve as a line, and its interval as a band where it has one; nothing where there are no points."""
    points = _points(frequency, _numbers(curves.get(name)))
    if not any(y is not None for _, y in points):
        return []
    line = {
        "name": curve.label,
        "type": "line",
        "symbolSize": 5,
        "color": curve.colour,
        "lineStyle": {"type": curve.style, "width": 2},
        "data": points,
    }
    ends = [_numbers(curves.get(f"{name}_{end}")) for end in ("low", "high")]
    return [line, *(_band(curve, frequency, *ends) if curve.has_interval and all(ends) else [])]


def _points(frequency: Sequence[float | None], values: Sequence[float | None]) -> list[Point]:
    return [[round(x, 6), y] for x, y in zip(frequency, values, strict=False) if x is not None]


def _band(
    curve: Curve, frequency: Sequence[float | None], low: list[float | None], high: list[float | None]
) -> list[dict[str, Any]]:
    """Two stacked lines with the space between them filled."""
    widths = [None if a is None or b is None else b - a for a, b in zip(low, high, strict=False)]
    common = {
        "name": curve.label,
        "type": "line",
        "stack": curve.label,
        "stackStrategy": "all",
        "color": curve.colour,
        "symbol": "none",
        "lineStyle": {"opacity": 0},
        "tooltip": {"show": False},
        "silent": True,
    }
    return [
        {**common, "data": _points(frequency, low)},
        {**common, "data": _points(frequency, widths), "areaStyle": {"opacity": 0.15}},
    ]


def _unmeasurable(curves: Mapping[str, Any]) -> dict[str, Any]:
    """Shells in which nothing can be measured, shaded."""
    frequency, known = _frequencies(curves), curves.get("measurable")
    places = [x for x in frequency if x is not None]
    half = (places[1] - places[0]) / 2 if len(places) > 1 else 0.0
    shaded = [
        [{"xAxis": round(x - half, 6)}, {"xAxis": round(x + half, 6)}]
        for x, usable in zip(frequency, known if isinstance(known, list) else [], strict=False)
        if x is not None and usable is False
    ]
    return {"silent": True, "itemStyle": {"color": _TEXT, "opacity": 0.13}, "data": shaded}


def _options(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Axes, legend and tooltip around lines; frequencies are told as resolution in Å."""
    lines[0]["markLine"] = {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"type": "dashed", "color": _TEXT, "opacity": 0.7},
        "label": {"position": "insideEndTop", "color": _TEXT, ":formatter": "item => item.value"},
        "data": [{"yAxis": value} for value in THRESHOLDS.values()],
    }
    return {
        "animation": False,
        "legend": {"top": 0, "textStyle": {"color": _TEXT}, "data": list(dict.fromkeys(one["name"] for one in lines))},
        "grid": {"left": 56, "right": 24, "top": 72, "bottom": 44},
        "tooltip": {"trigger": "axis", "axisPointer": {"label": {":formatter": _RESOLUTION}}},
        "xAxis": {
            "type": "value",
            "name": "resolution, Å",
            "nameLocation": "middle",
            "nameGap": 26,
            "nameTextStyle": {"color": _TEXT},
            "min": 0,
            "axisLabel": {"color": _TEXT, ":formatter": "x => x > 0 ? (1 / x).toPrecision(3) : ''"},
            "splitLine": {"lineStyle": {"opacity": 0.2}},
        },
        "yAxis": {
            "type": "value",
            "name": "FSC",
            "nameLocation": "middle",
            "nameGap": 38,
            "nameTextStyle": {"color": _TEXT},
            "axisLabel": {"color": _TEXT},
            "min": -0.25,
            "max": 1.15,
            "splitLine": {"lineStyle": {"opacity": 0.2}},
        },
        "series": lines,
    }


_RESOLUTION = "item => item.axisDimension === 'x' ? (1 / item.value).toPrecision(3) + ' Å' : item.value.toFixed(2)"
