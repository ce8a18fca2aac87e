"""Maps that lie beside tomograms and are none: segmentations, masks, scores of a search, and what `simulate` leaves.

Names of the first say so (`TS_1_seg`, `TS_1_scores`), and so must their voxels, as a tomogram may be called anything.
Of a simulation a label in the header tells: its truth has no wedge, and its images are no volume.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.mrc_bytes.glance import Glance
from isonet.io.volume_files import stem

SIMULATED = "isonet simulate, seed"
"""How the label of each file of a simulation begins."""
RECONSTRUCTED = "isonet reconstruct "
"""How the label of what `reconstruct` makes begins, before the name of the series; `LEVELLED` follows where it is."""
LEVELLED = ", levelled"
TRUTH, IMAGES = "truth of a simulation", "images of a simulation"
"""Further labels of what is no tomogram in a simulation."""
_WORD = r"(?:^|[_.-])(?:%s)(?=[_.-]|$)"
_LEVELS = re.compile(_WORD % "seg|segs|segmented|segmentation|labels?|labelled|masks?", re.IGNORECASE)
_SCORES = re.compile(_WORD % "scores?", re.IGNORECASE)
_ANGLES = re.compile(_WORD % "angles", re.IGNORECASE)
_SECTIONS = 5
_MOST = 0.5  # of the voxels, that have the value of what is not labelled
Values = npt.NDArray[np.float32]


def why_derived(path: Path, header: Glance | None) -> str | None:
    """Say why a volume is taken for none, by its label, or by its name and its voxels; None where it is not."""
    name, labels = stem(path), () if header is None else header.labels
    told = next((label for label in (TRUTH, IMAGES) if label in labels), None)
    if told is None and name == "truth" and is_simulated(header):  # of before there was a label of it
        told = TRUTH
    if told is not None:
        return f"the {told}"
    kinds: list[tuple[str, Callable[[Values], bool]]] = [
        *([("a segmentation or a mask", _is_labelled)] if _LEVELS.search(name) else []),
        *([("scores of a search", _is_score)] if _SCORES.search(name) else []),
        *([("angles of a search", _is_whole)] if _ANGLES.search(name) else []),
    ]
    if not kinds:
        return None
    try:
        volume = open_volume(path)
    except InputError:  # for who opens those that are taken
        return None
    places = dict.fromkeys(np.linspace(0, volume.shape[0] - 1, _SECTIONS).round().astype(int).tolist())
    values = np.concatenate([volume.read_rows(slice(place, place + 1)).ravel() for place in places])
    return next((f"{what} by its name and its voxels" for what, fits in kinds if fits(values)), None)


def is_simulated(header: Glance | None) -> bool:
    """Tell whether `simulate` made the file of a header."""
    return header is not None and any(label.startswith(SIMULATED) for label in header.labels)


def _is_labelled(values: Values) -> bool:
    """Whether one value fills most, and others are whole numbers above it, or shares up to 1 as at soft edges."""
    if not (_is_whole(values) or (values.min() >= 0 and values.max() <= 1)):
        return False
    return float(np.unique(values, return_counts=True)[1].max()) > _MOST * values.size


def _is_score(values: Values) -> bool:
    """Whether values are correlations, the best over all orientations each: hardly any is below 0."""
    there = values[values != 0]
    if not there.size:
        return True
    return bool(np.abs(there).max() <= 1 and there.mean() > there.std())


def _is_whole(values: Values) -> bool:
    """Whether values are whole numbers from 0."""
    return bool(values.min() >= 0 and (values == np.round(values)).all())
