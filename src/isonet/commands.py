"""What commands there are: their words, options and help, and where their work begins.

The command line, the browser interface and the reference are made from this list; it imports none of them.
"""

from dataclasses import dataclass
from pathlib import Path

from isonet.config import (
    CheckConfig,
    DeconvConfig,
    DemoConfig,
    ExtractConfig,
    GuiConfig,
    MaskConfig,
    OpenConfig,
    PredictConfig,
    PrepareConfig,
    PrepareSubtomoStarConfig,
    ReconstructConfig,
    RefineConfig,
    RelionConfig,
    ReportConfig,
    ResizeConfig,
    RunConfig,
    SimulateConfig,
    StepConfig,
    TrainStarterConfig,
    ValidateConfig,
)

STEPS, SIMULATION, OTHER = GROUPS = ("Steps, in order", "Simulation and reconstruction", "Other")
"""Headings under which the help lists the commands."""


@dataclass(frozen=True)
class Argument:
    """A word of a command line that has no name.

    Attributes
    ----------
    name : str
        As the help calls it.
    help : str
        What it is.
    required : bool
        Whether it must be given.
    many : bool
        Whether several may be given, or none.
    default : Path, optional
        What it is where it may be left out.
    """

    name: str
    help: str
    required: bool = True
    many: bool = False
    default: Path | None = None


@dataclass(frozen=True)
class Command:
    """One command of `isonet`.

    Attributes
    ----------
    name : str
        As it is typed.
    begins : str
        Where its work begins, as `module:function`; loaded when the command runs, so that help answers at once. The
        function takes the arguments in order (several as one tuple), then the options.
    model : type
        Its options.
    summary : str
        What it does, in a sentence.
    arguments : tuple of Argument
        What comes before the options.
    group : str
        One of `GROUPS`.
    alias : str, optional
        As IsoNet 1 calls it.
    continues : bool
        Whether it goes on with `--continue-from` after an interruption; others are given again.
    serves : bool
        Whether it serves until a signal ends it.
    has_form : bool
        Whether the browser interface has a form for it.
    """

    name: str
    begins: str
    model: type[StepConfig]
    summary: str
    arguments: tuple[Argument, ...] = ()
    group: str = OTHER
    alias: str | None = None
    continues: bool = False
    serves: bool = False
    has_form: bool = True


