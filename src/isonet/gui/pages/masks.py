"""Drawing masks: polygons over XY sections, and the outline of the automatic mask as its percentages are dragged."""

from functools import partial
from pathlib import Path
from typing import Any

from nicegui import events, ui

from isonet.errors import IsonetError
from isonet.gui.files import table
from isonet.gui.files.drawing import Drawing
from isonet.gui.jobs.forms import OFFERED, Form
from isonet.gui.pages.choice import with_tomogram
from isonet.gui.pages.frame import frame, with_own_keys
from isonet.gui.pages.session import Session
from isonet.gui.pictures import images
from isonet.gui.pictures.slices import View, binning, suiting_lowpass
from isonet.project.table import Tomogram

_SIZE = 1024
_REACH = 9.0  # pixels of the picture within which a corner is taken
_FOLDER = "polygons"
_BOUNDARY = "rlnMaskBoundary"
_ACTIONS = {
    "Insert": Drawing.insert,
    "Delete": Drawing.remove_corner,
    "Backspace": Drawing.remove_corner,
    "n": Drawing.add,
    "N": Drawing.add,
}
_MOVES = {"ArrowLeft": (-1, 0), "ArrowRight": (1, 0), "ArrowDown": (0, -1), "ArrowUp": (0, 1)}
_HELP = "Keys: Insert sets a corner, arrows move it (Shift: by ten), Delete removes it, N begins another polygon."
_SECTIONS = {"PageDown": -1, "PageUp": 1}


def add(session: Session) -> None:
    """Add the page."""

    @ui.page("/masks")
    def masks() -> None:
        with frame(session, "Draw masks", "/masks"):
            with_tomogram(session, lambda tomogram, there: MaskPage(session, tomogram, there).draw())


