"""Tables that steps refuse: those of tomograms for other programs, and those that name a file twice.

And those that lead from the copy of a project to the original, of which they warn.
"""

import logging
import os
import shlex
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from isonet.errors import InputError
from isonet.io.programs.relion import lists_tomograms
from isonet.io.star import MISSING, Row
from isonet.io.text import first_of, is_file

log = logging.getLogger("isonet")
_DEFAULT = Path("tomograms.star")
_LOOKED_AT = 3  # folders of files that a table names by absolute names
_NOTHING = (MISSING, "", "nan", "<NA>", "N/A", "?")


def refuse_unprepared(path: Path, rows: Sequence[Row], full: Sequence[str], halves: Sequence[str]) -> None:
    """Refuse RELION's tables, and rows with halves and no tomogram, with the command that makes a table of them.

    Parameters
    ----------
    path : Path
        The table.
    rows : sequence of mapping
        Its rows.
    full, halves : sequence of str
        Columns of tomograms and of halves.

    Raises
    ------
    InputError
        If there is such a row.
    """
    command = f"isonet prepare {shlex.quote(str(path))}"
    if path.resolve() == _DEFAULT.resolve():
        command += f" --output isonet_{_DEFAULT}"
    for number, row in enumerate(rows, start=1):
        if lists_tomograms(row):
            raise InputError(f"{path}: a table of RELION, with other columns than steps need; run '{command}' first")
        without = all(row.get(column, MISSING) == MISSING for column in full)
        if without and all(row.get(column, MISSING) != MISSING for column in halves):
            raise InputError(
                f"{path}: tomogram {number} has halves and no rlnTomoName; run '{command}' first, it keeps the columns"
            )


def refuse_repeated(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Refuse rows that name one file, as where rows of another project were put into a table.

    Parameters
    ----------
    path : Path
        The table.
    rows : sequence of mapping
        Its rows, with their rlnIndex if tomograms are chosen by it.
    columns : sequence of str
        Columns of files that belong to one row each.

    Raises
    ------
    InputError
        If a file stands in one column of two rows.
    """
    folder = os.path.abspath(path.parent)  # noqa: PTH100  # names are compared, not files: tables are read often
    for column in columns:
        seen: dict[str, int] = {}
        for number, row in enumerate(rows, start=1):
            text = row.get(column, MISSING)
            if text in _NOTHING:
                continue
            first = seen.setdefault(os.path.normpath(os.path.join(folder, text)), number)  # noqa: PTH118
            if first != number:
                raise InputError(
                    f"{path}: rows {first} and {number} both name {text} as {column}; correct the name if another file "
                    "is meant, as in rows from another folder, or keep one row"
                )


def warn_of_original(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Warn, once, of a table in the copy of a project that names files of the original though the copy has its own.

    Parameters
    ----------
    path : Path
        The table. The original has one at the same place in it.
    rows : sequence of mapping
        Its rows.
    columns : sequence of str
        Columns of files.
    """
    listed = dict.fromkeys(row.get(column, MISSING) for row in rows for column in columns)
    if any(text.startswith("/") for text in listed):
        _warn_once(path.absolute(), path, tuple(listed))


@lru_cache
def _warn_once(table: Path, called: Path, listed: tuple[str, ...]) -> None:
    """Warn of the first file whose counterpart is there and not in the table, and of how many more lie beside it."""
    absolute = [Path(text) for text in listed if text.startswith("/")]
    for folder in list(dict.fromkeys(one.parent for one in absolute))[:_LOOKED_AT]:
        own = _counterpart(table, folder)
        if own is None:
            continue
        both = [one for one in absolute if one.parent == folder and is_file(one) and is_file(own / one.name)]
        taken = [one for one in both if not one.samefile(own / one.name)]
        taken = [one for one in taken if os.path.relpath(own / one.name, table.parent) not in listed]
        if taken:
            log.warning(
                "%s: names %s, of the project that this one is a copy of; %s is not taken; correct the names, or run "
                "isonet prepare again with --overwrite",
                *(called, first_of(taken), own / taken[0].name),
            )
            return


def _counterpart(table: Path, folder: Path) -> Path | None:
    """Return the folder that is to a table as another one is to a table of the same place in another project."""
    for project in table.parents:
        for other in (folder, *folder.parents):
            inside = project / folder.relative_to(other)
            if other != project and is_file(other / table.relative_to(project)) and inside.is_dir():
                return inside
    return None
