"""Even and odd halves, paired by their names."""

import logging
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from isonet.errors import InputError
from isonet.io import volume_files
from isonet.io.formats import open_volume
from isonet.io.volume_files import folders_in, holds_volumes, is_folder, is_volume, stem
from isonet.project.names import bare, is_short, marks, side_of, words
from isonet.project.selection import find_volumes, only_tomograms

log = logging.getLogger("isonet")
Halves = tuple[Path, Path]
_FOLDERS = (("even", "odd"), ("evn", "odd"), ("half1", "half2"), ("half_1", "half_2"))
_FULL = {"full", "whole", "tomograms"}  # words of which one is in the name of the folder beside them
_BESIDES = _FULL | {"rec", "recs", "vol", "vols", "volumes", "map", "maps", "frames", "sums"}
_DEEPEST = 3  # levels of folders in which tomograms are looked for, to name them
_LISTED = 5  # of such folders


@dataclass(frozen=True)
class Pair:
    """Two halves of one tomogram.

    Attributes
    ----------
    name : str
        What both names have in common.
    even, odd : Path
        The halves.
    """

    name: str
    even: Path
    odd: Path

    @property
    def halves(self) -> Halves:
        """Both."""
        return self.even, self.odd


def pair_halves(even: Path, odd: Path, *, stacks: bool = False) -> list[Pair]:
    """Pair the even and odd reconstructions of two folders (or files), or of one folder, by name.

    Whole names come first. A word that marks a half is taken out only where they pair nothing: in folders of their
    own, `grid_h1.mrc` and `grid_h2.mrc` are two tomograms.

    Parameters
    ----------
    even, odd : Path
        Folders or files.
    stacks : bool
        Whether what looks like a stack of images is taken all the same.

    Raises
    ------
    InputError
        If a half has no partner or several, partners differ in shape, or both are one file.
    """
    if is_volume(even) and is_volume(odd):
        (even,), (odd,) = find_volumes(even), find_volumes(odd)
        if even.samefile(odd):
            raise InputError(f"{even}: given as both halves, whose noise must differ; give the other one")
        pairs = [Pair(half_key(even), even, odd)]
        check_shapes(pairs)
        return pairs
    if is_folder(even) and is_folder(odd) and even.samefile(odd):
        found = only_tomograms(find_volumes(even), stacks=stacks)
        firsts, seconds = ([item for item in found if side_of(stem(item)) == side] for side in ("even", "odd"))
        if not firsts and not seconds:
            raise InputError(f"{even}: no halves in this folder; their names hold _EVN and _ODD, or half1 and half2")
    else:
        firsts, seconds = (only_tomograms(find_volumes(place), stacks=stacks) for place in (even, odd))
    pairs, alone = paired(firsts, seconds)
    for path in alone:
        missing = f"no partner called {half_key(path)} in {odd if path in firsts else even}"
        raise InputError(f"{path}: {missing}; rename it or remove it")
    check_shapes(pairs)
    return pairs


def half_key(path: Path) -> str:
    """Return the name of a half without what tells it from the other: `TS_01_EVN.mrc` gives `TS_01`."""
    name = stem(path)
    side = side_of(name)
    return next((rest for rest, said in marks(name).items() if said == side), name)


def half_folders(path: Path) -> tuple[Path, Path] | None:
    """Sub-folders with the two halves: `even` and `odd`, or with words of making besides, as `rec_even`, `odd_sums`."""
    if not is_folder(path):
        return None
    folders = {item.name.lower(): item for item in sorted(path.iterdir()) if item.is_dir()}
    for even, odd in _FOLDERS:
        if even in folders and odd in folders:
            return folders[even], folders[odd]
    pairs = _marked_folders(folders.values())
    return next((pair for rest, pair in pairs.items() if not bare(rest)), None)


