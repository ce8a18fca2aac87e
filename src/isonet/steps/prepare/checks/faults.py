"""What was measured to be wrong: an error, unless it was said that it be taken all the same."""

import logging
from collections.abc import Sequence

from isonet.errors import InputError

log = logging.getLogger("isonet")
Taken = Sequence[str] | None
"""Faults (:data:`isonet.config.inputs.ACCEPTABLE`) that are taken all the same, with a warning.

None where a table is used as it stands: all that is wrong is a warning, and what is as told is not said again.
"""
_AS_IT_STANDS = "the table is used as it stands, make it anew with 'isonet prepare'"


def refuse(fault: str, what: str, accepted: Taken) -> None:
    """Raise an error that says what is wrong and how to take it all the same; warn where that was done.

    Parameters
    ----------
    fault : str
        One of :data:`isonet.config.inputs.ACCEPTABLE`.
    what : str
        What is wrong, with the file and the remedy.
    accepted : sequence of str or None
        What the user takes.

    Raises
    ------
    InputError
        If the fault is not among those.
    """
    if accepted is None:
        log.warning("%s; %s", what, _AS_IT_STANDS)
    elif fault not in accepted:
        raise InputError(f"{what}, or take it with --accept {fault}")
    else:
        log.warning("%s; taken by --accept %s", what, fault)


def warn(what: str, accepted: Taken) -> None:
    """Warn of what may be wrong."""
    log.warning("%s%s", what, "" if accepted is not None else f"; {_AS_IT_STANDS}")


def inform(what: str, accepted: Taken) -> None:
    """Say what is as told, or cannot be told."""
    if accepted is not None:
        log.info("%s", what)
