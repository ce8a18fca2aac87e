"""Options of `prepare`: what the tomograms are."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from isonet.config.base import Angle, StepConfig


class InputOptions(StepConfig):
    """What the tomograms are."""

    even: Path | None = None
    """Folder (or file) with the reconstructions from even frames or tilts."""
    odd: Path | None = None
    """Folder (or file) with the reconstructions from odd frames or tilts."""
    pixel_size: float | None = Field(None, gt=0)
    """Å per voxel; taken from each file's header if left out."""
    tilt_min: Angle = -60.0
    """Smallest tilt angle in degrees, after alignment."""
    tilt_max: Angle = 60.0
    """Largest tilt angle in degrees, after alignment."""
    tilt_file: Path | None = None
    """Tilt angles (.tlt, .rawtlt, .aln) of all tomograms, or a folder with one such file per tomogram."""
    defocus: float = 0.0
    """Defocus at zero tilt in Å, positive is underfocus; 0 means unknown."""
    number_subtomos: int | None = Field(None, ge=1)
    """Sub-volumes per tomogram and iteration; if left out, 300 shared among all tomograms."""
    contrast: Literal["auto", "dark", "light"] = "auto"
    """Whether density is dark or light in the files; auto looks at the skewness of the low-passed map."""

    @model_validator(mode="after")
    def _check_inputs(self) -> Self:
        if not self.tilt_min < self.tilt_max:
            raise ValueError(f"tilt_min {self.tilt_min:g} must be smaller than tilt_max {self.tilt_max:g} degrees")
        if (self.even is None) != (self.odd is None):
            raise ValueError("even and odd belong together: give both or neither")
        return self


class PrepareConfig(InputOptions):
    """Options of `prepare`."""

    output: Path = Path("tomograms.star")
    """Table of tomograms to write."""
    average_dir: Path = Path("average")
    """Folder for the mean of even and odd where no full tomogram is given."""
    overwrite: bool = False
    """Replace an existing table."""
