"""Pictures of a run: small ones, the newest first; a click, or Enter, enlarges one. The newest of a project."""

import asyncio
from collections.abc import Sequence
from html import escape
from pathlib import Path

from nicegui import events, ui

from isonet.gui.jobs.run_folder import latest_picture
from isonet.gui.pages.session import Session
from isonet.gui.pictures import images

_SMALL = 320
_MOST = 60
_LATEST = 960
_SECONDS = 3.0
_KEYS = {"ArrowLeft": -1, "ArrowRight": 1}


class Gallery:
    """A strip of pictures, and one of them enlarged."""

    def __init__(self) -> None:
        self._pictures: list[Path] = []
        self._addresses: list[str] = []
        self._enlarged = 0
        self._heading = ui.label().style("font-weight: 600").props('data-testid="gallery-title"')
        self._strip = ui.element("div").classes("gallery").props('data-testid="gallery"')
        with ui.dialog().props("maximized") as self._dialog, ui.card().classes("w-full enlarged"):
            with ui.row().classes("items-center w-full no-wrap"):
                self._name = ui.label().style("font-weight: 600").props('data-testid="enlarged-name"')
                ui.space()
                for icon, by, label in (("chevron_left", -1, "Newer picture"), ("chevron_right", 1, "Older picture")):
                    ui.button(icon=icon, on_click=lambda _=None, by=by: self._turn(by)).props(
                        f'flat aria-label="{label}"'
                    )
                ui.button(icon="close", on_click=self._dialog.close).props('flat aria-label="Close" autofocus')
            self._large = ui.html(sanitize=False).classes("w-full").props('data-testid="enlarged"')
        self._keyboard = ui.keyboard(on_key=self._key, active=False, ignore=["input", "select", "textarea"])
        self._dialog.on_value_change(lambda event: setattr(self._keyboard, "active", bool(event.value)))
        self.show([])

    def show(self, pictures: Sequence[Path]) -> None:
        """Show these pictures, given the newest first; nothing happens while they stay the same."""
        addresses = [images.picture_address(path, _SMALL) for path in pictures[:_MOST]]
        self._heading.set_visibility(bool(addresses))
        if addresses == self._addresses:
            return
        kept = self._pictures[self._enlarged] if self._pictures else None
        self._pictures, self._addresses = list(pictures[:_MOST]), addresses
        self._enlarged = self._pictures.index(kept) if kept in self._pictures else 0
        self._heading.set_text(f"Pictures of the run, {len(addresses)}, the newest first")
        self._strip.clear()
        with self._strip:
            for number, (path, address) in enumerate(zip(self._pictures, addresses, strict=True)):
                button = ui.button(on_click=lambda _=None, number=number: self._enlarge(number))
                button.props("flat no-caps padding=4px").props["aria-label"] = f"Enlarge {path.stem}"
                with button, ui.column().classes("items-start").style("gap: 2px"):
                    ui.html(f'<img src="{address}" alt="" width="{_SMALL}">', sanitize=False)
                    ui.label(f"{path.parent.name}/{path.name}").classes("muted").style("font-size: 12px")

    def _enlarge(self, number: int) -> None:
        self._enlarged = number
        self._turn(0)
        self._dialog.open()

    def _turn(self, by: int) -> None:
        """Go to a newer or an older picture."""
        self._enlarged = min(max(self._enlarged + by, 0), len(self._pictures) - 1)
        path = self._pictures[self._enlarged]
        self._name.set_text(f"{path.parent.name}/{path.name}, {self._enlarged + 1} of {len(self._pictures)}")
        address = images.picture_address(path)
        self._large.set_content(f'<img src="{address}" alt="Picture {escape(path.stem)}">')

    def _key(self, event: events.KeyEventArguments) -> None:
        if event.action.keydown and str(event.key) in _KEYS:
            self._turn(_KEYS[str(event.key)])


class LatestPicture:
    """The picture of the latest iteration of a project's trainings; it changes as they go on."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._address = ""
        self._area = ui.column().classes("panel").props('data-testid="latest"')
        self._area.set_visibility(False)
        self._show(latest_picture(session.roots.project))
        ui.timer(_SECONDS, self._refresh)

    async def _refresh(self) -> None:
        self._show(await asyncio.to_thread(latest_picture, self.session.roots.project))

    def _show(self, path: Path | None) -> None:
        if path is None or (address := images.picture_address(path, _LATEST)) == self._address:
            return
        self._address = address
        self._area.set_visibility(True)
        self._area.clear()
        run = path.parent.parent
        job = next((job for job in reversed(self.session.jobs.all()) if job.run_folder == run), None)
        with self._area, ui.row().classes("items-baseline"):
            folder = escape(self.session.roots.shown(run))
            ui.html(f"<h2>Latest iteration of the training in {folder}</h2>", sanitize=False)
            if job is not None:
                ui.link("its curves and all pictures", f"/jobs?number={job.number}")
        with self._area:
            name = f"Before and after, {escape(path.stem)}"
            ui.html(f'<img src="{address}" alt="{name}" class="latest">', sanitize=False)
