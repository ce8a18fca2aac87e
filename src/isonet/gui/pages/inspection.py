"""The viewer: volumes of one tomogram side by side, at one place."""

from pathlib import Path
from typing import Any, Literal

from nicegui import events, ui

from isonet.errors import IsonetError
from isonet.gui.files import table
from isonet.gui.pages import elsewhere
from isonet.gui.pages.choice import with_tomogram
from isonet.gui.pages.frame import frame, with_own_keys
from isonet.gui.pages.session import Session
from isonet.gui.pictures import images
from isonet.gui.pictures.confidence import LEGEND
from isonet.gui.pictures.slices import AXES, View, binning
from isonet.project.table import Tomogram

_SIZE = 768
_SPECTRUM = 120
_SPECTRA: tuple[Literal["xz", "yz"], ...] = ("xz", "yz")
_CONFIDENCE = "Confidence"
_KEYS = {"ArrowLeft": -1, "ArrowRight": 1, "ArrowDown": -1, "ArrowUp": 1, "PageDown": -10, "PageUp": 10}
_PLANES = {"1": "xy", "2": "xz", "3": "yz"}


def add(session: Session) -> None:
    """Add the page."""

    @ui.page("/viewer")
    def viewer(tomogram: str = "", confidence: int = 0) -> None:
        session.chosen = tomogram or session.chosen
        with frame(session, "Viewer", "/viewer"):
            with_tomogram(session, lambda one, there: Viewer(session, one, there, confidence).draw())


