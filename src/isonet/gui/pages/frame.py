"""What every page has around it: the menu, the theme, and words for what is not there yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

from nicegui import ui

from isonet.errors import IsonetError
from isonet.gui.jobs import words
from isonet.gui.jobs.forms import OFFERED, STEPS
from isonet.gui.pages.session import Session

_STYLE = files("isonet.gui").joinpath("style.css").read_text("utf-8")
_CONNECTION = (
    '<div id="connection" role="alert" data-testid="connection" hidden><span></span><button>Try again</button></div>'
    f"<script>{files('isonet.gui').joinpath('connection.js').read_text('utf-8')}</script>"
)
_PLACES = (
    ("Project", "/"),
    ("Viewer", "/viewer"),
    ("Draw masks", "/masks"),
    ("Jobs", "/jobs"),
    ("Validation", "/validation"),
)


@contextmanager
def frame(session: Session, title: str, here: str) -> Iterator[None]:
    """Put a page into its frame; an error in it becomes a line on the page.

    Parameters
    ----------
    session : Session
        The session.
    title : str
        What the page is.
    here : str
        Its address, marked in the menu.
    """
    ui.add_css(_STYLE)
    ui.add_body_html(_CONNECTION)
    ui.page_title(f"{title} · isonet")
    ui.colors(primary="#12795a", secondary="#17324d", negative="#c8372d", positive="#12795a")
    dark = ui.dark_mode(session.dark)
    with ui.header(elevated=False).classes("bar"):
        ui.label("isonet").style("font-weight: 700; font-size: 16px; letter-spacing: .03em")
        ui.label(str(session.roots.project)).style("opacity: .75").props('data-testid="folder"')
        ui.space()

        def choose(value: bool | None) -> None:
            session.dark = value
            dark.set_value(value)

        with ui.row().style("gap: 2px"):
            for icon, value, name in (("light_mode", False, "Light"), ("dark_mode", True, "Dark")):
                button = ui.button(icon=icon, on_click=lambda _=None, value=value: choose(value))
                button.props(f'flat dense color=white aria-label="{name} theme"').tooltip(f"{name} theme")
    with ui.left_drawer(value=True, fixed=True).props("width=190 breakpoint=700").classes("menu"):
        _menu(here)
    ui.html(f"<h1>{title}</h1>", sanitize=False)
    try:
        yield
    except IsonetError as error:
        problem(str(error))


def _menu(here: str) -> None:
    def link(name: str, place: str) -> None:
        ui.link(name, place).classes("here" if place == here else "")

    for name, place in _PLACES[:1]:
        link(name, place)
    ui.label("Steps").classes("part")
    for name in STEPS:
        link(words.title(name), f"/step/{name}")
    ui.label("Look").classes("part")
    for name, place in _PLACES[1:]:
        link(name, place)
    ui.label("More").classes("part")
    for name in OFFERED:
        if name not in STEPS:
            link(words.title(name), f"/step/{name}")


def problem(text: str) -> None:
    """Say what is wrong."""
    with ui.row().classes("problem").props('role=alert data-testid="problem"'):
        ui.label(text).style("white-space: pre-wrap; overflow-wrap: anywhere")


def empty(text: str, action: str, place: str) -> None:
    """Say that there is nothing yet, and what to do."""
    with ui.column().classes("empty"):
        ui.label(text).classes("muted")
        ui.button(action, on_click=lambda: ui.navigate.to(place)).props("unelevated no-caps")


def with_own_keys(slider: ui.element) -> None:
    """Let the keys that move a slider move nothing else on the page."""
    slider.on("keydown.stop", js_handler="() => {}")
