"""The package zarr, which decodes chunks: an extra that is asked for where it is needed first."""

import importlib
import sys
from pathlib import Path
from typing import Any

from isonet.errors import InputError

_OLDEST = 3
PACKAGE = "zarr>=3.1.6"
"""What OME-Zarr needs, as the extra `zarr` says."""


def zarr_for(path: Path) -> Any:
    """Import zarr to read or write a file.

    Raises
    ------
    InputError
        If it is not installed, or an older version than 3.
    """
    remedy = f"{sys.executable} -m pip install '{PACKAGE}' with Python 3.11 or newer"
    try:
        zarr = importlib.import_module("zarr")
    except ImportError as error:
        raise InputError(f"{path}: OME-Zarr needs the package zarr; {remedy}, or use MRC files") from error
    version = str(zarr.__version__)
    if int(version.partition(".")[0]) < _OLDEST:
        raise InputError(f"{path}: OME-Zarr needs zarr {_OLDEST}, this is {version}; {remedy}, or use MRC files")
    return zarr
