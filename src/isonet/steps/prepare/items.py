"""The tomograms to be described, with their halves; means are made where there is no full one."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from isonet.config import PrepareConfig
from isonet.core.comparison.likeness import alike
from isonet.core.voxels import Axes
from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.star import refuse_unwritable
from isonet.io.volume_files import is_volume, stem
from isonet.project.belonging import Named
from isonet.project.halves import Halves, Pair
from isonet.project.names import is_marked_in_front
from isonet.project.pairing import Grouped, grouped
from isonet.project.table import FULL_COLUMNS, TURNED_COLUMN, Project
from isonet.steps.prepare.checks.halves import check_halves
from isonet.steps.prepare.halves import average_halves
from isonet.steps.prepare.in_threads import in_threads
from isonet.steps.prepare.listed import Listed, Listing

log = logging.getLogger("isonet")
_GIVEN = (*FULL_COLUMNS, TURNED_COLUMN)
_LISTED = 6  # copies of one tomogram that are named at most


@dataclass(frozen=True)
class Item:
    """One tomogram to describe.

    Attributes
    ----------
    path : Path
        Its file.
    halves : tuple of Path or None
        Even and odd.
    label : str
        A name that no other one has.
    named : Named
        Its place and name, by which metadata are found: of a mean those of its halves.
    listed : Listed
        What a table of tomograms says of it.
    """

    path: Path
    halves: Halves | None
    label: str
    named: Named
    listed: Listed


def find_items(tomograms: Sequence[Path], config: PrepareConfig, before: Project) -> list[Item]:
    """Find all tomograms that are not in the table yet, and check their halves before means are made of them.

    Raises
    ------
    InputError
        If no tomogram is found, one cannot be used, or halves do not pair or are not of their tomogram.
    """
    listing = Listing.read(tomograms)
    pairs, lone = grouped(tomograms, config.even, config.odd, stacks="stack" in config.accept)
    lone = list({tuple(half.resolve() for half in pair.halves): pair for pair in reversed(lone)}.values())[::-1]
    pairs, lone = _writable(pairs, lone, before)
    if config.even is None:
        _tell(pairs, [pair for pair in lone if listing.of(pair.even, pair.halves).table is None])
    halved: list[tuple[Path | None, Path, Path]] = [(path, *both) for path, both in pairs.items() if both is not None]
    halved += [(None, *pair.halves) for pair in lone]
    _refuse_shared_halves(halved)
    for outcome in in_threads(lambda one: check_halves(*one, config.accept), halved):
        outcome.told()
    named = {path: Named(path, (stem(path),)) for path in pairs}
    for path, pair in zip(average_halves(lone, config.average_dir, overwrite=config.overwrite), lone, strict=True):
        pairs[path] = pair.halves
        named[path] = Named(pair.even, (pair.name or stem(path),))
    if not pairs:
        raise InputError("no tomograms given; name a folder or files, or --even and --odd")
    known = [one.file(name) for one in before.tomograms for name in _GIVEN if one.text(name) is not None]
    same = {path.resolve() for path in known}
    for path in [path for path in pairs if path.resolve() in same]:
        log.info("%s: is in %s already", path, before.path)
        del pairs[path]
    if not pairs:
        raise InputError(f"{before.path}: holds all of these tomograms already; name others")
    _tell_of_copies(list(pairs), [path for path in known if is_volume(path)])
    names = [*(one.name for one in before.tomograms), *(stem(path) for path in pairs)]
    labels = [name if names.count(name) == 1 else f"{name}_{number}" for number, name in enumerate(names, start=1)]
    labels = labels[len(before.tomograms) :]
    return [
        Item(path, halves, label, named[path], listing.of(path, halves))
        for (path, halves), label in zip(pairs.items(), labels, strict=True)
    ]


def _writable(pairs: Grouped, lone: Sequence[Pair], before: Project) -> tuple[Grouped, list[Pair]]:
    """Leave out, with a warning, tomograms of which the table cannot hold a name; refuse where it can of none."""
    errors: list[InputError] = []

    def fits(*files: Path) -> bool:
        try:
            refuse_unwritable(before.path, map(before.entry, files))
        except InputError as error:
            errors.append(error)
            return False
        return True

    kept = {path: halves for path, halves in pairs.items() if fits(path, *(halves or ()))}
    kept_lone = [pair for pair in lone if fits(*pair.halves)]
    if errors and not (kept or kept_lone):
        raise errors[0]
    for error in errors:
        log.warning("left out: %s", error)
    return kept, kept_lone


def _refuse_shared_halves(halved: Sequence[tuple[Path | None, Path, Path]]) -> None:
    """Refuse a half of two tomograms, which steps would refuse in the table."""
    names = ["one that is the mean of its halves" if full is None else str(full) for full, *_ in halved]
    owners: dict[Path, int] = {}
    for number, (_, *halves) in enumerate(halved):
        for half in halves:
            first = owners.setdefault(half.resolve(), number)
            if first != number:
                raise InputError(f"{half}: a half of two tomograms, {names[first]} and {names[number]}; keep one")


def _tell(pairs: Mapping[Path, Halves | None], lone: Sequence[Pair]) -> None:
    """Say which halves were found that nobody asked for and no table lists."""
    for path, halves in pairs.items():
        if halves is not None:
            log.info("%s: its halves are %s and %s", path, *halves)
    for pair in lone:
        text = "%s and %s: taken as the halves of one tomogram, their mean"
        if is_marked_in_front(stem(pair.even)):
            log.warning(f"{text}; if they are two, rename them, or give each by itself", *pair.halves)
        else:
            log.info(text, *pair.halves)


@dataclass(frozen=True)
class _OnDisk:
    """A volume that is opened for each look, so that hundreds are not open at once."""

    path: Path

    @property
    def shape(self) -> tuple[int, ...]:
        return open_volume(self.path).shape

    def __getitem__(self, block: Any) -> npt.NDArray[Any]:
        return open_volume(self.path)[block]


def _tell_of_copies(new: Sequence[Path], known: Sequence[Path]) -> None:
    """Warn of new tomograms that are one, or one of those known, by their content, once of all that are."""
    paths = [*new, *known]
    pairs = alike([_OnDisk(path) for path in paths])
    same: dict[int, list[int]] = {}
    for first, second, _ in pairs:
        one, other = same.setdefault(first, [first]), same.setdefault(second, [second])
        if one is not other:
            one += other
            same.update(dict.fromkeys(other, one))
    for group in {id(group): sorted(group) for group in same.values()}.values():
        if group[0] >= len(new):
            continue
        names = [str(paths[number]) for number in group]
        listed = names if len(names) <= _LISTED else [*names[: _LISTED - 1], f"{len(names) - _LISTED + 1} more"]
        times = "twice" if len(names) == 2 else f"{len(names)} times"
        turns = dict.fromkeys(_in_words(axes) for first, _, axes in pairs if first in group and axes)
        log.warning(
            "%s and %s: one tomogram %s%s, which training counts %s; keep one%s",
            *(", ".join(listed[:-1]), listed[-1], times, "".join(f", {turn}" for turn in turns), times),
            ", that as it was reconstructed" if turns else ", or call halves _EVN and _ODD",
        )


def _in_words(axes: Axes) -> str:
    """Say how a tomogram lies that must be mirrored along axes to be like another one."""
    if len(axes) == 2:
        return f"turned by 180 degrees about {'zyx'[3 - sum(axes)]}"
    return f"mirrored along {' and '.join('zyx'[axis] for axis in axes)}"
