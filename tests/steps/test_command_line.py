"""Help, version and spelling of the command line."""

import contextlib
import io
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import commandline as isonet
import pytest
import torch

from isonet import __version__, config
from isonet.cli import main
from isonet.cli.application import app

CONFIGURATIONS = {
    "prepare": config.PrepareConfig,
    "deconv": config.DeconvConfig,
    "mask": config.MaskConfig,
    "extract": config.ExtractConfig,
    "refine": config.RefineConfig,
    "predict": config.PredictConfig,
    "run": config.RunConfig,
    "validate": config.ValidateConfig,
    "simulate": config.SimulateConfig,
    "reconstruct": config.ReconstructConfig,
    "resize": config.ResizeConfig,
    "prepare-subtomo-star": config.PrepareSubtomoStarConfig,
    "demo": config.DemoConfig,
    "check": config.CheckConfig,
    "gui": config.GuiConfig,
    "report": config.ReportConfig,
    "relion": config.RelionConfig,
    "open": config.OpenConfig,
    "train-starter": config.TrainStarterConfig,
}


def test_help_lists_the_steps_in_order() -> None:
    outcome = isonet.done("--help")
    listed = re.findall(r"^│ ([a-z][\w-]+)", outcome.out, re.MULTILINE)
    assert listed[:7] == ["prepare", "deconv", "mask", "extract", "refine", "predict", "run"]
    assert sorted(listed) == sorted(CONFIGURATIONS)
    assert "--config" in outcome.out
    assert isonet.done("-h").out == outcome.out


def test_no_command_is_missing_here() -> None:
    assert {name for name in app if name[0].isalpha() and "_" not in name} == set(CONFIGURATIONS)
    for command, configuration in CONFIGURATIONS.items():
        assert configuration.__name__.lower() == f"{command.replace('-', '')}config"


@pytest.mark.parametrize("command", CONFIGURATIONS)
def test_help_of_a_command_shows_every_option(command: str) -> None:
    outcome = isonet.done(command, "--help")
    words = set(outcome.out.replace(",", " ").split())
    for name in CONFIGURATIONS[command].model_fields:
        assert f"--{name.replace('_', '-')}" in words
    for described in ("Å", "degrees"):
        assert command not in ("prepare", "run") or described in outcome.out


def test_every_option_is_described() -> None:
    for configuration in CONFIGURATIONS.values():
        for name, field in configuration.model_fields.items():
            assert field.description, name


def test_version_with_torch_and_device() -> None:
    first, second = isonet.done("--version").out.splitlines()
    assert first == __version__
    assert second.startswith(f"torch {torch.__version__}, device ")
    assert ("cuda" in second) == torch.cuda.is_available()


@pytest.mark.parametrize("command", [[], ["refine"], ["predict"], ["gui"]])
def test_help_needs_nothing_heavy(command: list[str]) -> None:
    """Help answers at once: none of what takes long to import is imported."""
    words = [sys.executable, "-X", "importtime", "-m", "isonet", *command, "--help"]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stderr
    imported = {line.rpartition("|")[2].strip() for line in said.splitlines() if line.startswith("import time:")}
    assert "isonet.cli" in imported
    assert not {"torch", "numpy", "scipy", "pandas", "matplotlib", "mrcfile", "nicegui"} & imported


@pytest.mark.parametrize(
    ("words", "mentions"),
    [(["refne"], ("refne", "refine")), (["--foo"], ("--foo",)), (["predict", "--hepl"], ("--hepl", "--help"))],
)
def test_what_does_not_exist(words: list[str], mentions: tuple[str, ...]) -> None:
    isonet.assert_refused(isonet.call(*words), *mentions[:1])


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        (["predict"], ("predict needs STAR", "isonet predict STAR MODEL")),
        (["predict", "tomograms.star"], ("predict needs MODEL",)),
        (["simulate", "64"], ("64", "isonet simulate --help")),
        (["refine", "--iterations"], ("--iterations", "no value")),
        (["refine", "--helpp"], ("--helpp", "Did you mean --help?")),
        (["refine", "t.star", "--config=wrong.yaml"], ("wrong.yaml", "'iteration'", "did you mean iterations?")),
        (["relion", "refin"], ("refin", "isonet relion refine")),
    ],
)
def test_words_that_are_not_understood_have_a_remedy(here: Path, words: list[str], mentions: tuple[str, ...]) -> None:
    (here / "wrong.yaml").write_text("iteration: 3\n")
    isonet.assert_refused(isonet.call(*words), *mentions)


def test_what_is_given_in_another_place_is_named(prepared: Path, model: Path) -> None:
    isonet.assert_refused(isonet.call("predict", "tomograms.star", "tomograms.star"), "a table, where a model is meant")
    isonet.assert_refused(isonet.call("predict", "tomograms.star", "v.mrc"), "a volume, where a model is meant")
    for words in (["predict", "v.mrc", model], ["deconv", "v.mrc"]):
        isonet.assert_refused(isonet.call(*words), "a volume, where a table is meant", "isonet prepare v.mrc")
    refused = isonet.call("simulate", output_dir="tomograms.star/a", depth=32, height=32, width=32)
    isonet.assert_refused(refused, "isonet: tomograms.star: is a file, where a folder is meant")
    isonet.assert_refused(isonet.call("mask", "tomograms.star", existing="nowhere"), "--existing nowhere", "check the")


def test_who_has_read_enough_is_no_error(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As in `isonet | head -1`."""

    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError(32, "Broken pipe")

    with contextlib.redirect_stdout(Closed()), pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 128 + signal.SIGPIPE
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("command", "advice"), [("prepare", "give the same command again"), ("refine", "continue")])
def test_signal_outside_a_run(here: Path, monkeypatch: pytest.MonkeyPatch, command: str, advice: str) -> None:
    """Before a run folder is open, and in commands without one, a signal ends the program in one line as well."""

    def interrupted(*_: Any, **__: Any) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("isonet.steps.prepare.items.grouped", interrupted)
    monkeypatch.setattr("isonet.project.table.Project.read", interrupted)
    before = signal.getsignal(signal.SIGTERM)
    isonet.assert_refused(isonet.call(command, "v.mrc"), "stopped by SIGTERM", advice, code=143)
    assert signal.getsignal(signal.SIGTERM) == before
