"""Full tomograms and their even and odd halves: told by name, or named in a table."""

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from isonet.errors import InputError
from isonet.io import mrc, star
from isonet.io.programs import relion
from isonet.io.volume_files import find_volumes, stem
from isonet.project.table import FULL_COLUMNS, HALF_COLUMNS, Tomogram

log = logging.getLogger("isonet")
Pairs = dict[str, tuple[Path, Path]]
_EVEN, _ODD = r"even|evn|half[_-]?1|h1", r"odd|half[_-]?2|h2"
_HALF = re.compile(rf"(?:^|(?<=[_.\- ]))(?:(?P<even>{_EVEN})|(?P<odd>{_ODD}))(?=$|[_.\- ])", re.IGNORECASE)
_FULL = re.compile(r"(?:^|(?<=[_.\- ]))full(?=$|[_.\- ])", re.IGNORECASE)


def half_key(path: Path) -> str:
    """Return the name of a half without what tells it from the other: `TS_01_EVN.mrc` gives `TS_01`."""
    return _bare(_HALF.sub("", stem(path)))


def pair_halves(even: Path, odd: Path) -> Pairs:
    """Pair the even and odd reconstructions of two folders (or files), or of one folder, by name.

    Returns
    -------
    dict
        From the common part of the names to (even, odd).

    Raises
    ------
    InputError
        If a half has no partner, two have one name, partners differ in shape, or both are one file.
    """
    if even.is_file() and odd.is_file() and even.samefile(odd):
        raise InputError(f"{odd}: given as both halves, whose noise must differ; give the other one")
    if even.is_dir() and odd.is_dir() and even.samefile(odd):
        found = find_volumes(even)
        firsts, seconds = (_by_key(item for item in found if side_of(item) == side) for side in ("even", "odd"))
        if not firsts and not seconds:
            raise InputError(f"{even}: no halves in this folder; their names hold _EVN and _ODD, or half1 and half2")
    else:
        firsts, seconds = _by_key(find_volumes(even)), _by_key(find_volumes(odd))
    if even.is_file() and odd.is_file():
        seconds = dict(zip(firsts, seconds.values(), strict=True))
    for key in sorted(firsts.keys() ^ seconds.keys()):
        path = firsts.get(key) or seconds.get(key)
        raise InputError(f"{path}: no partner called {key} in {odd if key in firsts else even}; rename it or remove it")
    pairs = {key: (firsts[key], seconds[key]) for key in firsts}
    _check_shapes(pairs)
    return pairs


def find_tomograms(paths: Sequence[Path]) -> tuple[list[Path], Pairs]:
    """Find full tomograms in folders and files, and halves that lie among them or in sub-folders.

    A table (.star) names files and their halves itself. Otherwise pairs such as `x_EVN.mrc` and `x_ODD.mrc` are halves
    and no tomograms; so are files of one name in sub-folders called `even` and `odd`, or `half1` and `half2`.

    Returns
    -------
    full : list of Path
        In the order given, each once.
    pairs : dict
        As :func:`pair_halves`; of sub-folders only those that belong to a full tomogram, if there is one.

    Raises
    ------
    InputError
        If a path does not exist or holds nothing, or partners differ in shape.
    """
    full: list[Path] = []
    pairs: Pairs = {}
    listed: set[Path] = set()
    for path in paths:
        if path.suffix.lower() == ".star" and path.is_file():
            _take_up(path, full, pairs, listed)
            continue
        folders = half_folders(path)
        try:
            volumes = find_volumes(path)
        except InputError:
            if folders is None:
                raise
            pairs |= pair_halves(*folders)
            continue
        full += volumes
        if folders is not None:
            names = {full_key(item) for item in volumes}
            first, second = (_by_key(find_volumes(folder)) for folder in folders)
            pairs |= {key: (first[key], second[key]) for key in first if key in second and key in names}
    full = list(dict.fromkeys(full))
    first, second = (
        {half_key(item): item for item in full if item not in listed and side_of(item) == side and not is_short(item)}
        for side in ("even", "odd")
    )
    among = {key: (first[key], second[key]) for key in first if key in second}
    _check_shapes(pairs | among)
    taken = {item for pair in among.values() for item in pair}
    for item in (*first.values(), *second.values()):
        if item not in taken:
            log.warning("%s: named as a half, but its partner is not there; taken as a tomogram", item)
    return [item for item in full if item not in taken], pairs | among


