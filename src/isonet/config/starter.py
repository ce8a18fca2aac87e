"""Options of `train-starter`."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from isonet.config.base import Duration, Files, Levels
from isonet.config.network import NetworkOptions


class TrainStarterConfig(NetworkOptions):
    """Options of `train-starter`."""

    output_dir: Path = Path("starter")
    """Run folder for the model, the trainer state and the metrics."""
    like: Path | None = None
    """Table of tomograms to tailor the network to: samples are shown as these were, and asked for without their
    contrast transfer. Training begins with the starter unless another model or network is asked for, and takes some
    minutes."""
    phase_flipped: bool = False
    """The phases of these tomograms were flipped before reconstruction (CTF-corrected as in IMOD's ctfphaseflip)."""
    templates: Files = ()
    """Densities to learn from beside invented particles: MRC maps (bright), PDB or mmCIF files. Leave out what the
    model is to be judged on."""
    cube_size: int = Field(48, ge=16, le=160)
    """Edge of the training cubes in voxels."""
    batch_size: int = Field(2, ge=1)
    """Cubes per training step."""
    steps: int | None = Field(None, ge=1)
    """Training steps; 5000 if left out, 400 to tailor a model."""
    learning_rate: float | None = Field(None, gt=0)
    """Highest learning rate, of Muon; it falls along half a cosine. 5e-3 if left out, 1e-3 to tailor a model."""
    warmup_steps: int = Field(50, ge=0)
    """Training steps over which the learning rate rises from zero."""
    weight_averaging: float | None = Field(None, ge=0, lt=1)
    """Share of the averaged weights kept at each step; they become the model. 0.995 if left out, 0.98 to tailor one."""
    wedge_weight: float | None = Field(None, ge=0)
    """Weight of squared errors inside the missing wedge, relative to outside. 2 if left out, 1 to tailor a model."""
    snr: Levels = (0.01, 0.3)
    """Variance of the signal over that of the noise, voxel by voxel: lowest and highest. Tomograms of vitreous samples
    have 0.01 to 0.1. With like it is that of the tomograms."""
    pretrained_model: Path | None = None
    """Model to start from, whose network is used. Normalisation layers stay as they are after two fifths of the steps,
    and from the beginning where a model is tailored, so that the network learns with what it is evaluated with."""
    workers: int = Field(1, ge=1)
    """Threads that simulate cubes while the network trains."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    precision: Literal["auto", "float32", "bf16", "fp16"] = "auto"
    """Arithmetic of the network; auto is bf16 or, on GPUs without it, fp16 where the device computes in it natively."""
    max_time: Duration | None = None
    """Stop cleanly after this time (20min, 2h, 1:30:00), to be continued later."""
    seed: int = Field(0, ge=0)
    """Seed of everything random."""
    continue_from: Path | None = None
    """Run folder of an interrupted train-starter to go on with, with the options it was started with."""

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if len(self.snr) != 2 or not 0 < self.snr[0] <= self.snr[1]:
            raise ValueError("snr needs two numbers above zero, the lower one first: 0.01,0.3")
        if self.like is not None and self.snr != type(self).model_fields["snr"].default:
            raise ValueError("snr is that of the tomograms with like; leave it out")
        if self.phase_flipped and self.like is None:
            raise ValueError("phase_flipped says how the tomograms of like were made; give like, too")
        return self

    @property
    def tailors(self) -> bool:
        """Whether a model is tailored to tomograms: little is to be learnt."""
        return self.like is not None and (self.pretrained_model is not None or not self._asks_for_a_network)

    @property
    def _asks_for_a_network(self) -> bool:
        """Whether options say what network to train."""
        given = (getattr(self, name) for name in NetworkOptions.model_fields if name not in ("arch", "initialization"))
        return self.arch not in ("auto", "small") or any(one is not None for one in given)

    @property
    def all_steps(self) -> int:
        """Training steps in all."""
        return self.steps or (400 if self.tailors else 5000)

    @property
    def kept_average(self) -> float:
        """Share of the averaged weights kept at each step."""
        return (0.98 if self.tailors else 0.995) if self.weight_averaging is None else self.weight_averaging

    @property
    def weight_in_wedge(self) -> float:
        """Weight of squared errors inside the missing wedge."""
        return (1.0 if self.tailors else 2.0) if self.wedge_weight is None else self.wedge_weight

    @property
    def peak_rate(self) -> float:
        """Highest learning rate."""
        return self.learning_rate or (1e-3 if self.tailors else 5e-3)
