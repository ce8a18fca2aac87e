"""All metadata of a folder, or its files of tilts, and which of them belong to which tomogram."""

import logging
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isonet.errors import InputError
from isonet.io.programs import mdoc, metadata
from isonet.io.programs.tilt_series import TiltSeries
from isonet.io.text import some_of
from isonet.io.volume_files import container, is_folder
from isonet.project.belonging import Belonging, Match, Named, tell_if_loose, tell_if_shared
from isonet.project.names import Fit, fit

log = logging.getLogger("isonet")
_DEEPEST = 5  # levels of folders searched
_CTF = re.compile(r"(^|_)g?ctf\.(txt|star)$", re.IGNORECASE)
_SAID = 3  # files
_TILTS = (".tlt", ".rawtlt", ".aln", ".mdoc", ".xml", ".tomostar", ".star", ".com", ".edf")
_OF_MANY = (".star", ".csv")  # kinds of files that name the series inside


@dataclass(frozen=True)
class _Entry:
    """One tilt series of one file, or why it could not be read."""

    path: Path
    found: TiltSeries | InputError
    names: tuple[str, ...]

    @property
    def label(self) -> str:
        """The file, and which series of it."""
        return f"{self.path} ({self.names[0]})" if self.kind[1] else str(self.path)

    @property
    def kind(self) -> tuple[str, bool]:
        """Ending of the file's name, and whether the series is named inside: of each kind a tomogram needs one."""
        inside = isinstance(self.found, TiltSeries) and bool(self.found.names)
        return metadata.suffix(self.path), inside


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
            every = list(_walk(path, _DEEPEST))
            files = [item for item in every if metadata.is_metadata(item)]
            _tell_of_ctf({item for item in every if _CTF.search(item.name)}.difference(files))
            entries = _with_movies([entry for file in files for entry in _entries(file, path, strict=False)])
        if not entries:
            kinds = ".xml, .star, .aln, .tlt, .mdoc, tilt.com"
            raise InputError(f"{path}: no metadata of tilt series ({kinds}); give the folder that holds them")
        return cls(path, entries)

    def of_all(self, tomograms: Sequence[Named]) -> list[list[TiltSeries]]:
        """Return what belongs to each tomogram.

        A file is called as its name says without its ending, as the series in it, or, where there is no digit in its
        name, as its folder. Of several files of a kind the nearest counts.

        Parameters
        ----------
        tomograms : sequence of Named
            All tomograms. Where there is one alone, the one series of one file belongs to it, whatever its name.

        Raises
        ------
        InputError
            If a file that belongs to a tomogram is malformed, or two of a kind fit it equally well and differ.
        """
        series = [entry for entry in self.entries if entry.names]
        common = [entry for entry in self.entries if not entry.names]
        belonging = Belonging(tomograms, [Named(entry.path, entry.names) for entry in series], shared=True)
        alone = self.path.is_file() and len(series) == len(tomograms) == 1
        found: list[list[TiltSeries]] = []
        served: dict[str, list[Named]] = {}
        taken: set[int] = set()
        for number, tomogram in enumerate(tomograms):
            chosen = _of_one(number, belonging, series)
            if not chosen and alone:
                chosen = series
                if series[0].kind[1] or any(letter.isdigit() for letter in series[0].names[0]):
                    log.warning("%s: taken for %s, though it has another name", self.path, tomogram.path)
            for entry in chosen:
                served.setdefault(entry.label, []).append(tomogram)
            found.append([_readable(entry) for entry in (*chosen, *common)])
            taken |= set(map(id, chosen))
        for label, those in served.items():
            tell_if_shared(label, those)
        _warn_of_unread([entry for entry in series if id(entry) not in taken])
        return found


def _warn_of_unread(left: Sequence[_Entry]) -> None:
    """Say which files cannot be read, of those that belong to no tomogram by their names."""
    unread = [entry.found for entry in left if isinstance(entry.found, InputError)]
    for error in unread[:_SAID]:
        log.warning("not read, and taken for none of the tomograms: %s", error)
    if len(unread) > _SAID:
        log.warning("%d more files of metadata cannot be read, and are taken for none of them", len(unread) - _SAID)


def files_of_tilts(given: Path | None, tomograms: Sequence[Named]) -> list[Path | None]:
    """Return for each tomogram the file with its tilt angles: the one given, or the one of its name in a folder.

    Raises
    ------
    InputError
        If a folder holds no file for a tomogram.
    """
    if given is None:
        return [None] * len(tomograms)
    if not given.is_dir():
        owners = Belonging(tomograms, [Named(given, (metadata.stem(given),))], shared=True).owners(0)
        if owners and len(owners) < len(tomograms):
            text = "%s: called as %s is, and taken for all %d tomograms; if each has its own, give their folder"
            log.warning(text, given, tomograms[min(owners)].names[0], len(tomograms))
        return [given] * len(tomograms)
    files = [
        item
        for item in sorted(given.iterdir())
        if item.name.lower().removesuffix(".gz").endswith(_TILTS) and not item.name.startswith(".")
    ]
    belonging = Belonging(tomograms, [Named(item, (metadata.stem(item),)) for item in files], shared=True)
    things: list[int] = []
    served: dict[int, list[Named]] = {}
    for number, tomogram in enumerate(tomograms):
        best = belonging.best(number)
        if not best:
            raise InputError(
                f"{given}: no file of tilts ({', '.join(_TILTS)}) called {tomogram.names[0]}; add it or use "
                "--tilt-min, --tilt-max"
            )
        thing = best[0].thing
        tell_if_loose(best[0], tomogram, belonging.things[thing])
        things.append(thing)
        served.setdefault(thing, []).append(tomogram)
    for thing, those in served.items():
        tell_if_shared(str(files[thing]), those)
    return [files[thing] for thing in things]


