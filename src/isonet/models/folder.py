"""The folder of a refine run: what its files are called, and going on from them."""

import logging
import re
from pathlib import Path
from typing import Any

from torch import Tensor

from isonet.config import RefineConfig
from isonet.errors import InputError
from isonet.io import checkpoint
from isonet.runs import locked
from isonet.steps.continuing import continued_options
from isonet.steps.model_record import network_of
from isonet.train.unet import UNetShape

log = logging.getLogger("isonet")
MODEL_NAME = "model.safetensors"
STATE_NAME = "trainer.pt"
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


def model_name(iteration: int) -> str:
    """File name of the model of a finished iteration; 0 is the one training started from."""
    return f"model_iter{iteration:02d}.safetensors"


def start_weights(path: Path) -> tuple[UNetShape, dict[str, Tensor], dict[str, Any]]:
    """Network, weights and description of a model to start training from.

    Raises
    ------
    InputError
        If the file is no model of this program.
    """
    weights, about = checkpoint.load_model(path)
    return network_of(path, weights, about).shape, weights, about


def holds_run(folder: Path) -> bool:
    """Tell whether a folder holds a run of refine."""
    return (folder / STATE_NAME).exists() or (folder / MODEL_NAME).exists()


def refuse_existing(folder: Path) -> None:
    """Raise `InputError` if a folder already holds a run of refine."""
    if holds_run(folder):
        raise InputError(
            f"{folder}: holds a run already; go on with --continue-from {folder}, choose another --output-dir, "
            "or add --overwrite to move it aside"
        )


def move_aside(folder: Path) -> None:
    """Rename a folder to the first free of `folder~1`, `folder~2` ... and say so.

    Raises
    ------
    InputError
        If a run is at work in it.
    """
    with locked(folder):
        number = 1
        while (backup := folder.with_name(f"{folder.name}~{number}")).exists():
            number += 1
        folder.rename(backup)
    log.warning("%s: moved to %s", folder, backup)


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
    state = checkpoint.load_state(folder / STATE_NAME)
    options = continued_options(config, folder, CHANGEABLE)
    return Path(str(state.get("table"))), options.model_copy(update={"overwrite": False})
