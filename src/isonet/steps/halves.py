"""Even and odd halves: pairing by name, and their mean where no full tomogram is given."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from isonet.errors import InputError
from isonet.io import mrc
from isonet.steps.products import made_before, product_label

_HALF = re.compile(r"(?:^|(?<=[_.\- ]))(?:even|odd|evn|half[_-]?[12]|h[12])(?=$|[_.\- ])", re.IGNORECASE)


def half_key(path: Path) -> str:
    """Return the name of a half without what tells it from the other: `TS_01_EVN.mrc` gives `TS_01`."""
    bare = _HALF.sub("", mrc.stem(path))
    return re.sub(r"([_.\- ])[_.\- ]+", r"\1", bare).strip("_.- ")


def pair_halves(even: Path, odd: Path) -> dict[str, tuple[Path, Path]]:
    """Pair the even and odd reconstructions of two folders (or files) by name.

    Returns
    -------
    dict
        From the common part of the names to (even, odd).

    Raises
    ------
    InputError
        If a half has no partner, two have one name, or partners differ in shape.
    """
    firsts, seconds = _by_key(even), _by_key(odd)
    if even.is_file() and odd.is_file():
        seconds = dict(zip(firsts, seconds.values(), strict=True))
    for key in sorted(firsts.keys() ^ seconds.keys()):
        path = firsts.get(key) or seconds.get(key)
        raise InputError(f"{path}: no partner called {key} in {odd if key in firsts else even}; rename it or remove it")
    pairs = {key: (firsts[key], seconds[key]) for key in firsts}
    for first, second in pairs.values():
        shapes = mrc.open_volume(first).shape, mrc.open_volume(second).shape
        if shapes[0] != shapes[1]:
            raise InputError(f"{second}: shape {shapes[1]} is not that of its partner {first}, {shapes[0]}")
    return pairs


def _by_key(path: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for volume in mrc.find_volumes(path):
        key = half_key(volume)
        if key in found:
            raise InputError(f"{volume}: pairs by the same name as {found[key]}; rename one of them")
        found[key] = volume
    return found


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
            header = replace(first.header, labels=(*first.header.labels[:9], label))
            with mrc.create(path, first.shape, header) as mean:
                for part, slab in first.slabs():
                    mean[part] = (slab + second.read(part)) / 2
        written.append(path)
    return written
