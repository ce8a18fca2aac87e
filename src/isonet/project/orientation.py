"""How tilt axis and beam lie in a tomogram, as the columns of its row say.

Without such columns the axis is y and the beam z. `rlnTomoXTilt` is what RELION 5 calls so: degrees by which the volume
was turned about x before it is tilted. `rlnTiltAxisTurn` turns it about z before that. Columns that end in `Axis2`
describe the tilts about a second axis, which runs along x unless they say otherwise.
"""

from pathlib import Path
from typing import Protocol

from isonet.core.tilts.measured import Measured, Sweep, positioned
from isonet.errors import InputError

SECOND_AXIS = "Axis2"
ABOUT_X, ABOUT_Z = "rlnTomoXTilt", "rlnTiltAxisTurn"
_OF_A_SWEEP = ("rlnTiltMin", "rlnTiltMax", "rlnTiltFile", ABOUT_X, ABOUT_Z)
COLUMNS = (*_OF_A_SWEEP, *(f"{name}{SECOND_AXIS}" for name in _OF_A_SWEEP))
"""All columns that say what was measured of a tomogram."""
TILT_FILES = ("rlnTiltFile", f"rlnTiltFile{SECOND_AXIS}")
"""Those of them that name files."""
_LARGEST = {ABOUT_X: 90.0, ABOUT_Z: 180.0}


class Row(Protocol):
    """A row of the table."""

    @property
    def table(self) -> Path: ...  # noqa: D102
    @property
    def index(self) -> str: ...  # noqa: D102
    def text(self, column: str) -> str | None: ...  # noqa: D102
    def number(self, column: str) -> float | None: ...  # noqa: D102
    def tilts_of(self, column: str, which: str = "") -> tuple[float, ...]: ...  # noqa: D102


def measured(row: Row, tilts: tuple[float, ...]) -> Measured:
    """All that was measured of a tomogram, with these tilts (degrees) about the first axis.

    Raises
    ------
    InputError
        If a value is garbled or beyond what it can be.
    """
    first = _sweep(row, tilts, "", usual=0.0)
    if all(row.text(f"rlnTilt{name}{SECOND_AXIS}") is None for name in ("Min", "Max", "File")):
        return Measured((first,))
    second = row.tilts_of(f"rlnTiltFile{SECOND_AXIS}", SECOND_AXIS)
    return Measured((first, _sweep(row, second, SECOND_AXIS, usual=90.0)))


def _sweep(row: Row, tilts: tuple[float, ...], which: str, usual: float) -> Sweep:
    """One sweep as its columns say that it lies; `usual` is the turn of its axis where they do not."""
    about = {column: row.number(f"{column}{which}") for column in _LARGEST}
    for column, value in about.items():
        name, most = f"{column}{which}", _LARGEST[column]
        if value is not None and abs(value) > most:
            raise InputError(
                f"{row.table}: {name} of tomogram {row.index} is {value:g} degrees, beyond {most:g}; mend it"
            )
    turn = about[ABOUT_Z]
    return positioned(tilts, about[ABOUT_X] or 0.0, usual if turn is None else turn)
