"""Choosing a file or folder of the machine where the interface runs, in place of typing its path."""

import shlex
from collections.abc import Callable
from pathlib import Path

from nicegui import ui

from isonet.errors import IsonetError
from isonet.gui.files import browsing
from isonet.gui.files.browsing import Entry
from isonet.gui.pages.session import Session


class Chooser:
    """One dialog for all the fields of a page that name a path; made where the page begins."""

    def __init__(self, session: Session) -> None:
        self.roots = session.roots
        self._folder = session.roots.project
        self._take: Callable[[Path], None] = lambda _path: None
        with ui.dialog() as self._dialog, ui.card().style("width: 680px; max-width: 94vw; gap: 10px"):
            self._title = ui.label().style("font-weight: 600; font-size: 15px")
            with ui.row().classes("items-center no-wrap w-full"):
                self._up = ui.button(icon="arrow_upward", on_click=self._go_up)
                self._up.props('flat dense aria-label="Folder above" data-testid="choose-up"')
                self._where = ui.label().classes("command").props('data-testid="choose-where"')
            if self.roots.others:
                with ui.row().style("gap: 6px"):
                    for root in (self.roots.project, *self.roots.others):
                        button = ui.button(root.name, on_click=lambda _=None, root=root: self._open(root))
                        button.props("outline dense no-caps").tooltip(str(root))
            self._problem = ui.label().classes("problem").props("role=alert")
            self._list = ui.column().classes("w-full").props('data-testid="choose-list"')
            self._list.style("gap: 0; height: 46vh; overflow: auto; flex-wrap: nowrap; border: 1px solid var(--line)")
            with ui.row():
                choose = ui.button("Choose this folder", on_click=lambda: self._chosen(self._folder))
                choose.props('unelevated no-caps data-testid="choose-folder"')
                ui.button("Cancel", on_click=self._dialog.close).props("flat no-caps")

    def attach(self, field: ui.input, many: bool = False) -> None:
        """Put a button into a field that opens the dialog; of `many` paths, another one is added to the others."""

        def take(path: Path) -> None:
            text = self.roots.shown(path)
            before = (field.value or "").strip() if many else ""
            field.set_value(f"{before} {shlex.quote(text)}".strip() if many else text)

        with field.add_slot("append"):
            button = ui.button(icon="folder_open", on_click=lambda: self._ask(field, take)).props("flat dense round")
            button.props["aria-label"] = f"Choose a file or folder: {field.props['label'].rstrip(' *')}"
            button.tooltip("Choose on this machine")

    def _ask(self, field: ui.input, take: Callable[[Path], None]) -> None:
        self._take = take
        self._title.set_text(field.props["label"].rstrip(" *"))
        self._open(browsing.begin(self.roots, field.value or ""))
        self._dialog.open()

    def _open(self, folder: Path) -> None:
        """Show what a folder holds."""
        self._problem.set_visibility(False)
        try:
            inside = browsing.entries(self.roots, folder)
        except IsonetError as error:
            self._problem.set_text(str(error))
            self._problem.set_visibility(True)
            return
        self._folder = folder
        self._where.set_text(str(folder))
        self._up.set_enabled(browsing.above(self.roots, folder) is not None)
        self._list.clear()
        with self._list:
            for entry in inside[: browsing.MOST]:
                self._row(entry)
            if len(inside) > browsing.MOST:
                ui.label(f"and {len(inside) - browsing.MOST} more; type the path").classes("muted")
            if not inside:
                ui.label("This folder is empty.").classes("muted").style("padding: 8px 12px")

    def _row(self, entry: Entry) -> None:
        def click() -> None:
            if entry.is_folder:
                self._open(entry.path)
            else:
                self._chosen(entry.path)

        button = ui.button(on_click=click, color=None).props("flat no-caps align=left padding=4px").classes("w-full")
        with button, ui.row().classes("items-center no-wrap w-full").style("color: var(--ink); gap: 10px"):
            ui.icon("folder" if entry.is_folder else "insert_drive_file").classes("muted")
            ui.label(entry.path.name).style("overflow-wrap: anywhere; text-align: left; flex: 1")
            if entry.size:
                ui.label(browsing.size_text(entry.size)).classes("muted").style("white-space: nowrap")

    def _go_up(self) -> None:
        place = browsing.above(self.roots, self._folder)
        if place is not None:
            self._open(place)

    def _chosen(self, path: Path) -> None:
        self._take(path)
        self._dialog.close()
