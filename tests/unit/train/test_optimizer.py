"""Muon for kernels, AdamW for the rest."""

import math

import pytest
import torch
from torch import Tensor, nn

from isonet.train.optimizer import optimizers, orthogonalized


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv3d(1, 6, 3), nn.Conv3d(6, 10, 3), nn.ConvTranspose3d(10, 4, 3), nn.Conv3d(4, 1, 1))
    for one in network:
        one.weight.data = one.weight.data.contiguous(memory_format=torch.channels_last_3d)
    return network


def give_gradients(network: nn.Module, seed: int = 0) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


def step(network: nn.Module, made: list[torch.optim.Optimizer], rate: float) -> None:
    for optimizer in made:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad()


def singular_values(change: Tensor) -> Tensor:
    return torch.linalg.svdvals(change.flatten(1))


def test_a_kernel_moves_as_far_along_all_directions() -> None:
    """The update is 0.2 sqrt(longer edge) times nearly the orthogonal matrix that is next to the gradient."""
    network = layers()
    before = [parameter.detach().clone() for parameter in network.parameters()]
    give_gradients(network)
    step(network, optimizers(network, "muon", 0.0), 0.01)
    for old, new in zip(before, network.parameters(), strict=True):
        change = old - new.detach()
        if old.ndim == 5 and min(old.shape[:2]) > 1:
            length = 0.01 * 0.2 * math.sqrt(max(old.flatten(1).shape))
            values = singular_values(change) / length
            assert float(values.min()) > 0.6, values
            assert float(values.max()) < 1.4, values
        else:
            assert torch.allclose(change.abs(), torch.full_like(old, 0.01), rtol=1e-3)  # Adam's first step


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this version of torch has no Muon to compare with")
def test_the_same_as_for_the_matrix_that_a_kernel_of_one_voxel_is() -> None:
    kernel = nn.Conv3d(7, 5, 1, bias=False)
    matrix = nn.Parameter(kernel.weight.detach().reshape(5, 7).clone())
    known = torch.optim.Muon([matrix], lr=0.01, weight_decay=0.3, adjust_lr_fn="match_rms_adamw")
    made = optimizers(kernel, "muon", 0.3)
    for seed in range(4):
        give_gradients(kernel, seed)
        assert kernel.weight.grad is not None
        matrix.grad = kernel.weight.grad.reshape(5, 7).clone()
        known.step()
        step(kernel, made, 0.01)
        assert torch.allclose(kernel.weight.reshape(5, 7), matrix, atol=2e-4)  # torch computes in bf16
        assert kernel.weight.grad is None


def test_adamw_is_for_all_where_it_is_asked_for() -> None:
    network = layers()
    made = optimizers(network, "adamw", 0.0)
    assert len(made) == 1
    before = [parameter.detach().clone() for parameter in network.parameters()]
    give_gradients(network)
    step(network, made, 0.01)
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.allclose((old - new.detach()).abs(), torch.full_like(old, 0.01), rtol=1e-3)


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_weights_decay(name: str) -> None:
    """With gradients of zero only the decay is left, a tenth of the learning rate times the weight."""
    network = layers()
    before = [parameter.detach().clone() for parameter in network.parameters()]
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    step(network, optimizers(network, name, 0.1), 0.01)  # type: ignore[arg-type]
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.allclose(new, old * (1 - 0.001), atol=1e-7)


@pytest.mark.parametrize("edges", [(16, 432), (64, 27), (128, 3456), (1, 5)])
def test_orthogonalized_is_what_torch_computes_step_by_step(edges: tuple[int, int]) -> None:
    """The same five iterations on the whole matrix in double precision, for singular values of all sizes."""
    torch.manual_seed(1)
    spread = torch.logspace(0, -3, min(edges), dtype=torch.float64)
    left, _, right = torch.linalg.svd(torch.randn(edges, dtype=torch.float64), full_matrices=False)
    matrix = left * spread @ right
    known = matrix / matrix.norm()
    for _ in range(5):
        gram = known @ known.T
        known = 3.4445 * known + (-4.775 * gram + 2.0315 * gram @ gram) @ known
    assert torch.allclose(orthogonalized(matrix.float()).double(), known, atol=2e-3)


def test_the_layout_of_a_kernel_does_not_matter() -> None:
    changes = []
    for layout in (torch.contiguous_format, torch.channels_last_3d):
        network = nn.Conv3d(3, 4, 3, bias=False)
        network.weight.data = torch.ones(4, 3, 3, 3, 3).contiguous(memory_format=layout)
        give_gradients(network)
        step(network, optimizers(network, "muon", 0.1), 0.01)
        changes.append(network.weight.detach())
    assert torch.allclose(changes[0], changes[1], atol=1e-7)
