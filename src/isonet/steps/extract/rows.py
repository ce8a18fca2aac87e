"""Which names of tomograms in a table of particles are those of which tomogram."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from isonet.errors import InputError
from isonet.project.belonging import Belonging, Match, Named, tell_if_loose
from isonet.project.names import without_ending

log = logging.getLogger("isonet")


def called(texts: Sequence[str], tomogram: int, tomograms: Sequence[Named], asked: Sequence[int]) -> set[str]:
    """Tell which of the names that a table gives are those of a tomogram.

    Parameters
    ----------
    texts : sequence of str
        Names or paths, with or without the ending of a file.
    tomogram, tomograms : int, sequence of Named
        Which one of which.
    asked : sequence of int
        Those that are asked for; others count only where a name fits them better.

    Raises
    ------
    InputError
        If a name fits several tomograms that are asked for equally well, or several names fit one.
    """
    belonging = _of_texts(texts, tomograms)
    things, chosen = belonging.things, _chosen(belonging, tomogram)
    one = tomograms[tomogram]
    if len({(match.fit, match.length) for match in chosen}) > 1:
        names = " and ".join(things[match.thing].names[0] for match in belonging.best(tomogram)[:2])
        raise InputError(f"{names}: both fit {one.path}; name its particles by one of them")
    for match in chosen:
        others = belonging.owners(match.thing) & set(asked) - {tomogram}
        if others:
            text = f"{things[match.thing].names[0]}: fits {one.path} and {tomograms[min(others)].path} equally well"
            raise InputError(f"{text}; choose one by --tomo-idx, or name the particles after it")
        tell_if_loose(match, one, things[match.thing])
    _tell_of_several(one, [things[match.thing] for match in chosen])
    return {texts[match.thing] for match in chosen}


def of_none(texts: Sequence[str], tomograms: Sequence[Named]) -> list[str]:
    """Return which of the names that a table gives are those of no tomogram at all, by :func:`called`."""
    belonging = _of_texts(texts, tomograms)
    taken = {match.thing for tomogram in range(len(tomograms)) for match in _chosen(belonging, tomogram)}
    return [text for thing, text in enumerate(texts) if thing not in taken]


def _of_texts(texts: Sequence[str], tomograms: Sequence[Named]) -> Belonging:
    return Belonging(tomograms, [Named(Path(text), (text, without_ending(text))) for text in texts])


def _chosen(belonging: Belonging, tomogram: int) -> list[Match]:
    """Names that fit a tomogram as well as the best does; of those that tell folders, the ones that tell most of its.

    Paths may start anywhere, so that it does not tell one from another which of its folders they leave out.
    """
    ranks = {(one.fit, one.length) for one in belonging.best(tomogram)}
    found = [one for one in belonging.fitting(tomogram) if (one.fit, one.length) in ranks]
    own = belonging.tomograms[tomogram].folders
    told = {one.thing: _folders(belonging.things[one.thing]) for one in found}
    shared = {thing: sum(folder in own for folder in folders) for thing, folders in told.items()}
    most = max((shared[thing] for thing, folders in told.items() if folders), default=0)
    return [one for one in found if not told[one.thing] or shared[one.thing] == most]


def _folders(text: Named) -> tuple[str, ...]:
    """Folders that a name tells."""
    return tuple(part for part in re.split(r"[/\\]", text.names[0])[:-1] if part.strip("."))


def _tell_of_several(one: Named, texts: Sequence[Named]) -> None:
    """Warn where names of one tomogram tell different folders."""
    folders = {_folders(text): text.names[0] for text in texts if _folders(text)}
    if len(folders) > 1:
        first, second = list(folders.values())[:2]
        log.warning(
            "%s and %s: rows of both are taken for %s; if they are of two tomograms, remove those of the other",
            *(first, second, one.path),
        )
