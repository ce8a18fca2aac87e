"""What turns gradients into steps: Muon for the convolutions' kernels, AdamW for everything else, or AdamW for all."""

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

OptimizerName = Literal["muon", "adamw"]


class KernelMuon(torch.optim.Muon):
    """Muon (Jordan et al. 2024) of convolution kernels, whose update is as long as one of AdamW's (Liu et al. 2025).

    Muon is defined for matrices: a kernel is seen as one, a row for each filter of its first axis. The matrices share
    their memory with the kernels, which must therefore stay where they are.

    Parameters
    ----------
    kernels : iterable of Parameter
        `[out, in, z, y, x]`, or `[in, out, ...]` of transposed convolutions.
    weight_decay : float
        Share of the weights, times the learning rate, that is taken off at each step.

    Raises
    ------
    ValueError
        If a kernel is not laid out channels-last.
    """

    def __init__(self, kernels: Iterable[nn.Parameter], weight_decay: float) -> None:
        self._kernels = list(kernels)
        matrices = [nn.Parameter(_as_matrix(kernel.data)) for kernel in self._kernels]
        if any(one.data_ptr() != kernel.data_ptr() for one, kernel in zip(matrices, self._kernels, strict=True)):
            raise ValueError("kernels must be laid out channels-last, so that a matrix can share their memory")
        super().__init__(matrices, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
        self._matrices = matrices

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move the kernels along their gradients."""
        for kernel, matrix in zip(self._kernels, self._matrices, strict=True):
            matrix.grad = None if kernel.grad is None else _as_matrix(kernel.grad)
        super().step(closure)  # type: ignore[no-untyped-call]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        super().zero_grad(set_to_none)
        for kernel in self._kernels:
            kernel.grad = None


def _as_matrix(kernel: Tensor) -> Tensor:
    """See a kernel as a matrix, channels last as it lies in memory."""
    return kernel.permute(0, 2, 3, 4, 1).flatten(1)


def optimizers(network: nn.Module, name: OptimizerName, weight_decay: float) -> list[torch.optim.Optimizer]:
    """Make the optimisers of a network that is on its device, kernels laid out channels-last."""
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
