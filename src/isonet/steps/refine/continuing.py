"""Going on with a refine in its folder: its table and options, and those that may be others now."""

import logging
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeVar

from isonet.config import RefineConfig, TrainingOptions
from isonet.errors import InputError
from isonet.models.folder import STATE_NAME
from isonet.running.continuing import continued_options
from isonet.steps.refine.method import settled_like, without_usual
from isonet.steps.refine.state import table_of
from isonet.validation.command import option

log = logging.getLogger("isonet")
Options = TypeVar("Options", bound=TrainingOptions)
CHANGEABLE = (
    "iterations",
    "patience",
    "time_budget",
    "max_time",
    "device",
    "devices",
    "num_nodes",
    "precision",
    "keep_models",
    "learning_rate",
    "continue_from",
)
"""Options that may differ when a run is continued."""
_OF_EACH_COMMAND = {"output_dir", "overwrite", "continue_from", "max_time", "tomo_idx"}
_ISONET1_STATE = re.compile(r"refine_iter\d+\.json")


def continued(config: RefineConfig) -> tuple[Path, RefineConfig]:
    """Table and options of the run in `config.continue_from`, with the changes that were asked for.

    Raises
    ------
    InputError
        If there is no run to continue, or an option is asked for that must stay as it was.
    """
    folder = config.continue_from
    if folder is None:
        raise ValueError("no folder to continue from")
    if _ISONET1_STATE.fullmatch(folder.name):
        raise InputError(
            f"--continue-from {folder}: a run of IsoNet 1 cannot be continued here; start anew with 'isonet refine "
            "subtomo.star' in another --output-dir"
        )
    if folder.is_file():
        folder = folder.parent
    table = table_of(folder)
    given = without_usual({name: getattr(config, name) for name in config.model_fields_set})
    options = continued_options(RefineConfig(**given), folder, CHANGEABLE)
    return table, options.model_copy(update={"overwrite": False})


def as_trained(config: Options, results: Path, without: Collection[str] = ()) -> Options:
    """Return options of a command with those of the training in a folder that it goes on with, and say which differ.

    Parameters
    ----------
    config : TrainingOptions
        Options as they are asked for now.
    results : Path
        Run folder of the training.
    without : collection of str
        Options that the command gives to its trainings itself.

    Returns
    -------
    TrainingOptions
        As they are if no training was begun there.

    Raises
    ------
    InputError
        If an option is asked for that must stay as it was.
    """
    if not (results / STATE_NAME).exists():
        return config
    names = TrainingOptions.model_fields.keys() - _OF_EACH_COMMAND - set(without)
    given = {name: getattr(config, name) for name in config.model_fields_set & names}
    asked = RefineConfig(**without_usual(given), continue_from=results)
    trained = continued_options(asked, results, CHANGEABLE)
    said = [option(name, getattr(trained, name)) for name in _differing(config, trained) if name in names]
    if said:
        log.info("%s: goes on as that training was begun, with %s", results, " ".join(said))
    return config.model_copy(update={name: getattr(trained, name) for name in names})


def _differing(config: TrainingOptions, trained: RefineConfig) -> Iterator[str]:
    """Iterate over options in which a training differs from what is asked, in order, less those its preset tells."""
    asked, preset = settled_like(config, trained), RefineConfig(preset=trained.preset)
    usual = asked if trained.preset == config.preset else settled_like(preset, trained)
    for name in TrainingOptions.model_fields:
        value = getattr(trained, name)
        if value != getattr(asked, name) and (name == "preset" or value != getattr(usual, name)):
            yield name