def volumes_of(path: Path, halves: Halves | None) -> list[Path]:
    """Volumes of a folder, or the file itself; of a folder of folders alone those of the full tomograms beside halves.

    Parameters
    ----------
    path : Path
        The folder or file.
    halves : tuple of Path or None
        Its :func:`half_folders`; where there are, there may be no full tomograms.

    Raises
    ------
    InputError
        As :func:`find_volumes`; where folders below hold volumes, with what to give in its place.
    """
    try:
        return find_volumes(path)
    except InputError as error:
        if halves is None:
            _refuse_folder_of_folders(path, error)
            raise
    called = {item: set(words(item.name.lower())) for item in folders_in(path)}
    named = [item for item, found in called.items() if found & _FULL and found <= _BESIDES]
    full = next(filter(volume_files.volumes_in, named), None)
    return [] if full is None else find_volumes(full)


def _refuse_folder_of_folders(path: Path, error: InputError) -> None:
    """Raise the error that a folder holds no tomograms with those below it that do."""
    found = list(_holding(path, _DEEPEST)) if is_folder(path) else []
    found = [item for item in found if item.name.lower() != "matching"] or found  # maps of Warp's searches
    if not found:
        return
    given, pattern = shlex.join(map(str, found[:_LISTED])), "*/" * (len(found[0].parts) - len(path.parts))
    given += f" and {len(found) - _LISTED} more" * (len(found) > _LISTED)
    if len(found) > _LISTED and sorted(item for item in path.glob(pattern) if not item.name.startswith(".")) == found:
        given = f"{shlex.quote(str(path))}/{pattern}"
    raise InputError(f"{path}: no tomograms in it, but in folders below; give these in its place: {given}") from error


def _holding(folder: Path, depth: int) -> Iterator[Path]:
    """Folders below one that hold volumes, or folders of halves, in the order of their names."""
    for item in folders_in(folder):
        if half_folders(item) or holds_volumes(item):
            yield item
        elif depth > 1:
            yield from _holding(item, depth - 1)


def _marked_folders(folders: Iterable[Path]) -> dict[str, tuple[Path, Path]]:
    """Pairs of folders whose names differ in the word that marks a half, by what else they are called."""
    sides: dict[str, dict[str, Path]] = {}
    for folder in folders:
        side = None if is_short(folder.name) else side_of(folder.name)
        rest = next((rest for rest, said in marks(folder.name).items() if said == side), None)
        if side is not None and rest is not None:
            sides.setdefault(rest.lower(), {})[side] = folder
    return {rest: (found["even"], found["odd"]) for rest, found in sides.items() if len(found) == 2}


def tell_of_unread_halves(paths: Sequence[Path], full: Sequence[Path]) -> None:
    """Warn of what looks like halves by its names: files beside a tomogram that was given, folders in or beside others.

    Parameters
    ----------
    paths : sequence of Path
        Folders and files that were given.
    full : sequence of Path
        Tomograms that were found, and have no halves.
    """
    alone = list(filter(set(paths).__contains__, full))
    listed = {folder: volume_files.volumes_in(folder) for folder in {path.parent for path in alone}}
    beside = {path: found for path in alone if (found := _beside(path, listed[path.parent])) is not None}
    if beside:
        first, halves = next(iter(beside.items()))
        more = f" (and {len(beside) - 1} more)" if len(beside) > 1 else ""
        _warn_of_unread(halves, f"{first}{more}", halves if len(beside) == 1 else (first.parent, first.parent))
        return
    known = {bare(stem(one)) for one in full}
    given = dict.fromkeys(path if is_folder(path) else path.parent for path in paths)
    for place in dict.fromkeys(place for folder in given for place in (folder, folder.absolute().parent)):
        if not os.access(place, os.R_OK | os.X_OK):  # a folder above those that were given may be another user's
            continue
        for pair in _marked_folders(folders_in(place)).values():
            held = [{bare(half_key(one)) for one in volume_files.volumes_in(folder)} for folder in pair]
            if known & held[0] & held[1]:
                even, odd = map(_as_given, pair)
                _warn_of_unread((even, odd), str(full[0]) if len(full) == 1 else f"{len(full)} tomograms", (even, odd))
                return


def _warn_of_unread(halves: Halves, whose: str, given: Halves) -> None:
    text = "%s and %s: look like halves of %s and were not read; if they are, give --even %s --odd %s"
    log.warning(text, *halves, whose, *given)


