"""Options of `predict`: how tomograms are corrected."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from isonet.config.base import Devices, Edge, Size, StepConfig, whole_number


class OutputOptions(StepConfig):
    """What the corrected tomograms are."""

    keep_measured: bool = False
    """Keep what was measured as it is, noise included, and take the wedge alone from the network."""
    calibrate: bool = True
    """Scale the wedge at each frequency by what outer tilts tell that are withheld, and with models trained on halves
    weigh prediction and data by what the other half tells about them; off gives the network's output alone."""
    halves: bool = True
    """With models trained on halves: write each corrected half, too, into halves/; off saves half of the time."""
    turns: Annotated[Literal[1, 2, 4], BeforeValidator(whole_number)] | None = None
    """Predictions that are averaged into a result: of the tomogram as it is, turned half around the tilt axis (2), and
    half around all axes (4, for tilt ranges as far to either side); each takes its time. If left out, 2; corrected
    halves are predicted once."""
    float16: bool = False
    """Write half precision (MRC: mode 12)."""
    format: Literal["mrc", "zarr", "both"] = "mrc"
    """Write corrected tomograms as MRC files, as OME-Zarr pyramids (<name>_corrected.zarr), or as both, of which the
    table names the MRC files."""
    zarr_version: Literal["0.4", "0.5"] = "0.4"
    """OME-Zarr of the pyramids: 0.4 (zarr 2, as the CryoET Data Portal has them) or 0.5 (zarr 3)."""


class PredictConfig(OutputOptions):
    """Options of `predict`."""

    output_dir: Path = Path("corrected")
    """Folder for the corrected tomograms."""
    input_column: str = "auto"
    """Column of the table to correct (full: the full tomograms); auto is the one the model was trained on."""
    tomo_idx: str | None = None
    """Tomograms to correct, by rlnIndex: 1,3-5; all if left out."""
    deconvolve: bool = False
    """Write each corrected tomogram deconvolved, too, into deconvolved/, with the defocus of the table (falloff 1,
    strength 2): this brings the contrast of low frequencies back."""
    cube_size: Edge | None = None
    """Distance between neighbouring tiles in voxels, at most; crop_size less the overlap that hides seams if left
    out."""
    crop_size: Edge | None = None
    """Edge of the tiles given to the network, at most; if left out, they are as large as max_memory allows."""
    batch_size: int = Field(1, ge=1)
    """Tiles per evaluation of the network."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    devices: Devices = 1
    """Processes on this machine that share the tomograms, and the memory, one for each GPU; auto takes all GPUs. On a
    CPU processes divide the cores. The same command given on other machines, too, takes its share."""
    precision: Literal["auto", "float32", "bf16", "fp16"] = "auto"
    """Arithmetic of the network; auto is bf16 or, on GPUs without it, fp16 where the device computes in it natively."""
    max_memory: Size = 4_000_000_000
    """Memory to use at most (4GB, 500MB), all included; tomograms are streamed from and to the disk."""
    overwrite: bool = False
    """Replace corrected tomograms that this program did not write or that come from other input."""

    @model_validator(mode="after")
    def _check(self) -> "PredictConfig":
        if self.cube_size is not None and self.crop_size is not None and self.cube_size > self.crop_size:
            raise ValueError(f"crop_size {self.crop_size} must not be smaller than cube_size {self.cube_size}")
        return self
