"""The project: its tomograms, what is known of them, and what each step has made."""

from functools import partial
from urllib.parse import urlencode

from nicegui import events, ui

from isonet.errors import IsonetError
from isonet.gui.files import reports, table
from isonet.gui.pages.chooser import Chooser
from isonet.gui.pages.frame import frame
from isonet.gui.pages.gallery import LatestPicture
from isonet.gui.pages.session import Session
from isonet.gui.pages.stepper import Stepper
from isonet.gui.pictures import images
from isonet.gui.pictures.slices import View, suiting_lowpass
from isonet.io.text import counted
from isonet.project.table import Project, Tomogram

_THUMBNAIL = 96
_MOST_PRODUCTS = 4


def add(session: Session) -> None:
    """Add the page."""

    @ui.page("/")
    def overview() -> None:
        with frame(session, "Project", "/"):
            project = session.project()
            if project is None:
                _begin(session)
                return
            Stepper(session)
            following = session.way().following
            LatestPicture(session)
            _products(session)
            _table(session, project, following)
            with ui.expansion("Add more tomograms").classes("w-full").props('dense data-testid="more"'):
                _add_tomograms(session, is_first=False)


def _begin(session: Session) -> None:
    """What an empty project needs."""
    with ui.column().classes("empty"):
        ui.icon("folder_open").classes("muted").style("font-size: 40px")
        ui.label("No tomograms yet. Say where they are: a folder, or files.").style("font-size: 16px; font-weight: 600")
        _add_tomograms(session, is_first=True)
        ui.label(
            f"This makes {table.NAME}, the table that every step reads and adds to. The next page shows what was "
            "found and asks for halves and metadata."
        ).classes("muted").style("max-width: 760px; text-align: center")
    Stepper(session, has_action=False)


def _add_tomograms(session: Session, is_first: bool) -> None:
    """Ask for folders, and go on with what is there."""
    with ui.row().classes("items-end no-wrap w-full").style("max-width: 760px"):
        field = ui.input("Folder or files with tomograms", placeholder="tomograms/ or /data/*.mrc")
        field.classes("col").props('dense stack-label data-testid="add-folder"')
        Chooser(session).attach(field)

        def go_on() -> None:
            ui.navigate.to(f"/add?{urlencode({'folder': field.value or ''})}")

        field.on("keydown.enter", go_on)
        button = ui.button("Add tomograms", icon="add", on_click=go_on).props('no-caps data-testid="add"')
        button.props("unelevated" if is_first else "outline")


def _products(session: Session) -> None:
    """What was made of all tomograms together: sub-volumes, models, validations, reports."""
    made = table.products(session.roots.project)
    found = reports.find(session.roots.project)
    if not made and not found:
        return
    with ui.row().classes("items-baseline").style("gap: 6px 22px").props('data-testid="products"'):
        for step, paths in made.items():
            with ui.row().classes("items-baseline").style("gap: 8px"):
                ui.badge(step).props("color=primary")
                for path in paths[:_MOST_PRODUCTS]:
                    name = session.roots.shown(path)
                    ui.link(name, "/validation") if step == "validate" else ui.label(name)
                if len(paths) > _MOST_PRODUCTS:
                    ui.label(f"and {len(paths) - _MOST_PRODUCTS} more").classes("muted")
        if found:
            with ui.row().classes("items-baseline").style("gap: 8px").props('data-testid="reports"'):
                ui.badge("report").props("color=primary")
                for path in found:
                    ui.link(session.roots.shown(path), reports.address(path), new_tab=True)


def _table(session: Session, project: Project, following: str) -> None:
    columns = [column for column in table.EDITABLE if any(column.name in each.row for each in project.tomograms)]
    with ui.row().classes("items-baseline"):
        ui.html(f"<h2>{counted(len(project.tomograms), 'tomogram')}</h2>", sanitize=False)
        ui.label("Click a value to change it; it is checked and written to the table at once.").classes("muted")
    with ui.element("div").style("overflow-x: auto; width: 100%"), ui.element("table").classes("cells"):
        with ui.element("thead"), ui.element("tr"):
            for title in ("", "Tomogram", *(column.title for column in columns), "Made so far"):
                with ui.element("th"):
                    ui.label(title)
        with ui.element("tbody"):
            for tomogram in project.tomograms:
                _row(session, tomogram, columns, following)


def _row(session: Session, tomogram: Tomogram, columns: list[table.Column], following: str) -> None:
    with ui.element("tr"):
        with ui.element("td"):
            _thumbnail(session, tomogram)
        with ui.element("td"):
            ui.label(f"{tomogram.index}  {tomogram.name}").style("font-weight: 600; white-space: nowrap")
            ui.label("even and odd halves" if tomogram.has_halves else "one map").classes("muted")
        for column in columns:
            with ui.element("td"):
                _cell(session, tomogram, column)
        with ui.element("td"):
            done = table.made(tomogram)
            with ui.row().style("gap: 4px"):
                for step in done:
                    ui.badge(step).props("color=primary")
                if not done:
                    ui.label(following).classes("muted")


def _thumbnail(session: Session, tomogram: Tomogram) -> None:
    """Middle section, low-passed; it leads to the viewer."""
    there = list(table.volumes(tomogram).values())

    def look() -> None:
        session.chosen = tomogram.index
        ui.navigate.to("/viewer")

    if not there:
        ui.label("file is gone").classes("muted")
        return
    try:
        path = session.roots.allowed(there[0])
        volume = session.volumes.get(path)
        depth, lowpass = volume.shape[0], suiting_lowpass(volume.header.pixel_size)
        address = images.slice_address(path, View("xy", depth // 2, min(5, depth), lowpass, size=_THUMBNAIL))
    except IsonetError as error:
        ui.icon("visibility_off").tooltip(str(error))
        return
    button = ui.button(on_click=look).props("flat dense padding=none")
    button.props["aria-label"] = f"View {tomogram.name}"
    with button:
        picture = f'<img src="{address}" width="{_THUMBNAIL}" alt="" style="display:block;border-radius:4px">'
        ui.html(picture, sanitize=False)


def _cell(session: Session, tomogram: Tomogram, column: table.Column) -> None:
    """One value that can be changed."""
    field = ui.input(value=tomogram.text(column.name) or "", validation=partial(_complaint, column))
    field.style("width: 92px").props('dense hide-bottom-space input-style="text-align:right"')
    field.props["aria-label"] = f"{column.title} of {tomogram.name}"
    field.props["data-testid"] = f"cell-{column.name}-{tomogram.index}"

    def save(_event: events.GenericEventArguments) -> None:
        if field.value == (tomogram.text(column.name) or "") or _complaint(column, field.value):
            return
        try:
            table.edit(session.table, tomogram.index, column, field.value)
        except IsonetError as error:
            field.error = str(error)
        else:
            ui.notify(f"{column.title} of {tomogram.name}: {field.value or 'left to the default'}", type="positive")

    field.on("blur", save)
    field.on("keydown.enter", save)


def _complaint(column: table.Column, text: str) -> str | None:
    """What is wrong with a value, if anything."""
    try:
        column.checked(text or "")
    except IsonetError as error:
        return str(error)
    return None