class MaskPage:
    """The drawing of one tomogram."""

    def __init__(self, session: Session, tomogram: Tomogram, there: dict[str, Path]) -> None:
        self.session = session
        self.tomogram = tomogram
        self.path = there.get("Deconvolved") or next(iter(there.values()))
        self.volume = session.volumes.get(self.path)
        depth, height, width = self.volume.shape
        self._lowpass = suiting_lowpass(self.volume.header.pixel_size)
        self.step = binning(self.volume, "xy", _SIZE)
        self.rows, self.columns = height // self.step, width // self.step
        self.index = depth // 2
        self.file = session.roots.allowed(f"{_FOLDER}/{tomogram.name}.json")
        self.drawing = Drawing.read(self.file, (width, height, depth))
        sign = 1 if tomogram.text("rlnTomoContrast") == "light" else -1
        density, deviation = tomogram.number("rlnMaskDensityPercentage"), tomogram.number("rlnMaskStdPercentage")
        self.choice: dict[str, float] = {
            "density": density or 50.0,
            "deviation": deviation or 50.0,
            "patch": 4,
            "sign": sign,
        }
        self.automatic = False
        self._dragging = False

    def draw(self) -> None:
        """Draw the picture and, beside it, what can be done."""
        with ui.row().classes("w-full no-wrap items-start").style("gap: 18px"):
            with ui.column().classes("col").style("min-width: 0; gap: 8px"):
                self._image = ui.interactive_image(
                    on_mouse=self._mouse, events=["mousedown", "mousemove", "mouseup"], cross=True, sanitize=False
                )
                self._image.classes("w-full pixels").props('data-testid="canvas"').style(
                    f"cursor: crosshair; max-width: calc((100vh - 250px) * {self.columns / self.rows:.4f})"
                )
                self._image.on("wheel.prevent", self._wheel, ["deltaY"], throttle=0.04)
                with ui.row().classes("w-full items-center no-wrap"):
                    self._label = ui.label().style("min-width: 110px")
                    self._slider = ui.slider(
                        min=0, max=self.volume.shape[0] - 1, value=self.index, on_change=self._slide
                    ).props('aria-label="Section" data-testid="section"')
                    with_own_keys(self._slider)
            with ui.column().style("width: 300px; flex: none; gap: 12px"):
                self._polygon_panel()
                self._automatic_panel()
        ui.keyboard(on_key=self._key, ignore=["input", "select", "textarea"])
        self._show()

    def _polygon_panel(self) -> None:
        with ui.column().classes("panel"):
            ui.html("<h2>Polygons</h2>", sanitize=False)
            ui.label("Click to set corners, drag to move them.").classes("muted")
            ui.label(_HELP).classes("muted").style("font-size: 12px; line-height: 1.35")
            self._list = ui.column().style("gap: 2px; width: 100%")
            with ui.row().style("gap: 6px"):
                new = ui.button("New", icon="add", on_click=lambda: self._do(self.drawing.add))
                new.props('outline dense no-caps padding="2px 10px" data-testid="new-polygon"')
                for text, action in (
                    ("Remove corner", self.drawing.remove_corner),
                    ("Remove polygon", self.drawing.remove),
                ):
                    ui.button(text, on_click=lambda _=None, action=action: self._do(action)).props("flat dense no-caps")
            self._exclude = ui.checkbox("Leave out what it encloses", on_change=self._set_exclude)
            self._exclude.props('dense data-testid="exclude"')
            self._limited = ui.checkbox("Only some sections", on_change=self._set_range)
            self._limited.props('dense data-testid="limited"')
            depth = self.volume.shape[0] - 1
            self._range = ui.range(min=0, max=depth, value={"min": 0, "max": depth}, on_change=self._set_range)
            with_own_keys(self._range.props('dense label aria-label="Sections" data-testid="sections"'))
            ui.button("Save polygons", icon="save", on_click=self._save).props('unelevated no-caps data-testid="save"')

    def _automatic_panel(self) -> None:
        with ui.column().classes("panel"):
            ui.html("<h2>Automatic mask</h2>", sanitize=False)

            def switch(event: events.ValueChangeEventArguments[Any]) -> None:
                self.automatic = event.value
                self._show()

            ui.checkbox("Show its outline", on_change=switch).props('dense data-testid="automatic"')
            for name, text in (("density", "Density, % kept"), ("deviation", "Standard deviation, % kept")):
                ui.label(text).classes("muted")
                share = ui.slider(min=1, max=100, value=self.choice[name], on_change=partial(self._choose, name))
                with_own_keys(share.props(f'dense label aria-label="{text}" data-testid="{name}"'))
            ui.label("Large tomograms are looked at on a coarser copy here than by mask.").classes("muted")
            go = ui.button("Go on to mask", icon="arrow_forward", on_click=self._go_on)
            go.props('outline no-caps data-testid="to-mask"')

    def _mouse(self, event: events.MouseEventArguments) -> None:
        at = event.image_x * self.step, (self.rows - event.image_y) * self.step
        if event.type == "mousedown":
            self._dragging = True
            self.drawing.press(at, _REACH * self.step * max(self.columns, 1) / _SIZE)
        elif event.type == "mousemove":
            if not self._dragging:
                return
            if not event.buttons:  # released outside of the picture
                self._dragging = False
                return
            self.drawing.drag(at)
        else:
            self._dragging = False
        self._show()

    def _do(self, action: Any) -> None:
        action()
        self._show()

    def _show(self) -> None:
        """Show the section, the outline and the polygons."""
        view = View("xy", self.index, min(5, self.volume.shape[0]), self._lowpass, size=_SIZE)
        self._image.set_source(images.slice_address(self.path, view))
        picture = self.rows, self.columns
        drawn = [
            self.drawing.svg(number, self.index, self.step, picture, _SIZE)
            for number in range(len(self.drawing.shapes))
        ]
        if self.automatic:
            address = images.automatic_address(self.path, self.index, self.step, self.choice).replace("&", "&amp;")
            drawn.insert(0, f'<image href="{address}" width="{self.columns}" height="{self.rows}" class="crisp"/>')
        self._image.set_content("".join(drawn))
        self._label.set_text(f"z {self.index} of {self.volume.shape[0]}")
        self._list.clear()
        with self._list:
            for number, shape in enumerate(self.drawing.shapes):
                kind = "leave out" if shape.exclude else "keep"
                sections = "all sections" if shape.z is None else f"z {shape.z[0]} to {shape.z[1]}"
                text = f"{number + 1}: {kind}, {len(shape.points)} corners, {sections}"
                item = ui.button(text, on_click=partial(self._select, number), color=None)
                item.props("flat dense no-caps align=left")
                item.style(f"color: var(--{'accent' if number == self.drawing.current else 'muted'})")
        current = self.drawing.shape
        self._exclude.set_value(bool(current and current.exclude))
        self._limited.set_value(bool(current and current.z))
        self._range.set_visibility(bool(current and current.z))
        if current and current.z:
            self._range.set_value({"min": current.z[0], "max": current.z[1]})

    def _select(self, number: int) -> None:
        self.drawing.current, self.drawing.corner = number, -1
        self._show()

    def _set_exclude(self, event: events.ValueChangeEventArguments[Any]) -> None:
        shape = self.drawing.shape
        if shape is not None and shape.exclude != event.value:
            shape.exclude = event.value
            self._show()

    def _set_range(self, _event: events.ValueChangeEventArguments[Any]) -> None:
        shape = self.drawing.shape
        if shape is None:
            return
        ends = (int(self._range.value["min"]), int(self._range.value["max"])) if self._limited.value else None
        if ends != shape.z:
            shape.z = ends
            self._show()

    def _choose(self, name: str, event: events.ValueChangeEventArguments[Any]) -> None:
        self.choice[name] = event.value
        if self.automatic:
            self._show()

    def _slide(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.index = int(event.value)
        self._show()

    def _wheel(self, event: events.GenericEventArguments) -> None:
        self._go(-1 if event.args["deltaY"] > 0 else 1)

    def _go(self, by: int) -> None:
        self._slider.set_value(min(max(self.index + by, 0), self.volume.shape[0] - 1))

    def _key(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown:
            return
        key = str(event.key)
        if key in _ACTIONS:
            self._do(partial(_ACTIONS[key], self.drawing))
        elif key in _MOVES:
            far = (10 if event.modifiers.shift else 1) * self.step
            self._do(partial(self.drawing.nudge, (far * _MOVES[key][0], far * _MOVES[key][1])))
        elif key in _SECTIONS:
            self._go(_SECTIONS[key])

    def _save(self) -> None:
        """Write the files, and name them in the table, where `mask` finds them."""
        try:
            self.drawing.save(self.file, self.tomogram.number("rlnPixelSize") or self.volume.header.pixel_size)
            project = self.session.project()
            if project is not None:
                project.recorded(self.tomogram.index, **{_BOUNDARY: project.entry(self.file)})
        except IsonetError as error:
            ui.notify(str(error), type="negative")
        else:
            place = self.session.roots.shown(self.file)
            ui.notify(f"saved to {place} and .mod; mask will use them", type="positive")

    def _go_on(self) -> None:
        """Open the form of mask with the percentages chosen here."""
        form = Form(OFFERED["mask"], {"star": table.NAME})
        form.set("density_percentage", f"{self.choice['density']:g}")
        form.set("std_percentage", f"{self.choice['deviation']:g}")
        self.session.forms["mask"] = form
        ui.navigate.to("/step/mask")
