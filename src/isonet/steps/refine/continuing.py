"""Going on with a refine in its folder: its table and options, and those that may be others now."""

import re
from pathlib import Path

from isonet.config import RefineConfig
from isonet.errors import InputError
from isonet.running.continuing import continued_options
from isonet.steps.refine.state import table_of

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
    options = continued_options(config, folder, CHANGEABLE)
    return table, options.model_copy(update={"overwrite": False})
