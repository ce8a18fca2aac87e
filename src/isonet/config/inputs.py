"""Options of `prepare`: what the tomograms are."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from typing_extensions import Self

from isonet.config.base import Angle, StepConfig, automatic, single, split_list

DEFAULT_TILTS = (-60.0, 60.0)
DEFAULT_VOLTAGE = 300.0
DEFAULT_CS = 2.7
DEFAULT_AMPLITUDE_CONTRAST = 0.07
ACCEPTABLE = ("mirrored", "no-wedge", "stack", "black-half", "other-halves")
"""What `prepare` finds to be wrong and takes all the same where it is named."""


def _known_faults(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse words that name nothing that can be accepted.

    Raises
    ------
    ValueError
        If there is one.
    """
    unknown = [name for name in names if name not in ACCEPTABLE]
    if unknown:
        raise ValueError(f"{unknown[0]} is nothing to accept; choose from {', '.join(ACCEPTABLE)}")
    return names


Accepted = Annotated[tuple[str, ...], BeforeValidator(split_list), AfterValidator(_known_faults)]


LevelAngle = Annotated[float, Field(ge=-60, le=60)]
Turn = Annotated[float, Field(ge=-180, le=180)]


class InputOptions(StepConfig):
    """What the tomograms are."""

    even: Path | None = None
    """Folder (or file) with the reconstructions from even frames or tilts."""
    odd: Path | None = None
    """Folder (or file) with those from odd frames or tilts; may be the same folder, names then tell (_EVN, _ODD)."""
    split: Literal["auto", "frames", "tilts"] = "auto"
    """What the halves are made from; auto looks at their spectra: halves from tilts have different planes."""
    metadata: Path | None = None
    """Folder or file of Warp, RELION 5, AreTomo, CTFFIND, IMOD or SerialEM with tilts and CTF, found by name."""
    pixel_size: Annotated[float | None, BeforeValidator(automatic)] = Field(None, gt=0)
    """Å per voxel; taken from each file's header if left out."""
    tilt_min: Angle | None = None
    """Smallest tilt angle in degrees, after alignment; left out: from tilt_file or metadata, else -60."""
    tilt_max: Angle | None = None
    """Largest tilt angle in degrees, after alignment; left out: from tilt_file or metadata, else 60."""
    level_x: LevelAngle | None = None
    """Degrees by which the tomogram was turned about x before it is tilted (RELION's rlnTomoXTilt, Warp's LevelAngleX,
    minus IMOD's XAXISTILT); left out: from metadata, else 0."""
    level_y: LevelAngle | None = None
    """Degrees by which it was then turned about y, where the tilts do not have that in them; added to them."""
    axis_turn: Turn | None = None
    """Degrees about z that bring the tilt axis to y, before the other turns; 0 if left out."""
    second_tilt_min: Angle | None = None
    """Smallest tilt about a second axis, of tomograms joined from two tilt series."""
    second_tilt_max: Angle | None = None
    """Largest tilt about a second axis."""
    second_tilt_file: Path | None = None
    """Tilts about a second axis, in place of second_tilt_min and second_tilt_max."""
    second_level_x: LevelAngle | None = None
    """As level_x, for the second axis."""
    second_level_y: LevelAngle | None = None
    """As level_y, for the second axis."""
    second_axis_turn: Turn | None = None
    """As axis_turn, for the second axis; 90 if left out, the second axis along x."""
    tilt_file: Path | None = None
    """Tilts of all tomograms (.tlt, .rawtlt, .aln, .mdoc, .xml, .star, .com, .edf), or a folder with a file each."""
    defocus: Annotated[float | None, BeforeValidator(single)] = None
    """Defocus at zero tilt in Å, positive is underfocus, 0 unknown; left out: from metadata, else 0."""
    voltage: float | None = Field(None, gt=0)
    """Acceleration voltage in kV; left out: from metadata, else 300."""
    cs: float | None = Field(None, ge=0)
    """Spherical aberration in mm; left out: from metadata, else 2.7."""
    amplitude_contrast: float | None = Field(None, ge=0, le=1)
    """Fraction of amplitude contrast; left out: from metadata, else 0.07."""
    number_subtomos: Annotated[int | None, BeforeValidator(automatic)] = Field(None, ge=1)
    """Sub-volumes per tomogram and epoch; if left out, 300 shared among all tomograms."""
    contrast: Literal["auto", "dark", "light"] = "auto"
    """Whether density is dark or light in the files; auto looks at the skewness of the low-passed map."""
    accept: Accepted = ()
    """Faults that prepare measured and lets pass, with commas: mirrored, no-wedge, stack, black-half, other-halves."""
    relion5: Path | None = None
    """Also write a table of tomograms for RELION 5 to this file (.star)."""

    @model_validator(mode="after")
    def _check_inputs(self) -> Self:
        low = DEFAULT_TILTS[0] if self.tilt_min is None else self.tilt_min
        high = DEFAULT_TILTS[1] if self.tilt_max is None else self.tilt_max
        both_known = None not in (self.tilt_min, self.tilt_max) or (self.metadata is None and self.tilt_file is None)
        if both_known and not low < high:
            raise ValueError(f"tilt_min {low:g} must be smaller than tilt_max {high:g} degrees")
        if (self.second_tilt_min is None) != (self.second_tilt_max is None):
            raise ValueError("second_tilt_min and second_tilt_max belong together: give both or neither")
        first, last = self.second_tilt_min, self.second_tilt_max
        if first is not None and last is not None and not first < last:
            raise ValueError(f"second_tilt_min {first:g} must be smaller than second_tilt_max {last:g} degrees")
        if (self.even is None) != (self.odd is None):
            raise ValueError("even and odd belong together: give both or neither")
        return self


class PrepareConfig(InputOptions):
    """Options of `prepare`."""

    output: Path = Path("tomograms.star")
    """Table of tomograms to write."""
    average_dir: Path = Path("average")
    """Folder for the mean of even and odd where no full tomogram is given."""
    turned_dir: Path = Path("turned")
    """Folder for turned copies of tomograms as IMOD's tilt leaves them, with the beam along y."""
    append: bool = False
    """Add to an existing table; the tomograms that are in it stay as they are."""
    overwrite: bool = False
    """Replace an existing table."""

    @model_validator(mode="after")
    def _check_output(self) -> Self:
        if self.append and (self.overwrite or self.relion5 is not None):
            raise ValueError("append goes without overwrite and relion5: choose one")
        return self
