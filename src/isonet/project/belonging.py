"""Which file belongs to which tomogram: one rule for halves, metadata, coordinates, masks and boundaries.

The whole name first, then the longest that fits, then the nearest folder: the one most of whose path is that of the
tomogram, then the one with the fewest steps between. What fits another tomogram better is that one's. Nothing belongs
to a tomogram because there is no other: what fits equally well, and is not the same, is refused with both paths.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from operator import eq
from pathlib import Path

from isonet.errors import InputError
from isonet.io.volume_files import stem
from isonet.project.names import Fit, Index, common_words, fit
from isonet.project.table import Project, Tomogram

log = logging.getLogger("isonet")
Distance = tuple[int, int]
"""Of two folders: how many lead to both, less than 0, and how many steps it is from one to the other."""


@dataclass(frozen=True)
class Named:
    """A tomogram, or something that belongs to one.

    Attributes
    ----------
    path : Path
        Where it lies, for messages and to tell which folder is nearest.
    names : tuple of str
        What it may be called; a tomogram has one name.
    """

    path: Path
    names: tuple[str, ...]

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Names of the folders that it lies in, from the root."""
        return Path(os.path.normpath(self.path.parent.absolute())).parts

    def distance(self, other: "Named") -> Distance:
        """How far the folder of another one is."""
        common = sum(takewhile(bool, map(eq, self.folders, other.folders)))
        return -common, len(self.folders) + len(other.folders) - 2 * common


@dataclass(frozen=True)
class Match:
    """Something that fits a tomogram.

    Attributes
    ----------
    thing : int
        Which one.
    fit : Fit
        How well.
    length : int
        Over how many letters.
    distance : Distance
        How far its folder is.
    """

    thing: int
    fit: Fit
    length: int
    distance: Distance

    def worse(self, other: "Match") -> bool:
        """Whether another one fits better: no worse in kind and length, and better in one, or nearer."""
        mine, others = (self.fit, self.length), (other.fit, other.length)
        if mine == others:
            return self.distance > other.distance
        return all(one <= two for one, two in zip(mine, others, strict=True))


class Belonging:
    """What of some things belongs to each of some tomograms.

    Attributes
    ----------
    tomograms, things : sequence of Named
        All that there are: what another tomogram has a better right to is not given to one.
    shared : bool
        Whether one thing may belong to several tomograms, as the tilts of a series to all that was made of it.
    alike : callable, optional
        Asked for a thing and each of the tomograms that it fits equally well: whether it looks like that one's, too.
    """

    def __init__(
        self,
        tomograms: Sequence[Named],
        things: Sequence[Named],
        *,
        shared: bool = False,
        alike: Callable[[int, int], bool] | None = None,
    ) -> None:
        self.tomograms = tomograms
        self.things = things
        self._owners: list[frozenset[int]] = []
        self._fitting: list[list[Match]] = [[] for _ in tomograms]
        common = common_words(one.names[0] for one in tomograms)
        index = Index([one.names[0] for one in tomograms])
        for number, thing in enumerate(things):
            matches = {
                place: match
                for place in sorted(set().union(*map(index.like, thing.names)))
                if (match := _match(number, thing, tomograms[place], common))
            }
            owners = _with_a_right(matches, shared=shared)
            if alike is not None and len(owners) > 1:
                owners = frozenset(place for place in owners if alike(number, place)) or owners
            self._owners.append(owners)
            for place in self._owners[-1]:
                self._fitting[place].append(matches[place])
        for own in self._fitting:
            own.sort(key=lambda one: (-one.fit, -one.length, one.distance))

    def fitting(self, tomogram: int) -> list[Match]:
        """All things that fit a tomogram and fit no other one better, best first."""
        return self._fitting[tomogram]

    def best(self, tomogram: int) -> list[Match]:
        """Things that no other one is better than: one, none, or several that fit equally well."""
        fitting = self.fitting(tomogram)
        return [one for one in fitting if not any(one.worse(other) for other in fitting)]

    def owners(self, thing: int) -> frozenset[int]:
        """Tomograms that a thing fits best: one, none, or several that it fits equally well."""
        return self._owners[thing]

    def sure(self, thing: int, tomogram: int) -> bool:
        """Whether a thing fits a tomogram for certain, and no other one better."""
        return any(one.thing == thing and one.fit > Fit.LOOSE for one in self._fitting[tomogram])


def _match(number: int, thing: Named, tomogram: Named, common: frozenset[str]) -> Match | None:
    """How a thing fits a tomogram by the best of its names."""
    found = max((one for name in thing.names if (one := fit(name, tomogram.names[0], common))), default=None)
    return None if found is None else Match(number, *found, thing.distance(tomogram))


