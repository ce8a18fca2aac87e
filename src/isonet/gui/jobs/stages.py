"""How far a project is: of each step whether it is done, in work or next, and what to do now.

It is found from the table, the run folders and the jobs, so that it is true whoever ran a step, and where.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import urlencode

from isonet.gui.files import models, reports, table
from isonet.gui.jobs import words
from isonet.gui.jobs.job import ENDED, Job
from isonet.gui.jobs.run_folder import is_at_work, progress, read_status
from isonet.io.text import counted
from isonet.project.table import Project

TITLES: Mapping[str, str] = {
    "prepare": "Add tomograms",
    **{command: words.title(command) for command in ("mask", "refine", "predict", "validate", "report")},
}
"""Steps on the way to a report, in order, by their command."""


class State(Enum):
    """How a step stands."""

    DONE = "done"
    NEXT = "next"
    WORKING = "in work"
    FAILED = "failed"
    LEFT_OUT = "left out"
    LATER = "later"


@dataclass(frozen=True)
class Stage:
    """One step of a project.

    Attributes
    ----------
    step : str
        Its command.
    state : State
        How it stands.
    told : str
        What there is of it, or how far it is.
    """

    step: str
    state: State
    told: str = ""

    @property
    def title(self) -> str:
        """What it is called."""
        return TITLES[self.step]

    @property
    def place(self) -> str:
        """Page of the step."""
        return "/add" if self.step == "prepare" else f"/step/{self.step}"


@dataclass(frozen=True)
class Action:
    """Something to do.

    Attributes
    ----------
    text : str
        On its button.
    place : str
        Page that it opens.
    why : str
        What it is good for.
    """

    text: str
    place: str
    why: str = ""


@dataclass(frozen=True)
class Way:
    """How far a project is, and what to do now.

    Attributes
    ----------
    stages : tuple of Stage
        Every step.
    action : Action or None
        What to do now; None where one can only wait.
    others : tuple of Action
        What else one could do.
    waiting : str
        What is at work, if anything is.
    """

    stages: tuple[Stage, ...]
    action: Action | None
    others: tuple[Action, ...] = ()
    waiting: str = ""

    @property
    def following(self) -> str:
        """What comes next, or is at work, in two words."""
        now = (each for each in self.stages if each.state in (State.NEXT, State.WORKING, State.FAILED))
        return next((f"{each.state.value}: {each.title.lower()}" for each in now), "all done")


_PREVIEW = Action("Preview with the starter", "/step/predict?model=starter")
_VIEW = Action("Look at the tomograms", "/viewer")
_ACTIONS: Mapping[str, tuple[Action, ...]] = {
    "prepare": (Action("Add tomograms", "/add", "The table of tomograms is what every step reads and adds to."),),
    "mask": (
        Action("Make masks", "/step/mask", "Masks keep the training off empty ice."),
        Action("Train without masks", "/step/refine"),
        _PREVIEW,
    ),
    "refine": (
        Action("Train", "/step/refine", "The network learns from these tomograms to fill the missing wedge."),
        _PREVIEW,
    ),
    "predict": (Action("Correct the tomograms", "/step/predict", "The trained network fills the missing wedge."),),
    "validate": (
        Action("Validate", "/step/validate", "It tells how far the filled wedge can be believed."),
        _VIEW,
    ),
    "report": (
        Action("Write the report", "/step/report", "One page shows what was done, and how far to believe it."),
        _VIEW,
    ),
}


def way(folder: Path, project: Project | None, jobs: Sequence[Job]) -> Way:
    """Find how far the project in a folder is.

    Parameters
    ----------
    folder : Path
        The project folder.
    project : Project or None
        Its table, if there is one.
    jobs : sequence of Job
        Its jobs, the oldest first.
    """
    made, partly = _made(folder, project)
    following = _following(made)
    working = _at_work(folder, jobs)
    waiting = "; ".join(f"{step} is at work" for step in working)
    if "run" in working:  # does all steps in turn
        working = {following or "report": working["run"], **working}
    last = {job.words[0]: job for job in jobs}
    stages = []
    for step in TITLES:
        if step in working:
            stages.append(Stage(step, State.WORKING, working[step]))
        elif step in made:
            stages.append(Stage(step, State.DONE, made[step]))
        elif step == following:
            failed = step in last and last[step].state in ("failed", "lost")
            stages.append(Stage(step, State.FAILED if failed else State.NEXT, partly.get(step, "")))
        else:
            left_out = step in _left_out(made)
            stages.append(Stage(step, State.LEFT_OUT if left_out else State.LATER, partly.get(step, "")))
    action, others = _action(folder, following, working, jobs)
    return Way(tuple(stages), action, others, waiting)


def _action(
    folder: Path, following: str, working: Mapping[str, str], jobs: Sequence[Job]
) -> tuple[Action | None, tuple[Action, ...]]:
    """What to do now, and what else one could."""
    unfinished = [job for job in jobs if job.state not in ENDED]
    if unfinished:
        job = unfinished[0]
        return Action(f"Watch {job.words[0]}", _of_job(job)), ()
    if working:
        return None, ()
    if not following:
        return Action("Open the report", reports.address(reports.find(folder)[0])), (_VIEW,)
    first, *others = _ACTIONS[following]
    last = next((job for job in reversed(jobs) if job.words[0] == following), None)
    if last is not None and last.state in ("failed", "lost"):
        return Action("See what went wrong", _of_job(last), last.reason), (first, *others)
    stopped = next((job for job in reversed(jobs) if job.words[0] == "refine"), None)
    if following == "predict" and stopped is not None and stopped.state == "stopped":
        others.append(Action("Go on with the training", _of_job(stopped)))
    return first, tuple(others)


def _of_job(job: Job) -> str:
    return "/jobs?" + urlencode({"number": job.number})


def _made(folder: Path, project: Project | None) -> tuple[dict[str, str], dict[str, str]]:
    """Steps that are done, and those that are done for some tomograms, with what there is of them."""
    if project is None:
        return {}, {}
    count = len(project.tomograms)
    made = {"prepare": counted(count, "tomogram")}
    partly: dict[str, str] = {}
    products, found = table.products(folder), reports.find(folder)
    corrected = [each.file(table.CORRECTED) for each in project.tomograms if table.has(each, table.CORRECTED)]
    masked = sum(table.has(each, table.MASK) for each in project.tomograms)
    for step, number in (("mask", masked), ("predict", len(corrected))):
        if number:
            (made if number == count else partly)[step] = f"{number} of {count}"
    for step in ("refine", "validate"):
        if step in products:
            made[step] = products[step][0].parent.name
    if "predict" in made and "refine" in made and _age(products["refine"][0]) > max(map(_age, corrected)):
        del made["predict"]
        partly["predict"] = "by an earlier model"
    elif "predict" in made and "refine" not in made and _is_preview(corrected[0].parent):
        del made["predict"]
        partly["predict"] = "a preview, by the starter"
    if found and all(_age(found[0]) >= _age(path) for path in (*corrected, *products.get("validate", ()))):
        if "predict" in made:
            made["report"] = found[0].name
        else:
            partly["report"] = "of an earlier state"
    return made, partly


def _is_preview(folder: Path) -> bool:
    """Tell whether a run of predict was with the starter."""
    inputs = read_status(folder).get("inputs")
    return isinstance(inputs, list) and inputs[-1:] == [models.STARTER]


def _following(made: Mapping[str, str]) -> str:
    """The step that comes next; nothing where all are done."""
    skipped = _left_out(made)
    return next((step for step in TITLES if step not in made and step not in skipped), "")


def _left_out(made: Mapping[str, str]) -> set[str]:
    """Steps that are not done and need not be: what follows them is done, with a model of elsewhere perhaps."""
    needless = {"mask", "refine"} if "predict" in made else {"mask"} if "refine" in made else set()
    return needless - made.keys()


def _at_work(folder: Path, jobs: Sequence[Job]) -> dict[str, str]:
    """Commands that are at work, of jobs and of run folders, with how far they are."""
    found = {}
    for path in folder.glob("*/status.json"):
        status = read_status(path.parent)
        step = status.get("command")
        if isinstance(step, str) and is_at_work(status):
            shown = progress(status)
            found[step] = shown.text if shown else ""
    for job in jobs:
        if job.state in ("queued", "running"):
            shown = job.progress
            found[job.words[0]] = shown.text if shown else "queued" if job.state == "queued" else ""
    return found


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
