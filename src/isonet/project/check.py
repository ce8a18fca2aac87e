"""What `prepare` found of the tomograms, beside their table: `tomograms.check.json` for `tomograms.star`."""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from isonet.io.files import write_json
from isonet.io.text import is_there

log = logging.getLogger("isonet")


def check_path(table: Path) -> Path:
    """File that tells what was found of the tomograms of a table."""
    return table.with_suffix(".check.json")


def write_check(table: Path, warnings: Sequence[str], tomograms: Sequence[Mapping[str, object]] = ()) -> None:
    """Write where a table was made, what was warned of meanwhile, and what was measured of each tomogram.

    Parameters
    ----------
    table : Path
        The table.
    warnings : sequence of str
        All of them.
    tomograms : sequence of mapping
        Of each its `name`, `level_x`, `level_y`, `axis_turn` and both `faces` in degrees as its power spectrum shows
        them (null where it shows no wedge), `missing_energy`, the share of its energy in the region called missing,
        the `pixel_size` that was taken, its `shape` z, y, x, and its `warnings`.
    """
    folder = str(table.parent.resolve())
    write_json(check_path(table), {"folder": folder, "warnings": list(warnings), "tomograms": list(tomograms)})


def read_check(table: Path) -> Mapping[str, Any]:
    """Read what was found; nothing where the file is missing or cannot be read."""
    try:
        found = json.loads(check_path(table).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def measurements_of(table: Path) -> list[dict[str, Any]]:
    """What `prepare` measured of each tomogram when it made a table."""
    found = read_check(table).get("tomograms", [])
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def warnings_of(table: Path) -> list[str]:
    """What `prepare` warned of when it made a table."""
    said = read_check(table).get("warnings", [])
    return [text for text in said if isinstance(text, str)] if isinstance(said, list) else []


def file_where_made(table: Path, text: str) -> Path | None:
    """Return the file that a table named where it was made, if there is one, with one warning for all of its files.

    It is for what lies beside the folder of the table, if that folder was moved without it.
    """
    folder = read_check(table).get("folder")
    if not isinstance(folder, str) or not text.startswith(os.pardir):
        return None
    path = Path(os.path.normpath(Path(folder) / text))
    if not is_there(path):
        return None
    _warn_of_moved(table, table.absolute(), folder)
    return path


@lru_cache
def _warn_of_moved(table: Path, _absolute: Path, folder: str) -> None:
    """Warn, once for a process, of a table that was moved without what it names beside its folder."""
    log.warning(
        "%s: was made in %s, and moved without the files beside that folder; they are taken from there, move them too "
        "or run isonet prepare again with --overwrite",
        *(table, folder),
    )
