"""One page per command: its form, the command it makes, and buttons to run or queue it."""

from pathlib import Path

from nicegui import ui

from isonet.commands import Argument, Command
from isonet.errors import InputError
from isonet.gui.files import models, table
from isonet.gui.jobs import forms, words
from isonet.gui.jobs.forms import OFFERED, Form, Kind, Option
from isonet.gui.jobs.job import NOW, command_text
from isonet.gui.jobs.run_folder import run_folder
from isonet.gui.pages.chooser import Chooser
from isonet.gui.pages.frame import frame
from isonet.gui.pages.session import Session
from isonet.io.text import counted

_SUGGESTED = 300
_MODEL, _FIRST_MODEL = "model", "pretrained_model"
_OTHER = "other"
_ENDINGS = (".star", ".mrc", ".rec", ".map", ".mod", ".json", ".safetensors", ".tlt", ".xml", ".mdoc", ".aln")


def add(session: Session) -> None:
    """Add the pages."""

    @ui.page("/step/{name}")
    def step(name: str, model: str = "") -> None:
        with frame(session, words.title(name), f"/step/{name}"):
            if name not in OFFERED:
                raise InputError(f"no command {name}; choose one from the menu")
            command = OFFERED[name]
            form = session.forms.setdefault(name, Form(command))
            for argument in command.arguments:
                if not form.arguments.get(argument.name):
                    form.arguments[argument.name] = _likely(argument, session.roots.project)
            if model and "model" in form.arguments:
                form.arguments["model"] = model
            ui.label(command.summary).classes("muted")
            StepPage(session, command, form).draw()


def _likely(argument: Argument, project: Path) -> str:
    """What an argument most probably is: the table, or the model that was trained last, else the starter."""
    if argument.name == _MODEL:
        return next((str(one.path.relative_to(project)) for one in models.find(project)), models.STARTER)
    is_table = argument.name in ("star", "inputs", "folder_or_star")
    return table.NAME if is_table and (project / table.NAME).exists() else ""


def suggestions(project: Path) -> list[str]:
    """Files and folders of the project that an option may name, two folders deep."""
    found: list[str] = []
    for pattern in ("*", "*/*"):
        for path in sorted(project.glob(pattern)):
            hidden = any(part.startswith(".") for part in path.relative_to(project).parts)
            if not hidden and (path.is_dir() or path.name.lower().endswith(_ENDINGS)):
                found.append(str(path.relative_to(project)))
            if len(found) >= _SUGGESTED:
                return found
    return found


