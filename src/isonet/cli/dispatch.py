"""The command line: one thin command per step.

Nothing heavy is imported before a command runs, so that help answers at once.
"""

import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, NoReturn

from cyclopts import App, CycloptsError, Group, Parameter
from pydantic import ValidationError

from isonet import __version__
from isonet.arguments import config_files, message, normalized
from isonet.config import (
    CheckConfig,
    DeconvConfig,
    DemoConfig,
    ExtractConfig,
    GuiConfig,
    MaskConfig,
    PredictConfig,
    PrepareConfig,
    PrepareSubtomoStarConfig,
    ReconstructConfig,
    RefineConfig,
    ReportConfig,
    ResizeConfig,
    RunConfig,
    SimulateConfig,
    TrainStarterConfig,
    ValidateConfig,
)
from isonet.errors import IsonetError
from isonet.spellings import translated
from isonet.train.memory import is_out_of_memory

log = logging.getLogger("isonet")
STEPS = Group("Steps, in order", sort_key=0)
SIMULATION = Group("Simulation and reconstruction", sort_key=1)
OTHER = Group("Other", sort_key=2)

app = App(
    name="isonet",
    help="Isotropic reconstruction of cryo-electron tomograms: fills the missing wedge, learning from the tomogram.",
    help_epilogue="Every command also takes --config FILE.yaml (its options in a file) and --debug (full tracebacks).",
    version=__version__,
    help_format="plaintext",
    sort_key=None,
)

Flat = Parameter(name="*")


@app.command(group=STEPS, alias="prepare_star", sort_key=1)
def prepare(*tomograms: Path, config: Annotated[PrepareConfig, Flat] = PrepareConfig()) -> None:
    """Make tomograms.star, the table of tomograms, from folders or files.

    Parameters
    ----------
    tomograms
        Folders or MRC files with full tomograms, or tables (.star) that name them and their halves; may be left out
        where --even and --odd are given.
    """
    from isonet.steps.prepare import prepare as step

    step(tomograms, config)


@app.command(group=STEPS, sort_key=2)
def deconv(star: Path, /, *, config: Annotated[DeconvConfig, Flat] = DeconvConfig()) -> None:
    """Undo the contrast transfer of the microscope with a Wiener-like filter, which raises the contrast.

    Parameters
    ----------
    star
        Table made by prepare, with the defocus of each tomogram in rlnDefocus (or give --defocus).
    """
    from isonet.steps.commands import deconv_in_folder

    deconv_in_folder(star, config)


@app.command(group=STEPS, alias="make_mask", sort_key=3)
def mask(star: Path, /, *, config: Annotated[MaskConfig, Flat] = MaskConfig()) -> None:
    """Mark where each tomogram holds density, so that refine does not train on empty ice.

    Parameters
    ----------
    star
        Table made by prepare.
    """
    from isonet.steps.commands import mask_in_folder

    mask_in_folder(star, config)


@app.command(group=STEPS, sort_key=4)
def extract(star: Path, /, *, config: Annotated[ExtractConfig, Flat] = ExtractConfig()) -> None:
    """Cut sub-volumes out of the tomograms, at random inside the mask or at coordinates; refine can do without.

    Parameters
    ----------
    star
        Table made by prepare.
    """
    from isonet.steps.commands import extract_in_folder

    extract_in_folder(star, config)


@app.command(group=STEPS, sort_key=5)
def refine(star: Path | None = None, /, *, config: Annotated[RefineConfig, Flat] = RefineConfig()) -> None:
    """Train the network on the tomograms of the table.

    Parameters
    ----------
    star
        Table made by prepare, or by extract; may be left out with --continue-from.
    """
    from isonet.steps.refine_command import refine_in_folder

    refine_in_folder(star, config)


@app.command(group=STEPS, sort_key=6)
def predict(star: Path, model: Path, /, *, config: Annotated[PredictConfig, Flat] = PredictConfig()) -> None:
    """Correct the tomograms of the table with a trained model.

    Parameters
    ----------
    star
        Table made by prepare.
    model
        Model made by refine (results/model.safetensors), or its run folder; starter is the one that comes with the
        program and gives a preview in minutes.
    """
    from isonet.steps.commands import predict_in_folder

    predict_in_folder(star, model, config)


@app.command(group=STEPS, sort_key=7)
def run(*tomograms: Path, config: Annotated[RunConfig, Flat] = RunConfig()) -> None:
    """All of it: prepare, deconv, mask, refine, predict, report. Given again after an interruption, it goes on.

    Parameters
    ----------
    tomograms
        Folders or MRC files with full tomograms.
    """
    from isonet.steps.run import run as step

    step(tomograms, config)


@app.command(group=STEPS, sort_key=8)
def validate(star: Path, /, *, config: Annotated[ValidateConfig, Flat] = ValidateConfig()) -> None:
    """Tell how far the filled wedge can be believed: withhold measured tilts, predict them, and compare.

    Parameters
    ----------
    star
        Table made by prepare.
    """
    from isonet.steps.validate import validate as step

    step(star, config)


@app.command(group=STEPS, sort_key=9)
def report(folder_or_star: Path, /, *, config: Annotated[ReportConfig, Flat] = ReportConfig()) -> None:
    """Write one page that shows what was done, before and after, and how far to believe it; its numbers as JSON.

    Parameters
    ----------
    folder_or_star
        Run folder of run, refine, predict or validate, or tomograms.star.
    """
    from isonet.steps.report import report as step

    step(folder_or_star, config)


