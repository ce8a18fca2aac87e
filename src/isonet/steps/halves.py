"""Even and odd halves: told by name, paired, found beside full tomograms, averaged where there is no full one."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from isonet.core.normalize import Moments
from isonet.errors import InputError
from isonet.io import blocks, mrc
from isonet.steps.products import made_before, product_label

log = logging.getLogger("isonet")
Pairs = dict[str, tuple[Path, Path]]
_EVEN, _ODD = r"even|evn|half[_-]?1|h1", r"odd|half[_-]?2|h2"
_HALF = re.compile(rf"(?:^|(?<=[_.\- ]))(?:(?P<even>{_EVEN})|(?P<odd>{_ODD}))(?=$|[_.\- ])", re.IGNORECASE)
_FULL = re.compile(r"(?:^|(?<=[_.\- ]))full(?=$|[_.\- ])", re.IGNORECASE)


def half_key(path: Path) -> str:
    """Return the name of a half without what tells it from the other: `TS_01_EVN.mrc` gives `TS_01`."""
    return _bare(_HALF.sub("", mrc.stem(path)))


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
        found = mrc.find_volumes(even)
        firsts, seconds = (_by_key(item for item in found if _side(item) == side) for side in ("even", "odd"))
        if not firsts and not seconds:
            raise InputError(f"{even}: no halves in this folder; their names hold _EVN and _ODD, or half1 and half2")
    else:
        firsts, seconds = _by_key(mrc.find_volumes(even)), _by_key(mrc.find_volumes(odd))
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

    Pairs such as `x_EVN.mrc` and `x_ODD.mrc` are halves and no tomograms; so are files of one name in sub-folders
    called `even` and `odd`, or `half1` and `half2`.

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
    for path in paths:
        folders = _half_folders(path)
        try:
            volumes = mrc.find_volumes(path)
        except InputError:
            if folders is None:
                raise
            pairs |= pair_halves(*folders)
            continue
        full += volumes
        if folders is not None:
            names = {full_key(item) for item in volumes}
            first, second = (_by_key(mrc.find_volumes(folder)) for folder in folders)
            pairs |= {key: (first[key], second[key]) for key in first if key in second and key in names}
    full = list(dict.fromkeys(full))
    first, second = (
        {half_key(item): item for item in full if _side(item) == side and not _is_short(item)}
        for side in ("even", "odd")
    )
    among = {key: (first[key], second[key]) for key in first if key in second}
    _check_shapes(pairs | among)
    taken = {item for pair in among.values() for item in pair}
    for item in (*first.values(), *second.values()):
        if item not in taken:
            log.warning("%s: named as a half, but its partner is not there; taken as a tomogram", item)
    return [item for item in full if item not in taken], pairs | among


def full_key(path: Path) -> str:
    """Return the name of a full tomogram without the word `full`, to be compared with :func:`half_key`."""
    return _bare(_FULL.sub("", mrc.stem(path)))


def matching_halves(path: Path, halves: Pairs) -> tuple[Path, Path]:
    """Return the halves that belong to a full tomogram, checked to be of its shape.

    Raises
    ------
    InputError
        If there are none of its name, or their shape is another.
    """
    name = mrc.stem(path)
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
            raise InputError(f"{half}: shape {mrc.open_volume(half).shape} is not that of {path}, {shape}")
    return pair


def write_mean(path: Path, first: mrc.Volume, second: mrc.Volume, label: str, dtype: type = np.float32) -> None:
    """Write the mean of two volumes, slab by slab, with the header of the first and a label."""
    header = replace(first.header, labels=(*first.header.labels[:9], label))
    moments = Moments()
    with blocks.create(path, first.shape, header, dtype) as mean:
        for part, slab in first.slabs():
            values = np.asarray((slab + second.read_rows(part)) / 2, np.float32)
            moments.add(values)
            mean.write_rows(part.start, 0, values)
        mean.statistics = (moments.low, moments.high, moments.mean, moments.std)


def average_halves(halves: Mapping[str, tuple[Path, Path]], folder: Path, *, overwrite: bool) -> list[Path]:
    """Write the mean of every pair to `folder/<name>.mrc`, in bounded memory; means made before are kept.

    Raises
    ------
    InputError
        If a file of that name was not made by this program, unless it may be overwritten.
    """
    written = []
    for key, (even, odd) in halves.items():
        path = folder / f"{key or 'average'}.mrc"  # nothing is left of even.mrc and odd.mrc
        first, second = mrc.open_volume(even), mrc.open_volume(odd)
        label = product_label("mean of even and odd", (even, odd), ())
        if not made_before(path, label, overwrite=overwrite):
            write_mean(path, first, second, label)
        written.append(path)
    return written


def _bare(name: str) -> str:
    """Return a name from which a word was taken, without the gap."""
    return re.sub(r"([_.\- ])[_.\- ]+", r"\1", name).strip("_.- ")


def _side(path: Path) -> str | None:
    """Tell which half a file is by its name: `even`, `odd`, or None."""
    found = list(_HALF.finditer(mrc.stem(path)))
    return None if not found else ("even" if found[-1]["even"] else "odd")


def _is_short(path: Path) -> bool:
    """Tell whether only h1 or h2 marks a half, which may mean a hole as well."""
    return [found[0].lower() for found in _HALF.finditer(mrc.stem(path))][-1:] in (["h1"], ["h2"])


def _half_folders(path: Path) -> tuple[Path, Path] | None:
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
            raise InputError(f"{second}: shape {shapes[1]} is not that of its partner {first}, {shapes[0]}")
