"""Adding tomograms: what is found, which halves belong together, and what to do about those that do not."""

import asyncio
from functools import partial
from pathlib import Path

from nicegui import events, ui

from isonet.errors import IsonetError
from isonet.gui.files.pairing import Line, Pairing, State, places
from isonet.gui.jobs.forms import OFFERED, Form
from isonet.gui.pages.chooser import Chooser
from isonet.gui.pages.frame import frame
from isonet.gui.pages.session import Session

_FIELDS = (
    ("tomograms", "Folders or files with tomograms", "tomograms/ or /data/*.mrc"),
    ("even", "Even halves", "where they lie apart: a folder or file"),
    ("odd", "Odd halves", "a folder or file; may be that of the even ones"),
    ("metadata", "Tilts and CTF", "Warp, RELION 5, AreTomo, IMOD, SerialEM"),
)
_COLOURS = {State.HALVES: "primary", State.ONE_MAP: "grey-7", State.NAMED_HALF: "orange-9"}
_MOST = 300


def add(session: Session) -> None:
    """Add the page."""

    @ui.page("/add")
    def adding(folder: str = "") -> None:
        with frame(session, "Add tomograms", "/"):
            AddingPage(session, folder).draw()


class AddingPage:
    """What was named, what was found, and what the user makes of it."""

    def __init__(self, session: Session, folder: str) -> None:
        self.session = session
        self.given = {name: "" for name, _, _ in _FIELDS} | {"tomograms": folder}
        self.pairing = Pairing([], as_found=True)

    def draw(self) -> None:
        """Draw the fields, and below what is found."""
        chooser = Chooser(self.session)
        with ui.column().classes("panel"):
            with ui.element("div").style("display: grid; grid-template-columns: 1fr 1fr; gap: 10px 22px; width: 100%"):
                for name, label, hint in _FIELDS:
                    field = ui.input(label, value=self.given[name], placeholder=hint)
                    field.props(f'dense stack-label data-testid="add-{name}"')
                    field.on_value_change(partial(self._give, name))
                    field.on("keydown.enter", self._look)
                    chooser.attach(field, many=name == "tomograms")
            with ui.row().classes("items-center"):
                look = ui.button("Look what is there", icon="search", on_click=self._look)
                look.props('outline no-caps data-testid="look"')
                self._go = ui.button("Go on to prepare", icon="arrow_forward", on_click=self._go_on)
                self._go.props('unelevated no-caps data-testid="go-on"')
                self._summary = ui.label().classes("muted").props('aria-live=polite data-testid="found"')
        self._problem = ui.label().classes("problem").props('role=alert data-testid="add-problem"')
        self._problem.set_visibility(False)
        self._table = ui.element("div").style("width: 100%; overflow-x: auto").props('data-testid="pairs"')
        with ui.dialog() as self._dialog, ui.card().style("min-width: 640px; gap: 12px"):
            self._form = ui.column().classes("w-full")
        if self.given["tomograms"]:
            ui.timer(0.1, self._look, once=True)
        self._show()

    def _give(self, name: str, event: events.ValueChangeEventArguments[str | None]) -> None:
        self.given[name] = (event.value or "").strip()

    async def _look(self) -> None:
        """Look for tomograms where they were said to be."""
        self._problem.set_visibility(False)
        try:
            self.pairing = await asyncio.to_thread(self._found)
        except (IsonetError, OSError) as error:
            self.pairing = Pairing([], as_found=True)
            self._problem.set_text(str(error))
            self._problem.set_visibility(True)
        self._show()

    def _found(self) -> Pairing:
        roots = self.session.roots
        paths = places(self.given["tomograms"], roots)
        halves = [places(self.given[name], roots) for name in ("even", "odd")]
        even, odd = (each[0] if each else None for each in halves)
        if not paths and (even is None or odd is None):
            paths = [roots.project]
        found = Pairing.find(paths, even, odd)
        for path in found.files:
            roots.allowed(path)
        return found

    def _show(self) -> None:
        """Show the table, and whether one can go on."""
        states = {id(line): line.state for line in self.pairing.lines}
        wrong = [line for line in self.pairing.chosen if not states[id(line)].is_usable]
        self._go.set_enabled(bool(self.pairing.chosen) and not wrong)
        self._summary.set_text(_summary(self.pairing, wrong) if self.pairing.lines else "")
        self._table.clear()
        if not self.pairing.lines:
            return
        with self._table, ui.element("table").classes("cells").style("width: 100%"):
            with ui.element("thead"), ui.element("tr"):
                for title in ("Add", "Tomogram", "Full", "Even half", "Odd half", "State", ""):
                    with ui.element("th"):
                        ui.label(title)
            with ui.element("tbody"):
                for number, line in enumerate(self.pairing.lines[:_MOST]):
                    self._row(number, line, states[id(line)])
        if len(self.pairing.lines) > _MOST:
            with self._table:
                ui.label(f"and {len(self.pairing.lines) - _MOST} more").classes("muted")

    def _row(self, number: int, line: Line, state: State) -> None:
        with ui.element("tr").props(f'data-testid="pair-{number}"'):
            with ui.element("td"):
                box = ui.checkbox(value=line.chosen, on_change=lambda event: self._choose(line, event.value))
                box.props("dense").props["aria-label"] = f"Add {line.name}"
            for text in (line.name, *(self._text(path) for path in line.files)):
                with ui.element("td"):
                    ui.label(text).style("overflow-wrap: anywhere")
            with ui.element("td"):
                ui.badge(state.value).props(f"color={_COLOURS.get(state, 'negative')}")
            with ui.element("td"):
                change = ui.button("Change", on_click=lambda: self._change(line))
                change.props(f"flat dense no-caps {'' if state.is_usable else 'color=negative'}")
                change.props["aria-label"] = f"Change {line.name}"

    def _text(self, path: Path | None) -> str:
        return "" if path is None else self.session.roots.shown(path)

    def _choose(self, line: Line, chosen: bool) -> None:
        self.pairing.choose(line, chosen)
        self._show()

    def _change(self, line: Line) -> None:
        """Ask which files a tomogram consists of."""
        files = {str(path): self._text(path) for path in self.pairing.files}
        self._form.clear()
        with self._form:
            ui.html("<h2>Which files belong together?</h2>", sanitize=False)
            ui.label("A file that is chosen here is taken from the tomogram that had it.").classes("muted")
            fields = [
                ui.select({"": "none", **files}, value="" if path is None else str(path), label=label)
                for label, path in zip(("Full tomogram", "Even half", "Odd half"), line.files, strict=True)
            ]
            for name, field in zip(("full", "even", "odd"), fields, strict=True):
                field.classes("w-full").props(f'dense data-testid="change-{name}"')
            wrong = ui.label().classes("problem")
            wrong.set_visibility(False)

            def swap() -> None:
                fields[1].value, fields[2].value = fields[2].value, fields[1].value

            def apply() -> None:
                try:
                    self.pairing.assign(line, *(Path(field.value) if field.value else None for field in fields))
                except IsonetError as error:
                    wrong.set_text(str(error))
                    wrong.set_visibility(True)
                    return
                self._dialog.close()
                self._show()

            with ui.row():
                ui.button("Apply", on_click=apply).props('unelevated no-caps data-testid="apply"')
                ui.button("Swap even and odd", on_click=swap).props("outline no-caps")
                ui.button("Cancel", on_click=self._dialog.close).props("flat no-caps")
        self._dialog.open()

    def _go_on(self) -> None:
        """Open the form of prepare: with what was named, or with a table of what was changed."""
        form = Form(OFFERED["prepare"], {"tomograms": self.given["tomograms"]})
        if self.pairing.as_found and not any(sign in self.given["tomograms"] for sign in "*?["):
            form.arguments["tomograms"] = self.given["tomograms"] or ("" if self.given["even"] else ".")
            for name in ("even", "odd"):
                form.set(name, self.given[name])
        else:
            try:
                path = self.pairing.write(self.session.roots.project)
            except IsonetError as error:
                ui.notify(str(error), type="negative")
                return
            form.arguments["tomograms"] = path.name
        form.set("metadata", self.given["metadata"])
        if self.session.table.exists():
            form.set("append", "true")
        self.session.forms["prepare"] = form
        ui.navigate.to("/step/prepare")


def _summary(pairing: Pairing, wrong: list[Line]) -> str:
    """Say in a line what is there."""
    halves = sum(line.even is not None and line.odd is not None for line in pairing.chosen)
    text = f"{len(pairing.chosen)} of {len(pairing.lines)} to add, {halves} with even and odd halves"
    return text + (f"; {len(wrong)} to mend or to leave out first" if wrong else "")