_TABLE = Argument("star", "Table made by prepare.")
_ALL = (
    Command(
        "prepare",
        "isonet.steps.prepare:prepare",
        PrepareConfig,
        "Make tomograms.star, the table of tomograms, from folders or files.",
        (
            Argument(
                "tomograms",
                "Folders, MRC files or OME-Zarr images (cell.zarr, or a level of it, cell.zarr/1) with full tomograms, "
                "or tables (.star) that name them and their halves; may be left out where --even and --odd are given.",
                required=False,
                many=True,
            ),
        ),
        STEPS,
        alias="prepare_star",
    ),
    Command(
        "deconv",
        "isonet.steps.deconv:deconv_in_folder",
        DeconvConfig,
        "Undo the contrast transfer of the microscope with a Wiener-like filter, which raises the contrast.",
        (
            Argument(
                "star",
                "Table made by prepare, with the defocus of each tomogram in rlnDefocus (or give --defocus).",
            ),
        ),
        STEPS,
    ),
    Command(
        "mask",
        "isonet.steps.mask:mask_in_folder",
        MaskConfig,
        "Mark where each tomogram holds density, so that refine does not train on empty ice.",
        (_TABLE,),
        STEPS,
        alias="make_mask",
    ),
    Command(
        "extract",
        "isonet.steps.extract:extract_in_folder",
        ExtractConfig,
        "Cut sub-volumes out of the tomograms, at random inside the mask or at coordinates; refine can do without.",
        (_TABLE,),
        STEPS,
    ),
    Command(
        "refine",
        "isonet.steps.refine:refine_in_folder",
        RefineConfig,
        "Train the network on the tomograms of the table.",
        (
            Argument(
                "star",
                "Table made by prepare, or by extract; may be left out with --continue-from.",
                required=False,
            ),
        ),
        STEPS,
        continues=True,
    ),
    Command(
        "predict",
        "isonet.steps.predict:predict_in_folder",
        PredictConfig,
        "Correct the tomograms of the table with a trained model.",
        (
            _TABLE,
            Argument(
                "model",
                "Model made by refine (results/model.safetensors), or its run folder; starter is the one that comes "
                "with the program and gives a preview in minutes.",
            ),
        ),
        STEPS,
    ),
    Command(
        "run",
        "isonet.steps.run:run",
        RunConfig,
        "All of it: prepare, deconv, mask, refine, predict, report. Given again after an interruption, it goes on.",
        (Argument("tomograms", "Folders or files with full tomograms, MRC or OME-Zarr.", required=False, many=True),),
        STEPS,
    ),
    Command(
        "validate",
        "isonet.steps.validate:validate",
        ValidateConfig,
        "Tell how far the filled wedge can be believed: withhold measured tilts, predict them, and compare.",
        (_TABLE,),
        STEPS,
    ),
    Command(
        "report",
        "isonet.steps.report:report",
        ReportConfig,
        "Write one page that shows what was done, before and after, and how far to believe it; its numbers as JSON.",
        (Argument("folder_or_star", "Run folder of run, refine, predict or validate, or tomograms.star."),),
        STEPS,
    ),
    Command(
        "reconstruct",
        "isonet.steps.reconstruct:reconstruct",
        ReconstructConfig,
        "Reconstruct a tilt series into full, even and odd tomograms by weighted back-projection.",
        (Argument("stack", "Tilt series (.st, .ali, .mrc), one image per tilt."),),
        SIMULATION,
    ),
    Command(
        "simulate",
        "isonet.steps.simulate:simulate",
        SimulateConfig,
        "Simulate a tomogram with its truth: phantom, tilt series with noise, weighted back-projection.",
        group=SIMULATION,
    ),
    Command(
        "check",
        "isonet.steps.check:check",
        CheckConfig,
        "Show what this machine offers and test that training works on it.",
    ),
    Command(
        "demo",
        "isonet.steps.demo:demo",
        DemoConfig,
        "Simulate a small tomogram, correct it, and show how much of the missing wedge came back.",
    ),
    Command(
        "gui",
        "isonet.gui.serve:serve",
        GuiConfig,
        "Open the browser interface on a project folder; it prints the address to open.",
        (
            Argument(
                "project_folder",
                "Folder with tomograms.star, or an empty one to begin in.",
                required=False,
                default=Path(),
            ),
        ),
        serves=True,
        has_form=False,
    ),
    Command(
        "open",
        "isonet.steps.report:open_elsewhere",
        OpenConfig,
        "Write scripts that open before, after, mask and confidence in ChimeraX and napari, and the commands to type.",
        (Argument("folder_or_star", "Run folder of run, refine, predict or validate, or tomograms.star."),),
    ),
    Command(
        "prepare-subtomo-star",
        "isonet.steps.prepare:prepare_subtomos",
        PrepareSubtomoStarConfig,
        "Make subtomo.star from a folder of sub-volumes that another program cut.",
        (Argument("folder", "Folder with MRC files, cubes of one size."),),
        alias="prepare_subtomo_star",
    ),
    Command(
        "relion",
        "isonet.steps.relion:relion",
        RelionConfig,
        "Do an External job of RELION 5: train on its tomograms, or correct them, in its pipeline.",
        (Argument("step", "What to do: refine or predict."),),
        has_form=False,
    ),
    Command(
        "resize",
        "isonet.steps.resize:resize_in_folder",
        ResizeConfig,
        "Bring tomograms to another pixel size by cropping their Fourier transform, without aliasing.",
        (
            Argument(
                "inputs",
                "A table made by prepare, or folders and volumes.",
                required=False,
                many=True,
            ),
        ),
    ),
    Command(
        "train-starter",
        "isonet.steps.train_starter:train_starter",
        TrainStarterConfig,
        "Train a starter model on simulated samples, from which refine begins; one comes with the program.",
        continues=True,
    ),
)
COMMANDS = {command.name: command for command in _ALL}
"""All commands by name, in the order of the help."""
