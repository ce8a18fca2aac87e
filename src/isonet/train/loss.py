"""What training minimises."""

from torch import Tensor

from isonet.core import fourier


def mean_error(prediction: Tensor, targets: Tensor, error_filter: Tensor, exponent: int) -> Tensor:
    """Mean of the filtered errors' absolute value, or of their square."""
    errors = fourier.apply(prediction - targets, error_filter)
    return errors.abs().mean() if exponent == 1 else errors.square().mean()
