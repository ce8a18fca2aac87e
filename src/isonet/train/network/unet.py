"""The three-dimensional U-Net of the IsoNet paper, every dimension an option.

With the defaults of :class:`UNetShape` it is the published network (27,327,745 parameters), but for the running
averages of its normalisation, which follow ten times as fast (0.1 a step), so that short runs can use them::

    x ─ level 64 ────────────────────────────── level 64 ─ 1x1x1 ─(+)─ f(x)
           └ level 128 ──────────────── level 128 ┘                │
                └ level 256 ──── level 256 ┘              x ───────┘
                      └ 512 ─ 256 ┘
"""

import copy
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

LEAK = 0.05
Initialization = Literal["he", "paper"]


@dataclass(frozen=True)
class UNetShape:
    """Dimensions of the network.

    Attributes
    ----------
    depth : int
        Number of times the volume is halved.
    filter_base : int
        Filters of the first level; each level below has twice as many.
    convs_per_depth : int
        Convolutions of each level; the bottom has `convs_per_depth - 1`, the last of them linear.
    kernel : int
        Edge of the convolution kernels, odd.
    pool : bool
        Halve by maximum pooling instead of a convolution of stride 2.
    normalization : str
        Normalisation after each convolution of a level.
    drop_out : float
        Share of activations set to zero after each normalisation while training.
    residual : bool
        Add the input to the output.
    """

    depth: int = 3
    filter_base: int = 64
    convs_per_depth: int = 3
    kernel: int = 3
    pool: bool = False
    normalization: Literal["batch", "instance", "none"] = "batch"
    drop_out: float = 0.3
    residual: bool = True

    @property
    def divisor(self) -> int:
        """Edges of the input must be multiples of this."""
        return int(2**self.depth)

    @property
    def overlap(self) -> int:
        """Voxels that tiles of a volume share so that no seam shows; `benchmarks/seams.py` measures it."""
        return 5 * self.divisor


ARCHITECTURES: dict[str, UNetShape] = {
    "paper": UNetShape(),
    "medium": UNetShape(filter_base=32, drop_out=0.0),
    "small": UNetShape(filter_base=16, drop_out=0.0),
    "deep": UNetShape(depth=4, filter_base=32, drop_out=0.0),
}
"""Named networks; explicit options override them."""


def named_shape(name: str, **overrides: object) -> UNetShape:
    """Return a named network with those of `overrides` that are not None put in its place."""
    given = {key: value for key, value in overrides.items() if value is not None}
    return replace(ARCHITECTURES[name], **given)  # type: ignore[arg-type]


