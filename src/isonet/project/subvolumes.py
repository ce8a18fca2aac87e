"""How many sub-volumes each tomogram of a table gives."""

from collections.abc import Sequence

from isonet.errors import InputError
from isonet.project.table import Tomogram

SUBVOLUMES_IN_ALL = 300


def subvolume_count(tomogram: Tomogram, asked: int | None, tomograms: Sequence[Tomogram]) -> int:
    """Sub-volumes of a tomogram: as asked, else as the table says, else its share of 300.

    Raises
    ------
    InputError
        If the table says something that is no number of sub-volumes.
    """
    if asked is not None:
        return asked
    count = tomogram.number("rlnNumberSubtomo")
    if count is None:
        return max(1, round(SUBVOLUMES_IN_ALL / len(tomograms)))
    if count < 1 or count != int(count):
        raise InputError(
            f"{tomogram.table}: rlnNumberSubtomo of tomogram {tomogram.index} is {count:g}; give 1 or more"
        )
    return int(count)
