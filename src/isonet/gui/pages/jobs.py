"""Jobs: the queue, and of one job its log, progress, curves and pictures."""

import asyncio
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from nicegui import ui

from isonet.errors import IsonetError
from isonet.gui.jobs import run_folder
from isonet.gui.jobs.forms import OFFERED
from isonet.gui.jobs.job import ENDED, Job
from isonet.gui.jobs.run_folder import Curves, warnings_in
from isonet.gui.jobs.stages import Action
from isonet.gui.pages.frame import empty, frame
from isonet.gui.pages.gallery import Gallery
from isonet.gui.pages.session import Session
from isonet.gui.pages.stepper import action_button

_SECONDS = 1.0
_COLOURS = {"running": "blue-7", "finished": "primary", "failed": "negative", "lost": "orange-9"}
_TEXT = "#7d8d99"  # stands out from light and dark
_MINE = ("training loss", "held-out loss")


def add(session: Session) -> None:
    """Add the page."""

    @ui.page("/jobs")
    def jobs(number: str = "") -> None:
        with frame(session, "Jobs", "/jobs"):
            known = session.jobs.all()
            if not known:
                empty("No jobs yet. Each step has a page with the command it runs.", "Add tomograms", "/")
                return
            JobsPage(session, number or known[-1].number).draw()


class JobsPage:
    """The list of jobs and one of them in full."""

    def __init__(self, session: Session, number: str) -> None:
        self.session = session
        self.number = number
        self._listed: list[tuple[str, str]] = []
        self._curves = Curves("iteration", {})
        self._state_shown = ""

    def draw(self) -> None:
        """Draw everything once, and then what has changed every second."""
        with ui.row().classes("w-full no-wrap items-start").style("gap: 18px"):
            self._list = ui.column().style("width: 290px; gap: 4px; flex: none; max-height: 78vh; overflow: auto")
            with ui.column().classes("col").style("gap: 10px; min-width: 0"):
                with ui.row().classes("items-center w-full"):
                    self._title = ui.label().style("font-weight: 600")
                    self._state = ui.badge().props('data-testid="state"')
                    ui.space()
                    self._stop = ui.button("Stop", icon="stop", on_click=self._ask_to_stop)
                    self._stop.props('outline no-caps color=negative data-testid="stop"')
                    self._continue = ui.button("Continue", icon="play_arrow", on_click=self._go_on)
                    self._continue.props('unelevated no-caps data-testid="continue"')
                    self._next = ui.element("div")
                self._command = ui.label().classes("command w-full")
                self._problem = ui.label().classes("problem").props('role=alert data-testid="job-problem"')
                self._warned = ui.label().classes("problem").props('role=status data-testid="warnings"')
                self._warned.style("white-space: pre-wrap")
                self._progress = ui.label().classes("muted").props('data-testid="progress"')
                self._bar = ui.linear_progress(show_value=False).props("rounded")
                self._log = ui.label().classes("log").props('tabindex=0 aria-label="Log" data-testid="log"')
                self._chart = (
                    ui.echart(_chart(self._curves)).style("height: 260px; width: 100%").props('data-testid="curves"')
                )
                self._gallery = Gallery()
        ui.timer(_SECONDS, self._refresh)

    async def _refresh(self) -> None:
        """Read the files, and show what is new."""
        try:
            known = await asyncio.to_thread(self.session.jobs.all)
            job = next(each for each in known if each.number == self.number)
        except (IsonetError, OSError, StopIteration):
            return
        self._show_list(known)
        self._show_state(job)
        text = await asyncio.to_thread(self.session.jobs.log, job.number) or "It has said nothing so far."
        if text != self._log.text:
            self._show_warnings(text)
            self._log.set_text(text)
            ui.run_javascript(f"const log = getHtmlElement({self._log.id}); log.scrollTop = log.scrollHeight")
        if job.run_folder is not None and job.state != "queued":
            self._show_run(
                await asyncio.to_thread(run_folder.curves, job.run_folder),
                await asyncio.to_thread(run_folder.previews, job.run_folder),
            )
        self._chart.set_visibility(bool(self._curves.lines))

    def _show_list(self, known: list[Job]) -> None:
        listed = [(job.number, job.state) for job in known]
        if listed == self._listed:
            return
        self._listed = listed
        self._list.clear()
        with self._list:
            for job in reversed(known):
                place = f"/jobs?number={job.number}"
                choose = ui.button(on_click=lambda _=None, place=place: ui.navigate.to(place), color=None)
                choose.props("flat no-caps align=left padding=6px").classes("w-full")
                if job.number == self.number:
                    choose.style("background: var(--soft)")
                with choose, ui.row().classes("items-center no-wrap w-full"):
                    ui.badge(job.state).props(f"color={_COLOURS.get(job.state, 'grey-7')}")
                    ui.label(f"{job.number}  {job.words[0]}").style("color: var(--ink); white-space: nowrap")
                    ui.space()
                    ui.label(_moment(job.created)).classes("muted").style("font-size: 12px; white-space: nowrap")

    def _show_state(self, job: Job) -> None:
        self._title.set_text(f"{job.number}  {job.words[0]}")
        self._state.set_text(job.state)
        self._state.props(f"color={_COLOURS.get(job.state, 'grey-7')}")
        self._command.set_text(job.command)
        self._problem.set_text(job.reason)
        self._problem.set_visibility(job.state in ("failed", "lost"))
        self._stop.set_visibility(job.state in ("queued", "running"))
        self._continue.set_visibility(job.state in ENDED and job.state != "finished")
        self._continue.set_text("Continue" if job.state in ("stopped", "lost") else "Try again")
        if job.state != self._state_shown:
            self._state_shown = job.state
            self._show_next(job)
        progress = job.progress
        other = {"stopped": job.reason, "running": "at work"}.get(job.state, "")
        self._progress.set_text(progress.text if progress else other)
        self._bar.set_visibility(job.state == "running")
        self._bar.props(remove="indeterminate") if progress else self._bar.props("indeterminate")
        if progress:
            self._bar.set_value(progress.done / progress.total)

    def _show_next(self, job: Job) -> None:
        """Lead on to the next step after a job that is finished, and to its form after one that failed."""
        self._next.clear()
        action = None
        if job.state == "finished":
            with suppress(IsonetError):  # the project page says what is wrong with the table
                action = self.session.way().action
        elif job.state == "failed" and job.words[0] in OFFERED:
            action = Action("Change the command", f"/step/{job.words[0]}")
        if action is not None:
            with self._next:
                action_button(action)
        is_second = action is not None
        self._continue.props("outline" if is_second else "unelevated", remove="unelevated" if is_second else "outline")

    def _show_warnings(self, log: str) -> None:
        """Show above everything what stands between other lines of the log."""
        found = warnings_in(log)
        self._warned.set_text("\n".join(found))
        self._warned.set_visibility(bool(found))

    def _show_run(self, curves: Curves, pictures: list[Path]) -> None:
        if curves != self._curves:
            self._curves = curves
            self._chart.options.clear()
            self._chart.options.update(_chart(curves))
            self._chart.update()
        self._gallery.show(pictures)

    def _ask_to_stop(self) -> None:
        self.session.jobs.stop(self.number)
        ui.notify("asked to end; what is finished is kept. Asked again, it ends at once")

    def _go_on(self) -> None:
        try:
            job = self.session.jobs.continue_(self.number)
        except IsonetError as error:
            ui.notify(str(error), type="negative")
        else:
            ui.navigate.to(f"/jobs?number={job.number}")


