"""What a model that was trained on tomograms says of itself, and what data it has seen."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from isonet.config import RefineConfig
from isonet.core.simulation.recording import Recording
from isonet.core.tilts.measured import Measured
from isonet.errors import InputError
from isonet.io import checkpoint
from isonet.io.formats import open_volume
from isonet.io.volume import fingerprint
from isonet.models.folder import MODEL_NAME, STATE_NAME
from isonet.models.record import NOT_TRAINING, STARTER_METHOD, common
from isonet.project.table import Tomogram
from isonet.steps.refine.subvolumes.samples import Samples
from isonet.train.network.unet import UNetShape
from isonet.train.pairs import Method
from isonet.volumes.masks import MASK_COLUMN

log = logging.getLogger("isonet")
_OF_DATA = {
    **{"tilts": "tilts", "turns": "tilt axes", "pixel_sizes": "pixel sizes", "seen": "volumes"},
    **{"contrasts": "contrasts", "beads": "gold beads", "masks": "masks", "optics": "contrast transfer"},
}
"""What a model says of its data, in words."""


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
    return {
        **common(method, shape, config.cube_size, column, begun),
        **_of_tomograms(training),
        "seen": _seen(training, begun),
        "options": config.model_dump(mode="json", exclude_defaults=True, exclude=NOT_TRAINING),
    }


def describe_tailored(
    shape: UNetShape,
    column: str,
    training: Sequence[Samples],
    recordings: Sequence[Recording],
    config: RefineConfig,
    begun: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Say what a model is that was tailored to tomograms, which it has not seen, and how some were recorded."""
    return {
        **common(STARTER_METHOD, shape, config.cube_size, column, begun),
        **_of_tomograms(training),
        "seen": [],
        "optics": [None if one.optics is None else asdict(one.optics) for one in recordings],
        "undoes_contrast_transfer": any(one.optics is not None for one in recordings),
        "options": config.model_dump(mode="json", exclude_defaults=True, exclude=NOT_TRAINING),
    }


def _of_tomograms(training: Sequence[Samples]) -> dict[str, Any]:
    """How each tomogram was seen: tilts, orientation, pixel size, contrast, and the gold beads in it."""
    tomograms = [one.sources[0].tomogram for one in training]
    return {
        "tilts": [list(tomogram.measured.tilts) for tomogram in tomograms],
        **_turns([tomogram.measured for tomogram in tomograms]),
        "pixel_sizes": [tomogram.number("rlnPixelSize") for tomogram in tomograms],
        "contrasts": ["dark" if one.sources[0].normalization.sign < 0 else "light" for one in training],
        "beads": [len(one.sources[0].beads) for one in training],
        "masks": [_mask_of(tomogram) for tomogram in tomograms],
    }


def _mask_of(tomogram: Tomogram) -> str | None:
    """Fingerprint of a tomogram's mask; None where it has none."""
    return None if tomogram.text(MASK_COLUMN) is None else fingerprint(open_volume(tomogram.file(MASK_COLUMN)))


def gone_on_with(folder: Path, about: Mapping[str, Any], table: Path) -> dict[str, Any]:
    """Return what a model says of itself whose run goes on: it has seen what the run has learnt from before, too.

    Where that is other data, or these are seen otherwise than the table says now, there is a warning.
    """
    before = _described(folder)
    usual = {"turns": None}
    now = usual | json.loads(json.dumps(about))
    changed = [words for name, words in _OF_DATA.items() if (usual | before).get(name, now.get(name)) != now.get(name)]
    if changed:
        log.warning(
            "%s: the run has learnt from other %s than %s names now, and goes on with these; mend the table, or start "
            "anew with --overwrite",
            *(folder, " and ".join(changed), table),
        )
    seen = before.get("seen", [])
    return {**about, "seen": [*seen, *(one for one in now["seen"] if one not in seen)]}


def _described(folder: Path) -> dict[str, Any]:
    """Description of what a run has made so far, as its state has it; of older runs, as their last model has it."""
    described = checkpoint.load_state(folder / STATE_NAME).get("about")
    if described is not None:
        return dict(described)
    try:
        return checkpoint.load_model(folder / MODEL_NAME)[1]
    except InputError:  # stopped before there was one, or damaged: the state is what counts
        return {}


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