class Viewer:
    """Linked slices of the volumes of one tomogram."""

    def __init__(self, session: Session, tomogram: Tomogram, there: dict[str, Path], confidence: int = 0) -> None:
        self.session = session
        self.tomogram = tomogram
        self.paths = there
        self.shape = session.volumes.get(next(iter(self.paths.values()))).shape
        self.place = [edge // 2 for edge in self.shape]
        mask = table.mask(tomogram)
        self.mask = None if mask is None else session.roots.allowed(mask)
        self.view: dict[str, Any] = {
            "plane": "xy",
            "slab": min(3, *self.shape),
            "lowpass": 0.0,
            "low": 0.5,
            "high": 99.5,
        }
        self.shown = [title for title in self.paths if title in ("Tomogram", "Deconvolved", "Corrected")]
        self.outlined = False
        self.confidence = min(max(confidence, 0), 100) if _CONFIDENCE in there else 0
        self._panes: dict[str, ui.interactive_image] = {}

    @property
    def axis(self) -> int:
        """Axis the slices are across."""
        return AXES[self.view["plane"]]

    def draw(self) -> None:
        """Draw controls and panes."""
        with ui.row().classes("panel items-center").style("gap: 8px 22px"):
            self._plane = ui.toggle(
                {"xy": "XY", "xz": "XZ", "yz": "YZ"}, value="xy", on_change=lambda event: self._turn(event.value)
            ).props('no-caps dense unelevated data-testid="plane"')
            with ui.row().classes("items-center no-wrap").style("min-width: 300px; flex: 1"):
                self._label = ui.label().style("min-width: 92px").props('data-testid="place"')
                self._slider = ui.slider(min=0, max=self.shape[0] - 1, value=self.place[0], on_change=self._slide)
                with_own_keys(self._slider.props('aria-label="Section" data-testid="section"'))
            self._number("Average sections", "slab", 1, 64, 1)
            self._number("Low-pass, Å", "lowpass", 0, 500, 10)
            with ui.column().style("gap: 0; width: 150px"):
                ui.label("Contrast, percentiles").classes("muted").style("font-size: 12px")
                ends = ui.range(min=0, max=100, step=0.5, value={"min": 0.5, "max": 99.5}, on_change=self._contrast)
                with_own_keys(ends.props('dense aria-label="Contrast, percentiles"'))
            self._overlays()
            ui.select(
                list(self.paths), value=self.shown, multiple=True, label="Side by side", on_change=self._choose
            ).props('dense use-chips data-testid="shown"').style("min-width: 200px")
        self._area = ui.element("div")
        self._fill()
        ui.label(
            "Wheel and arrow keys step, Page Up and Down by 10, 1 2 3 choose the plane, a click sets the cursor. "
            "The power spectra show the missing wedge; lines are the ends of the tilt range in the table."
        ).classes("muted")
        ui.keyboard(on_key=self._key, ignore=["input", "select", "textarea"])
        elsewhere.draw(list(self.paths.values()))

    def _overlays(self) -> None:
        """What may lie over the slices: the mask, and how far the networks agree."""
        if self.mask is not None:
            ui.checkbox("Mask", on_change=self._outline).props('dense data-testid="mask"')
        if _CONFIDENCE in self.paths:
            with ui.column().style("gap: 2px; width: 170px"):
                ui.label("Confidence over slices, opacity").classes("muted").style("font-size: 12px")
                opacity = ui.slider(min=0, max=100, step=5, value=self.confidence, on_change=self._cover)
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
                self.view[name] = int(event.value) if step == 1 else float(event.value)
                self._show()

        field = ui.number(label, value=self.view[name], min=low, max=high, step=step, on_change=change)
        field.props(f'dense data-testid="{name}"').style("width: 110px")

    def _fill(self) -> None:
        """Make a pane for each volume that is to be shown."""
        self._area.style(
            f"display: grid; gap: 14px; width: 100%; grid-template-columns: repeat({max(1, len(self.shown))}, 1fr)"
        )
        self._area.clear()
        self._panes.clear()
        with self._area:
            for title in self.shown:
                with ui.column().style("gap: 6px; min-width: 0"):
                    ui.html(f"<h2>{title}</h2>", sanitize=False)
                    with ui.row().classes("w-full no-wrap items-start").style("gap: 10px"):
                        pane = ui.interactive_image(on_mouse=self._point, events=["mousedown"], sanitize=False)
                        pane.classes("w-full pixels").props(f'data-testid="pane-{title}"')
                        pane.on("wheel.prevent", self._wheel, ["deltaY"], throttle=0.04)
                        self._panes[title] = pane
                        self._spectra(self.paths[title])
        self._show()

    def _spectra(self, path: Path) -> None:
        measured = self.tomogram.measured
        with ui.column().style("gap: 8px; flex: none"):
            for plane in _SPECTRA:
                address = images.spectrum_address(path, plane, measured.traces(plane))
                with ui.column().style("gap: 2px"):
                    ui.html(
                        f'<img src="{address}" width="{_SPECTRUM}" alt="Power spectrum of {plane.upper()}">',
                        sanitize=False,
                    )
                    ui.label(f"power, {plane.upper()}").classes("muted").style("font-size: 12px")

    def _show(self) -> None:
        """Show the slices at the place."""
        index, plane = self.place[self.axis], self.view["plane"]
        self._label.set_text(f"{'zyx'[self.axis]} {index} of {self.shape[self.axis]}")
        for title, pane in self._panes.items():
            try:
                step = binning(self.session.volumes.get(self.paths[title]), plane, _SIZE)
            except IsonetError as error:
                ui.notify(str(error), type="negative")
                continue
            rows, columns = (edge for axis, edge in enumerate(self.shape) if axis != self.axis)
            pane.style(f"max-width: calc((100vh - 360px) * {columns / rows:.4f})")
            pane.set_source(images.slice_address(self.paths[title], View(index=index, size=_SIZE, **self.view)))
            pane.set_content(self._overlay(step))

    def _overlay(self, step: int) -> str:
        """The mask and the cursor, in pixels of the picture."""
        rows, columns = (edge // step for axis, edge in enumerate(self.shape) if axis != self.axis)
        down, right = ((place + 0.5) / step for axis, place in enumerate(self.place) if axis != self.axis)
        drawn = ""
        if self.outlined and self.mask is not None:
            address = images.outline_address(self.mask, self.view["plane"], self.place[self.axis], step)
            drawn = f'<image href="{address.replace("&", "&amp;")}" width="{columns}" height="{rows}" class="crisp"/>'
        if self.confidence:
            address = images.confidence_address(
                self.paths[_CONFIDENCE], self.view["plane"], self.place[self.axis], step
            ).replace("&", "&amp;")
            drawn = (
                f'<image href="{address}" width="{columns}" height="{rows}" class="crisp confidence" '
                f'opacity="{self.confidence / 100:g}"/>{drawn}'
            )
        style = f'stroke="#ffb347" stroke-width="{max(rows, columns) / 500:.3f}"'
        y = rows - down
        return (
            f'{drawn}<line x1="0" x2="{columns}" y1="{y}" y2="{y}" {style}/>'
            f'<line x1="{right}" x2="{right}" y1="0" y2="{rows}" {style}/>'
        )

    def _point(self, event: events.MouseEventArguments) -> None:
        step = binning(self.session.volumes.get(next(iter(self.paths.values()))), self.view["plane"], _SIZE)
        others = [axis for axis in range(3) if axis != self.axis]
        rows = self.shape[others[0]] // step
        for axis, at in zip(others, (rows - event.image_y, event.image_x), strict=True):
            self.place[axis] = min(max(int(at * step), 0), self.shape[axis] - 1)
        self._show()

    def _move(self, by: int) -> None:
        self.place[self.axis] = min(max(self.place[self.axis] + by, 0), self.shape[self.axis] - 1)
        self._slider.set_value(self.place[self.axis])

    def _slide(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.place[self.axis] = int(event.value)
        self._show()

    def _turn(self, plane: str) -> None:
        self.view["plane"] = plane
        self._slider.props(f"max={self.shape[self.axis] - 1}")
        self._slider.set_value(self.place[self.axis])
        self._show()

    def _wheel(self, event: events.GenericEventArguments) -> None:
        self._move(-1 if event.args["deltaY"] > 0 else 1)

    def _key(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown:
            return
        key = str(event.key)
        if key in _KEYS:
            self._move(_KEYS[key])
        elif key in _PLANES:
            self._plane.set_value(_PLANES[key])

    def _contrast(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if event.value["min"] < event.value["max"]:
            self.view.update(low=event.value["min"], high=event.value["max"])
            self._show()

    def _outline(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.outlined = event.value
        self._show()

    def _cover(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.confidence = int(event.value)
        self._show()

    def _choose(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.shown = [title for title in self.paths if title in event.value]
        self._fill()