def _with_a_right(matches: Mapping[int, Match], *, shared: bool) -> frozenset[int]:
    """Tomograms that something belongs to: those that it fits best, of equals the nearest.

    What is shared also belongs to those that it fits less well, unless only loosely.
    """
    best = max(((one.fit, one.length) for one in matches.values()), default=None)
    nearest: dict[tuple[Fit, int], Distance] = {}
    for one in matches.values():
        rank = one.fit, one.length
        nearest[rank] = min(nearest.get(rank, one.distance), one.distance)
    return frozenset(
        place
        for place, one in matches.items()
        if one.distance == nearest[rank := (one.fit, one.length)] and (rank == best or (shared and one.fit > Fit.LOOSE))
    )


def named(project: Project) -> list[Named]:
    """Return the tomograms of a table in its order."""
    return [Named(one.file(one.full_column), (one.name,)) for one in project.tomograms]


def only_one(belonging: Belonging, tomogram: int, wanted: str) -> int | None:
    """Return the one thing that belongs to a tomogram; None if there is none.

    Parameters
    ----------
    belonging : Belonging
        Tomograms and things, each of which belongs to one tomogram.
    tomogram : int
        Which one.
    wanted : str
        What to do where several fit, for messages: `leave one, or name it in rlnBoxFile`.

    Raises
    ------
    InputError
        If several things fit it equally well, or one thing fits several tomograms equally well.
    """
    best = belonging.best(tomogram)
    if not best:
        return None
    one, thing = belonging.tomograms[tomogram], belonging.things[best[0].thing]
    if len(best) > 1:
        other = belonging.things[best[1].thing]
        raise InputError(f"{thing.path} and {other.path}: several files fit {one.names[0]} equally well; {wanted}")
    others = belonging.owners(best[0].thing) - {tomogram}
    if others:
        text = f"{thing.path}: fits {one.path} and {belonging.tomograms[min(others)].path} equally well"
        raise InputError(f"{text}; rename it after one of them, or put it into its folder")
    tell_if_loose(best[0], one, thing)
    return best[0].thing


def tell_of_others(project: Project, column: str, asked: Sequence[Tomogram]) -> None:
    """Warn where a table names for a tomogram what is of another one by its name, or one file for several.

    Parameters
    ----------
    project : Project
        The table.
    column : str
        Of files each of which is of one tomogram, such as `rlnMaskName`.
    asked : sequence of Tomogram
        Rows that have such a file.
    """
    rows: dict[Path, list[Tomogram]] = {}
    for one in asked:
        rows.setdefault(one.file(column), []).append(one)
    belonging = Belonging(named(project), [Named(path, (stem(path),)) for path in rows])
    for thing, (path, its) in enumerate(rows.items()):
        owners = [project.tomograms[place] for place in sorted(belonging.owners(thing)) if belonging.sure(thing, place)]
        strangers = [one for one in its if owners and one.name not in {owner.name for owner in owners}]
        if strangers:
            log.warning(
                "%s: %s of tomogram %s (%s) in %s, and of %s by its name; correct the table",
                *(path, column, strangers[0].index, strangers[0].name, project.path, owners[0].name),
            )
        elif len(its) > 1:
            log.warning(
                "%s: %s of %d tomograms in %s, such as %s and %s; where they differ, name a file for each",
                *(path, column, len(its), project.path, its[0].name, its[1].name),
            )


def tell_if_loose(match: Match, tomogram: Named, thing: Named) -> None:
    """Warn where names do not tell for certain that something belongs to a tomogram."""
    if match.fit is Fit.LOOSE:
        text = "%s: taken for %s by a part of the name; rename it if it is of another tomogram"
        log.warning(text, thing.path, tomogram.path)


def tell_if_shared(what: str, tomograms: Sequence[Named]) -> None:
    """Warn where what belongs to one series is taken for several tomograms."""
    if len(tomograms) < 2:
        return
    first, second = tomograms[:2]
    if first.names == second.names:
        text = "%s: fits %s and %s equally well and is taken for both; put it beside the one it is of"
    else:
        text = (
            "%s: taken for %s and %s, as of one series; if they are one tomogram, as at two binnings, keep one; if of "
            "two series, give each a file called as it is"
        )
    log.warning(text, what, first.path, second.path)


def file_in(
    folder: Path, endings: Sequence[str], tomogram: int, tomograms: Sequence[Named], wanted: str
) -> Path | None:
    """Return the file of a folder that belongs to a tomogram; None if there is none.

    Parameters
    ----------
    folder : Path
        Where to look; folders in it are not looked into.
    endings : sequence of str
        How the names of such files end, in small letters.
    tomogram, tomograms : int, sequence of Named
        Which one of which.
    wanted : str
        As of :func:`only_one`.

    Raises
    ------
    InputError
        As :func:`only_one`.
    """
    found = []
    for path in sorted(folder.iterdir()):
        ending = max((one for one in endings if path.name.lower().endswith(one)), key=len, default=None)
        if ending is not None and not path.name.startswith("."):
            found.append(Named(path, (path.name[: -len(ending)],)))
    number = only_one(Belonging(tomograms, found), tomogram, wanted)
    return None if number is None else found[number].path
