"""What a model that was trained on tomograms says of itself, and what data it has seen."""

from collections.abc import Mapping, Sequence
from typing import Any

from isonet.config import RefineConfig
from isonet.core.tilts.measured import Measured
from isonet.io.volume import fingerprint
from isonet.models.record import NOT_TRAINING, common
from isonet.steps.refine.subvolumes.samples import Samples
from isonet.train.network.unet import UNetShape
from isonet.train.pairs import Method


def describe(
    shape: UNetShape,
    method: Method,
    column: str,
    training: Sequence[Samples],
    config: RefineConfig,
    begun: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Say what a model is and what it was trained on, for its metadata.

    `begun` is the description of the model that training started from: what that one has seen, this one has too.
    """
    tomograms = [one.sources[0].tomogram for one in training]
    return {
        **common(method, shape, config.cube_size, column, begun),
        "tilts": [list(tomogram.measured.tilts) for tomogram in tomograms],
        **_turns([tomogram.measured for tomogram in tomograms]),
        "pixel_sizes": [tomogram.number("rlnPixelSize") for tomogram in tomograms],
        "seen": _seen(training, begun),
        "options": config.model_dump(mode="json", exclude_defaults=True, exclude=NOT_TRAINING),
    }


def _turns(measured: Sequence[Measured]) -> dict[str, Any]:
    """How axis and beam lie in each tomogram, sweep by sweep; nothing where all are at home."""
    if all(one.at_home for one in measured):
        return {}
    return {"turns": [[sweep.turn for sweep in one.sweeps] for one in measured]}


def _seen(training: Sequence[Samples], begun: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Fingerprint and tilts in degrees of every map trained on, before too; no fingerprint where that is not known."""
    seen: list[dict[str, Any]] = []
    if begun is not None:
        seen = list(begun.get("seen") or [{"data": None, "tilts": tilts} for tilts in begun.get("tilts", [])])
    for source in (source for one in training for source in one.sources):
        mark = {"data": fingerprint(source.volume), "tilts": list(source.measured.tilts)}
        if mark not in seen:
            seen.append(mark)
    return seen
