"""A widened network: the same results, and twice the filters to learn with."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isonet.train.network.unet import UNet, UNetShape, initialize
from isonet.train.network.widening import widened


def trained(shape: UNetShape, seed: int = 0) -> UNet:
    """Return a network whose normalisations have seen data."""
    torch.manual_seed(seed)
    network = UNet(shape)
    initialize(network, "he")
    with torch.no_grad():
        torch.nn.init.normal_(network.head.weight)
        for _ in range(3):
            network(torch.randn(2, 1, 16, 16, 16))
    return network


def outputs(network: UNet, training: bool) -> torch.Tensor:
    volumes = torch.randn(2, 1, 16, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return copy.deepcopy(network).train(training)(volumes)


@given(
    depth=st.integers(1, 3), filters=st.integers(1, 4), convs=st.integers(2, 4), pool=st.booleans(),
    normalization=st.sampled_from(["batch", "instance", "none"]), training=st.booleans(), seed=st.integers(0, 100),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_it_computes_the_same(
    depth: int, filters: int, convs: int, pool: bool, normalization: str, training: bool, seed: int
) -> None:
    shape = UNetShape(depth, filters, convs, pool=pool, normalization=normalization, drop_out=0.0)  # type: ignore[arg-type]
    network = trained(shape, seed)
    wide = widened(network, seed)
    assert wide.shape.filter_base == 2 * filters
    before, after = outputs(network, training), outputs(wide, training)
    assert float((before - after).std() / before.std()) < 1e-3


def test_both_copies_of_a_filter_learn_something_else() -> None:
    network = widened(trained(UNetShape(depth=2, filter_base=4, drop_out=0.0))).train()
    volumes = torch.randn(2, 1, 16, 16, 16)
    (network(volumes) - volumes.roll(1, -1)).square().mean().backward()
    for name, parameter in network.named_parameters():
        outgoing = 1 if name.startswith("ups") else 0
        if parameter.ndim == 5 and name != "head.weight":
            gradient = parameter.grad
            assert gradient is not None
            one, other = gradient.chunk(2, outgoing)
            assert float((one - other).norm()) > 0.1 * float(one.norm()), name


def test_kernels_stay_as_long_as_they_were() -> None:
    narrow = trained(UNetShape(filter_base=8))
    for (name, one), other in zip(narrow.named_parameters(), widened(narrow).parameters(), strict=True):
        if one.ndim == 5 and name != "head.weight":  # there are twice as many filters
            grown = float(other.detach().norm()) / float(one.detach().norm())
            assert grown == pytest.approx(2**0.5, rel=0.1), name