class StepPage:
    """The form of one command on a page."""

    def __init__(self, session: Session, command: Command, form: Form) -> None:
        self.session = session
        self.command = command
        self.form = form
        self._fields: dict[str, ui.input | ui.select] = {}
        self._suggestions = suggestions(session.roots.project)
        self._chooser = Chooser(session)

    def draw(self) -> None:
        """Draw the form."""
        with ui.column().classes("panel"):
            for argument in self.command.arguments:
                self._argument(argument)
            options = forms.options(self.command)
            with ui.element("div").style(_GRID):
                for option in sorted(filter(lambda each: each.common, options), key=self._rank):
                    self._option(option)
            if not all(option.common for option in options):
                with (
                    ui.expansion("More options").classes("w-full").props('dense data-testid="advanced"'),
                    ui.element("div").style(_GRID),
                ):
                    for option in options:
                        if not option.common:
                            self._option(option)
        self._general = ui.label().classes("problem").props('role=alert data-testid="form-problem"')
        with ui.row().classes("w-full items-center no-wrap"):
            self._command = ui.label().classes("command").props('data-testid="command"')
            copy = ui.button(icon="content_copy", on_click=self._copy)
            copy.props('flat aria-label="Copy the command"').tooltip("Copy the command")
        with ui.row().classes("items-center"):
            self._run = ui.button("Run now", icon="play_arrow", on_click=lambda: self._start(NOW))
            self._run.props('unelevated no-caps data-testid="run"')
            self._queue = ui.button("Queue", icon="playlist_add", on_click=lambda: self._start(self._device()))
            self._queue.props('outline no-caps data-testid="queue"').tooltip("After the jobs of the same device")
            ui.button("Reset", on_click=self._reset).props("flat no-caps")
        self._show()

    def _rank(self, option: Option) -> int:
        """Place of a common option on the page."""
        order = forms.COMMON.get(self.command.name, ())
        return order.index(option.name) if option.name in order else len(order)

    def _argument(self, argument: Argument) -> None:
        value = self.form.arguments.get(argument.name, "")
        with ui.column().classes("w-full").style("gap: 4px"):
            choice = self._model_choice("Model *", value) if argument.name == _MODEL else None
            field = ui.input(
                words.label(argument.name) + (" *" if argument.required else ""),
                value=value,
                autocomplete=self._suggestions,
                on_change=lambda event, name=argument.name: self._argue(name, event.value),
            )
            self._chooser.attach(field, many=argument.many)
            field.classes("w-full").props(f'dense stack-label data-testid="argument-{argument.name}"')
            _explain(argument.help)
        self._fields[argument.name] = field
        if choice is not None:
            _join(choice, field)

    def _model_choice(self, label: str, value: str, none: str = "") -> ui.select:
        """A choice of the starter and of the models of the project, or of another one that is typed."""
        project = self.session.roots.project
        names = {"": none} if none else {}
        names |= {str(one.path.relative_to(project)): one.text for one in models.find(project)}
        names |= {models.STARTER: models.STARTER_TEXT, _OTHER: "another file: type its path, or choose it"}
        choice = ui.select(names, label=label, value=value if value in names else _OTHER)
        choice.classes("w-full").props('dense data-testid="choose-model"')
        return choice

    def _argue(self, name: str, text: str | None) -> None:
        self.form.arguments[name] = text or ""
        self._show()

    def _option(self, option: Option) -> None:
        label = words.label(option.name)
        bounds = f" ({option.bounds})" if option.bounds else ""
        with ui.column().style("gap: 2px"):
            field = self._text(option, label) if option.kind is Kind.TEXT else self._select(option, label)
            field.classes("w-full").props(f'dense data-testid="option-{option.name}"')
            _explain(option.help + bounds)
        self._fields[option.name] = field

    def _text(self, option: Option, label: str) -> ui.input:
        """A field to type in, with a chooser for paths and a choice for models."""
        value = self.form.given.get(option.name, "")
        none = words.left_alone(option.name, "")
        choice = self._model_choice(label, value, none) if option.name == _FIRST_MODEL else None
        field = ui.input(
            label,
            value=value,
            placeholder=words.choice(self.form.default(option)),
            autocomplete=self._suggestions if option.is_path else None,
            on_change=lambda event: self._give(option, event.value),
        ).props("stack-label")
        if option.is_path:
            self._chooser.attach(field)
        if choice is not None:
            _join(choice, field)
        return field

    def _select(self, option: Option, label: str) -> ui.select:
        """A field to choose in."""
        return ui.select(
            self._names(option),
            label=label,
            value=self.form.given.get(option.name, ""),
            on_change=lambda event: self._give(option, event.value),
        )

    def _names(self, option: Option) -> dict[str, str]:
        """What may be chosen, with its names."""
        default, given = self.form.default(option), self.form.given.get(option.name)
        choices = ("true", "false") if option.kind is Kind.SWITCH else option.choices
        others = (choice for choice in choices if choice != default or choice == given)
        return {"": words.left_alone(option.name, default), **{choice: words.choice(choice) for choice in others}}

    def _give(self, option: Option, text: str | None) -> None:
        self.form.set(option.name, text)
        if option.name == "preset":
            for each in forms.options(self.command):
                field = self._fields[each.name]
                if isinstance(field, ui.input):
                    field.props(f'placeholder="{_plain(words.choice(self.form.default(each)))}"')
                else:
                    field.set_options(self._names(each))
        self._show()

    def _show(self) -> None:
        """Mark what is wrong, and show the command."""
        problems = self.form.problems()
        for name, field in self._fields.items():
            field.props(remove="error error-message")
            if name in problems:
                field.props(f'error error-message="{_plain(problems[name])}"')
        self._general.set_text(problems.get("", ""))
        self._general.set_visibility("" in problems)
        for button in (self._run, self._queue):
            button.set_enabled(not problems)
        self._command.set_text("" if problems else command_text(self.form.words()))
        if problems:
            self._command.set_text(f"{counted(len(problems), 'value')} above to mend first")

    def _device(self) -> str:
        return self.form.given.get("device", "auto")

    def _copy(self) -> None:
        ui.clipboard.write(self._command.text)
        ui.notify("copied")

    def _start(self, device: str) -> None:
        folder = run_folder(self.command.name, self.form.config(), self.session.roots.project)
        job = self.session.jobs.add(self.form.words(), device, folder)
        ui.navigate.to(f"/jobs?number={job.number}")

    def _reset(self) -> None:
        self.session.forms.pop(self.command.name, None)
        ui.navigate.reload()


def _explain(text: str) -> None:
    """Say below a field what it is for."""
    ui.label(text.replace("\n", " ")).classes("muted").style("font-size: 12px; line-height: 1.35")


def _join(choice: ui.select, field: ui.input) -> None:
    """Let a choice fill in a field, which is shown where something else is to be typed."""
    field.set_visibility(choice.value == _OTHER)

    def choose() -> None:
        field.set_visibility(choice.value == _OTHER)
        field.set_value("" if choice.value == _OTHER else choice.value)

    choice.on_value_change(choose)


def _plain(text: str) -> str:
    """Text within a property: without what would end it."""
    return text.replace('"', "'").replace("\n", " ").replace("\\", "/")


_GRID = "display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); gap: 14px 22px; width: 100%"
