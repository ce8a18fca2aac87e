"""Models and trainer states on disk. Nothing here executes code on loading.

A model is a `safetensors` file: the weights, and a JSON text with the configuration in its metadata. The state of an
interrupted training (optimiser, counters) stands beside it and is loaded with `weights_only=True`.
"""

import json
import logging
import warnings
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from isonet.errors import InputError
from isonet.io.files import atomic_path, refuse_special
from isonet.io.volume_files import FILES

log = logging.getLogger("isonet")
FORMAT = 1
STARTER = Path("starter")
"""Name of the model that comes with the program."""
_MEANT = "give a model that refine made, its folder, or starter"
_FOREIGN = {
    ".h5": "a Keras model, as of IsoNet 1",
    ".pt": "a PyTorch checkpoint, as of IsoNet 2",
    ".pth": "a PyTorch checkpoint",
    ".ckpt": "a PyTorch checkpoint",
}
"""Models of other programs, by extension."""


def save_model(path: Path, weights: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write weights and their description (JSON-serialisable) to a `.safetensors` file, atomically."""
    text = json.dumps({"format": FORMAT, **metadata})
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={"isonet": text}))


def load_model(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the weights and the description of a model; weights kept in half precision become single.

    Raises
    ------
    InputError
        If the file is missing, truncated, not a model of this program, of a newer format, or its weights no numbers.
    """
    path = _model_file(path)
    refuse_special(path)
    if not path.is_file():
        raise InputError(f"{path}: no such model; 'isonet refine' writes model.safetensors into its output folder")
    if path.suffix.lower() in _FOREIGN:
        raise InputError(f"{path}: {_FOREIGN[path.suffix.lower()]}, cannot be used here; train with 'isonet refine'")
    other = "a table" if path.suffix.lower() == ".star" else "a volume" if path.name.lower().endswith(FILES) else None
    if other is not None:
        raise InputError(f"{path}: {other}, where a model is meant; {_MEANT}")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = (file.metadata() or {}).get("isonet")
            weights = {name: _single(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(
            f"{path}: not a readable model ({' '.join(str(error).split())}); copy it again, or {_MEANT}"
        ) from error
    try:
        description = json.loads(metadata or "")
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a model of isonet; train one with 'isonet refine'") from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise InputError(f"{path}: a model of another version of isonet; use that version or train again")
    if not all(bool(value.isfinite().all()) for value in weights.values()):
        raise InputError(f"{path}: some of its weights are NaN or infinite; take the model of an iteration before")
    return weights, description


def _single(weights: Tensor) -> Tensor:
    return weights.float() if weights.dtype == torch.float16 else weights


def _model_file(path: Path) -> Path:
    """File of a model: in a run folder, the one that comes with the program, or one of this program's extension.

    The last takes the place of IsoNet 1's extension where such a file is asked for in vain.
    """
    inside = path / "model.safetensors"
    if path == STARTER and not path.is_file() and not inside.exists():
        return Path(str(files("isonet").joinpath("models/starter.safetensors")))
    if path.is_dir():
        return inside
    ours = path.with_suffix(".safetensors")
    if path.suffix.lower() == ".h5" and not path.exists() and ours.is_file():
        log.info("%s: models of this program end in .safetensors; %s is used", path, ours)
        return ours
    return path


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
        anew = _anew(path) or "no refine to continue there, start one with 'isonet refine'"
        raise InputError(f"{path}: no such file; {anew}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's unpickler raises almost anything on foreign files
        anew = _anew(path) or "start again in another folder"
        raise InputError(f"{path}: not a readable trainer state; {anew}") from error
    if not isinstance(state, dict):
        raise InputError(f"{path}: not a trainer state; start again in another folder")
    return state


def _anew(state: Path) -> str:
    """Say how to train anew from the model beside a state; empty where none can be read."""
    try:
        load_model(state.parent)
    except InputError:
        return ""
    return f"its model is whole: train anew from it with --pretrained-model {state.parent}, in another --output-dir"
