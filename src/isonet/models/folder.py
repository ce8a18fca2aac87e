"""The folder of a refine run: what its files are called, and going on from them."""

import logging
from pathlib import Path
from typing import Any

from torch import Tensor

from isonet.errors import InputError
from isonet.io import checkpoint
from isonet.models.record import network_of
from isonet.running.runs import locked
from isonet.train.network.unet import UNetShape

log = logging.getLogger("isonet")
MODEL_NAME = "model.safetensors"
STATE_NAME = "trainer.pt"
IMAGINED = ("imagined.png", "imagined_spectra.png")
"""In the previews of a tailored training: a tomogram and a sample imagined like it side by side, and their spectra."""


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
    log.info("%s: moved to %s", folder, backup)
