"""One frozen model per step: every default, unit and bound of the program, once.

The command line, the YAML files, the record in each run folder and the documentation all derive from these.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from typing_extensions import Self


def parse_duration(value: object) -> object:
    """Seconds of `90`, `90s`, `20min`, `1.5h`, `2d`, `MM:SS`, `H:MM:SS` or `D-HH:MM:SS`; other types unchanged."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    units = {"": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
    if match := re.fullmatch(r"(\d+\.?\d*)\s*([a-z]*)", text):
        number, unit = match.groups()
        if unit in units:
            return float(number) * units[unit]
    if match := re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return 86400.0 * days + 3600.0 * hours + 60.0 * minutes + seconds
    raise ValueError("should be a duration such as 20min, 2h or 1:30:00")


def _split(value: object) -> object:
    """Let a list be written with commas: `0.1,0.2`."""
    if isinstance(value, int | float | Path):
        return (value,)
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple):
        parts = [part for item in value for part in (item.split(",") if isinstance(item, str) else [item])]
        return tuple(part.strip(" ()[]") if isinstance(part, str) else part for part in parts if part != "")
    return value


def _whole(value: object) -> object:
    """Let a choice among numbers be made with text, as on the command line."""
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


Duration = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]
Levels = Annotated[tuple[Annotated[float, Field(ge=0)], ...], BeforeValidator(_split)]
Iterations = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_split)]
Angle = Annotated[float, Field(ge=-90, le=90)]
Angles = Annotated[tuple[Angle, ...], BeforeValidator(_split)]
Files = Annotated[tuple[Path, ...], BeforeValidator(_split)]
Edge = Annotated[int, Field(ge=16, le=512)]