def tell_of_unread(tomograms: Sequence[Named]) -> None:
    """Warn where metadata of tomograms lie beside them, and nobody said that they be read."""
    folders: dict[Path, list[Named]] = {}
    for tomogram in tomograms:
        folders.setdefault(container(tomogram.path).parent, []).append(tomogram)
    for folder, those in folders.items():
        files = [item for item in _walk(folder, 1) if metadata.is_metadata(item)]
        things = [Named(item, (metadata.stem(item),)) for item in files]
        belonging = Belonging(those, things, shared=True)
        found = [match for number in range(len(those)) for match in belonging.best(number) if match.fit > Fit.LOOSE]
        if found:
            text = "%s: lies beside its tomogram and was not read; the usual tilts are taken, give --metadata %s"
            log.warning(text, files[found[0].thing], folder)


def _readable(entry: _Entry) -> TiltSeries:
    """Return what an entry says, or raise the error of reading it."""
    if isinstance(entry.found, InputError):
        raise entry.found
    return entry.found


def _of_one(number: int, belonging: Belonging, series: Sequence[_Entry]) -> list[_Entry]:
    """Entries that belong to one tomogram: those that fit best, and those that share a name with them."""
    tomogram, fitting = belonging.tomograms[number], belonging.fitting(number)
    ranks = {(one.fit, one.length) for one in belonging.best(number)}
    aliases = {
        name
        for one in fitting
        if (one.fit, one.length) in ranks
        for name in series[one.thing].names
        if fit(name, tomogram.names[0])
    }
    chosen: dict[tuple[str, bool], list[Match]] = {}
    for one in fitting:
        if aliases & set(series[one.thing].names):
            chosen.setdefault(series[one.thing].kind, []).append(one)
    return [entry for matches in chosen.values() for entry in _nearest(matches, tomogram, belonging, series)]


def _nearest(matches: Sequence[Match], tomogram: Named, belonging: Belonging, series: Sequence[_Entry]) -> list[_Entry]:
    """Return the best and nearest of several entries of one kind; refuse others as near that differ."""
    first = [one for one in matches if not any(one.worse(other) for other in matches)]
    entries = sorted((series[one.thing] for one in first), key=lambda entry: len(entry.path.name))
    for entry in entries[1:]:
        if entry.path.parent != entries[0].path.parent and _content(entry) != _content(entries[0]):
            text = f"{entries[0].path} and {entry.path}: both fit {tomogram.path} and differ"
            raise InputError(f"{text}; give the folder of one of them as --metadata, or remove one")
    tell_if_loose(first[0], tomogram, belonging.things[first[0].thing])
    return entries


def _content(entry: _Entry) -> TiltSeries | str:
    """What an entry says, wherever it stands."""
    return str(entry.found) if isinstance(entry.found, InputError) else _said(entry.found)


def _said(found: TiltSeries) -> TiltSeries:
    """What is said of a series, whatever it is called and wherever it stands."""
    return replace(found, source=Path(), tilt_file=None, names=())


def _tell_of_ctf(unread: Collection[Path]) -> None:
    """Warn, once, of tables of the contrast transfer by their names in which nothing tells what the columns are."""
    if unread:
        text = "%s: called a CTF table and not read, as no line in it says what its columns are"
        log.warning(f"{text}; put that comment line back, or give --defocus", some_of(sorted(map(str, unread))))


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
        elif is_folder(item) and depth > 1:
            yield from _walk(item, depth - 1)


def _entries(file: Path, root: Path, *, strict: bool) -> list[_Entry]:
    """Read one file; errors are kept for the tomogram that it belongs to, or raised."""
    stem = metadata.stem(file)
    names = [stem]
    if file.parent != root and not re.search(r"\d", stem):
        names.append(file.parent.name)
    of_many = metadata.suffix(file) in _OF_MANY
    try:
        found = metadata.read_series(file)
    except InputError as error:
        if strict or of_many:
            raise
        return [_Entry(file, error, tuple(names))]
    if of_many and not (len(found) == 1 and found[0].tilts is not None):
        names = []
    return [_Entry(file, item, tuple(dict.fromkeys((*item.names, *names)))) for item in _once(file, found)]


def _once(file: Path, found: Sequence[TiltSeries]) -> list[TiltSeries]:
    """Series of a file, the first of each name; a line tells of others that differ."""
    first: dict[object, tuple[int, TiltSeries]] = {}
    for row, item in enumerate(found, start=1):
        first.setdefault(item.names or row, (row, item))
    rows = [(first[item.names or row], row, item) for row, item in enumerate(found, start=1)]
    twice = [(row, one, item) for (one, kept), row, item in rows if _said(kept) != _said(item)]
    if twice:
        row, one, item = twice[0]
        more = f" (and {len(twice) - 1} more such rows)" if len(twice) > 1 else ""
        text = "%s: rows %d and %d are both called %s and differ%s; the first is taken, remove or rename one"
        log.warning(text, file, one, row, item.names[0], more)
    return [item for _, item in first.values()]


def _with_movies(entries: Sequence[_Entry]) -> tuple[_Entry, ...]:
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
    return (*others, *(_Entry(item.source, item, item.names) for item in series))
