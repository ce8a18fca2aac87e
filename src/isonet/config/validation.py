"""Options of `validate`: what is withheld, and what is compared with it."""

from pathlib import Path

from pydantic import Field, model_validator
from typing_extensions import Self

from isonet.config.base import Files, Size
from isonet.config.training import TrainingOptions


class ValidateConfig(TrainingOptions):
    """Options of `validate`: those of `refine`, for the training on what is left, and its own."""

    output_dir: Path = Path("validation")
    """Folder for the withheld tomograms, the training on them, validation.json and the figures."""
    withhold: float = Field(12.0, gt=0, le=80)
    """Degrees at each end of the measured range that are removed from the tomograms and predicted."""
    only_withhold: bool = False
    """Write the tomograms without what is withheld and stop, so that another program can correct them."""
    prediction: Files = ()
    """Result of any program to score, made from the withheld tomogram that validate wrote; or two, from either half,
    separated by a comma. Nothing is trained."""
    model: Path | None = None
    """Model to score, made by refine from the withheld tomograms. Nothing is trained."""
    truth: Path | None = None
    """The true volume, where the tomogram is simulated; it is only compared with."""
    independent: bool = False
    """Train two networks, each on one half alone, and compare their predictions: how well they agree in the missing
    wedge, and where (confidence.mrc)."""
    max_memory: Size = 4_000_000_000
    """Memory that removing the region may take (4GB, 500MB)."""
    overwrite: bool = False
    """Move what was trained before aside and replace other files of the output folder."""

    @model_validator(mode="after")
    def _check_validation(self) -> Self:
        given = [
            name
            for name, there in (
                ("only_withhold", self.only_withhold),
                ("prediction", bool(self.prediction)),
                ("model", self.model is not None),
                ("independent", self.independent),
            )
            if there
        ]
        if len(given) > 1:
            raise ValueError(f"{given[0]} and {given[1]} exclude each other: give one of them")
        if len(self.prediction) > 2:
            raise ValueError("prediction takes one volume, or those of the two halves")
        return self
