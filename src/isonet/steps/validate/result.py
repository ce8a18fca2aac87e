"""validation.json: the numbers of a validation, and what they are of."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from isonet.io import files
from isonet.project.table import Tomogram
from isonet.validation.numbers import Numbers

log = logging.getLogger("isonet")
RESULT = "validation.json"


def subject(chosen: Sequence[Tomogram], pixel: float) -> Numbers:
    """What numbers are of: tomograms by name, and Å per voxel."""
    return {"of": [one.name for one in chosen], "pixel_size": pixel}


def read_numbers(folder: Path, chosen: Sequence[Tomogram], pixel: float) -> Numbers:
    """Numbers that are there already; none where they cannot be read, or are of other tomograms."""
    try:
        numbers = dict(json.loads((folder / RESULT).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}
    now = subject(chosen, pixel)
    return numbers if all(numbers.get(name, value) == value for name, value in now.items()) else {}


def write_numbers(numbers: Numbers, status: str, folder: Path) -> Path:
    """Write the numbers and say what was found."""
    path = folder / RESULT
    files.write_json(path, numbers)
    in_doubt = numbers.get("withheld", {}).get("has_seen_what_was_withheld", False)
    log.log(logging.WARNING if in_doubt else logging.INFO, "%s", status)
    log.info("%s: written", path)
    return path
