"""Which even half goes with which odd one, before tomograms are added: as `prepare` finds it, then as the user says."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from isonet.errors import InputError
from isonet.gui.files.access import Roots
from isonet.io import star
from isonet.io.formats import open_volume
from isonet.io.volume_files import stem
from isonet.project.halves import half_folders, half_key, volumes_of
from isonet.project.names import Fit, fit, is_short, side_of
from isonet.project.pairing import grouped
from isonet.project.selection import find_volumes, only_tomograms
from isonet.project.table import FULL_COLUMNS, HALF_COLUMNS

COLUMNS = (FULL_COLUMNS[0], *HALF_COLUMNS)


class State(Enum):
    """How the files of a tomogram stand, with what is said of it."""

    HALVES = "even and odd paired"
    ONE_MAP = "one map"
    NAMED_HALF = "named as a half, no partner; taken as one map"
    NO_PARTNER = "no partner"
    SHAPES = "differ in shape"
    UNREADABLE = "cannot be read"

    @property
    def is_usable(self) -> bool:
        """Whether it can be added as it is."""
        return self in (State.HALVES, State.ONE_MAP, State.NAMED_HALF)


@dataclass
class Line:
    """One tomogram to be added.

    Attributes
    ----------
    full, even, odd : Path or None
        Its files.
    chosen : bool
        Whether it is to be added.
    """

    full: Path | None = None
    even: Path | None = None
    odd: Path | None = None
    chosen: bool = True

    @property
    def files(self) -> tuple[Path | None, Path | None, Path | None]:
        """Full tomogram, even and odd half."""
        return self.full, self.even, self.odd

    @property
    def name(self) -> str:
        """What it is called."""
        half = self.even or self.odd
        return stem(self.full) if self.full is not None else half_key(half) if half is not None else ""

    @property
    def state(self) -> State:
        """How it stands; the headers of its files are read."""
        if (self.even is None) != (self.odd is None):
            return State.NO_PARTNER
        try:
            shapes = {open_volume(path).shape for path in self.files if path is not None}
        except InputError:
            return State.UNREADABLE
        if len(shapes) > 1:
            return State.SHAPES
        if self.even is not None:
            return State.HALVES
        return State.NAMED_HALF if self.full and _side(self.full) else State.ONE_MAP


@dataclass
class Pairing:
    """All tomograms that are to be added.

    Attributes
    ----------
    lines : list of Line
        One for each.
    as_found : bool
        Whether `prepare` would find the same by itself.
    """

    lines: list[Line]
    as_found: bool

    @classmethod
    def find(cls, paths: Sequence[Path], even: Path | None = None, odd: Path | None = None) -> "Pairing":
        """Pair as `prepare` does; where it would refuse, show all files with what is wrong.

        Raises
        ------
        InputError
            If a path does not exist or holds nothing.
        """
        try:
            full, lone = grouped(paths, even, odd)
        except InputError:
            return cls(_leniently(paths, even, odd), as_found=False)
        lines = [Line(path, *(halves or (None, None))) for path, halves in full.items()]
        return cls([*lines, *(Line(None, *pair.halves) for pair in lone)], as_found=True)

    @property
    def files(self) -> list[Path]:
        """All files, each once, in order of their names."""
        return sorted({path for line in self.lines for path in line.files if path is not None})

    @property
    def chosen(self) -> list[Line]:
        """What is to be added."""
        return [line for line in self.lines if line.chosen]

    def choose(self, line: Line, chosen: bool) -> None:
        """Add a tomogram, or leave it out."""
        self.as_found = self.as_found and chosen == line.chosen
        line.chosen = chosen

    def assign(self, line: Line, full: Path | None, even: Path | None, odd: Path | None) -> None:
        """Say which files a tomogram consists of: others give them up, and what it had becomes lines of its own.

        Raises
        ------
        InputError
            If one file is named twice, or none.
        """
        given = [path for path in (full, even, odd) if path is not None]
        if not given or len(set(given)) < len(given):
            raise InputError("name each file once, and one at least" if given else "name one file at least")
        freed = [path for path in line.files if path is not None and path not in given]
        for other in self.lines:
            if other is not line:
                other.full, other.even, other.odd = (None if path in given else path for path in other.files)
        line.full, line.even, line.odd = full, even, odd
        self.lines = [each for each in self.lines if any(each.files)] + [_alone(path) for path in freed]
        self.as_found = False

    def write(self, folder: Path) -> Path:
        """Write what is to be added as a table for `prepare`, under a name that is not taken.

        Raises
        ------
        InputError
            If a file name cannot be written.
        RunError
            If the folder cannot be written to.
        """
        number = 1
        while (path := folder / f"pairs{number}.star").exists():
            number += 1
        rows = [
            {name: _entry(file, folder) for name, file in zip(COLUMNS, line.files, strict=True)} for line in self.chosen
        ]
        star.write_table(path, rows)
        return path


def _entry(path: Path | None, folder: Path) -> str:
    if path is None:
        return star.MISSING
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def places(text: str, roots: Roots) -> list[Path]:
    """Files and folders that a text names as for a shell, with * and ? filled in.

    Raises
    ------
    InputError
        If a quotation mark is missing, nothing fits, or it lies outside of the folders that may be shown.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError(f"{text}: a quotation mark is missing") from error
    found: list[Path] = []
    for word in words:
        path = roots.project / word
        if any(sign in word for sign in "*?[") and not path.exists():
            fitting = sorted(roots.allowed(path.parent).glob(path.name))
            if not fitting:
                raise InputError(f"{word}: no file of this name; check it")
            found += [_allowed(roots, one) for one in fitting]
        else:
            found.append(_allowed(roots, path))
    return found


