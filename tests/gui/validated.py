"""A small validation as `validate` leaves it, made without training."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from at_work import SHAPE, write

STATUS = "the prediction agrees with the measurement to 31.2 A (0.143)"


def curves(shells: int = 12, scale: float = 1.0) -> dict[str, Any]:
    """Curves of one region at 10 A per voxel; nothing is measurable in the last shells."""
    frequency = [(number + 0.5) / (2 * shells) for number in range(shells)]
    ceiling = [1 / (1 + (3 * f) ** 4) for f in frequency]
    agreement = [scale * c * math.exp(-6 * f) for c, f in zip(ceiling, frequency, strict=True)]
    usable = [number < shells - 2 for number in range(shells)]
    claimed = [a / c if known else None for a, c, known in zip(agreement, ceiling, usable, strict=True)]
    return {
        "resolution": [round(10 / f, 1) for f in frequency],
        "agreement": agreement,
        "unfilled": [0.02 * math.sin(9 * f) for f in frequency],
        "shuffled": [0.03 * math.cos(9 * f) for f in frequency],
        "power": [0.8] * shells,
        "measurable": usable,
        "claimed": claimed,
        "claimed_low": [None if value is None else value - 0.08 for value in claimed],
        "claimed_high": [None if value is None else value + 0.08 for value in claimed],
        "ceiling": [c if known else None for c, known in zip(ceiling, usable, strict=True)],
    }


def report() -> dict[str, Any]:
    """What validation.json holds."""
    frequency = [(number + 0.5) / 200 for number in range(10)]
    side = {
        "frequency": frequency,
        "fsc": [math.exp(-20 * f) for f in frequency],
        "fsc_low": [math.exp(-20 * f) - 0.05 for f in frequency],
        "fsc_high": [math.exp(-20 * f) + 0.05 for f in frequency],
    }
    return {
        "pixel_size": 10.0,
        "withhold": 10.0,
        "withheld": {
            "kind": "cross-half",
            "resolution_0143": 31.2,
            "resolution_05": None,
            "controls": {"unfilled": 0.01, "shuffled": 0.02},
            "curves": curves(),
            "sectors": [{"from": 0, "to": 5, "curves": curves()}, {"from": 5, "to": 10, "curves": curves(scale=0.5)}],
            "status": STATUS,
        },
        "independent": {"kind": "precision", "inside": side, "outside": side, "status": "they agree to 20 A"},
    }


def make(folder: Path) -> np.ndarray:
    """Write a validation with a map of confidence, from 0 at the left to 1 at the right, and return the map."""
    folder.mkdir()
    (folder / "validation.json").write_text(json.dumps(report()))
    confidence = np.broadcast_to(np.linspace(0, 1, SHAPE[2], dtype=np.float32), SHAPE).copy()
    write(folder / "small_confidence.mrc", confidence)
    return confidence
