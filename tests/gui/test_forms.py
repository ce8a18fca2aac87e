"""Forms: every option of the command line is in the form, and every form makes a command line that means the same."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isonet.cli.application import app
from isonet.commands import Command
from isonet.config import StepConfig
from isonet.gui.jobs import forms, words
from isonet.gui.jobs.forms import OFFERED, Form, Kind, as_text
from isonet.gui.jobs.run_folder import run_folder

OTHERS: dict[str, list[str]] = {
    "tomo_idx": ["1,3-5"],
    "device": ["cpu", "cuda:1"],
    "noise_level": ["0.1,0.2"],
    "noise_start_iter": ["2,5"],
    "cube_size": ["48"],
    "crop_size": ["112"],
    "tilts": ["-60,0,60"],
    "templates": ["a.mrc,b.mrc"],
    "snr": ["0.02,0.2"],
    "time_budget": ["20min"],
    "max_time": ["1:30:00"],
    "max_memory": ["2GB"],
    "tilt_min": ["-45.5"],
    "tilt_max": ["62"],
    "second_tilt_min": ["-45.5"],
    "second_tilt_max": ["62"],
    "min_tilt": ["-45.5"],
    "max_tilt": ["62"],
    "accept": ["mirrored,stack"],
}
"""Text that is not the default, for options that take no plain number, path or choice."""


def parsed(words: list[str]) -> StepConfig:
    """What the command line makes of a command's options."""
    _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    config = bound.kwargs.get("config")
    return config if config is not None else OFFERED[words[0]].model()


TOGETHER: dict[str, dict[str, str]] = {
    "even": {"odd": "odd"},
    "odd": {"even": "even"},
    "second_tilt_min": {"second_tilt_max": "62"},
    "second_tilt_max": {"second_tilt_min": "-45.5"},
    "noise_level": {"noise_start_iter": "2,5"},
    "noise_start_iter": {"noise_level": "0.1,0.2"},
    "phase_flipped": {"like": "a.star"},
}
"""Options that are valid only beside another, where a command has that."""


def beside(command: Command, option: forms.Option) -> dict[str, str]:
    """What an option of a command is valid beside."""
    known = {each.name for each in forms.options(command)}
    return {name: text for name, text in TOGETHER.get(option.name, {}).items() if name in known}


def filled(command: Command) -> dict[str, str]:
    """Arguments for a command."""
    return {each.name: "a.star" if each.required else "" for each in command.arguments}


def problems(command: Command, option: forms.Option, text: str) -> dict[str, str]:
    return Form(command, filled(command), {**beside(command, option), option.name: text}).problems()


def sample(option: forms.Option, command: Command) -> str:
    """Text for an option that differs from its default and is valid alone."""
    if option.kind is Kind.SWITCH:
        return "false" if option.default == "true" else "true"
    if option.kind is Kind.CHOICE:
        return next(choice for choice in option.choices if choice != option.default)
    candidates = [*OTHERS.get(option.name, []), "other", "1", "2", "32", "0.25", "0.05", "100", "-1"]
    for text in candidates:
        if text != option.default and not problems(command, option, text):
            return text
    pytest.fail(f"no text for {command.name} {option.flag}; add one to OTHERS")


EVERY = [(command, option) for command in OFFERED.values() for option in forms.options(command)]


def test_every_command_has_a_form() -> None:
    shown = {name for name in app if not name.startswith("-")} - {
        "gui",
        "relion",  # begun by RELION
        "prepare_star",
        "make_mask",
        "prepare_subtomo_star",
    }
    assert set(OFFERED) == shown


@pytest.mark.parametrize("name", OFFERED)
def test_the_form_has_the_options_that_the_command_line_has(name: str) -> None:
    collection = app[name].assemble_argument_collection()
    flags = {flag for argument in collection for flag in {*argument.names} - {*argument.negatives}}
    shown = {option.flag for option in forms.options(OFFERED[name])}
    assert shown == {flag for flag in flags if flag.startswith("--")}
    assert all(option.help for option in forms.options(OFFERED[name]))
    assert all(argument.help for argument in OFFERED[name].arguments)


@pytest.mark.parametrize(("command", "option"), EVERY, ids=[f"{c.name} {o.flag}" for c, o in EVERY])
def test_an_option_goes_to_the_command_line_and_back(command: Command, option: forms.Option) -> None:
    text = sample(option, command)
    needed = beside(command, option)
    form = Form(command, filled(command), {**needed, option.name: text})
    assert form.problems() == {}
    typed = parsed(form.words())
    assert typed == form.config()
    assert getattr(typed, option.name) != getattr(command.model(), option.name)
    again = Form(command, filled(command), {option.name: as_text(getattr(typed, option.name)), **needed})
    assert again.config() == typed


