"""Tables of tomograms that other programs understand and steps do not."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from isonet.errors import InputError
from isonet.io.programs.relion import lists_tomograms
from isonet.io.star import MISSING, Row

_DEFAULT = Path("tomograms.star")


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
