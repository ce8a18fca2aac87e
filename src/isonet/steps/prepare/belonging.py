"""Which files of metadata belong to which tomogram: by the names of files, of folders, and inside tables."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from isonet.errors import InputError
from isonet.io.programs import mdoc, metadata
from isonet.io.programs.tilt_series import TiltSeries

log = logging.getLogger("isonet")
_DEEPEST = 5  # levels of folders searched
_OF_MANY = (".star", ".csv")  # kinds of files that name the series inside


@dataclass(frozen=True)
class _Entry:
    """One tilt series of one file, or why it could not be read."""

    found: TiltSeries | InputError
    keys: frozenset[str]


@dataclass(frozen=True)
class Catalogue:
    """All that the files of a folder, or one file, say about tilt series.

    Attributes
    ----------
    path : Path
        The folder or file.
    entries : tuple
        One per file and tilt series.
    """

    path: Path
    entries: tuple[_Entry, ...]

    @classmethod
    def read(cls, path: Path) -> "Catalogue":
        """Read a file, or all files of known kinds in a folder and those below it.

        Raises
        ------
        InputError
            If the path does not exist, the file or a table of several series cannot be read, or a folder holds no
            metadata.
        """
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; check --metadata")
        if path.is_file():
            entries = tuple(_entries(path, path.parent, strict=True))
        else:
            files = [item for item in _walk(path, _DEEPEST) if metadata.is_metadata(item)]
            entries = _with_movies([entry for file in files for entry in _entries(file, path, strict=False)])
        if not entries:
            raise InputError(f"{path}: no metadata of tilt series; such are .xml, .star, .aln, .tlt, .mdoc, tilt.com")
        return cls(path, entries)

    def of(self, name: str, *, alone: bool) -> list[TiltSeries]:
        """Return what belongs to the tomogram of a name.

        The longest key (name of a file without its ending, of a series in a table, or of the folder of a file
        without digits in its name) that is part of the tomogram's name decides.

        Parameters
        ----------
        name : str
            File name of the tomogram without ending.
        alone : bool
            True where it is the only tomogram: one file of one series then belongs to it, whatever its name.

        Raises
        ------
        InputError
            If a file that belongs to it is malformed.
        """
        series = [entry for entry in self.entries if entry.keys]
        common = [entry for entry in self.entries if not entry.keys]
        fitting = {id(entry): {key for key in entry.keys if _is_part(key, name)} for entry in series}
        longest = max((len(key) for keys in fitting.values() for key in keys), default=0)
        best = {key for keys in fitting.values() if any(len(key) == longest for key in keys) for key in keys}
        chosen = [entry for entry in series if fitting[id(entry)] & best]
        if not chosen and alone and self.path.is_file() and len(series) == 1:
            chosen = series
        found = []
        for entry in chosen + common:
            if isinstance(entry.found, InputError):
                raise entry.found
            found.append(entry.found)
        return found


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    """Files of a folder and those below it in the order of their names, hidden ones left out."""
    try:
        items = sorted(item for item in folder.iterdir() if not item.name.startswith("."))
    except OSError as error:
        log.warning("%s: cannot be read (%s); skipped", folder, error.strerror)
        return
    for item in items:
        if item.is_file():
            yield item
        elif item.is_dir() and depth > 1:
            yield from _walk(item, depth - 1)


def _entries(file: Path, root: Path, *, strict: bool) -> list[_Entry]:
    """Read one file; errors are kept for the tomogram that it belongs to, or raised."""
    suffix = Path(file.name.lower().removesuffix(".gz")).suffix
    stem = metadata.stem(file)
    keys = {stem}
    if file.parent != root and not re.search(r"\d", stem):
        keys.add(file.parent.name)
    try:
        found = metadata.read_series(file)
    except InputError as error:
        if strict or suffix in _OF_MANY:
            raise
        return [_Entry(error, frozenset(keys))]
    if suffix in _OF_MANY:
        lone = len(found) == 1 and found[0].tilts is not None
        return [_Entry(item, frozenset({*item.names, *(keys if lone else ())})) for item in found]
    return [_Entry(item, frozenset({*item.names, *keys})) for item in found]


def _with_movies(entries: list[_Entry]) -> tuple[_Entry, ...]:
    """Put one entry for each tilt series in the place of those of its movies."""
    movies = [entry.found for entry in entries if isinstance(entry.found, TiltSeries) and entry.found.movie]
    series, lone = mdoc.gathered(movies)
    if lone:
        log.warning(
            "%s: %d .mdoc of single movies are of no series that their names tell; left out, give those of the series",
            lone[0].source,
            len(lone),
        )
    others = [entry for entry in entries if isinstance(entry.found, InputError) or not entry.found.movie]
    return (*others, *(_Entry(item, frozenset(item.names)) for item in series))


def _is_part(key: str, name: str) -> bool:
    """Tell whether a key stands in a name, ended by other than letters and digits; one of under 3 at its beginning.

    The whole part of a pixel size belongs to no key: `TS_1_10.00Apx` is of `TS_1`, not of `TS_1_10`.
    """
    begin = "^" if len(key) < 3 else "(?<![0-9A-Za-z])"
    return key != "" and re.search(rf"{begin}{re.escape(key)}(?![0-9A-Za-z]|\.\d+Apx)", name) is not None
