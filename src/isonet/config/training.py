"""Options of `refine`: how the network is trained."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ModelWrapValidatorHandler, model_validator
from typing_extensions import Self

from isonet.config.base import Devices, Duration, Edge, Iterations, Levels, larger_by_half
from isonet.config.learning import LearningOptions
from isonet.config.network import NetworkOptions
from isonet.presets.reading import PRESETS, Preset, preset_options


class TrainingOptions(NetworkOptions, LearningOptions):
    """How the network is trained."""

    preset: Preset | None = None
    """Options that suit a kind of sample, in place of the defaults; what is given beside it counts. purified for
    particles, cellular for cells and lamellae, phase-plate, plastic for stained sections in resin, and paper, the
    published method whatever the sample."""
    method: Literal["auto", "isonet", "noise2noise", "denoise", "recorrupted", "tailored"] = "auto"
    """isonet trains on one map, as the paper; noise2noise on even and odd halves, and removes noise better; denoise on
    halves without filling the wedge; recorrupted on one map as noise2noise on halves, by noise like its own that is
    added and taken away; tailored on imagined samples that are shown as the tomograms were: from the starter, 400 steps
    of two cubes of 48 where no others are given. auto is noise2noise where the table has halves, recorrupted where
    these are from every other tilt and share little, else tailored, and isonet where that cannot be or options ask for
    it."""
    time_budget: Duration | None = None
    """Time the training may take (20min, 2h, 1:30:00): iterations, epochs and steps are fitted to it, so that the run
    ends with its learning rate at the end of its course; iterations is then the most there may be."""
    max_time: Duration | None = None
    """Stop cleanly after this time (20min, 2h, 1:30:00), to be continued later."""
    phase_flipped: bool = False
    """The phases of the data were flipped before reconstruction (CTF-corrected as in IMOD's ctfphaseflip); only
    tailored asks."""
    input_column: str = "auto"
    """Column of the table to train on; auto takes the deconvolved tomograms if all are made, else the full ones;
    full takes these anyway."""
    tomo_idx: str | None = None
    """Tomograms to use, by rlnIndex: 1,3-5; all if left out."""
    cube_size: Edge = 64
    """Edge of the training cubes in voxels; with subtomo.star, as it says if left out."""
    crop_size: Edge | None = None
    """Edge of the sub-volumes they are cropped from after rotation and removal of the wedge; 1.5 cube_size, rounded up
    to a multiple of 16, if left out, with subtomo.star the largest that fits."""
    number_subtomos: int | None = Field(None, ge=1)
    """Sub-volumes drawn from each tomogram in each epoch; rlnNumberSubtomo of the table if left out. With
    subtomo.star, sub-volumes chosen anew in each epoch, in all; every one if left out."""
    iterations: int = Field(30, ge=1)
    """Iterations of predict, fill and train."""
    epochs: int = Field(10, ge=1)
    """Epochs of training in each iteration."""
    steps_per_epoch: int | None = Field(None, ge=1)
    """Training steps per epoch; min(6 x sub-volumes / batch_size, 200) if left out."""
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
    pretrained_model: Path | None = None
    """Model to start from; its network is used. starter is the one that comes with the program, trained on simulations
    alone: if left out, trainings on halves and tailored ones begin with it, unless options ask for another network."""
    from_scratch: bool = False
    """Start from random weights, not from the starter or a model that a configuration file names."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    devices: Devices = 1
    """Processes on this machine that train together, one for each GPU; auto takes all GPUs. batch_size is divided among
    them. On a CPU processes divide the cores."""
    num_nodes: int = Field(1, ge=1)
    """Machines, each with as many devices; torchrun or srun starts the command on all of them."""
    precision: Literal["auto", "float32", "bf16", "fp16"] = "auto"
    """Arithmetic of the network; auto is bf16 or, on GPUs without it, fp16 where the device computes in it natively."""
    seed: int = Field(0, ge=0)
    """Seed of everything random; the same seed on the same machine gives the same bits on a CPU."""
    keep_models: int = Field(5, ge=1)
    """Models of past iterations to keep beside the last one."""

    @model_validator(mode="wrap")
    @classmethod
    def _take_from_preset(cls, given: Any, make: ModelWrapValidatorHandler[Self]) -> Self:
        """Put the preset's options where none are given; as with defaults, only those given count as set."""
        if not isinstance(given, dict) or given.get("preset") not in PRESETS:
            return make(given)
        made = make({**preset_options(given["preset"]), **given})
        made.model_fields_set.intersection_update(given)
        return made

    @model_validator(mode="after")
    def _check_training(self) -> Self:
        if len(self.noise_level) != len(self.noise_start_iter):
            raise ValueError("noise_level and noise_start_iter need the same number of entries")
        if list(self.noise_start_iter) != sorted(set(self.noise_start_iter)):
            raise ValueError("noise_start_iter must increase")
        both_given = {"crop_size", "cube_size"} <= self.model_fields_set  # else a table may give the other one
        if self.crop_size is not None and self.crop_size < self.cube_size and both_given:
            raise ValueError(f"crop_size {self.crop_size} must not be smaller than cube_size {self.cube_size}")
        return self

    @property
    def subvolume_size(self) -> int:
        """Edge of the sub-volumes that training cubes are cropped from."""
        return self.crop_size or larger_by_half(self.cube_size)

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
