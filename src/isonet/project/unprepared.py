"""Tables that steps refuse: those of tomograms for other programs, and those that name a file twice."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from isonet.errors import InputError
from isonet.io.programs.relion import lists_tomograms
from isonet.io.star import MISSING, Row

_DEFAULT = Path("tomograms.star")
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
