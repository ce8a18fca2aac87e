"""Put a model of `isonet train-starter` in the place of the starter that is shipped, its kernels in half precision.

::

    python scripts/ship_starter.py better
"""

import sys
from pathlib import Path

import torch

from isonet.io.checkpoint import load_model, save_model
from isonet.models.record import STARTER_METHOD

SHIPPED = Path(__file__).parents[1] / "src" / "isonet" / "models" / "starter.safetensors"
_KERNEL = 4  # dimensions, at least; variances need the range of single precision


def ship(folder: Path) -> None:
    """Write the model of a run folder over the one that is shipped."""
    weights, about = load_model(folder)
    if about["method"] != STARTER_METHOD or about["tilts"]:
        raise SystemExit(f"{folder}: no starter")
    halved = {name: one.half() if one.dim() >= _KERNEL else one for name, one in weights.items()}
    if not all(bool(torch.isfinite(one).all()) for one in halved.values()):
        raise SystemExit(f"{folder}: kernels are too large for half precision")
    save_model(SHIPPED, halved, {name: value for name, value in about.items() if name != "format"})


if __name__ == "__main__":
    ship(Path(sys.argv[1]))