def _beside(path: Path, beside: Sequence[Path]) -> Halves | None:
    """Two of the volumes beside a tomogram that have its name with the word of a half, perhaps in place of `full`."""
    said = {marks(stem(one)).get(stem(path)): one for one in beside}
    if not {"even", "odd"} <= said.keys():
        name = bare(stem(path))
        said = {side_of(stem(one)): one for one in beside if bare(half_key(one)) == name}
    return (said["even"], said["odd"]) if {"even", "odd"} <= said.keys() else None


def _as_given(path: Path) -> Path:
    """Return a path relative to the working folder, if it lies there."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def tell_of_other_folders(path: Path, found: Sequence[Path], halves: Halves | None) -> None:
    """Warn of folders below one, unread, that hold a half of each tomogram, or others than were found.

    Parameters
    ----------
    path : Path
        Folder or file that was given.
    found : sequence of Path
        Full tomograms of it.
    halves : tuple of Path or None
        Folders, of which some may lie below it, that are read too.
    """
    if not is_folder(path):
        return
    names = {name for pair in _FOLDERS for name in pair}
    known = tuple(map(stem, found))
    read = {one.resolve() for one in (*(halves or ()), *(one.parent for one in found))}
    for folder in (item for item in folders_in(path) if item.resolve() not in read):
        volumes = volume_files.volumes_in(folder)
        if volumes and folder.name.lower() in names:
            log.warning("%s: not looked into, for the folder of the other halves is not beside it", folder)
        elif any(stem(one).startswith(folder.name) or not stem(one).startswith(known) for one in volumes):
            log.warning("%s: holds volumes and was not looked into; name it too if they are tomograms", folder)


def paired(firsts: Sequence[Path], seconds: Sequence[Path]) -> tuple[list[Pair], list[Path]]:
    """Pair files by whole names, then by names without one word that marks a half, the longest first.

    Returns
    -------
    list of Pair
        What pairs.
    list of Path
        Those left alone.

    Raises
    ------
    InputError
        If a file has several partners.
    """
    whole: dict[str, list[list[Path]]] = {}
    for side, found in enumerate((firsts, seconds)):
        for path in found:
            whole.setdefault(stem(path), [[], []])[side].append(path)
    pairs = [_pair(name, *sides) for name, sides in whole.items() if all(sides)]
    done = {path for pair in pairs for path in pair.halves}
    bare: dict[str, list[list[Path]]] = {}
    for side, found in enumerate((firsts, seconds)):
        for path in found:
            if path not in done:
                for key in dict.fromkeys((*marks(stem(path)), stem(path))):
                    bare.setdefault(key, [[], []])[side].append(path)
    for _, names in groupby(sorted(bare, key=len, reverse=True), len):
        left = {name: [[path for path in side if path not in done] for side in bare[name]] for name in names}
        pairs += [_pair(name, *sides) for name, sides in left.items() if all(sides)]
        done = {path for pair in pairs for path in pair.halves}
    seen: dict[Path, Pair] = {}
    for pair in pairs:
        for path in pair.halves:
            other = seen.setdefault(path, pair)
            if other is not pair and other.halves != pair.halves:
                text = f"{path}: pairs with {other.even}, {other.odd} and {pair.even}, {pair.odd}"
                raise InputError(f"{text}; rename one")
    pairs = list({pair.halves: pair for pair in reversed(pairs)}.values())[::-1]
    return pairs, [path for path in (*firsts, *seconds) if path not in seen]


def _pair(name: str, evens: Sequence[Path], odds: Sequence[Path]) -> Pair:
    """Pair the only two files of a name."""
    for found in (evens, odds):
        if len(found) > 1:
            raise InputError(f"{found[1]}: pairs by the same name as {found[0]}; rename one of them")
    return Pair(name, evens[0], odds[0])


def check_shapes(pairs: Sequence[Pair]) -> None:
    """Raise `InputError` where two halves differ in shape."""
    for pair in pairs:
        shapes = open_volume(pair.even).shape, open_volume(pair.odd).shape
        if shapes[0] != shapes[1]:
            text = f"{pair.odd}: shape {shapes[1]} is not that of its partner {pair.even}, {shapes[0]}"
            raise InputError(f"{text}; make both alike")
