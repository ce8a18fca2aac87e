"""Options of `train-starter`."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from isonet.config.base import Duration, Files, Levels
from isonet.config.network import NetworkOptions


class TrainStarterConfig(NetworkOptions):
    """Options of `train-starter`."""

    output_dir: Path = Path("starter")
    """Run folder for the model, the trainer state and the metrics."""
    templates: Files = ()
    """Densities to learn from beside invented particles: MRC maps (bright), PDB or mmCIF files. Leave out what the
    model is to be judged on."""
    cube_size: int = Field(48, ge=16, le=160)
    """Edge of the training cubes in voxels."""
    batch_size: int = Field(2, ge=1)
    """Cubes per training step."""
    steps: int = Field(5000, ge=1)
    """Training steps."""
    learning_rate: float = Field(5e-3, gt=0)
    """Highest learning rate, of Muon; it falls along half a cosine."""
    warmup_steps: int = Field(50, ge=0)
    """Training steps over which the learning rate rises from zero."""
    weight_averaging: float = Field(0.995, ge=0, lt=1)
    """Share of the averaged weights kept at each step; they become the model."""
    wedge_weight: float = Field(2.0, ge=0)
    """Weight of squared errors inside the missing wedge, relative to outside."""
    snr: Levels = (0.01, 0.3)
    """Variance of the signal over that of the noise, voxel by voxel: lowest and highest. Tomograms of vitreous samples
    have 0.01 to 0.1."""
    pretrained_model: Path | None = None
    """Model to start from, whose network is used. Normalisation layers stay as they are after two fifths of the steps,
    so that the network learns with what it is evaluated with."""
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

    @model_validator(mode="before")
    @classmethod
    def _read_older(cls, given: Any) -> Any:
        """Take the options of a run of an older version: those that were left out then have their defaults."""
        if not isinstance(given, dict) or given.get("like"):
            return given
        kept = {name: value for name, value in given.items() if name not in ("like", "phase_flipped")}
        return {name: value for name, value in kept.items() if value is not None}

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if len(self.snr) != 2 or not 0 < self.snr[0] <= self.snr[1]:
            raise ValueError("snr needs two numbers above zero, the lower one first: 0.01,0.3")
        return self
