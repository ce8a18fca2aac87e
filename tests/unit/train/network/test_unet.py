"""The network of the paper, and what each of its options changes."""

from dataclasses import replace
from typing import get_args

import pytest
import torch
from torch import nn

from isonet.config.network import NetworkOptions
from isonet.train.network.unet import (
    ARCHITECTURES,
    Initialization,
    UNet,
    UNetShape,
    for_evaluation,
    initialize,
    named_shape,
    parameter_count,
)

SMALL = UNetShape(filter_base=4, drop_out=0.0)


def output(shape: UNetShape, training: bool = False) -> torch.Tensor:
    torch.manual_seed(0)
    network = UNet(shape).train(training)
    return network(torch.randn(2, 1, 16, 16, 16)).detach()


def test_the_network_of_the_paper_has_27_million_parameters() -> None:
    with torch.device("meta"):
        assert parameter_count(UNet(ARCHITECTURES["paper"])) == 27_327_745


def test_the_deep_network_sees_twice_as_far_with_as_many_parameters() -> None:
    with torch.device("meta"):
        deep, paper = (parameter_count(UNet(ARCHITECTURES[name])) for name in ("deep", "paper"))
    assert deep == pytest.approx(paper, rel=0.02)
    assert ARCHITECTURES["deep"].divisor == 2 * ARCHITECTURES["paper"].divisor


def test_every_network_can_be_asked_for() -> None:
    choices = get_args(NetworkOptions.model_fields["arch"].annotation)
    assert sorted(choices) == sorted(["auto", *ARCHITECTURES])


@pytest.mark.parametrize(
    "change",
    [
        {"depth": 2},
        {"filter_base": 6},
        {"convs_per_depth": 2},
        {"kernel": 5},
        {"pool": True},
        {"normalization": "none"},
    ],
    ids=str,
)
def test_these_options_change_the_number_of_parameters(change: dict[str, object]) -> None:
    assert parameter_count(UNet(replace(SMALL, **change))) != parameter_count(UNet(SMALL))


@pytest.mark.parametrize("change", [{"normalization": "instance"}, {"residual": False}, {"drop_out": 0.5}], ids=str)
def test_these_options_change_the_output(change: dict[str, object]) -> None:
    assert not torch.allclose(output(replace(SMALL, **change), training=True), output(SMALL, training=True), atol=1e-6)


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("kernel", [3, 5])
def test_edges_that_are_multiples_of_the_divisor_are_kept(depth: int, pool: bool, kernel: int) -> None:
    shape = UNetShape(depth=depth, filter_base=2, convs_per_depth=2, pool=pool, kernel=kernel)
    assert shape.divisor == 2**depth
    edges = (shape.divisor, 2 * shape.divisor, 3 * shape.divisor)
    assert UNet(shape).eval()(torch.randn(1, 1, *edges)).shape == (1, 1, *edges)


def test_a_residual_network_without_weights_returns_its_input() -> None:
    volume = torch.randn(1, 1, 16, 16, 16)
    network = UNet(SMALL).eval()
    nn.init.zeros_(network.head.weight)
    assert torch.equal(network(volume), volume)


@pytest.mark.parametrize("normalization", ["batch", "instance", "none"])
def test_a_network_for_evaluation_gives_the_same_without_normalisations(normalization: str) -> None:
    torch.manual_seed(0)
    network = UNet(replace(SMALL, normalization=normalization, drop_out=0.3))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            for values in (module.weight, module.running_var):
                nn.init.uniform_(values, 0.5, 2)
            for values in (module.bias, module.running_mean):
                nn.init.uniform_(values, -1, 1)
    volume = torch.randn(1, 1, 16, 16, 16)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    lean = for_evaluation(network)
    assert not [module for module in lean.modules() if isinstance(module, nn.BatchNorm3d | nn.Dropout)]
    assert torch.allclose(lean(volume), network.eval()(volume), atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_first_weights() -> None:
    """Those of the paper let the signal fade on its way down, those of He et al. keep its strength."""
    strength = {}
    for name in get_args(Initialization):
        torch.manual_seed(0)
        network = UNet(replace(SMALL, filter_base=16, normalization="none"))
        initialize(network, name)
        hidden = torch.randn(2, 1, 32, 32, 32)
        for encoder, down in zip(network.encoders, network.downs, strict=True):
            hidden = down(encoder(hidden))
        strength[name] = float(hidden.detach().square().mean().sqrt())
        assert all(bool((bias == 0).all()) for key, bias in network.named_parameters() if key.endswith("0.bias"))
    assert 0.2 < strength["he"] < 2
    assert strength["paper"] < 0.05


@pytest.mark.parametrize("level", [0, 1, 2])
def test_every_level_has_its_way_past_the_levels_below(level: int) -> None:
    """With all that comes from below cut off, the output still depends on the input through each skip alone."""
    torch.manual_seed(0)
    network = UNet(replace(SMALL, residual=False, normalization="none"))
    for parameter in network.parameters():
        parameter.data = torch.full_like(parameter, 0.1 if parameter.ndim == 5 else 0.0)
    nn.init.zeros_(network.ups[level].weight)
    volume = torch.ones(1, 1, 16, 16, 16, requires_grad=True)
    network(volume).sum().backward()
    assert volume.grad is not None
    assert float(volume.grad.abs().min()) > 0


def test_names_are_overridden_by_what_is_given() -> None:
    assert named_shape("medium", filter_base=None, depth=None) == ARCHITECTURES["medium"]
    assert named_shape("small", depth=2, drop_out=0.1) == replace(ARCHITECTURES["small"], depth=2, drop_out=0.1)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_middle_of_the_output_sees_64_voxels(name: str) -> None:
    """Without normalisation and with positive weights no path cancels: the gradient shows the receptive field."""
    network = UNet(named_shape(name, filter_base=1, normalization="none", drop_out=0.0)).eval()
    for parameter in network.parameters():
        parameter.data = torch.full_like(parameter, 0.1 if parameter.ndim == 5 else 0.0)
    volume = torch.ones(1, 1, 16, 16, 96, requires_grad=True)
    network(volume)[0, 0, 4, 4, 48].backward()
    assert volume.grad is not None
    seen = volume.grad[0, 0].abs().amax((0, 1)).nonzero().flatten()
    assert int(seen[-1] - seen[0]) + 1 >= 64


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_untrained_network_sees_32_voxels_to_either_side(name: str) -> None:
    """With the weights training begins from, in float64: what is 32 voxels away changes the middle."""
    torch.manual_seed(0)
    network = UNet(named_shape(name, filter_base=2)).double().eval()
    volume = torch.randn(1, 1, 16, 16, 96, dtype=torch.float64).requires_grad_()
    network(volume)[0, 0, 4, 4, 48].backward()
    assert volume.grad is not None
    seen = volume.grad[0, 0].abs().amax((0, 1))
    assert float(seen[:17].max()) > 0
    assert float(seen[80:].max()) > 0
