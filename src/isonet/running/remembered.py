"""How to compute on each GPU, as measured by `isonet check`, kept in the user's cache."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError

from isonet.io.files import write_json
from isonet.train.hardware.choice import USUAL, Choice, named

log = logging.getLogger("isonet")


def choices_path() -> Path:
    """File of the choices, by the names of GPUs and versions."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "isonet" / "devices.json"


def remembered(device: torch.device) -> Choice:
    """Return what was measured to be fastest for this device and these versions; what is usual where nothing was."""
    if device.type != "cuda":
        return USUAL
    try:
        return TypeAdapter(Choice).validate_python(_read()[named(device)])
    except (KeyError, ValidationError):
        return USUAL


def remember(device: torch.device, choice: Choice) -> None:
    """Keep a choice for this device and these versions, if the cache can be written."""
    path = choices_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {**_read(), named(device): asdict(choice)})
    except OSError as error:
        log.warning("%s: not written, %s; what was measured is forgotten", path, error)


def _read() -> Mapping[str, Any]:
    """All choices; none where the file is not there or damaged."""
    try:
        found = json.loads(choices_path().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
