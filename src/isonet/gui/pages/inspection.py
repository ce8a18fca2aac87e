"""The viewer: the three planes of a tomogram with one cursor, or its volumes side by side in one of them.

This page has the controls; what is seen and moved is `viewer.js`, which asks for the pictures.
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from nicegui import events, ui

from isonet.gui.files import table
from isonet.gui.pages import elsewhere
from isonet.gui.pages.choice import with_tomogram
from isonet.gui.pages.frame import frame, with_own_keys
from isonet.gui.pages.session import Session
from isonet.gui.pictures import images
from isonet.gui.pictures.confidence import LEGEND
from isonet.gui.pictures.slices import suiting_lowpass
from isonet.project.table import Tomogram

_SCRIPT = files("isonet.gui").joinpath("viewer.js").read_text("utf-8")
_CONFIDENCE, _CORRECTED, _RESTORED = "Confidence", "Corrected", "Corrected, deconvolved"
_SHOWN = ("Tomogram", "Deconvolved", _CORRECTED, _RESTORED)
_LAYOUTS = {"all": "Three planes", "xy": "XY", "xz": "XZ", "yz": "YZ"}
_SPECTRA: tuple[Literal["xz", "yz"], ...] = ("xz", "yz")
_HELP = (
    "Wheel and arrow keys step, Page Up and Down by 10. A click sets the cursor, dragging moves, Ctrl and wheel or + "
    "and - zoom, 0 fits. Dragging with the right button, or with Shift, changes brightness and contrast. Hold B to see "
    "the tomogram before. 1 2 3 show one plane with all volumes side by side, 4 three planes of the last of them."
)


def add(session: Session) -> None:
    """Add the page."""

    @ui.page("/viewer")
    def viewer(tomogram: str = "", confidence: int = 0) -> None:
        session.chosen = tomogram or session.chosen
        with frame(session, "Viewer", "/viewer"):
            with_tomogram(session, lambda one, there: Viewer(session, one, there, confidence).draw())


class Viewer:
    """Controls of the slices of one tomogram."""

    def __init__(self, session: Session, tomogram: Tomogram, there: dict[str, Path], confidence: int = 0) -> None:
        self.session = session
        self.tomogram = tomogram
        self.paths = there
        volume = session.volumes.get(next(iter(there.values())))
        self.shape, self.pixel = volume.shape, volume.header.pixel_size
        mask = table.mask(tomogram)
        self.mask = None if mask is None else session.roots.allowed(mask)
        self.state: dict[str, Any] = {
            "layout": "all",
            "shown": [title for title in self.paths if title in _SHOWN] or list(self.paths)[:1],
            "slab": min(3, *self.shape),
            "lowpass": suiting_lowpass(self.pixel),
            "lowpass_corrected": 0.0,
            "low": 0.5,
            "high": 99.5,
            "outlined": False,
            "confidence": min(max(confidence, 0), 100) if _CONFIDENCE in there else 0,
        }

    def draw(self) -> None:
        """Draw controls, and open the viewer below them."""
        with ui.row().classes("panel items-center").style("gap: 4px 20px; padding: 8px 14px"):
            self._layout = ui.toggle(
                _LAYOUTS, value="all", on_change=lambda event: self._set(layout=event.value)
            ).props('no-caps dense unelevated data-testid="plane"')
            with ui.row().classes("items-center no-wrap").style("min-width: 220px; flex: 1"):
                ui.label().style("min-width: 92px").props('data-testid="place"')
                section = '<input type="range" class="section" min="0" aria-label="Section" data-testid="section">'
                ui.html(section, sanitize=False).style("flex: 1; display: flex")
            self._number("Sections averaged", "slab", 1, 64, 1)
            self._number("Low-pass, raw, Å", "lowpass", 0, 500, 10)
            if _CORRECTED in self.paths:
                self._number("Low-pass, corrected, Å", "lowpass_corrected", 0, 500, 10)
            with ui.column().style("gap: 0; width: 130px"):
                ui.label("Contrast, percentiles").classes("muted").style("font-size: 12px")
                ends = ui.range(min=0, max=100, step=0.5, value={"min": 0.5, "max": 99.5}, on_change=self._contrast)
                with_own_keys(ends.props('dense aria-label="Contrast, percentiles"'))
            self._overlays()
            ui.select(
                list(self.paths), value=self.state["shown"], multiple=True, label="Volumes", on_change=self._choose
            ).props('dense use-chips data-testid="shown"').style("min-width: 180px")
            ui.button(icon="fit_screen", on_click=lambda: ui.run_javascript("isonetViewer.home()")).props(
                'flat dense aria-label="Fit, and reset the brightness" data-testid="fit"'
            ).tooltip("Fit, and reset the brightness")
        ui.html('<div id="viewer"></div>', sanitize=False).classes("w-full")
        ui.add_body_html(f"<script>{_SCRIPT}</script>")
        ui.run_javascript(f"openViewer({json.dumps(self._content())}, {json.dumps(self.state)})")
        ui.on("viewer_layout", lambda event: self._layout.set_value(event.args))
        ui.label(_HELP).classes("muted")
        elsewhere.draw(list(self.paths.values()))

    def _content(self) -> dict[str, Any]:
        """What there is to be shown."""
        measured = self.tomogram.measured
        return {
            "shape": self.shape,
            "pixel": self.pixel,
            "volumes": [
                {
                    "title": title,
                    **_file(path),
                    "raw": title not in (_CORRECTED, _RESTORED, _CONFIDENCE),
                    "spectra": {
                        plane.upper(): images.spectrum_address(path, plane, measured.traces(plane))
                        for plane in _SPECTRA
                    },
                }
                for title, path in self.paths.items()
            ],
            "mask": None if self.mask is None else _file(self.mask),
            "confidence": _file(self.paths[_CONFIDENCE]) if _CONFIDENCE in self.paths else None,
        }

    def _set(self, **changes: object) -> None:
        """Tell the viewer what has changed."""
        self.state.update(changes)
        ui.run_javascript(f"isonetViewer.set({json.dumps(changes)})")

    def _overlays(self) -> None:
        """What may lie over the slices: the mask, and how far the networks agree."""
        if self.mask is not None:
            box = ui.checkbox("Mask", on_change=lambda event: self._set(outlined=event.value))
            box.props('dense data-testid="mask"')
        if _CONFIDENCE in self.paths:
            with ui.column().style("gap: 2px; width: 170px"):
                ui.label("Confidence, opacity").classes("muted").style("font-size: 12px")
                opacity = ui.slider(
                    min=0,
                    max=100,
                    step=5,
                    value=self.state["confidence"],
                    on_change=lambda event: self._set(confidence=int(event.value)),
                )
                with_own_keys(
                    opacity.props('dense label aria-label="Opacity of the confidence" data-testid="confidence"')
                )
                ui.element("div").style(f"height: 8px; width: 100%; border-radius: 4px; background: {LEGEND}")
                with ui.row().classes("w-full justify-between muted").style("font-size: 11px"):
                    ui.label("0 chance")
                    ui.label("1 agree")

    def _number(self, label: str, name: str, low: float, high: float, step: float) -> None:
        def change(event: events.ValueChangeEventArguments[Any]) -> None:
            if event.value is not None and low <= event.value <= high:
                self._set(**{name: int(event.value) if step == 1 else float(event.value)})

        field = ui.number(label, value=self.state[name], min=low, max=high, step=step, on_change=change)
        field.props(f'dense data-testid="{name}"').style("width: 140px")

    def _contrast(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if event.value["min"] < event.value["max"]:
            self._set(low=event.value["min"], high=event.value["max"])

    def _choose(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self._set(shown=[title for title in self.paths if title in event.value])


def _file(path: Path) -> dict[str, Any]:
    """A file and, as text, when it changed: numbers of that size are none in a browser."""
    return {"path": str(path), "of": str(images.age(path))}
