"""Options of `mask`: where a tomogram holds density."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator
from typing_extensions import Self

from isonet.config.base import Devices, Size, StepConfig

Percentage = Annotated[float, Field(gt=0, le=100)]
Fraction = Annotated[float, Field(ge=0, lt=0.5)]


class MaskOptions(StepConfig):
    """What of a tomogram is kept."""

    density_percentage: Percentage | None = None
    """Percentage of voxels to keep where the density is highest; more than 99.8 keeps all. If left out,
    rlnMaskDensityPercentage of the table, else 50."""
    std_percentage: Percentage | None = None
    """Percentage of voxels to keep where the local standard deviation is highest; more than 99.8 keeps all. If left
    out, rlnMaskStdPercentage of the table, else 50."""
    patch_size: int = Field(4, ge=2, le=64)
    """Half the edge of the neighbourhood that is looked at, in voxels; narrower gaps in the mask are closed. IsoNet
    counts voxels binned by 2: its 4 is 8 here."""
    crop_x: Fraction = 0.0
    """Fraction of x to leave out at each end."""
    crop_y: Fraction = 0.0
    """Fraction of y to leave out at each end."""
    crop_z: Fraction = 0.0
    """Fraction of z to leave out at each end, as in IsoNet 1 (IsoNet 2's z_crop is the total: halve it)."""
    boundary: Path | None = None
    """IMOD model (.mod) or JSON with polygons to keep or exclude, or a folder with one for each tomogram by name;
    rlnMaskBoundary of the table if left out."""
    slab: bool = False
    """Leave out the empty ice above and below: fit the two faces of the lamella, which may be tilted."""
    beads: bool = True
    """Look for gold beads. They are left out of the mask and listed in <name>_beads.star; refine and predict see sample
    in their place, and results have them as they were."""
    existing: Path | None = None
    """Mask made by another program, or a folder with one for each tomogram by name, in place of the percentages. It
    is scaled by a whole number to the tomogram, and what exceeds half its maximum is kept."""

    @model_validator(mode="after")
    def _check_mask(self) -> Self:
        if self.existing is not None and self.slab:
            raise ValueError("slab looks at the tomogram, existing takes a mask instead: give one of the two")
        return self


class MaskConfig(MaskOptions):
    """Options of `mask`."""

    output_dir: Path = Path("mask")
    """Folder for the masks."""
    input_column: str = "auto"
    """Column of the table to look at; auto takes the deconvolved tomograms if all are made, else the full ones;
    full takes these anyway."""
    tomo_idx: str | None = None
    """Tomograms to make masks for, by rlnIndex: 1,3-5; all if left out."""
    devices: Devices = 1
    """Processes on this machine that share the tomograms, and the memory; auto is one, which uses all cores."""
    max_memory: Size = 4_000_000_000
    """Memory to use at most, such as 4GB; more is done through files in output_dir."""
    overwrite: bool = False
    """Replace masks made by others or from other input."""
