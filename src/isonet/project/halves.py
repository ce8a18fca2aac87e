"""Even and odd halves, paired by their names."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.volume_files import is_folder, is_volume, stem
from isonet.project.names import marks, side_of
from isonet.project.selection import find_volumes, only_tomograms

Halves = tuple[Path, Path]


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
                raise InputError(
                    f"{path}: pairs with {other.even}, {other.odd} and {pair.even}, {pair.odd}; rename one"
                )
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
            raise InputError(
                f"{pair.odd}: shape {shapes[1]} is not that of its partner {pair.even}, {shapes[0]}; make both alike"
            )