class UNet(nn.Module):
    """U-Net that maps volumes `[batch, 1, z, y, x]` to volumes of the same shape."""

    def __init__(self, shape: UNetShape) -> None:
        super().__init__()
        self.shape = shape
        widths = [shape.filter_base * 2**level for level in range(shape.depth)]
        inputs = [1, *widths[:-1]]
        self.encoders = nn.ModuleList(_level(a, b, shape) for a, b in zip(inputs, widths, strict=True))
        self.downs = nn.ModuleList(_down(width, shape) for width in widths)
        self.bottom = _bottom(widths[-1], shape)
        above = [*widths[1:], widths[-1]]
        self.ups = nn.ModuleList(_up(a, b, shape) for a, b in zip(above, widths, strict=True))
        self.decoders = nn.ModuleList(_level(2 * width, width, shape) for width in widths)
        self.activation = nn.LeakyReLU(LEAK, inplace=True)
        self.head = nn.Conv3d(widths[0], 1, 1)
        initialize(self, "paper")

    def forward(self, volume: Float[Tensor, "b 1 z y x"]) -> Float[Tensor, "b 1 z y x"]:
        """Return the corrected volumes; every edge must be a multiple of `shape.divisor`."""
        skips: list[Tensor] = []
        hidden = volume
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            hidden = encoder(hidden)
            skips.append(hidden)
            hidden = down(hidden)
        hidden = self.bottom(hidden)
        for level in reversed(range(self.shape.depth)):
            hidden = self.decoders[level](self.activation(torch.cat([self.ups[level](hidden), skips.pop()], dim=1)))
        change = self.head(hidden)
        return volume + change if self.shape.residual else change


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv3d:
    return nn.Conv3d(inputs, outputs, kernel, stride=stride, padding=kernel // 2)


def _level(inputs: int, outputs: int, shape: UNetShape) -> nn.Sequential:
    """Convolutions of one level, each followed by normalisation, dropout and activation."""
    layers: list[nn.Module] = []
    for index in range(shape.convs_per_depth):
        layers.append(_conv(outputs if index else inputs, outputs, shape.kernel))
        if shape.normalization == "batch":
            layers.append(nn.BatchNorm3d(outputs, eps=1e-3))
        elif shape.normalization == "instance":
            layers.append(nn.InstanceNorm3d(outputs, affine=True))
        if shape.drop_out > 0:
            layers.append(nn.Dropout(shape.drop_out))
        layers.append(nn.LeakyReLU(LEAK, inplace=True))
    return nn.Sequential(*layers)


def _down(width: int, shape: UNetShape) -> nn.Module:
    """Halve the volume."""
    if shape.pool:
        return nn.MaxPool3d(2)
    return nn.Sequential(_conv(width, width, shape.kernel, stride=2), nn.LeakyReLU(LEAK, inplace=True))


def _bottom(width: int, shape: UNetShape) -> nn.Sequential:
    """Convolutions below the last level: twice as wide, then back, the last one linear."""
    layers: list[nn.Module] = []
    inputs = width
    for _ in range(shape.convs_per_depth - 2):
        layers += [_conv(inputs, 2 * width, shape.kernel), nn.LeakyReLU(LEAK, inplace=True)]
        inputs = 2 * width
    return nn.Sequential(*layers, _conv(inputs, width, shape.kernel))


def _up(inputs: int, outputs: int, shape: UNetShape) -> nn.ConvTranspose3d:
    """Double the volume."""
    padding = shape.kernel // 2
    return nn.ConvTranspose3d(inputs, outputs, shape.kernel, stride=2, padding=padding, output_padding=1)


def initialize(network: UNet, name: Initialization) -> None:
    """Give a network its first weights.

    Parameters
    ----------
    network : UNet
        Changed in place.
    name : str
        `paper`: Gaussian of standard deviation 0.02 and zero biases, as published. `he`: what keeps the signal's
        variance from layer to layer (He et al. 2015), but for the last layer, which begins near zero.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
            if name == "paper" or module is network.head:
                nn.init.normal_(module.weight, std=0.02)
            else:
                inputs_first = isinstance(module, nn.ConvTranspose3d)
                nn.init.kaiming_normal_(module.weight, a=LEAK, mode="fan_out" if inputs_first else "fan_in")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def for_evaluation(network: UNet) -> UNet:
    """Return a copy that only evaluates: batch normalisations become part of the convolutions before them.

    The averages that a batch normalisation uses then are constants, so that it multiplies and shifts each filter, which
    the kernel and the bias of the convolution can do themselves. Dropout does nothing any more and is left out.
    """
    made = copy.deepcopy(network).eval().requires_grad_(False)
    for levels in (made.encoders, made.decoders):
        for number, level in enumerate(levels):
            layers: list[nn.Module] = []
            for layer in level.children():
                before = layers[-1] if layers else None
                if isinstance(layer, nn.BatchNorm3d) and isinstance(before, nn.Conv3d):
                    layers[-1] = fuse_conv_bn_eval(before, layer)
                elif not isinstance(layer, nn.Dropout):
                    layers.append(layer)
            levels[number] = nn.Sequential(*layers)
    return made


def fix_normalization(network: nn.Module) -> None:
    """Let batch normalisations of a network in training use their running averages, and leave these as they are."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def parameter_count(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
