"""Options of `simulate`, `reconstruct` and `resize`, which make tomograms."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from isonet.config.base import Angle, Angles, Files, Size, StepConfig

OF_TOMOGRAM = {
    *("pixel_size", "tilt_min", "tilt_max", "tilts", "tilt_file", "level_x", "level_y", "second_axis"),
    *("snr", "defocus", "voltage", "cs", "amplitude_contrast", "split", "contrast", "filter"),
}
"""Options of `simulate` that the tomogram decides which a sample is imaged like."""


class SimulateConfig(StepConfig):
    """Options of `simulate`."""

    output_dir: Path = Path("simulated")
    """Folder for truth.mrc, full.mrc, even.mrc, odd.mrc, tilts.mrc, tilts.tlt and particles.star."""
    like: Path | None = None
    """Table of a tomogram to image the sample like: with its tilts, pixel size, contrast transfer, contrast and kind of
    halves, and with signal and noise as strong at each frequency. Two pictures show both side by side."""
    tomo_idx: str | None = None
    """Tomogram of like, by rlnIndex; the first of its table if left out."""
    phase_flipped: bool = False
    """The phases of that tomogram were flipped before reconstruction (CTF-corrected as in IMOD's ctfphaseflip)."""
    depth: int = Field(64, ge=16, le=2048)
    """Voxels along z, the beam."""
    height: int = Field(128, ge=16, le=8192)
    """Voxels along y, the tilt axis."""
    width: int = Field(128, ge=16, le=8192)
    """Voxels along x."""
    pixel_size: float = Field(10.0, gt=0, le=100)
    """Å per voxel."""
    tilt_min: Angle = -60.0
    """Smallest tilt angle in degrees."""
    tilt_max: Angle = 60.0
    """Largest tilt angle in degrees."""
    tilt_step: float = Field(3.0, gt=0, le=90)
    """Angle between neighbouring tilts in degrees; with like where its table has no list of them."""
    tilts: Angles = ()
    """Tilt angles in degrees, separated by commas, in place of tilt_min, tilt_max and tilt_step."""
    tilt_file: Path | None = None
    """File with the tilt angles (.tlt, .aln, .mdoc, .xml, .star, .com), in place of all other settings of tilts."""
    level_x: float = Field(0.0, ge=-45, le=45)
    """Degrees by which the volume is turned about x before it is tilted: it lies flat, as programs level tomograms."""
    level_y: float = Field(0.0, ge=-45, le=45)
    """Degrees by which it is then turned about y, which adds to the tilts; tilts.tlt has those of the stage."""
    second_axis: bool = False
    """Tilt about x too, into tilts2.mrc and tilts2.tlt, and join both reconstructions."""
    snr: float = Field(0.1, gt=0, allow_inf_nan=True)
    """Variance of the signal over variance of the noise in a projection, on average over the tilts; inf: no noise."""
    defocus: float = Field(0.0, ge=-200_000, le=200_000)
    """Defocus in Å of all images, positive is underfocus; 0: no contrast transfer function, density as it is."""
    voltage: float = Field(300.0, ge=10, le=3000)
    """Acceleration voltage in kV, for the contrast transfer."""
    cs: float = Field(2.7, ge=0, le=100)
    """Spherical aberration in mm, for the contrast transfer."""
    amplitude_contrast: float = Field(0.07, ge=0, le=1)
    """Fraction of amplitude contrast, for the contrast transfer."""
    split: Literal["frames", "tilts"] = "frames"
    """What the halves are: two independent halves of every image's exposure, or every other tilt."""
    contrast: Literal["dark", "light"] = "dark"
    """Whether density is dark or light in the files."""
    filter: Literal["ramp", "hamming"] = "ramp"
    """Weight of the back-projection: ramp is |k|, hamming rolls it off towards Nyquist."""
    species: int = Field(5, ge=0, le=1000)
    """Kinds of irregular particles to invent, 80 to 250 Å wide."""
    crowding: float = Field(0.1, ge=0, le=0.5)
    """Fraction of the volume to fill with particles, as far as they find room."""
    vesicles: int = Field(3, ge=0, le=1000)
    """Closed membranes to place, as far as they find room."""
    filaments: int = Field(3, ge=0, le=1000)
    """Microtubules and actin filaments to place, in turn, as far as they find room."""
    sheets: int = Field(0, ge=0, le=100)
    """Flat membranes across the beam, as wide as the volume, to place, as far as they find room."""
    templates: Files = ()
    """Density maps (.mrc, bright = mass, at pixel_size), separated by commas, to place besides the species."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Seed of the phantom and of the noise."""
    overwrite: bool = False
    """Replace existing files in output_dir."""

    @model_validator(mode="after")
    def _check(self) -> "SimulateConfig":
        if not self.tilt_min < self.tilt_max:
            raise ValueError(f"tilt_min {self.tilt_min:g} must be smaller than tilt_max {self.tilt_max:g} degrees")
        if 0 < len(self.tilts) < 2:
            raise ValueError("tilts needs at least two angles")
        if self.second_axis and self.split == "tilts":
            raise ValueError("second_axis goes with split frames alone")
        if self.phase_flipped and self.like is None:
            raise ValueError("phase_flipped says how the tomogram of like was made; give like, too")
        told = sorted(self.model_fields_set & OF_TOMOGRAM) if self.like is not None else []
        if told:
            raise ValueError(f"{told[0]} is that of the tomogram with like; leave it out")
        return self


class ReconstructConfig(StepConfig):
    """Options of `reconstruct`."""

    output_dir: Path = Path("reconstructed")
    """Folder for <stack>_full.mrc, <stack>_even.mrc, <stack>_odd.mrc and <stack>.tlt."""
    tilt_file: Path | None = None
    """Tilt angles (.tlt, .aln, .mdoc, .xml, .star, .com), one per image; left out, those of the alignment."""
    alignment: Path | None = None
    """Alignment of the images, IMOD .xf or Warp .xml; left out, the tilt axis runs along y through the centre."""
    level_x: float | None = Field(None, ge=-60, le=60)
    """Degrees by which the tomogram is turned about x before it is tilted (RELION's rlnTomoXTilt, Warp's LevelAngleX,
    minus IMOD's XAXISTILT), so that the sample lies flat; left out: from the alignment or tilt file, else 0."""
    level_y: float = Field(0.0, ge=-60, le=60)
    """Degrees by which it is then turned about y, added to the tilts (after invert_tilts)."""
    invert_tilts: bool = False
    """Change the sign of all angles, which mirrors the tomogram along z."""
    min_tilt: Angle = -90.0
    """Leave out images tilted by less, in degrees (after invert_tilts)."""
    max_tilt: Angle = 90.0
    """Leave out images tilted by more, in degrees (after invert_tilts)."""
    stack_pixel_size: float | None = Field(None, gt=0)
    """Å per pixel of the images; taken from the header if left out."""
    pixel_size: float | None = Field(None, gt=0)
    """Å per voxel of the tomogram, no finer than the images; that of the images if left out."""
    thickness: int = Field(200, ge=2, le=8192)
    """Voxels of the tomogram along z."""
    filter: Literal["ramp", "hamming"] = "ramp"
    """Weight of the back-projection: ramp is |k|, hamming rolls it off towards Nyquist."""
    overwrite: bool = False
    """Replace existing files in output_dir."""

    @model_validator(mode="after")
    def _check(self) -> "ReconstructConfig":
        if not self.min_tilt < self.max_tilt:
            raise ValueError(f"min_tilt {self.min_tilt:g} must be smaller than max_tilt {self.max_tilt:g} degrees")
        return self


class ResizeConfig(StepConfig):
    """Options of `resize`."""

    pixel_size: float = Field(10.0, gt=0, le=1000)
    """Å per voxel of the results."""
    output_dir: Path = Path("resized")
    """Folder for the resized tomograms."""
    tomo_idx: str | None = None
    """Tomograms to resize, by rlnIndex: 1,3-5; all if left out. The new table has these alone."""
    max_memory: Size = 4_000_000_000
    """Memory to use at most (4GB, 500MB), all included; larger tomograms are streamed from and to the disk."""
    overwrite: bool = False
    """Replace resized tomograms that this program did not write or that come from other input, and their table."""
