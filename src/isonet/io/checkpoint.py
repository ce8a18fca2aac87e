"""Models and trainer states on disk. Nothing here executes code on loading.

A model is a `safetensors` file: the weights, and a JSON text with the configuration in its metadata. The state of an
interrupted training (optimiser, counters) stands beside it and is loaded with `weights_only=True`.
"""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from isonet.errors import InputError
from isonet.io.files import atomic_path

FORMAT = 1


def save_model(path: Path, weights: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write weights and their description (JSON-serialisable) to a `.safetensors` file, atomically."""
    text = json.dumps({"format": FORMAT, **metadata})
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={"isonet": text}))


def load_model(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the weights and the description of a model.

    Raises
    ------
    InputError
        If the file is missing, truncated, not a model of this program, or of a newer format.
    """
    if path.is_dir():
        path = path / "model.safetensors"
    if not path.is_file():
        raise InputError(f"{path}: no such model; 'isonet refine' writes model.safetensors into its output folder")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = (file.metadata() or {}).get("isonet")
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable model ({' '.join(str(error).split())})") from error
    try:
        description = json.loads(metadata or "")
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not a model of isonet; train one with 'isonet refine'") from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise InputError(f"{path}: a model of another version of isonet; use that version or train again")
    return weights, description


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a trainer state (tensors, numbers and texts only), atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        try:
            torch.save(dict(state), file)
        except RuntimeError as error:  # torch hides that the disk is full
            if isinstance(error.__context__, OSError):
                raise error.__context__ from error
            raise


def load_state(path: Path) -> dict[str, Any]:
    """Read a trainer state.

    Raises
    ------
    InputError
        If the file is missing, truncated or not a trainer state.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; there is no refine to continue in {path.parent}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's unpickler raises almost anything on foreign files
        raise InputError(f"{path}: not a readable trainer state; start again in another folder") from error
    if not isinstance(state, dict):
        raise InputError(f"{path}: not a trainer state; start again in another folder")
    return state