def _moment(created: str) -> str:
    """When a job was asked for, where that is known: the time of today, or the day."""
    with suppress(ValueError):
        moment = datetime.fromisoformat(created)
        return moment.strftime("%H:%M" if moment.date() == datetime.now().date() else "%d %b")
    return ""


def _chart(curves: Curves) -> dict[str, Any]:
    """Losses on a logarithmic axis, the balance of the wedge on one of its own."""
    series = [
        {
            "name": name,
            "type": "line",
            "showSymbol": len(points) < 30,
            "symbolSize": 5,
            "yAxisIndex": 0 if name in _MINE else 1,
            "data": [[round(x, 3), y] for x, y in points],
        }
        for name, points in curves.lines.items()
    ]
    faint = {"splitLine": {"lineStyle": {"opacity": 0.25}}}
    words = {"nameTextStyle": {"color": _TEXT}, "axisLabel": {"color": _TEXT}}
    return {
        "animation": False,
        "color": ["#3b82c4", "#12a078", "#e0913a"],
        "legend": {"top": 0, "textStyle": {"color": _TEXT}},
        "grid": {"left": 70, "right": 60, "top": 40, "bottom": 40},
        "tooltip": {"trigger": "axis"},
        "xAxis": {
            "type": "value",
            "name": curves.axis,
            "nameLocation": "middle",
            "nameGap": 26,
            "min": 0,
            **faint,
            **words,
        },
        "yAxis": [
            {"type": "log", "name": "loss", **faint, **words},
            {"type": "value", "name": "balance", "min": 0, "splitLine": {"show": False}, **words},
        ],
        "series": series,
    }
