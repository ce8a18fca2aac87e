"""Options of validate that its prediction takes over."""

from pathlib import Path

from isonet.config import PredictConfig, ValidateConfig

_SHARED = ("device", "devices", "precision", "overwrite")


def prediction_options(config: ValidateConfig, folder: Path) -> PredictConfig:
    """Return the options of the prediction into a folder: where and how to compute is as for the training."""
    return PredictConfig(output_dir=folder, **{name: getattr(config, name) for name in _SHARED})