def grouped(
    tomograms: Sequence[Path], even: Path | None, odd: Path | None
) -> tuple[dict[Path, tuple[Path, Path] | None], Pairs]:
    """Find tomograms with their halves, as `prepare` takes them.

    Parameters
    ----------
    tomograms : sequence of Path
        Folders, files and tables.
    even, odd : Path or None
        Folders or files with the halves; both or none.

    Returns
    -------
    dict
        From each full tomogram to (even, odd), or None where it has no halves.
    dict
        Halves without a full tomogram, as :func:`pair_halves`.

    Raises
    ------
    InputError
        As :func:`find_tomograms`, :func:`pair_halves` and :func:`matching_halves`.
    """
    full, halves = find_tomograms(tomograms)
    if even is not None and odd is not None:
        halves = pair_halves(even, odd)
        return {path: matching_halves(path, halves) for path in full}, {} if full else halves
    found = {
        path: matching_halves(path, {key: halves[key]}) if (key := full_key(path)) in halves else None for path in full
    }
    return found, {key: pair for key, pair in halves.items() if pair not in found.values()}


def read_groups(table: Path) -> list[tuple[Path | None, tuple[Path, Path] | None]]:
    """Read which files belong together from a table: the full tomogram, if named, and (even, odd), if named.

    Raises
    ------
    InputError
        If the table cannot be read, or a row names nothing or one half alone.
    """
    groups: list[tuple[Path | None, tuple[Path, Path] | None]] = []
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


def _take_up(table: Path, full: list[Path], pairs: Pairs, listed: set[Path]) -> None:
    """Add what a table names; `listed` are files that are what the table says, whatever they are called."""
    for path, halves in read_groups(table):
        if path is not None:
            full.append(path)
            listed.add(path)
        if halves is not None:
            key = half_key(halves[0]) if path is None else full_key(path)
            if key in pairs:
                raise InputError(f"{table}: two tomograms are called {key}; rename one of them")
            pairs[key] = halves


def full_key(path: Path) -> str:
    """Return the name of a full tomogram without the word `full`, to be compared with :func:`half_key`."""
    return _bare(_FULL.sub("", stem(path)))


def matching_halves(path: Path, halves: Pairs) -> tuple[Path, Path]:
    """Return the halves that belong to a full tomogram, checked to be of its shape.

    Raises
    ------
    InputError
        If there are none of its name, or their shape is another.
    """
    name = stem(path)
    keys = [key for key in halves if name == key or name.startswith(f"{key}_") or key.startswith(f"{name}_")]
    keys += [key for key in halves if key == full_key(path)]
    if len(halves) == 1:
        keys = list(halves)
    if not keys:
        raise InputError(f"{path}: no even and odd halves of this name; found {', '.join(sorted(halves))}")
    pair = halves[max(keys, key=len)]
    shape = mrc.open_volume(path).shape
    for half in pair:
        if mrc.open_volume(half).shape != shape:
            raise InputError(
                f"{half}: shape {mrc.open_volume(half).shape} is not that of {path}, {shape}; reconstruct both alike"
            )
    return pair


def _bare(name: str) -> str:
    """Return a name from which a word was taken, without the gap."""
    return re.sub(r"([_.\- ])[_.\- ]+", r"\1", name).strip("_.- ")


def side_of(path: Path) -> str | None:
    """Tell which half a file is by its name: `even`, `odd`, or None."""
    found = list(_HALF.finditer(stem(path)))
    return None if not found else ("even" if found[-1]["even"] else "odd")


def is_short(path: Path) -> bool:
    """Tell whether only h1 or h2 marks a half, which may mean a hole as well."""
    return [found[0].lower() for found in _HALF.finditer(stem(path))][-1:] in (["h1"], ["h2"])


def half_folders(path: Path) -> tuple[Path, Path] | None:
    """Sub-folders with the two halves."""
    if not path.is_dir():
        return None
    folders = {item.name.lower(): item for item in sorted(path.iterdir()) if item.is_dir()}
    for even, odd in (("even", "odd"), ("evn", "odd"), ("half1", "half2"), ("half_1", "half_2")):
        if even in folders and odd in folders:
            return folders[even], folders[odd]
    return None


def _by_key(paths: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for volume in paths:
        key = half_key(volume)
        if key in found:
            raise InputError(f"{volume}: pairs by the same name as {found[key]}; rename one of them")
        found[key] = volume
    return found


def _check_shapes(pairs: Pairs) -> None:
    """Raise `InputError` where two halves differ in shape."""
    for first, second in pairs.values():
        shapes = mrc.open_volume(first).shape, mrc.open_volume(second).shape
        if shapes[0] != shapes[1]:
            raise InputError(
                f"{second}: shape {shapes[1]} is not that of its partner {first}, {shapes[0]}; make both alike"
            )
