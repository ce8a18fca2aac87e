"""Options of the network."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from isonet.config.base import StepConfig, whole_number


class NetworkOptions(StepConfig):
    """What the network looks like."""

    arch: Literal["auto", "paper", "medium", "small", "deep"] = "auto"
    """Network: paper (64 filters), medium (32), small (16), or deep (32, and a fourth level that sees twice as far);
    auto is medium on a GPU, to which the starter is widened, and small on a CPU and for tailored; another model that
    training begins with keeps its own."""
    unet_depth: int | None = Field(None, ge=1, le=5)
    """Levels of the U-Net; as arch if left out."""
    filter_base: int | None = Field(None, ge=1, le=256)
    """Filters of its first level; as arch if left out."""
    convs_per_depth: int | None = Field(None, ge=2, le=8)
    """Convolutions per level; as arch if left out."""
    kernel: Annotated[Literal[3, 5, 7], BeforeValidator(whole_number)] | None = None
    """Edge of the convolution kernels; as arch if left out."""
    pool: bool | None = None
    """Halve by maximum pooling instead of strided convolutions; as arch if left out."""
    normalization: Literal["batch", "instance", "none"] | None = None
    """Normalisation layers; as arch if left out."""
    drop_out: float | None = Field(None, ge=0, lt=1)
    """Share of activations dropped while training; as arch if left out."""
    residual: bool | None = None
    """Add the input to the output, so that the network learns the change (the paper); if left out, on for isonet and
    off for methods on halves, which take most of the input away as noise."""
    initialization: Literal["he", "paper"] = "he"
    """First weights: he keeps the signal's variance from layer to layer, paper is a standard deviation of 0.02."""
