"""One frozen model per step: every default, unit and bound of the program, once.

The command line, the YAML files, the record in each run folder and the documentation all derive from these.
"""

from isonet.config.base import StepConfig, parse_duration, parse_size
from isonet.config.correction import OutputOptions, PredictConfig
from isonet.config.deconv import DeconvConfig, FilterOptions
from isonet.config.extract import ExtractConfig, PrepareSubtomoStarConfig
from isonet.config.inputs import InputOptions, PrepareConfig
from isonet.config.mask import MaskConfig, MaskOptions
from isonet.config.network import NetworkOptions
from isonet.config.showing import GuiConfig, OpenConfig, ReportConfig
from isonet.config.simulation import ReconstructConfig, ResizeConfig, SimulateConfig
from isonet.config.starter import TrainStarterConfig
from isonet.config.training import RefineConfig, TrainingOptions
from isonet.config.validation import ValidateConfig
from isonet.config.whole import CheckConfig, DemoConfig, RelionConfig, RunConfig, WholeOptions
from isonet.presets.reading import PRESETS, preset_options, preset_step

__all__ = [
    "PRESETS",
    "CheckConfig",
    "DeconvConfig",
    "DemoConfig",
    "ExtractConfig",
    "FilterOptions",
    "GuiConfig",
    "InputOptions",
    "MaskConfig",
    "MaskOptions",
    "NetworkOptions",
    "OpenConfig",
    "OutputOptions",
    "PredictConfig",
    "PrepareConfig",
    "PrepareSubtomoStarConfig",
    "ReconstructConfig",
    "RefineConfig",
    "RelionConfig",
    "ReportConfig",
    "ResizeConfig",
    "RunConfig",
    "SimulateConfig",
    "StepConfig",
    "TrainStarterConfig",
    "TrainingOptions",
    "ValidateConfig",
    "WholeOptions",
    "parse_duration",
    "parse_size",
    "preset_options",
    "preset_step",
]
