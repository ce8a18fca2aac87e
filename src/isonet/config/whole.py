"""Options of `run`, `relion` and `demo`, which string the steps together, and of `check`."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from isonet.config.base import Duration, StepConfig
from isonet.config.correction import OutputOptions
from isonet.config.deconv import FilterOptions
from isonet.config.inputs import InputOptions
from isonet.config.mask import MaskOptions
from isonet.config.training import TrainingOptions


class WholeOptions(InputOptions, FilterOptions, MaskOptions, TrainingOptions, OutputOptions):
    """Options of all steps."""

    deconv: Literal["auto", "on", "off"] = "auto"
    """Whether to deconvolve, where the defocus is known and there was no phase shift. auto, unless the preset leaves it
    out, does so before a training on one map; halves are trained on as they are, and run deconvolves what comes out."""
    mask: Literal["auto", "on", "off"] = "auto"
    """Whether to make masks; auto does unless the preset leaves them out."""


class RunConfig(WholeOptions):
    """Options of `run`: those of its steps."""

    output_dir: Path = Path("isonet")
    """Folder for the table, all that the steps make, and the report."""


class RelionConfig(WholeOptions):
    """Options of `relion`: what RELION gives an External job, and those of the steps."""

    o: Path | None = None
    """Folder of the job, as RELION gives it: External/job012/."""
    in_mics: Path | None = None
    """Table of reconstructed tomograms (.star), from the field Input micrographs; one such input is needed."""
    in_movies: Path | None = None
    """The same from the field Input movies."""
    in_parts: Path | None = None
    """The same from the field Input particles."""
    in_coords: Path | None = None
    """The same from the field Input coordinates."""
    j: int | None = Field(None, ge=1)
    """Threads of each process, from the tab Running; all cores if left out."""
    model: Path | None = None
    """Model to correct with: the folder of a refine job, a model of refine, or starter; if left out, the one beside the
    table that is given, which is then tomograms.star of a refine job."""


class DemoConfig(StepConfig):
    """Options of `demo`."""

    output_dir: Path = Path("demo")
    """Folder for everything the demonstration makes."""
    snr: float = Field(0.8, gt=0, le=1)
    """Variance of the signal over variance of the noise in a projection."""
    max_time: Duration = 420.0
    """Time for training (20min, 2h, 1:30:00)."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    seed: int = Field(2, ge=0)
    """Seed of the phantom, the noise and the training."""


class CheckConfig(StepConfig):
    """Options of `check`."""

    device: str = "auto"
    """Device to test: auto, cpu, cuda or cuda:N."""
    seconds: float = Field(10.0, ge=0, le=600)
    """How long the training self-test may take; 0 leaves it out."""
    fastest: bool = True
    """Measure on each GPU, in about a minute, which layout, arithmetic and algorithms are fastest, compare the results
    with those of the CPU, and remember the choice for refine and predict."""
