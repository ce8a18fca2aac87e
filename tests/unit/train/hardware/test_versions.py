"""Versions of libraries that compute 3-D convolutions in 16 bits wrongly, and what is done about it.

Their sources are in `isonet.train.hardware.versions`.
"""

import copy
import math

import pytest
import torch

from isonet.train.correct import largest_tiles
from isonet.train.fit import Trainer
from isonet.train.hardware.choice import Choice, adopt, laid_out
from isonet.train.hardware.precision import Arithmetic, Precision
from isonet.train.hardware.versions import most_values, warning
from isonet.train.network.unet import UNet, UNetShape, named_shape
from isonet.train.pairs import Batch

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
KNOWN_WRONG = 16 * 124 * 1282 * 722


@pytest.mark.parametrize(
    ("version", "arithmetic", "wrong"),
    [
        (90701, "bf16", False),
        (90800, "bf16", True),
        (91002, "fp16", True),
        (91002, "float32", False),
        (91300, "bf16", True),
        (91501, "bf16", False),
    ],
)
def test_arrays_are_kept_small_where_large_ones_go_wrong(
    version: int, arithmetic: Arithmetic, wrong: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: version)
    said = warning(GPU, arithmetic)
    assert (said is not None) == wrong
    assert warning(CPU, arithmetic) is None
    most = most_values(GPU, arithmetic)
    assert most < KNOWN_WRONG / 3 if wrong else most == 2**31
    if said is not None:
        assert f"cuDNN 9.{version // 100 % 100}." in said
        assert "nvidia-cudnn-cu12>=9.15" in said
        assert "\n" not in said


@pytest.mark.parametrize("most", [1 << 31, 1 << 29])
def test_no_array_of_a_tile_has_more_values(most: int) -> None:
    """The largest holds twice the filters of the first level."""
    shape = UNetShape()
    plan = largest_tiles((300, 1000, 1000), shape, 10**12, most)
    assert 2 * shape.filter_base * math.prod(plan.size) < most


def test_kernels_of_one_channel_say_their_layout() -> None:
    """In their strides, by which cuDNN goes: torch leaves those of one channel as they are."""
    network = UNet(UNetShape(depth=1, filter_base=2, convs_per_depth=2))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first = network.encoders[0][0].weight
    assert first.contiguous(memory_format=torch.channels_last_3d).stride()[1] == 27
    laid_out(network, torch.device("cuda"))
    assert first.stride() == (27, 1, 9, 3, 1)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    adopt(CPU, Choice(channels_last=False))
    try:
        laid_out(network, CPU)
        assert all(one.is_contiguous() for one in network.parameters())
    finally:
        adopt(CPU, Choice())


def test_gradients_of_the_smallest_cubes_are_those_of_float32() -> None:
    """Memory that nobody has written, here full of NaN, is not read."""
    torch.manual_seed(0)
    network = UNet(named_shape("small", filter_base=8))
    cubes = torch.randn(2, 1, 16, 16, 16)
    batch = Batch(cubes, cubes, torch.ones(2, 1, 16, 16, 9))
    learnt = []
    precisions: tuple[Precision, ...] = ("float32", "bf16", "bf16")
    for precision in precisions:
        trainer = Trainer(copy.deepcopy(network), torch.device("cpu"), precision)
        rubbish = [
            torch.full((size,), torch.nan, dtype=torch.bfloat16) for size in (10**4, 10**5, 10**6) for _ in "123"
        ]
        del rubbish
        trainer.step(batch, 1e-3)
        learnt.append(torch.cat([one.flatten() for one in trainer.network.parameters()]))
    assert torch.equal(learnt[0], learnt[1])
    assert torch.equal(learnt[0], learnt[2])