PLAIN = {
    *("tomograms", "model", "folder", "output", "learning", "rate", "schedule", "warmup", "steps", "weight", "decay"),
    *("averaging", "loss", "weighting", "patience", "random", "rotations", "method", "iterations", "noise", "level"),
    *("from", "scratch", "alignment", "crowding", "vesicles", "filaments", "sheets", "amplitude", "contrast", "batch"),
    "size",
}
"""English words that names of options consist of; another name needs a label in `words.LABELS`, or a word here."""
NAMES = {
    name: command
    for command in OFFERED.values()
    for name in [
        *(argument.name for argument in command.arguments),
        *(option.name for option in forms.options(command)),
    ]
}


@pytest.mark.parametrize("name", NAMES)
def test_a_label_is_words_and_not_the_name_of_a_flag(name: str) -> None:
    assert name in words.LABELS or set(name.split("_")) <= PLAIN
    label = words.label(name)
    assert "_" not in label
    assert label[0].isupper()


def test_no_label_is_left_over_and_none_stands_twice_in_a_form() -> None:
    assert words.LABELS.keys() <= NAMES.keys()
    for command in OFFERED.values():
        labels = [words.label(each.name) for each in (*command.arguments, *forms.options(command))]
        assert len(labels) == len(set(labels)), command.name


def test_what_is_left_alone_is_said_in_words() -> None:
    assert words.left_alone("method", "auto") == "automatic"
    assert words.left_alone("kernel", "") == "automatic"
    assert words.left_alone("preset", "") == "none"
    assert words.left_alone("overwrite", "false") == "no (default)"
    assert words.left_alone("optimizer", "muon") == "muon (default)"


def test_an_empty_form_makes_the_shortest_command() -> None:
    form = Form(OFFERED["refine"], {"star": "tomograms.star"})
    form.set("iterations", " 3 ")
    form.set("iterations", "")
    assert form.words() == ["refine", "tomograms.star"]


def test_what_cannot_be_is_said_beside_the_field() -> None:
    form = Form(OFFERED["refine"], {}, {"iterations": "0", "drop_out": "many", "noise_level": "0.1"})
    assert set(form.problems()) == {"iterations", "drop_out"}
    assert "greater than or equal to 1" in form.problems()["iterations"]
    form = Form(OFFERED["refine"], {}, {"noise_level": "0.1"})
    assert "same number of entries" in form.problems()[""]
    assert Form(OFFERED["predict"], {"star": "a.star"}).problems() == {"model": "must be given"}
    assert Form(OFFERED["prepare"], {"tomograms": "it's"}).problems() == {"tomograms": "a quotation mark is missing"}


def test_a_preset_changes_what_empty_fields_mean_and_not_the_command() -> None:
    command = OFFERED["refine"]
    form = Form(command, {"star": "a.star"}, {"preset": "paper"})
    changed = [each.name for each in forms.options(command) if form.default(each) != each.default]
    assert "optimizer" in changed
    assert form.words() == ["refine", "a.star", "--preset=paper"]


def test_bounds_are_told() -> None:
    bounds = {option.name: option.bounds for option in forms.options(OFFERED["mask"])}
    assert bounds["crop_x"] == "at least 0, less than 0.5"
    assert bounds["density_percentage"] == "more than 0, at most 100"


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="ab -=;&|$`'\"\\\n\u00e9*", min_size=1, max_size=20))
def test_no_text_breaks_out_of_its_word(text: str) -> None:
    form = Form(OFFERED["mask"], {"star": "a.star"})
    form.set("output_dir", text)
    words = form.words()
    assert len(words) <= 3
    assert words[:2] == ["mask", "a.star"]
    assert all(word.startswith("--output-dir=") for word in words[2:])


def test_a_file_whose_name_looks_like_a_flag_stays_a_file() -> None:
    assert Form(OFFERED["mask"], {"star": "--debug"}).words() == ["mask", "./--debug"]


def test_runs_are_found_where_the_commands_record_them(tmp_path: Path) -> None:
    def folder(name: str, **given: Any) -> Path | None:
        return run_folder(name, OFFERED[name].model(**given), tmp_path)

    assert folder("prepare") is None
    assert folder("refine") == tmp_path / "results"
    assert folder("refine", continue_from="other") == tmp_path / "other"
    assert folder("mask", output_dir="/elsewhere") == Path("/elsewhere")


def test_the_interface_never_imports_torch() -> None:
    script = """
import importlib, pkgutil, sys
import isonet.gui
for module in pkgutil.walk_packages(isonet.gui.__path__, "isonet.gui."):
    importlib.import_module(module.name)
print([name for name in ("torch", "matplotlib", "lightning_fabric") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