@app.command(group=SIMULATION)
def simulate(*, config: Annotated[SimulateConfig, Flat] = SimulateConfig()) -> None:
    """Simulate a tomogram with its truth: phantom, tilt series with noise, weighted back-projection."""
    from isonet.steps.simulate import simulate as step

    step(config)


@app.command(group=SIMULATION)
def reconstruct(stack: Path, /, *, config: Annotated[ReconstructConfig, Flat] = ReconstructConfig()) -> None:
    """Reconstruct a tilt series into full, even and odd tomograms by weighted back-projection.

    Parameters
    ----------
    stack
        Tilt series (.st, .ali, .mrc), one image per tilt.
    """
    from isonet.steps.reconstruct import reconstruct as step

    step(stack, config)


@app.command(group=OTHER, alias="prepare_subtomo_star")
def prepare_subtomo_star(
    folder: Path, /, *, config: Annotated[PrepareSubtomoStarConfig, Flat] = PrepareSubtomoStarConfig()
) -> None:
    """Make subtomo.star from a folder of sub-volumes that another program cut.

    Parameters
    ----------
    folder
        Folder with MRC files, cubes of one size.
    """
    from isonet.steps.prepare_subtomos import prepare_subtomos

    prepare_subtomos(folder, config)


@app.command(group=OTHER)
def resize(*inputs: Path, config: Annotated[ResizeConfig, Flat] = ResizeConfig()) -> None:
    """Bring tomograms to another pixel size by cropping their Fourier transform, without aliasing.

    Parameters
    ----------
    inputs
        A table made by prepare, or folders and MRC files.
    """
    from isonet.steps.commands import resize_in_folder

    resize_in_folder(inputs, config)


@app.command(group=OTHER)
def train_starter(*, config: Annotated[TrainStarterConfig, Flat] = TrainStarterConfig()) -> None:
    """Train a starter model on simulated samples, from which refine begins; one comes with the program."""
    from isonet.steps.train_starter import train_starter as step

    step(config)


@app.command(group=OTHER)
def demo(*, config: Annotated[DemoConfig, Flat] = DemoConfig()) -> None:
    """Simulate a small tomogram, correct it, and show how much of the missing wedge came back."""
    from isonet.steps.demo import demo as step

    step(config)


@app.command(group=OTHER)
def gui(project_folder: Path = Path(), /, *, config: Annotated[GuiConfig, Flat] = GuiConfig()) -> None:
    """Open the browser interface on a project folder; it prints the address to open.

    Parameters
    ----------
    project_folder
        Folder with tomograms.star, or an empty one to begin in.
    """
    from isonet.gui.serve import serve

    serve(project_folder, config)


@app.command(group=OTHER)
def check(*, config: Annotated[CheckConfig, Flat] = CheckConfig()) -> None:
    """Show what this machine offers and test that training works on it."""
    from isonet.steps.check import check as step

    step(config)


_TRAININGS = (refine, train_starter)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 run failed, 2 bad usage or input, 128 + n after a signal."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    try:
        sys.exit(_dispatch([word for word in words if word != "--debug"], debug))
    except (IsonetError, ValidationError, CycloptsError, OSError, MemoryError) as error:
        if debug:
            raise
        _fail(message(error), error.exit_code if isinstance(error, IsonetError) else _exit_code(error))
    except KeyboardInterrupt:
        _fail("interrupted", 130)


def _dispatch(words: list[str], debug: bool) -> int:
    """Run one command."""
    translation, notes = translated(words, _count_gpus)
    tokens = normalized(translation)
    app.config = config_files(tokens)
    if not tokens or any(token in ("--help", "-h", "--version") for token in tokens):
        app(tokens, exit_on_error=False, print_error=False)
        return 0
    command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    from isonet.console import log_to_console
    from isonet.signals import Interruption, handled_by, interrupt

    log_to_console(debug)
    for note in notes:
        log.info("%s", note)
    try:
        with nullcontext() if command is gui else handled_by(interrupt):  # a signal is how the interface ends
            command(*bound.args, **bound.kwargs)
    except Interruption as stop:
        print(f"isonet: {stop}; {_how_to_go_on(command)}", file=sys.stderr)
        return 128 + stop.number
    except (IsonetError, OSError, MemoryError):
        raise
    except Exception as error:
        if debug:
            raise
        if is_out_of_memory(error):
            raise MemoryError from error
        kind, text = type(error).__name__, " ".join(str(error).split())
        print(f"isonet: unexpected {kind}: {text}; --debug shows where it comes from", file=sys.stderr)
        return 1
    return 0


def _how_to_go_on(command: Callable[..., object]) -> str:
    """Say what to do after a signal."""
    again = "give the same command again"
    return f"go on with --continue-from; where nothing was saved yet, {again}" if command in _TRAININGS else again


def _count_gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _exit_code(error: BaseException) -> int:
    return 1 if isinstance(error, OSError | MemoryError) else 2


def _fail(text: str, code: int) -> NoReturn:
    print(f"isonet: {text}", file=sys.stderr)
    sys.exit(code)
