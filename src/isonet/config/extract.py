"""Options of `extract` and `prepare-subtomo-star`, which make the table of sub-volumes."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from isonet.config.base import Angle, Edge, StepConfig, larger_by_half
from isonet.config.inputs import Accepted, LevelAngle, Turn


class ExtractConfig(StepConfig):
    """Options of `extract`."""

    output: Path = Path("subtomo.star")
    """Table of sub-volumes to write."""
    output_dir: Path = Path("subtomo")
    """Folder for the sub-volumes, <name>_<number>.mrc."""
    cube_size: Edge = 64
    """Edge of the training cubes in voxels, recorded for refine."""
    crop_size: Edge | None = None
    """Edge of the sub-volumes in voxels; 1.5 cube_size, rounded up to a multiple of 16, if left out."""
    coordinates: Path | None = None
    """Centres in place of random ones in the mask: a file (x y z in voxels counted from 0, one point a line; .star;
    IMOD .mod), or a folder with one such file per tomogram; column rlnBoxFile of the table if left out, where it is
    filled."""
    number_subtomos: int | None = Field(None, ge=1)
    """Sub-volumes per tomogram; rlnNumberSubtomo of the table if left out (with coordinates: all of them)."""
    input_column: str = "auto"
    """Column of the table to cut from; auto takes the deconvolved tomograms if all are made, else the full ones;
    full takes these anyway."""
    tomo_idx: str | None = None
    """Tomograms to cut from, by rlnIndex: 1,3-5; all if left out."""
    seed: int = Field(0, ge=0)
    """Seed of the random centres."""
    overwrite: bool = False
    """Replace a table and sub-volumes that were made otherwise."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.crop_size is not None and self.crop_size < self.cube_size:
            raise ValueError(f"crop_size {self.crop_size} must not be smaller than cube_size {self.cube_size}")
        return self

    @property
    def subvolume_size(self) -> int:
        """Edge of the sub-volumes."""
        return self.crop_size or larger_by_half(self.cube_size)


class PrepareSubtomoStarConfig(StepConfig):
    """Options of `prepare-subtomo-star`."""

    output: Path = Path("subtomo.star")
    """Table of sub-volumes to write."""
    pixel_size: float | None = Field(None, gt=0)
    """Å per voxel; taken from each file's header if left out."""
    cube_size: Edge | None = None
    """Edge of the training cubes in voxels; the largest multiple of 16 up to two thirds of the sub-volumes' edge if
    left out."""
    tilt_min: Angle = -60.0
    """Smallest tilt angle of the tomograms in degrees, after alignment."""
    tilt_max: Angle = 60.0
    """Largest tilt angle of the tomograms in degrees, after alignment."""
    level_x: LevelAngle = 0.0
    """Degrees by which the tomograms were turned about x before they are tilted, as for prepare."""
    axis_turn: Turn = 0.0
    """Degrees about z that bring the tilt axis to y, before the other turn."""
    contrast: Literal["auto", "dark", "light"] = "auto"
    """Whether density is dark or light in the files; auto looks at the skewness of the low-passed maps."""
    accept: Accepted = ()
    """What is refused otherwise, taken with a warning: mirrored, no-wedge."""
    overwrite: bool = False
    """Replace an existing table."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.tilt_min < self.tilt_max:
            raise ValueError(f"tilt_min {self.tilt_min:g} must be smaller than tilt_max {self.tilt_max:g} degrees")
        return self
