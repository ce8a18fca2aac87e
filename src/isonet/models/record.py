"""What a model says of itself: its network, its options, what data it has seen; and the network that this makes."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from pydantic import PositiveInt, TypeAdapter
from torch import Tensor
from typing_extensions import TypedDict

from isonet import __version__
from isonet.config import TrainStarterConfig
from isonet.core.tilts.measured import Measured
from isonet.errors import InputError
from isonet.io.volume import Volume, fingerprint
from isonet.train.network.unet import UNet, UNetShape

STARTER_METHOD = "starter"
"""How a model says that it was trained on imagined samples alone."""
UNKNOWN_INPUT = "unknown"
"""Input column of a model whose sub-volumes did not say what they were cut from."""
NOT_TRAINING = {
    "output_dir",
    "continue_from",
    "overwrite",
    "max_time",
    "device",
    "devices",
    "num_nodes",
    "keep_models",
}
"""Options that say nothing of what was learnt."""
_MARGIN = 0.01  # degrees


class _Said(TypedDict):
    """What every model says of itself, and is used."""

    network: dict[str, Any]
    cube_size: PositiveInt
    input_column: str
    tilts: list[list[float]]
    pixel_sizes: list[float | None]


def describe_starter(
    config: TrainStarterConfig, shape: UNetShape, begun: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Say what a starter model is: its recipe, its templates by name, and the starter it was trained from, if any."""
    return {
        **common(STARTER_METHOD, shape, config.cube_size, STARTER_METHOD, begun),
        "tilts": [],
        "pixel_sizes": [],
        "seen": [],
        "templates": [path.name for path in config.templates],
        "options": config.model_dump(mode="json", exclude={*NOT_TRAINING, "templates", "workers", "precision"}),
    }


def common(method: str, shape: UNetShape, cube: int, column: str, begun: Mapping[str, Any] | None) -> dict[str, Any]:
    """What every model says of itself."""
    return {
        "isonet": __version__,
        "method": method,
        "network": asdict(shape),
        "cube_size": cube,
        "input_column": column,
        "normalization": "whole tomogram: mean 0, standard deviation 1, density bright",
        "started_from": None if begun is None else _ancestor(begun),
    }


def _ancestor(begun: Mapping[str, Any]) -> dict[str, Any]:
    """Say what model training started from, and what that one had started from."""
    kept = ("isonet", "method", "templates", "steps", "options", "started_from")
    return {name: begun[name] for name in kept if name in begun}


def network_of(path: Path, weights: Mapping[str, Tensor], about: Mapping[str, Any]) -> UNet:
    """Make the network that a model describes, with its weights.

    Parameters
    ----------
    path : Path
        The model, for messages.
    weights : mapping
        Its tensors by name.
    about : mapping
        Its description.

    Raises
    ------
    InputError
        If the weights are not those of such a network, or the description lacks what every model says.
    """
    try:
        shape = _shape(about, len(weights))
        with torch.device("meta"):  # takes no memory, whatever is promised
            promised = UNet(shape).state_dict()
        if {name: one.shape for name, one in promised.items()} != {name: one.shape for name, one in weights.items()}:
            raise ValueError("other tensors than promised")
        network = UNet(shape)
        network.load_state_dict(dict(weights))
    except (ArithmeticError, IndexError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: weights and description do not match; the file is damaged") from error
    return network


def _shape(about: Mapping[str, Any], tensors: int) -> UNetShape:
    """Network by its description; every level and convolution has a tensor at least."""
    TypeAdapter(_Said).validate_python(about)
    described = about["network"]
    shape = TypeAdapter(UNetShape).validate_python(described)
    unknown = described.keys() - asdict(shape).keys()
    if unknown:
        raise ValueError(f"{sorted(unknown)} is not known")
    if not (0 < shape.depth <= tensors and 0 < shape.convs_per_depth <= tensors and shape.kernel % 2 == 1):
        raise ValueError(f"no network has {shape}")
    return shape


def refuse_having_seen(path: Path, about: Mapping[str, Any], measured: Iterable[Volume], kept: Measured) -> None:
    """Refuse a model that may have seen what is withheld from it.

    Parameters
    ----------
    path : Path
        The model, for messages.
    about : mapping
        Its description.
    measured : iterable of Volume
        The measured volumes, with all their tilts.
    kept : Measured
        What is not withheld.

    Raises
    ------
    InputError
        If it was trained on one of the volumes or on wider tilts, or does not say on what.
    """
    seen = about.get("seen")
    remedy = "leave it out, or train on the table that validate --only-withhold writes"
    if seen is None or (not seen and about.get("method") != STARTER_METHOD) or any(one["data"] is None for one in seen):
        raise InputError(f"{path}: does not say what data it has seen; {remedy}")
    marks = {fingerprint(volume): volume.path for volume in measured}
    for one in seen:
        if one["data"] in marks:
            raise InputError(f"{path}: has seen all of {marks[one['data']]}, also what is withheld; {remedy}")
        low, high = min(one["tilts"]), max(one["tilts"])
        least, most = min(kept.tilts), max(kept.tilts)
        if low < least - _MARGIN or high > most + _MARGIN:
            raise InputError(
                f"{path}: has seen tilts of {low:g} to {high:g} degrees, only {least:g} to {most:g} are not "
                f"withheld; {remedy}"
            )
