"""What prepare measured to be wrong: an error, unless it was said that it be taken all the same."""

import logging
from collections.abc import Sequence

from isonet.errors import InputError

log = logging.getLogger("isonet")


def refuse(fault: str, what: str, accepted: Sequence[str]) -> None:
    """Raise an error that says what is wrong and how to take it all the same; warn where that was done.

    Parameters
    ----------
    fault : str
        One of :data:`isonet.config.inputs.ACCEPTABLE`.
    what : str
        What is wrong, with the file and the remedy.
    accepted : sequence of str
        What the user takes.

    Raises
    ------
    InputError
        If the fault is not among those.
    """
    if fault not in accepted:
        raise InputError(f"{what}, or take it with --accept {fault}")
    log.warning("%s; taken by --accept %s", what, fault)
