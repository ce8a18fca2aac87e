"""What a refine run shows of itself after each iteration: slices, power spectra and curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from isonet.core import wedge
from isonet.io import mrc
from isonet.steps.preview import save_comparison, save_curves, wedge_balance
from isonet.steps.source import Source
from isonet.train.fit import Evaluator

PREVIEWS = "previews"
_EDGES = (64, 128, 128)  # of the part that is shown, at most


def picture(source: Source, evaluator: Evaluator, folder: Path, iteration: int) -> float:
    """Draw the middle of a tomogram before and after, and return its wedge balance after.

    Parameters
    ----------
    source : Source
        The tomogram.
    evaluator : Evaluator
        The network as it stands.
    folder : Path
        Where `iter<number>.png` goes.
    iteration : int
        For the name and the heading.

    Returns
    -------
    float
        Power inside the missing wedge relative to outside.
    """
    shape, tilts = source.volume.shape, source.tomogram.tilts
    parts = [
        -(-min(edge, limit) // evaluator.divisor) * evaluator.divisor for edge, limit in zip(shape, _EDGES, strict=True)
    ]
    corner = [(edge - part) // 2 for edge, part in zip(shape, parts, strict=True)]
    before = torch.from_numpy(source.cut(corner, parts))
    after = evaluator(wedge.apply(before.to(evaluator.device), tilts)[None, None])[0, 0].cpu()
    save_comparison(
        folder / f"iter{iteration:02d}.png",
        {"before": before.numpy(), "after": after.numpy()},
        tilts,
        source.tomogram.number("rlnPixelSize") or source.volume.header.pixel_size,
        f"{mrc.stem(source.volume.path)}, middle, after iteration {iteration} (density bright)",
    )
    return wedge_balance(after.numpy(), tilts)


def curves(metrics: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Draw loss and wedge balance over the run so far into `loss.png`."""
    losses = [line["loss"] for line in metrics if "loss" in line]
    balances = [(line["iteration"], line["wedge_balance"]) for line in metrics if line.get("wedge_balance") is not None]
    save_curves(
        folder / "loss.png",
        {
            "training loss, by epoch": list(enumerate(losses, start=1)),
            "power inside / outside the wedge, by iteration": balances,
        },
    )
