"""Validation: the numbers and figures that `validate` left."""

import json
from pathlib import Path
from typing import Any

from nicegui import ui

from isonet.errors import InputError
from isonet.gui import images
from isonet.gui.catalogue import commands
from isonet.gui.pages.frame import empty, frame
from isonet.gui.session import Session

_NAME = "validation.json"


def add(session: Session) -> None:
    """Add the page."""

    @ui.page("/validation")
    def validation() -> None:
        with frame(session, "Validation", "/validation"):
            reports = sorted([*session.roots.project.glob(_NAME), *session.roots.project.glob(f"*/{_NAME}")])
            if not reports:
                text = "No validation yet. It tells how much of the filled wedge the data bear out."
                ready = "validate" in commands()
                empty(text, "Validate" if ready else "Go to the project", "/step/validate" if ready else "/")
            for path in reports:
                _report(session, path)


def _report(session: Session, path: Path) -> None:
    """One report: what it measured, and its figures."""
    try:
        content = json.loads(session.roots.allowed(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read; run validate again") from error
    with ui.column().classes("panel"):
        ui.label(session.roots.shown(path.parent)).style("font-weight: 600")
        with ui.element("table").classes("cells").props('data-testid="numbers"'):
            for name, value in flattened(content):
                with ui.element("tr"):
                    for text in (name, value):
                        with ui.element("td"):
                            ui.label(text)
        for figure in sorted(path.parent.glob("*.png")):
            alt = f"Figure {figure.stem}"
            address = images.picture_address(figure)
            ui.html(f'<img src="{address}" alt="{alt}" style="max-width: 100%">', sanitize=False)


def flattened(content: Any, name: str = "") -> list[tuple[str, str]]:
    """Numbers and texts of a report with their names; curves are left to the figures."""
    if isinstance(content, dict):
        return [row for key, value in content.items() for row in flattened(value, f"{name}.{key}".strip("."))]
    if isinstance(content, list):
        return []
    shown = "not claimed" if content is None else f"{content:.4g}" if isinstance(content, float) else str(content)
    return [(name.replace("_", " "), shown)]
