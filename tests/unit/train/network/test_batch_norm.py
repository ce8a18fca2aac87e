"""Batch normalisation of several processes: torch's own on CUDA, and the memory that either takes."""

import copy

import pytest
import torch
from torch import nn

from isonet.train.network.batch_norm import SharedBatchNorm3d, share_statistics
from isonet.train.network.footprint import footprint
from isonet.train.network.unet import UNet, UNetShape, fix_normalization

SHAPE = UNetShape(depth=2, filter_base=8, drop_out=0.0)


def normalizations(network: nn.Module) -> list[nn.Module]:
    return [one for one in network.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]


@pytest.mark.parametrize(("device", "expected"), [("cpu", SharedBatchNorm3d), ("cuda", nn.SyncBatchNorm)])
def test_each_device_has_its_own(device: str, expected: type) -> None:
    """With the weights and names of a network on its own, and fixed as such."""
    alone = UNet(SHAPE)
    shared = copy.deepcopy(alone)
    share_statistics(shared, torch.device(device))
    found = normalizations(shared)
    assert len(found) == len(normalizations(alone)) > 0
    assert all(type(one) is expected for one in found)
    assert list(shared.state_dict()) == list(alone.state_dict())
    assert all(torch.equal(value, alone.state_dict()[name]) for name, value in shared.state_dict().items())
    shared.train()
    fix_normalization(shared)
    assert not any(one.training for one in found)


def test_memory_of_a_team_is_foreseen() -> None:
    """Ours keeps several arrays of float32 for each normalisation, torch's one; gradients are exchanged in a copy."""
    alone, cuda, cpu = (footprint(SHAPE, 32, "muon", "float32", shared) for shared in ("", "cuda", "cpu"))
    assert cuda.cube == alone.cube
    assert 1.3 * alone.cube < cpu.cube < 3 * alone.cube
    assert cuda.fixed == cpu.fixed > alone.fixed
