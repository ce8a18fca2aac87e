"""What turns gradients into steps: Muon for the convolutions' kernels, AdamW for everything else, or AdamW for all."""

import math
from collections.abc import Iterable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

OptimizerName = Literal["muon", "adamw"]


_COEFFICIENTS = (3.4445, -4.775, 2.0315)
_ITERATIONS = 5
_TINY = 1e-7


class KernelMuon(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) of convolution kernels, whose update is as long as one of AdamW's (Liu et al. 2025).

    Muon is defined for matrices: a kernel is seen as one, a row for each filter of its first axis. That of torch does
    the same in bf16, which processors without such arithmetic emulate, and for matrices alone.

    Parameters
    ----------
    kernels : iterable of Parameter
        `[out, in, z, y, x]`, or `[in, out, ...]` of transposed convolutions.
    weight_decay : float
        Share of the weights, times the learning rate, that is taken off at each step.
    momentum : float
        Share of the mean gradient kept at each step; steps look ahead along it (Nesterov).
    """

    def __init__(self, kernels: Iterable[nn.Parameter], weight_decay: float, momentum: float = 0.95) -> None:
        super().__init__(kernels, {"lr": 1e-3, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move the kernels along their gradients."""
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.grad is not None:
                    self._move(kernel, group["lr"], group["weight_decay"], group["momentum"])

    def _move(self, kernel: Tensor, rate: float, weight_decay: float, momentum: float) -> None:
        state = self.state[kernel]
        if not state:
            state["mean"] = torch.zeros_like(kernel)
        gradient = torch.as_tensor(kernel.grad)
        state["mean"].lerp_(gradient, 1 - momentum)
        ahead = torch.lerp(gradient, state["mean"], momentum)
        matrix = ahead.movedim(1, -1).flatten(1)  # channels last, as it lies in memory
        length = 0.2 * math.sqrt(max(matrix.shape))
        update = orthogonalized(matrix).reshape(ahead.movedim(1, -1).shape).movedim(-1, 1)
        kernel.mul_(1 - rate * weight_decay).sub_(update, alpha=rate * length)


def orthogonalized(matrix: Float[Tensor, "m n"]) -> Float[Tensor, "m n"]:
    """Bring the singular values of a matrix near 1: five Newton-Schulz iterations with Muon's coefficients.

    Each iteration multiplies from the left by a polynomial of `A = X X^T`. Polynomials of one matrix commute, so that
    they are multiplied among each other, `m x m`, and only their product with the long rows of the matrix.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonalized(matrix.T).T
    scaled = matrix / (torch.linalg.vector_norm(matrix) + _TINY)
    gram = scaled @ scaled.T
    unit = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    product, (a, b, c) = unit, _COEFFICIENTS
    for _ in range(_ITERATIONS):
        factor = a * unit + b * gram + c * gram @ gram
        product = factor @ product
        gram = factor @ gram @ factor
    return product @ scaled


def optimizers(network: nn.Module, name: OptimizerName, weight_decay: float) -> list[torch.optim.Optimizer]:
    """Make the optimisers of a network that is on its device."""
    parameters = list(network.parameters())
    kernels = [one for one in parameters if name == "muon" and one.ndim == 5 and min(one.shape[:2]) > 1]
    chosen = {id(kernel) for kernel in kernels}
    others = [one for one in parameters if id(one) not in chosen]
    made: list[torch.optim.Optimizer] = []
    if others:
        made.append(torch.optim.AdamW(others, weight_decay=weight_decay, fused=True))
    if kernels:
        made.append(KernelMuon(kernels, weight_decay))
    return made