class StepConfig(BaseModel):
    """What all configurations share: frozen, and unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


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


class TrainingOptions(StepConfig):
    """How the network is trained."""

    method: Literal["auto", "isonet"] = "auto"
    """Training method; auto is isonet, the method of the paper, on the full tomogram."""
    input_column: str = "auto"
    """Column of the table to train on; auto takes the deconvolved tomograms if all are made, else the raw ones."""
    tomo_idx: str | None = None
    """Tomograms to use, by rlnIndex: 1,3-5; all if left out."""
    cube_size: Edge = 64
    """Edge of the training cubes in voxels."""
    crop_size: Edge | None = None
    """Edge of the sub-volumes they are cropped from after rotation; cube_size + 16 if left out."""
    number_subtomos: int | None = Field(None, ge=1)
    """Sub-volumes drawn from each tomogram in each iteration; rlnNumberSubtomo of the table if left out."""
    iterations: int = Field(30, ge=1)
    """Iterations of predict, fill and train."""
    epochs: int = Field(10, ge=1)
    """Epochs of training in each iteration."""
    steps_per_epoch: int | None = Field(None, ge=1)
    """Training steps per epoch; min(6 x sub-volumes / batch_size, 200) if left out."""
    batch_size: int = Field(4, ge=1)
    """Cubes per training step."""
    learning_rate: float = Field(4e-4, gt=0)
    """Learning rate of Adam."""
    loss_weighting: Literal["signal", "none"] = "signal"
    """Weight the errors at each frequency by its share of signal, estimated from the tomogram; none is the paper's
    plain mean absolute error, which noise at high frequencies dominates in raw tomograms."""
    noise_level: Levels = (0.18, 0.35, 0.53, 0.70)
    """Standard deviation of the noise added to inputs relative to the data's, from the matching noise_start_iter on
    (IsoNet 1's figures act 3.5 times as strongly: its 0.05 is 0.18 here)."""
    noise_start_iter: Iterations = (11, 16, 21, 26)
    """First iteration of each noise level."""
    noise_mode: Literal["unfiltered", "ramp", "hamming"] = "ramp"
    """Filter of the reconstruction the noise imitates: unfiltered for SIRT-like, ramp for weighted back-projection,
    hamming for IMOD's hamming-like filter."""
    random_rotations: float = Field(0.0, ge=0, le=1)
    """Share of training pairs turned by a uniformly random rotation instead of one of the cube's. Corners that turn in
    from outside the sub-volume are reflected content; with crop_size 1.75 times cube_size there are none."""
    arch: Literal["auto", "paper", "medium", "small"] = "auto"
    """Network: paper (64 filters), medium (32) or small (16); auto is paper on a GPU and small on a CPU."""
    unet_depth: int | None = Field(None, ge=1, le=5)
    """Levels of the U-Net; as arch if left out."""
    filter_base: int | None = Field(None, ge=1, le=256)
    """Filters of its first level; as arch if left out."""
    convs_per_depth: int | None = Field(None, ge=2, le=8)
    """Convolutions per level; as arch if left out."""
    kernel: Annotated[Literal[3, 5, 7], BeforeValidator(_whole)] | None = None
    """Edge of the convolution kernels; as arch if left out."""
    pool: bool | None = None
    """Halve by maximum pooling instead of strided convolutions; as arch if left out."""
    normalization: Literal["batch", "instance", "none"] | None = None
    """Normalisation layers; as arch if left out."""
    drop_out: float | None = Field(None, ge=0, lt=1)
    """Share of activations dropped while training; as arch if left out."""
    pretrained_model: Path | None = None
    """Model to start from instead of random weights; its network is used."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    precision: Literal["auto", "float32", "bf16"] = "auto"
    """Arithmetic of the network; auto is bf16 where the device computes in it natively."""
    max_time: Duration | None = None
    """Stop cleanly after this time (20min, 2h, 1:30:00), to be continued later."""
    seed: int = Field(0, ge=0)
    """Seed of everything random; the same seed on the same machine gives the same bits on a CPU."""
    keep_models: int = Field(5, ge=1)
    """Models of past iterations to keep beside the last one."""

    @model_validator(mode="after")
    def _check_training(self) -> Self:
        if len(self.noise_level) != len(self.noise_start_iter):
            raise ValueError("noise_level and noise_start_iter need the same number of entries")
        if list(self.noise_start_iter) != sorted(set(self.noise_start_iter)):
            raise ValueError("noise_start_iter must increase")
        if self.crop_size is not None and self.crop_size < self.cube_size:
            raise ValueError(f"crop_size {self.crop_size} must not be smaller than cube_size {self.cube_size}")
        return self

    @property
    def subvolume_size(self) -> int:
        """Edge of the sub-volumes that training cubes are cropped from."""
        return self.crop_size or self.cube_size + 16

    def noise_level_at(self, iteration: int) -> float:
        """Noise level of an iteration (counted from 1)."""
        level = 0.0
        for start, value in zip(self.noise_start_iter, self.noise_level, strict=True):
            if iteration >= start:
                level = value
        return level


class RefineConfig(TrainingOptions):
    """Options of `refine`."""

    output_dir: Path = Path("results")
    """Run folder for models, metrics and previews."""
    continue_from: Path | None = None
    """Run folder of an interrupted refine to go on with, with the options it was started with."""
    overwrite: bool = False
    """Move an existing run folder aside (results~1) and start anew."""


class OutputOptions(StepConfig):
    """What the corrected tomograms are."""

    keep_measured: bool = False
    """Keep the tomogram's measured Fourier content as it is, W v + (1 - W) f(v), instead of the denoised f(v); needs
    memory for three times the tomogram."""
    float16: bool = False
    """Write half-precision MRC files (mode 12)."""


class PredictConfig(OutputOptions):
    """Options of `predict`."""

    output_dir: Path = Path("corrected")
    """Folder for the corrected tomograms."""
    input_column: str = "auto"
    """Column of the table to correct; auto is the one the model was trained on."""
    tomo_idx: str | None = None
    """Tomograms to correct, by rlnIndex: 1,3-5; all if left out."""
    cube_size: Edge | None = None
    """Distance between neighbouring tiles in voxels; two thirds of crop_size if left out."""
    crop_size: Edge | None = None
    """Edge of the tiles given to the network; one and a half times the model's cube size if left out."""
    batch_size: int = Field(1, ge=1)
    """Tiles per evaluation of the network."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    precision: Literal["auto", "float32", "bf16"] = "float32"
    """Arithmetic of the network."""
    overwrite: bool = False
    """Replace corrected tomograms that this program did not write or that come from other input."""

    @model_validator(mode="after")
    def _check(self) -> "PredictConfig":
        if self.cube_size is not None and self.crop_size is not None and self.cube_size > self.crop_size:
            raise ValueError(f"crop_size {self.crop_size} must not be smaller than cube_size {self.cube_size}")
        return self


class RunConfig(InputOptions, TrainingOptions, OutputOptions):
    """Options of `run`: those of its steps."""

    output_dir: Path = Path("isonet")
    """Folder for the table, the training run and the corrected tomograms."""


class SimulateConfig(StepConfig):
    """Options of `simulate`."""

    output_dir: Path = Path("simulated")
    """Folder for truth.mrc, full.mrc, even.mrc, odd.mrc, tilts.mrc and tilts.tlt."""
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
    """Angle between neighbouring tilts in degrees."""
    tilts: Angles = ()
    """Tilt angles in degrees, separated by commas, in place of tilt_min, tilt_max and tilt_step."""
    tilt_file: Path | None = None
    """File with the tilt angles (.tlt, .rawtlt, .aln), in place of all other settings of tilts."""
    snr: float = Field(0.1, gt=0, allow_inf_nan=True)
    """Variance of the signal over variance of the noise in a projection, on average over the tilts; inf: no noise."""
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
        return self


class ReconstructConfig(StepConfig):
    """Options of `reconstruct`."""

    output_dir: Path = Path("reconstructed")
    """Folder for <stack>_full.mrc, <stack>_even.mrc, <stack>_odd.mrc and <stack>.tlt."""
    tilt_file: Path | None = None
    """Tilt angles (.tlt, .rawtlt, .aln), one per image; may be left out where the alignment has them."""
    alignment: Path | None = None
    """Alignment of the images, IMOD .xf or Warp .xml; left out, the tilt axis runs along y through the centre."""
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


class DemoConfig(StepConfig):
    """Options of `demo`."""

    output_dir: Path = Path("demo")
    """Folder for everything the demonstration makes."""
    snr: float = Field(0.8, gt=0, le=1)
    """Variance of the signal over variance of the noise in a projection."""
    max_time: Duration = 360.0
    """Time for training (20min, 2h, 1:30:00)."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    seed: int = Field(0, ge=0)
    """Seed of the phantom, the noise and the training."""


class CheckConfig(StepConfig):
    """Options of `check`."""

    device: str = "auto"
    """Device to test: auto, cpu, cuda or cuda:N."""
    seconds: float = Field(10.0, ge=0, le=600)
    """How long the training self-test may take; 0 leaves it out."""
