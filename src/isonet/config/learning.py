"""Options of the optimisation: losses, learning rate, what is held out and when to stop."""

from typing import Literal

from pydantic import Field

from isonet.config.base import StepConfig
from isonet.core.tilts.ranges import LARGEST_GAP


class LearningOptions(StepConfig):
    """How the network learns from pairs."""

    learning_rate: float | None = Field(None, gt=0)
    """Highest learning rate; 5e-3 for muon and 4e-4 (the paper's) for adamw if left out, a tenth of it from a model
    that was trained on tomograms, which larger steps would first make worse."""
    optimizer: Literal["muon", "adamw"] = "muon"
    """Muon for the kernels of the convolutions and AdamW for the rest, or AdamW for all (with weight_decay 0 it is
    Adam, the paper's)."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Course of the learning rate: cosine falls to a hundredth until the end of the run, constant stays (the paper)."""
    warmup_steps: int = Field(20, ge=0)
    """Training steps over which the learning rate rises from zero."""
    weight_decay: float = Field(0.01, ge=0)
    """Share of the weights, times the learning rate, that each step takes off."""
    clip_gradient: float = Field(1.0, gt=0)
    """Greatest norm of the gradient; steeper steps are shortened to it."""
    weight_averaging: float = Field(0.98, ge=0, lt=1)
    """Share of the averaged weights kept at each step; they fill the wedge and become the model. 0 uses the present
    weights (the paper)."""
    batch_size: int = Field(4, ge=1)
    """Cubes per training step."""
    accumulate: int = Field(1, ge=1)
    """Parts in which each batch goes through the network, to save memory; the result is the same but for batch
    normalisation."""
    loss_weighting: Literal["signal", "none"] | None = "signal"
    """Weight the errors at each frequency by its signal: for isonet by its share of the power, estimated from the
    tomogram, as else noise at high frequencies dominates; for methods on halves also relative to the strength of what
    is there, as else low frequencies do. none is the plain error (the paper)."""
    wedge_weight: float | None = Field(None, ge=0)
    """Weight of errors inside the wedge taken from the inputs, relative to outside; 1 for isonet (the paper) and 3 for
    noise2noise if left out. denoise has no use for it."""
    tilt_gap: float = Field(LARGEST_GAP, ge=0, le=LARGEST_GAP)
    """Degrees that neighbouring tilts of a list may be apart for all between them to count as measured: cubes do not
    tell their planes apart. 0 trains with a plane of its own for each tilt, and so with other planes for each of two
    halves from every other tilt. predict takes 11 always."""
    held_out: float = Field(0.1, ge=0, lt=0.5)
    """Share of each tomogram at the end of its longest axis that is never trained on and gives the held-out loss;
    at least one sub-volume wide. Tomograms without room for that hold nothing out."""
    patience: int | None = Field(None, ge=0)
    """Iterations without change of the held-out loss and of the wedge balance after which training ends early; 0 never
    does. If left out, 8 where the learning rate is constant and no time is given; else the small steps at the end of
    its course would be missing."""
