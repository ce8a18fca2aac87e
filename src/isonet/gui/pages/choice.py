"""Choosing the tomogram that the viewer and the drawing of masks look at."""

from collections.abc import Callable
from glob import escape
from pathlib import Path
from typing import Any

from nicegui import events, ui

from isonet.errors import InputError
from isonet.gui.files import table
from isonet.gui.pages.frame import empty, problem
from isonet.gui.pages.session import Session
from isonet.project.table import Project, Tomogram


def with_tomogram(session: Session, draw: Callable[[Tomogram, dict[str, Path]], None]) -> None:
    """Let the user choose a tomogram and draw the page for it, or say that there is none.

    Parameters
    ----------
    session : Session
        The session; it remembers the choice.
    draw : callable
        Given the tomogram and its volumes by what they are, all of one shape.

    Raises
    ------
    InputError
        If its volumes are gone.
    """
    project = session.project()
    if project is None:
        empty("Nothing to look at yet: this project has no tomograms.", "Add tomograms", "/")
        return
    names = {each.index: f"{each.index}  {each.name}" for each in project.tomograms}
    if session.chosen not in names:
        session.chosen = next(iter(names))

    def choose(event: events.ValueChangeEventArguments[Any]) -> None:
        session.chosen = event.value
        ui.navigate.reload()

    if len(names) > 1:
        choice = ui.select(names, value=session.chosen, label="Tomogram", on_change=choose)
        choice.props("dense").style("min-width: 260px")
    tomogram = next(each for each in project.tomograms if each.index == session.chosen)
    there = _volumes(session, project, tomogram)
    if there:
        draw(tomogram, there)


def _volumes(session: Session, project: Project, tomogram: Tomogram) -> dict[str, Path]:
    """Volumes of a tomogram that can be laid over each other, with the confidence that validate found.

    Of what cannot be read, a line on the page says why.
    """
    named = table.volumes(tomogram)
    if not named:
        raise InputError(f"{tomogram.name}: its files are gone; put them back, or run prepare again")
    alone = ["*/confidence.mrc"] if len(project.tomograms) == 1 else []
    names = [f"*/{escape(tomogram.name)}_confidence.mrc", *alone]
    for name in names:
        for path in sorted(session.roots.project.glob(name)):
            named.setdefault("Confidence", path)
    there, shapes = {}, {}
    for title, path in named.items():
        try:
            place = session.roots.allowed(path)
            shapes[title] = session.volumes.get(place).shape
        except InputError as error:
            problem(str(error))
        else:
            there[title] = place
    return {title: path for title, path in there.items() if shapes[title] == next(iter(shapes.values()))}
