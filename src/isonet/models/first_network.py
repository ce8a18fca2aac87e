"""The network that refine begins with: a model that was given, such as the starter, or none."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from isonet.config import NetworkOptions, RefineConfig
from isonet.errors import InputError
from isonet.io.checkpoint import STARTER, load_state
from isonet.models.folder import STATE_NAME, model_name, start_weights
from isonet.models.record import STARTER_METHOD
from isonet.train.network.unet import UNet, UNetShape, named_shape
from isonet.train.network.widening import widened
from isonet.train.pairs import Method

_LAST = "head.weight"
"""Kernel that reads all filters of the first level."""


@dataclass(frozen=True)
class FirstNetwork:
    """What training begins with.

    Attributes
    ----------
    shape : UNetShape
        The network.
    weights : mapping, optional
        Its weights; None begins with random ones.
    about : mapping, optional
        Description of the model that they are from.
    source : str
        Where the network comes from, in words.
    """

    shape: UNetShape
    weights: Mapping[str, Tensor] | None
    about: Mapping[str, Any] | None
    source: str

    @property
    def learns_freely(self) -> bool:
        """Whether it is trained like a fresh network: it is one, or a starter, which has all to learn about tomograms.

        For that a starter needs short kernels, which only batch normalisation allows.
        """
        if self.about is None:
            return True
        return self.about.get("method") == STARTER_METHOD and self.shape.normalization == "batch"


def first_network(config: RefineConfig, method: Method, device: torch.device, folder: Path) -> FirstNetwork:
    """Resolve what training begins with; a continued run has the model it began with in its folder.

    Raises
    ------
    InputError
        If a model cannot be read, or options contradict its network.
    """
    path = None if config.from_scratch else config.pretrained_model
    source = "the starter model" if path == STARTER else "the model given"
    if config.continue_from is not None:
        kept = folder / model_name(0)
        path = kept if kept.exists() else None
    if path is None:
        return FirstNetwork(_network_shape(config, method, device, folder), None, None, f"--arch {config.arch}")
    shape, weights, about = start_weights(path)
    if config.continue_from is None:
        shape, weights = _as_wide_as(_filters_asked(config, device), shape, weights, config.seed)
    refuse_other_network(config, shape, path)
    if config.method == "tailored":
        if about.get("method") != STARTER_METHOD:
            raise InputError(
                f"--pretrained-model {path}: trained on tomograms; --method tailored begins with a starter"
            )
    elif about.get("undoes_contrast_transfer"):
        raise InputError(
            f"--pretrained-model {path}: undoes the contrast transfer, which the data to train on have; begin with "
            "the starter"
        )
    if config.continue_from is not None:  # what is kept tells of this run
        about = {**(about.get("started_from") or {}), "seen": about.get("seen"), "tilts": about.get("tilts", [])}
    return FirstNetwork(shape, weights, about, source)


def _network_shape(config: RefineConfig, method: Method, device: torch.device, folder: Path) -> UNetShape:
    """Resolve the network: a named one with the options that were given in its place.

    A run that goes on keeps its filters, also on another kind of device than it was begun on.
    """
    automatic = "medium" if device.type == "cuda" else "small"
    options = {"residual": method == "isonet"} | {k: v for k, v in network_options(config).items() if v is not None}
    if config.continue_from is not None and config.arch == "auto":
        weights = load_state(folder / STATE_NAME).get("weights", {})
        options |= {"filter_base": weights[_LAST].shape[1]} if _LAST in weights else {}
    return named_shape(automatic if config.arch == "auto" else config.arch, **options)


def _filters_asked(config: RefineConfig, device: torch.device) -> int | None:
    """Filters of the first level that a model is widened to; None leaves it as it is.

    A GPU trains twice as many as the starter has (benchmarks/LOG.md, "A wider starter").
    """
    if config.filter_base is not None or config.arch != "auto":
        return config.filter_base or named_shape(config.arch).filter_base
    of_starter = config.pretrained_model == STARTER and config.method != "tailored"
    return named_shape("medium").filter_base if of_starter and device.type == "cuda" else None


def _as_wide_as(
    filters: int | None, shape: UNetShape, weights: dict[str, Tensor], seed: int
) -> tuple[UNetShape, dict[str, Tensor]]:
    """Widen a network until it has so many filters; it stays as it is where doubling does not lead there."""
    doublings = 0 if filters is None else round(math.log2(max(1.0, filters / shape.filter_base)))
    if filters != shape.filter_base * 2**doublings:
        return shape, weights
    network = UNet(shape)
    network.load_state_dict(weights)
    for _ in range(doublings):
        network = widened(network, seed)
    return network.shape, network.state_dict()


def network_options(config: NetworkOptions) -> dict[str, object]:
    """Dimensions of the network that were asked for, by their names in `UNetShape`; None where they were not."""
    names = ("filter_base", "convs_per_depth", "kernel", "pool", "normalization", "drop_out", "residual")
    return {"depth": config.unet_depth, **{name: getattr(config, name) for name in names}}


def refuse_other_network(config: NetworkOptions, shape: UNetShape, path: Path) -> None:
    """Refuse options that contradict the network of the model to start from."""
    for name, asked in network_options(config).items():
        if asked is not None and asked != getattr(shape, name):
            flag = {"depth": "unet_depth"}.get(name, name).replace("_", "-")
            raise InputError(f"--{flag} {asked}: {path} has {getattr(shape, name)}; leave it out")
    named = shape if config.arch == "auto" else named_shape(config.arch, **network_options(config))
    for name, found in asdict(shape).items():
        if name not in ("drop_out", "residual") and getattr(named, name) != found:
            raise InputError(
                f"--arch {config.arch}: {name.replace('_', ' ')} {getattr(named, name)}, {path} has {found}; "
                "leave it out"
            )
