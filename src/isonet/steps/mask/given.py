"""Masks and boundaries that are given: which file belongs to which tomogram."""

import logging
from collections.abc import Sequence
from pathlib import Path

from isonet.errors import InputError
from isonet.io.volume_files import is_folder
from isonet.project.belonging import Belonging, Named, file_in, named
from isonet.project.table import Project, Tomogram

log = logging.getLogger("isonet")


def belonging(given: Path | None, tomogram: Tomogram, project: Project, endings: Sequence[str]) -> Path | None:
    """Return the file that is given, or the one in a folder that belongs to a tomogram.

    Raises
    ------
    InputError
        If no file of the folder, or none for certain, belongs to it.
    """
    if given is None or not is_folder(given):
        return given
    number = project.tomograms.index(tomogram)
    found = file_in(given, endings, number, named(project), f"leave one in {given}")
    if found is None:
        raise InputError(f"{given}: no file called {tomogram.name} ({', '.join(endings[:3])}); add it, or name a file")
    return found


def check_shared(given: Path | None, option: str, project: Project, chosen: Sequence[Tomogram]) -> None:
    """Refuse what is not there, and one file for several tomograms where its name is that of one; else warn of that.

    Parameters
    ----------
    given : Path or None
        File or folder.
    option : str
        What gave it, for messages.
    project : Project
        The table.
    chosen : sequence of Tomogram
        Those of it that the file is for.

    Raises
    ------
    InputError
        If it is not there, or its name fits some of the tomograms and not the others.
    """
    if given is not None and not given.exists():
        raise InputError(f"{option} {given}: no such file or folder; check the name")
    if given is None or len(chosen) < 2 or is_folder(given):
        return
    fitting = Belonging(named(project), [Named(given, (given.stem,))])
    own = [one for place, one in enumerate(project.tomograms) if fitting.sure(0, place)]
    others = [one for one in chosen if one not in own]
    if own and others:
        raise InputError(
            f"{given}: is of {own[0].name} by its name, not of {others[0].name}; choose one by --tomo-idx, or give "
            f"{option} a folder with a file for each"
        )
    log.warning(
        "%s: taken for all %d tomograms; where they differ, give %s a folder with a file for each",
        given,
        len(chosen),
        option,
    )
