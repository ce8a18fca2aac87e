"""Shortened kernels: the same network, as quick to learn as a fresh one."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from isonet.train.network.kernel_length import shorten_kernels
from isonet.train.network.unet import UNet, UNetShape, initialize
from isonet.train.optimizer import optimizers

Values = st.floats(0.1, 10)


def trained(shape: UNetShape, stretch: float = 3.0, seed: int = 0) -> UNet:
    """Return a network whose kernels have grown, each filter differently, and whose normalisations have seen data."""
    torch.manual_seed(seed)
    network = UNet(shape)
    initialize(network, "he")
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
                module.weight *= stretch * (0.5 + torch.rand(len(module.weight), 1, 1, 1, 1))
                module.bias.normal_()
            elif isinstance(module, nn.BatchNorm3d):
                module.momentum = None  # the mean of all batches seen
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_()
        for _ in range(2):
            network(torch.randn(2, 1, 16, 16, 16))
    return network


def outputs(network: UNet, training: bool = False) -> torch.Tensor:
    volumes = torch.randn(2, 1, 16, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return copy.deepcopy(network).train(training)(volumes)


def shortened(network: UNet) -> UNet:
    made = copy.deepcopy(network)
    shorten_kernels(made)
    return made


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).std() / one.std())


@given(
    depth=st.integers(1, 3), convs=st.integers(2, 4), pool=st.booleans(), drop=st.sampled_from([0.0, 0.3]),
    stretch=Values, seed=st.integers(0, 100),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_the_network_computes_the_same(
    depth: int, convs: int, pool: bool, drop: float, stretch: float, seed: int
) -> None:
    shape = UNetShape(depth=depth, filter_base=3, convs_per_depth=convs, pool=pool, drop_out=drop)
    network = trained(shape, stretch, seed)
    assert difference(outputs(network), outputs(shortened(network))) < 1e-4


def test_it_computes_the_same_while_training() -> None:
    network = trained(UNetShape(depth=2, filter_base=4, drop_out=0.0))
    assert difference(outputs(network, training=True), outputs(shortened(network), training=True)) < 0.01


def test_kernels_become_as_long_as_fresh_ones() -> None:
    shape = UNetShape(filter_base=8)
    fresh, made = UNet(shape), shortened(trained(shape, stretch=10.0))
    initialize(fresh, "he")
    for (name, one), other in zip(made.named_parameters(), fresh.parameters(), strict=True):
        if one.ndim == 5 and name != "head.weight":
            assert float(one.detach().norm()) == pytest.approx(float(other.detach().norm()), rel=0.25), name


def test_kernels_that_are_short_already_stay() -> None:
    once = shortened(trained(UNetShape(filter_base=4)))
    twice = shortened(once)
    for (name, one), other in zip(once.state_dict().items(), twice.state_dict().values(), strict=True):
        assert torch.allclose(one.float(), other.float(), rtol=1e-3, atol=1e-6), name


def test_a_filter_whose_output_does_not_vary_stays() -> None:
    network = trained(UNetShape(depth=1, filter_base=4, drop_out=0.0), stretch=10.0)
    normalization = network.encoders[0][1]
    normalization.running_var[1] = 0
    made = shortened(network)
    assert torch.equal(made.encoders[0][0].weight[1], network.encoders[0][0].weight[1])
    assert bool((made.encoders[0][1].running_var >= 0).all())
    assert difference(outputs(network), outputs(made)) < 1e-4


def test_a_filter_that_gives_nothing_survives() -> None:
    network = trained(UNetShape(depth=1, filter_base=4, drop_out=0.0))
    with torch.no_grad():
        network.encoders[0][0].weight[1] = 0
        network.encoders[0][3].weight[2] *= 1e-6
        network.encoders[0][1].running_var[1] = 0
        network.encoders[0][1].running_mean[1] = network.encoders[0][0].bias[1]
        network.ups[0].weight.zero_()
    made = shortened(network)
    assert all(bool(value.isfinite().all()) for value in made.state_dict().values())
    assert torch.equal(made.encoders[0][3].weight[2], network.encoders[0][3].weight[2])
    assert difference(outputs(network), outputs(made)) < 1e-4


@pytest.mark.parametrize("normalization", ["none", "instance"])
def test_without_batch_normalisation_nothing_changes(normalization: str) -> None:
    network = UNet(UNetShape(filter_base=4, normalization=normalization))  # type: ignore[arg-type]
    made = shortened(network)
    assert all(torch.equal(one, other) for one, other in zip(network.parameters(), made.parameters(), strict=True))


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_a_step_turns_a_shortened_kernel_further(name: str) -> None:
    def turned(network: UNet) -> float:
        kernel = network.train().encoders[0][3].weight
        before = kernel.detach().clone()
        network(torch.randn(2, 1, 16, 16, 16, generator=torch.Generator().manual_seed(2))).square().mean().backward()
        for optimizer in optimizers(network, name, 0.0):  # type: ignore[arg-type]
            optimizer.step()
        return float((kernel.detach() - before).norm() / before.norm())

    network = trained(UNetShape(depth=1, filter_base=4, drop_out=0.0), stretch=30.0)
    assert turned(shortened(network)) > 10 * turned(copy.deepcopy(network))
