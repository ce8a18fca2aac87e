"""Folders of halves and of the full tomograms beside them, and a word on those that were not looked into."""

import logging
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from isonet.errors import InputError
from isonet.io import volume_files
from isonet.io.volume_files import EXTENSIONS, is_folder, stem
from isonet.project.halves import Halves, half_key
from isonet.project.names import bare, is_short, marks, side_of, words
from isonet.project.selection import find_volumes

log = logging.getLogger("isonet")
_FOLDERS = (("even", "odd"), ("evn", "odd"), ("half1", "half2"), ("half_1", "half_2"))
_FULL = {"full", "whole", "tomograms"}  # words of which one is in the name of the folder beside them
_BESIDES = _FULL | {"rec", "recs", "vol", "vols", "volumes", "map", "maps", "frames", "sums"}
_DEEPEST = 3  # levels of folders in which tomograms are looked for, to name them
_LISTED = 5  # of such folders


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
    called = {item: set(words(item.name.lower())) for item in _folders_in(path)}
    named = [item for item, found in called.items() if found & _FULL and found <= _BESIDES]
    full = next(filter(volume_files.volumes_in, named), None)
    return [] if full is None else find_volumes(full)


def _refuse_folder_of_folders(path: Path, error: InputError) -> None:
    """Raise the error that a folder holds no tomograms with those below it that do."""
    found = list(_holding(path, _DEEPEST)) if is_folder(path) else []
    if not found:
        return
    given = shlex.join(map(str, found[:_LISTED])) + f" and {len(found) - _LISTED} more" * (len(found) > _LISTED)
    pattern = "*/" * (len(found[0].parts) - len(path.parts))
    if len(found) > _LISTED and sorted(item for item in path.glob(pattern) if not item.name.startswith(".")) == found:
        given = f"{shlex.quote(str(path))}/{pattern}"
    text = f"{path}: no tomograms in this folder, but in folders below it; give these in its place: {given}"
    raise InputError(text) from error


def _holding(folder: Path, depth: int) -> Iterator[Path]:
    """Folders below one that hold volumes, or folders of halves, in the order of their names."""
    for item in _folders_in(folder):
        names = [one.name.lower() for one in item.iterdir()]
        if half_folders(item) or any(one.endswith(EXTENSIONS) and one[0] != "." for one in names):
            yield item
        elif depth > 1:
            yield from _holding(item, depth - 1)


def _folders_in(folder: Path) -> list[Path]:
    """Folders in one that may be read, in the order of their names, hidden ones left out."""
    found = (item for item in sorted(folder.iterdir()) if is_folder(item) and not item.name.startswith("."))
    return [item for item in found if os.access(item, os.R_OK | os.X_OK)]


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
    for path in full:
        if path in paths and (beside := _beside(path)) is not None:
            _warn_of_unread(beside, str(path))
            return
    known = {bare(stem(one)) for one in full}
    given = dict.fromkeys(path if is_folder(path) else path.parent for path in paths)
    for place in dict.fromkeys(place for folder in given for place in (folder, folder.absolute().parent)):
        if not os.access(place, os.R_OK | os.X_OK):  # a folder above those that were given may be another user's
            continue
        for pair in _marked_folders(_folders_in(place)).values():
            held = [{bare(half_key(one)) for one in volume_files.volumes_in(folder)} for folder in pair]
            if known & held[0] & held[1]:
                even, odd = map(_as_given, pair)
                _warn_of_unread((even, odd), str(full[0]) if len(full) == 1 else f"{len(full)} tomograms")
                return


def _warn_of_unread(halves: Halves, whose: str) -> None:
    log.warning(
        "%s and %s: look like halves of %s and were not read; if they are, give --even %s --odd %s",
        *(*halves, whose, *halves),
    )


def _beside(path: Path) -> Halves | None:
    """Two files beside a tomogram whose names are its own with the word of a half."""
    said = {marks(stem(one)).get(stem(path)): one for one in volume_files.volumes_in(path.parent)}
    return (said["even"], said["odd"]) if "even" in said and "odd" in said else None


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
    for folder in (item for item in _folders_in(path) if item.resolve() not in read):
        volumes = volume_files.volumes_in(folder)
        if volumes and folder.name.lower() in names:
            log.warning("%s: not looked into, for the folder of the other halves is not beside it", folder)
        elif any(stem(one).startswith(folder.name) or not stem(one).startswith(known) for one in volumes):
            log.warning("%s: holds volumes and was not looked into; name it too if they are tomograms", folder)
