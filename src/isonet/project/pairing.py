"""Full tomograms and their even and odd halves: told by name, or named in a table."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isonet.errors import InputError
from isonet.io import star
from isonet.io.formats import open_volume
from isonet.io.programs import relion
from isonet.io.text import first_of
from isonet.io.volume_files import is_volume, stem
from isonet.project.belonging import Belonging, Named, only_one
from isonet.project.halves import (
    Halves,
    Pair,
    check_shapes,
    half_folders,
    half_key,
    pair_halves,
    paired,
    tell_of_other_folders,
    tell_of_unread_halves,
    volumes_of,
)
from isonet.project.names import Fit, is_marked_in_front, is_short, side_of
from isonet.project.selection import find_volumes, only_tomograms
from isonet.project.table import FULL_COLUMNS, HALF_COLUMNS, Tomogram

log = logging.getLogger("isonet")
_WITHOUT_FULL = (
    "%s and %s: left out, there is no full tomogram of this name; give --even and --odd alone for their mean"
)
Grouped = dict[Path, Halves | None]


def grouped(
    tomograms: Sequence[Path], even: Path | None, odd: Path | None, *, stacks: bool = False
) -> tuple[Grouped, list[Pair]]:
    """Find tomograms with their halves, as `prepare` takes them.

    Parameters
    ----------
    tomograms : sequence of Path
        Folders, files and tables.
    even, odd : Path or None
        Folders or files with the halves; both or none.
    stacks : bool
        Whether what looks like a stack of images is taken all the same.

    Returns
    -------
    dict
        From each full tomogram to (even, odd), or None where it has no halves.
    list of Pair
        Halves without a full tomogram.

    Raises
    ------
    InputError
        If a path does not exist or holds nothing, or partners differ in shape; as of :func:`pair_halves`; also if
        halves were given and a tomogram has none of its name.
    """
    given = _found(tomograms, stacks=stacks, named=None if even is None or odd is None else (even, odd))
    full, pairs, told = given.full, given.pairs, given.told
    if even is not None and odd is not None:
        pairs = pair_halves(even, odd, stacks=stacks)
        if not full:
            return {}, pairs
        if len(full) == 1 and is_volume(even) and is_volume(odd):  # named one by one, whatever they are called
            return {full[0]: _of_its_shape(full[0], pairs[0])}, []
        return _all_with_halves(full, pairs), []
    found = told | {path: None for path in full if path not in told}
    belonging = _belonging(full, pairs)
    close = _close(belonging)
    for number, path in enumerate(full):
        best = next((one for one in belonging.best(number) if one.thing in close), None)
        if path not in told and best is not None and _fits_in_shape(path, pairs[best.thing], best.fit):
            only_one(belonging, number, "leave one pair")
            found[path] = _of_its_shape(path, pairs[best.thing])
    served = {number for number, path in enumerate(full) if found[path] is not None}
    lone = list(given.apart)
    for number, pair in enumerate(pairs):
        if pair.halves not in found.values():
            if number in close and belonging.owners(number) & served:
                log.info("%s and %s: left out, there are other halves nearer to the tomogram", *pair.halves)
            else:
                lone.append(pair)
    return {path: found[path] for path in full}, lone


def read_groups(table: Path) -> list[tuple[Path | None, Halves | None]]:
    """Read which files belong together from a table: the full tomogram, if named, and (even, odd), if named.

    Raises
    ------
    InputError
        If the table cannot be read, or a row names nothing or one half alone.
    """
    groups: list[tuple[Path | None, Halves | None]] = []
    for number, row in enumerate(star.read_table(table, needs=(*FULL_COLUMNS, *HALF_COLUMNS)), start=1):
        full, halves = listed_files(table, row)
        if full is None and not halves and relion.lists_tomograms(row):
            name, remedy = row["rlnTomoName"], f"reconstruct it, or give the folder of tomograms and --metadata {table}"
            raise InputError(f"{table}: row {number} ({name}) names no reconstruction; {remedy}")
        if len(halves) == 1 or (full is None and not halves):
            named = "one half alone" if halves else "no file"
            raise InputError(f"{table}: row {number} names {named}; fill in {', '.join(HALF_COLUMNS)} or remove it")
        groups.append((full, (halves[0], halves[1]) if halves else None))
    return groups


def listed_files(table: Path, row: star.Row) -> tuple[Path | None, list[Path]]:
    """Return the full tomogram and the halves that a row names, of a table of this program, IsoNet or RELION."""
    if relion.lists_tomograms(row):
        return relion.listed_volumes(table, row)
    tomogram = Tomogram(table, row)
    full = next((tomogram.file(name) for name in FULL_COLUMNS if tomogram.text(name) is not None), None)
    return full, [tomogram.file(name) for name in HALF_COLUMNS if tomogram.text(name) is not None]


@dataclass(frozen=True)
class _Found:
    """Full tomograms, pairs that may be theirs, pairs that tables name apart, and what tables say of full ones."""

    full: list[Path]
    pairs: list[Pair]
    apart: list[Pair]
    told: Grouped


def _found(paths: Sequence[Path], *, stacks: bool, named: Halves | None) -> _Found:
    """Find all that lies in folders or stands in tables.

    Where halves are `named`, tomograms whose names begin with even and odd are no halves.
    """
    apart: list[Pair] = []
    loose: list[Path] = []
    order: list[Path] = []
    pairs: list[Pair] = []
    told: Grouped = {}
    below: list[Pair] = []
    for path in paths:
        if path.suffix.lower() == ".star" and path.is_file():
            order += _take_up(path, apart, told)
            continue
        folders = half_folders(path)
        volumes = volumes_of(path, folders)
        tell_of_other_folders(path, volumes, named or folders)
        if folders is not None and not volumes:
            pairs += pair_halves(*folders, stacks=stacks)
            continue
        loose += volumes
        order += volumes
        if folders is not None:
            matched, alone = paired(*(only_tomograms(find_volumes(folder), stacks=stacks) for folder in folders))
            below += matched
            if alone and not named:
                text = "%s: left out, its partner is in neither %s nor %s; add it, or remove this half"
                log.warning(text, first_of(alone), *folders)
    kept = set(only_tomograms([path for path in dict.fromkeys(loose) if path not in told], stacks=stacks))
    full = [path for path in dict.fromkeys(order) if path in kept or path in told]
    among = _among([path for path in full if path not in told and not (named and is_marked_in_front(stem(path)))])
    halves = {path for pair in among for path in pair.halves}
    full = [path for path in full if path not in halves]
    belonging = _belonging(full, below)
    close = _close(belonging)
    for number, pair in enumerate(below):
        if full and number not in close and not named:
            log.warning(_WITHOUT_FULL, *pair.halves)
    below = [pair for number, pair in enumerate(below) if number in close or not full]
    check_shapes([*apart, *pairs, *below, *among])
    if full and not (named or told or pairs or below or among):
        tell_of_unread_halves(paths, full)
    return _Found(full, [*pairs, *below, *among], apart, told)


def _take_up(table: Path, apart: list[Pair], told: Grouped) -> list[Path]:
    """Add what a table names, whatever it is called, and return its full tomograms."""
    full = []
    names: set[str] = set()
    for path, halves in read_groups(table):
        name = stem(path) if path is not None else half_key(halves[0]) if halves is not None else ""
        if halves is not None and name in names:
            raise InputError(f"{table}: two tomograms are called {name}; rename one of them")
        names |= {name} if halves is not None else set()
        if path is not None:
            full.append(path)
            told[path] = halves
        elif halves is not None:
            apart.append(Pair(name, *halves))
    return full


def _among(full: Sequence[Path]) -> list[Pair]:
    """Pairs of halves among full tomograms; of each folder first."""
    sides = {side: [path for path in full if side_of(stem(path)) == side] for side in ("even", "odd")}
    firsts, seconds = ([path for path in found if not is_short(stem(path))] for found in sides.values())
    pairs = []
    for folder in dict.fromkeys(path.parent for path in firsts):
        here = [[path for path in found if path.parent == folder] for found in (firsts, seconds)]
        pairs += paired(*here)[0]
    done = {path for pair in pairs for path in pair.halves}
    others, alone = paired(*([path for path in found if path not in done] for found in (firsts, seconds)))
    if alone:
        log.warning(
            "%s: taken as a tomogram of this name; if it is a half, whose partner is not there, add that or leave it "
            "out",
            first_of(alone),
        )
    return [*pairs, *others]


def _belonging(full: Sequence[Path], pairs: Sequence[Pair]) -> Belonging:
    """Which pairs belong to which full tomograms; halves of no other name than `even`, `odd` are those of `full`.

    Of a tomogram and what was cut from it, halves belong to the one of their shape.
    """
    tomograms = [Named(path, (stem(path),)) for path in full]
    return Belonging(
        tomograms,
        [Named(pair.even, (pair.name or "full",)) for pair in pairs],
        alike=lambda pair, one: open_volume(full[one]).shape == open_volume(pairs[pair].even).shape,
    )


def _close(belonging: Belonging) -> set[int]:
    """Pairs that are of some tomogram by their whole name, or but for words that tell none from another."""
    tomograms = range(len(belonging.tomograms))
    return {one.thing for number in tomograms for one in belonging.fitting(number) if one.fit > Fit.LOOSE}


def _all_with_halves(full: Sequence[Path], pairs: Sequence[Pair]) -> Grouped:
    """Give each full tomogram its halves; each must have some."""
    belonging = _belonging(full, pairs)
    found: Grouped = {}
    for number, path in enumerate(full):
        chosen = only_one(belonging, number, "leave one pair")
        if chosen is None:
            names = ", ".join(sorted(pair.name for pair in pairs)[:5]) + ", ..." * (len(pairs) > 5)
            raise InputError(f"{path}: no even and odd halves of this name; found {names}; rename them after it")
        found[path] = _of_its_shape(path, pairs[chosen])
    for pair in pairs:
        if pair.halves not in found.values():
            log.warning(_WITHOUT_FULL, *pair.halves)
    return found


def _fits_in_shape(path: Path, pair: Pair, fit: Fit) -> bool:
    """Tell whether halves found beside a tomogram, whose name is not quite its, may be those by their shape."""
    return fit is Fit.WHOLE or open_volume(path).shape == open_volume(pair.even).shape


def _of_its_shape(path: Path, pair: Pair) -> Halves:
    """Return the halves of a full tomogram, checked to be of its shape."""
    shape, half = open_volume(path).shape, open_volume(pair.even).shape
    if half != shape:
        raise InputError(f"{pair.even}: shape {half} is not that of {path}, {shape}; reconstruct both alike")
    return pair.halves
