"""Batch normalisation over a batch that several processes share, as if one had all of it."""

import torch
import torch.distributed as dist
from torch import Tensor, nn


class _Sum(torch.autograd.Function):
    """Sum over all processes, whose gradient is the sum over all processes as well."""

    @staticmethod
    def forward(_context: object, values: Tensor) -> Tensor:
        """Return the sum."""
        summed = values.clone()
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_context: object, gradient: Tensor) -> Tensor:
        """Return the sum of the gradients."""
        summed = gradient.contiguous().clone()
        dist.all_reduce(summed)
        return summed


def _sum(values: Tensor) -> Tensor:
    if not dist.is_initialized():  # where memory is foreseen
        return values
    summed: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return summed


class SharedBatchNorm3d(nn.BatchNorm3d):
    """Batch normalisation with the mean and variance of the cubes of all processes, on any device.

    The variance is pooled from that within each process and that between their means (Chan et al. 1979), which loses no
    digits where the mean is large.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Normalise, and while training move the running averages."""
        if not self.training:
            return super().forward(values)
        axes = (0, 2, 3, 4)
        wide = values.float()
        own = wide.mean(dim=axes)
        count = values.numel() / values.shape[1]
        mean, total = self._pooled(own, count)
        within = (wide - own[:, None, None, None]).square().sum(dim=axes)
        variance = _sum(within + count * (own - mean).square()) / total
        self._follow(mean.detach(), variance.detach() * total / (total - 1))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        moved = self.bias - mean * scale
        return (wide * scale[:, None, None, None] + moved[:, None, None, None]).to(values.dtype)

    def _pooled(self, own: Tensor, count: float) -> tuple[Tensor, Tensor]:
        """Mean over all processes of each channel, and the number of voxels."""
        sums = _sum(torch.cat([count * own, own.new_full((1,), count)]))
        return sums[:-1] / sums[-1], sums[-1].detach()

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running averages towards the last batch."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


def share_statistics(network: nn.Module, device: torch.device) -> None:
    """Let the batch normalisations of a network, in place, work with the cubes of all processes.

    On CUDA by torch's own, which keeps one array for the way back as that of a single process does; ours keeps three
    in float32.
    """
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return
    for module in network.modules():
        if type(module) is nn.BatchNorm3d:
            module.__class__ = SharedBatchNorm3d
