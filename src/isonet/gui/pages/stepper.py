"""The way of a project from tomograms to a report: what is done, what is in work, and a button for what comes next."""

import asyncio

from nicegui import ui

from isonet.errors import IsonetError
from isonet.gui.jobs.stages import Action, State, Way
from isonet.gui.pages.session import Session

_SECONDS = 2.0
_ICONS = {
    State.DONE: "check_circle",
    State.NEXT: "arrow_circle_right",
    State.WORKING: "autorenew",
    State.FAILED: "error",
    State.LEFT_OUT: "remove_circle_outline",
    State.LATER: "radio_button_unchecked",
}


class Stepper:
    """Every step with its state, and the next action; drawn anew as the project goes on."""

    def __init__(self, session: Session, has_action: bool = True) -> None:
        self.session = session
        self._has_action = has_action
        self._way: Way | None = None
        self._area = ui.column().classes("panel").style("gap: 12px").props('data-testid="stepper"')
        self._show(session.way())
        ui.timer(_SECONDS, self._refresh)

    async def _refresh(self) -> None:
        try:
            self._show(await asyncio.to_thread(self.session.way))
        except (IsonetError, OSError):
            return  # the page says what is wrong with the table

    def _show(self, way: Way) -> None:
        if way == self._way:
            return
        self._way = way
        self._area.clear()
        with self._area:
            with ui.element("ol").classes("stages"):
                for stage in way.stages:
                    with (
                        ui.element("li").classes(stage.state.name.lower()).props(f'data-testid="stage-{stage.step}"'),
                        ui.link(target=stage.place),
                    ):
                        ui.icon(_ICONS[stage.state])
                        with ui.column().style("gap: 0; min-width: 0"):
                            ui.label(stage.title).style("font-weight: 600")
                            ui.label(stage.state.value).classes("state")
                            if stage.told:
                                ui.label(stage.told).classes("muted").style("font-size: 12px")
            if not self._has_action:
                return
            with ui.row().classes("items-center w-full").style("gap: 8px 12px"):
                if way.action is not None:
                    action_button(way.action)
                    if way.action.why:
                        ui.label(way.action.why).classes("muted")
                elif way.waiting:
                    ui.label(f"{way.waiting}, started outside of this interface.").classes("muted")
                ui.space()
                for action in way.others:
                    action_button(action, is_primary=False)


def action_button(action: Action, is_primary: bool = True) -> None:
    """A button that opens the page of an action; the only filled one of its page if it is the primary."""
    button = ui.button(action.text, on_click=lambda: ui.navigate.to(action.place))
    button.props(f"{'unelevated' if is_primary else 'outline'} no-caps")
    if is_primary:
        button.props('icon-right=arrow_forward data-testid="next"')