def _allowed(roots: Roots, path: Path) -> Path:
    """Check a path and name it as `prepare`, run in the project, would be given it."""
    roots.allowed(path)
    return path


def _side(path: Path) -> str | None:
    """Tell which half a file is by its name, where that is clear."""
    name = stem(path)
    return None if is_short(name) else side_of(name)


def _alone(path: Path) -> Line:
    """One file without others: a half by its name, or a map."""
    side = _side(path)
    return Line(even=path) if side == "even" else Line(odd=path) if side == "odd" else Line(path)


def _leniently(paths: Sequence[Path], even: Path | None, odd: Path | None) -> list[Line]:
    """All files, paired by name as far as that goes."""
    volumes = only_tomograms(path for each in paths for path in volumes_of(each, half_folders(each)))
    sides: dict[str, list[Path]] = {"even": [], "odd": []}
    if even is not None and odd is not None:
        one_folder = even.is_dir() and odd.is_dir() and even.samefile(odd)
        for side, place in (("even", even), ("odd", odd)):
            sides[side] = [path for path in find_volumes(place) if not one_folder or side_of(stem(path)) == side]
    else:
        for side, halves in sides.items():
            halves += [path for path in volumes if _side(path) == side]
        for folder in filter(None, map(half_folders, paths)):
            for side, place in zip(sides, folder, strict=True):
                sides[side] += find_volumes(place)
    halves_too = {path for halves in sides.values() for path in halves}
    lines = [Line(path) for path in volumes if path not in halves_too]
    for side, halves in sides.items():
        for path in halves:
            _join(lines, path, side)
    return lines


def _join(lines: list[Line], path: Path, side: str) -> None:
    """Put a half to the line of its name that lacks it, whole names first, or on a line of its own."""
    lacking = [line for line in lines if getattr(line, side) is None]
    line = next((line for line in lacking if stem(path) in {stem(one) for one in line.files if one is not None}), None)
    if line is None:
        key = half_key(path)
        fitting = [(fit(key, line.name), line) for line in lacking]
        close = [(found, line) for found, line in fitting if found is not None and found[0] > Fit.LOOSE]
        line = max(close, key=lambda one: one[0])[1] if close else None
    if line is None:
        lines.append(line := Line())
    setattr(line, side, path)
