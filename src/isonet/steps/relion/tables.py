"""RELION 5's table of tomograms: what it names, and the same with corrected tomograms in it."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from isonet.errors import InputError
from isonet.io import star
from isonet.project.table import HALF_COLUMNS, Project

_NAME, _FULL, _DENOISED = "rlnTomoName", "rlnTomoReconstructedTomogram", "rlnTomoReconstructedTomogramDenoised"
_ABSENT = ("", star.MISSING, "N/A", "nan")  # N/A as RELION writes it of tomograms that were not denoised


def write_groups(source: Path, into: Path) -> None:
    """Write which volumes of a table of RELION belong together, as prepare reads it; those of no volume are left out.

    Raises
    ------
    InputError
        If the table names no reconstructed tomogram.
    """
    rows = []
    for row in star.read_table(source, needs=(_NAME,)):
        halves = {name: path for name in HALF_COLUMNS if (path := _volume(row, name))}
        full = {} if (path := _volume(row, _FULL)) is None else {_NAME: path}
        if full or len(halves) == len(HALF_COLUMNS):
            rows.append({**full, **(halves if len(halves) == len(HALF_COLUMNS) else {})})
    if not rows:
        raise InputError(
            f"{source}: names no reconstructed tomogram ({_FULL}, or both of {', '.join(HALF_COLUMNS)}); give "
            "tomograms.star of a job that reconstructs tomograms"
        )
    star.write_table(into, rows)


def write_with_corrected(source: Path, into: Path, project: Project) -> None:
    """Write a table of RELION anew, with the corrected tomograms of ours as its denoised ones.

    All else stays as it is, other tables of the file too. Paths are from the working folder, which is RELION's project.
    """
    corrected: dict[str, str] = {}
    for one in project.tomograms:
        if one.text("rlnCorrectedTomoName") is not None:
            path = _from_here(one.file("rlnCorrectedTomoName"))
            files = [one.file(name) for name in (_NAME, "rlnTomoTurnedFrom", *HALF_COLUMNS) if one.text(name)]
            corrected |= {str(file.resolve()): path for file in files}
    rows = star.read_table(source, needs=(_NAME,))
    if corrected:
        rows = [{**row, _DENOISED: _corrected(row, corrected)} for row in rows]
    shutil.copyfile(source, into)
    star.write_table(into, rows, (_NAME,), name="global")


def _corrected(row: Mapping[str, str], corrected: Mapping[str, str]) -> str:
    """Path of what was made of a row: of its own volume, else as before."""
    volumes = [path for name in (_FULL, *HALF_COLUMNS) if (path := _volume(row, name))]
    found = next((corrected[path] for path in volumes if path in corrected), None)
    return found or row.get(_DENOISED, "N/A")


def _volume(row: Mapping[str, str], column: str) -> str | None:
    """Absolute path in a column; None where it names nothing."""
    text = row.get(column, star.MISSING)
    return None if text in _ABSENT else str(Path(text).resolve())


def _from_here(path: Path) -> str:
    absolute, here = path.resolve(), Path.cwd().resolve()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)
