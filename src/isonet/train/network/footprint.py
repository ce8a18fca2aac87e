"""Memory that training a network takes, foreseen from its layers, without computing anything."""

from dataclasses import dataclass
from functools import cache

import torch

from isonet.train.network.batch_norm import share_statistics
from isonet.train.network.unet import UNet, UNetShape, parameter_count

_FLOAT = 4
STATE_COPIES = {"muon": 3, "adamw": 4}
"""Copies of the weights that a training carries on: they, their averages, and what the optimiser remembers."""
_HALF = 0.6  # of what is kept for the way back in 16 bits: normalisations and the loss stay in float32
_ENGINE = 250_000_000  # rearranged kernels, buffers and code of the convolutions, as measured


@dataclass(frozen=True)
class Footprint:
    """Bytes of a training step on its device.

    Attributes
    ----------
    fixed : int
        Weights, gradients and optimiser.
    cube : int
        Each cube that goes through the network at once.
    """

    fixed: int
    cube: int

    def step(self, cubes: int) -> int:
        """Bytes of a step in which so many cubes go through the network at once."""
        return self.fixed + cubes * self.cube


@cache
def footprint(shape: UNetShape, edge: int, optimizer: str, precision: str, shared: str = "") -> Footprint:
    """Foresee the memory of training.

    Parameters
    ----------
    shape : UNetShape
        The network.
    edge : int
        Of the training cubes, voxels.
    optimizer : str
        `muon` or `adamw`.
    precision : str
        `float32`, `bf16` or `fp16`.
    shared : str
        Type of the devices of several processes that train it together; empty where one does.
    """
    with torch.device("meta"):
        network = UNet(shape).train()
        if shared == "cpu":
            share_statistics(network, torch.device(shared))
        kept = _kept(network, edge)
    share = 1.0 if precision == "float32" else _HALF
    copies = 1 + STATE_COPIES[optimizer] + bool(shared)  # and the gradients, and what is exchanged of them
    return Footprint(_ENGINE + copies * _FLOAT * parameter_count(network), round(share * kept))


def _kept(network: UNet, edge: int) -> int:
    """Bytes that one cube leaves behind for the way back, each counted once."""
    seen: dict[int, int] = {}
    weights = {id(one) for one in network.parameters()}
    alive = []  # else another one may get the same address

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in weights:
            storage = tensor.untyped_storage()
            alive.append(storage)
            seen[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        result = network(torch.empty((1, 1, edge, edge, edge)))
    del result
    return sum(seen.values())
