"""Options of validate that its prediction takes over, and those that it takes over from its training."""

from pathlib import Path

from isonet.config import PredictConfig, ValidateConfig
from isonet.steps.refine import as_trained

GIVEN_TO_EACH = ("method", "input_column")
"""Options that each of two independent networks is given by validate."""
_SHARED = ("device", "devices", "precision", "overwrite")


def prediction_options(config: ValidateConfig, folder: Path) -> PredictConfig:
    """Return the options of the prediction into a folder: where and how to compute is as for the training."""
    return PredictConfig(output_dir=folder, **{name: getattr(config, name) for name in _SHARED})


def as_begun(config: ValidateConfig) -> ValidateConfig:
    """Return the options with those of the training that validate goes on with, if it does."""
    if config.overwrite or config.only_withhold or config.prediction or config.model:
        return config
    if config.independent:
        return as_trained(config, config.output_dir / "independent" / "a" / "results", GIVEN_TO_EACH)
    return as_trained(config, config.output_dir / "withheld" / "results")
