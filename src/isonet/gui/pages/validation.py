"""Validation: what `validate` found, its curves, its figures, and the way to the confidence over slices."""

import json
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from isonet.errors import InputError
from isonet.gui.jobs.forms import OFFERED
from isonet.gui.pages.frame import empty, frame
from isonet.gui.pages.session import Session
from isonet.gui.pages.stepper import action_button
from isonet.gui.pictures import images
from isonet.gui.pictures.validation_charts import charts

_NAME = "validation.json"
_LARGEST = 1 << 24
_AFTER = ("/step/report", "/report")  # what comes after a validation


def add(session: Session) -> None:
    """Add the page."""

    @ui.page("/validation")
    def validation() -> None:
        with frame(session, "Validation", "/validation"):
            reports = sorted([*session.roots.project.glob(_NAME), *session.roots.project.glob(f"*/{_NAME}")])
            if not reports:
                text = "No validation yet. It tells how much of the filled wedge the data bear out."
                ready = "validate" in OFFERED
                empty(text, "Validate" if ready else "Go to the project", "/step/validate" if ready else "/")
            elif (action := session.way().action) is not None and action.place.startswith(_AFTER):
                action_button(action)
            for path in reports:
                _report(session, path)


def _report(session: Session, path: Path) -> None:
    """One report: what it says, its curves, its numbers, and its figures."""
    content = _read(session, path)
    with ui.column().classes("panel").props('data-testid="report"'):
        ui.html(f"<h2>{escape(session.roots.shown(path.parent))}</h2>", sanitize=False)
        for sentence in sentences(content):
            ui.label(sentence).style("max-width: 110ch").props('data-testid="status"')
        _confidence(session, path.parent)
        with ui.element("div").classes("charts"):
            for chart in charts(content):
                with ui.column().style("gap: 4px; min-width: 0"):
                    ui.label(chart.title).style("font-weight: 600")
                    drawn = ui.echart(chart.options).style("height: 340px; width: 100%").props('data-testid="chart"')
                    drawn.props["aria-label"] = chart.title
        with ui.expansion("All numbers").classes("w-full").props('dense data-testid="more-numbers"'):
            _table(content)
        _figures(path.parent)


def _read(session: Session, path: Path) -> Any:
    try:
        place = session.roots.allowed(path)
        if place.stat().st_size > _LARGEST:
            raise InputError(f"{path}: too large for a report; run validate again")
        return json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read; run validate again") from error


def sentences(content: Any) -> list[str]:
    """What a report says in plain language."""
    parts = [content.get(name) for name in ("withheld", "independent")] if isinstance(content, dict) else []
    return [part["status"] for part in parts if isinstance(part, dict) and isinstance(part.get("status"), str)]


def _confidence(session: Session, folder: Path) -> None:
    """Lead to the maps of confidence over the slices of their tomograms."""
    project = session.project()
    for tomogram in project.tomograms if project is not None else ():
        alone = project is not None and len(project.tomograms) == 1
        names = [f"{tomogram.name}_confidence.mrc", *(["confidence.mrc"] if alone else [])]
        if any((folder / name).is_file() for name in names):
            place = "/viewer?" + urlencode({"tomogram": tomogram.index, "confidence": 50})
            button = ui.button(f"Confidence over {tomogram.name}", icon="layers")
            button.on_click(lambda place=place: ui.navigate.to(place)).props("outline no-caps")
            button.props["data-testid"] = f"confidence-{tomogram.index}"


def _table(content: Any) -> None:
    with ui.element("table").classes("cells").props('data-testid="numbers"'):
        for name, value in flattened(content):
            with ui.element("tr"):
                for text in (name, value):
                    with ui.element("td"):
                        ui.label(text)


def _figures(folder: Path) -> None:
    """Pictures that validate drew."""
    pictures = sorted(path for path in folder.glob("*.png") if path.is_file())
    if pictures:
        with ui.expansion("Figures for a paper").classes("w-full").props('dense data-testid="figures"'):
            for figure in pictures:
                address, alt = images.picture_address(figure), escape(f"Figure {figure.stem}")
                ui.html(f'<img src="{address}" alt="{alt}" style="max-width: 100%">', sanitize=False)


def flattened(content: Any, name: str = "") -> list[tuple[str, str]]:
    """Numbers and texts of a report with their names; curves are left to the charts."""
    if isinstance(content, dict):
        return [row for key, value in content.items() for row in flattened(value, f"{name}.{key}".strip("."))]
    if isinstance(content, list):
        return []
    shown = "not claimed" if content is None else f"{content:.4g}" if isinstance(content, float) else str(content)
    return [(name.replace("_", " "), shown)]
