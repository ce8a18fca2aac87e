"""What tables of tomograms say of each: tilts, CTF and pixel size, and columns to keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from isonet.config.inputs import DEFAULT_TILTS
from isonet.errors import InputError
from isonet.io import star
from isonet.io.programs import relion
from isonet.io.programs.metadata import read_tilts
from isonet.io.programs.optics import with_constants
from isonet.io.programs.tilt_series import TiltSeries
from isonet.io.text import is_file, is_number
from isonet.project.older_tilts import comment_on_tilts
from isonet.project.orientation import ABOUT_X
from isonet.project.pairing import listed_files
from isonet.project.table import FULL_COLUMNS, HALF_COLUMNS, Project, Tomogram
from isonet.project.unprepared import refuse_repeated

_SAID = ("pixel_size", "image_pixel_size", "voltage", "cs", "amplitude_contrast", "phase_shift", "hand")


@dataclass(frozen=True)
class Listed:
    """A tomogram as a table lists it.

    Attributes
    ----------
    said : tuple of TiltSeries
        What its row, and the files that it names, say; nothing where no table lists it.
    tomogram : Tomogram or None
        Its row, of a table of this program or IsoNet.
    table : Path or None
        The table.
    files : tuple of Path
        The full tomogram and the halves that the row names.
    """

    said: tuple[TiltSeries, ...] = ()
    tomogram: Tomogram | None = None
    table: Path | None = None
    files: tuple[Path, ...] = ()

    @property
    def pixel_size(self) -> float | None:
        """Å per voxel as the table says."""
        return next((item.pixel_size for item in self.said if item.pixel_size), None)

    @property
    def says_tilts(self) -> bool:
        """Whether the table tells how it was tilted."""
        return any(item.tilts or item.tilt_range for item in self.said)

    def text(self, column: str) -> str | None:
        """Value of a column of its row, if it has one."""
        return None if self.tomogram is None else self.tomogram.text(column)

    def completing(self, found: Sequence[TiltSeries]) -> list[TiltSeries]:
        """Return what metadata say, and behind it what only the table says."""
        unknown: dict[str, Any] = {name: None for name in _SAID if any(getattr(item, name) for item in found)}
        if any(item.tilts for item in found):
            unknown |= {"tilts": None, "tilt_range": None}
        if any(item.defoci for item in found):
            unknown |= {"defoci": (), "defocus_tilts": None}
        return [*found, *(replace(item, **unknown) for item in self.said)]

    @property
    def content(self) -> object:
        """All that its row says, wherever the table lies and whatever the number of the row."""
        said = [replace(one, source=Path(), tilt_file=None) for one in self.said]
        row = {} if self.tomogram is None else self.tomogram.row
        texts: dict[str, object] = {}
        for name, text in row.items():
            if name != "rlnIndex" and text != star.MISSING:
                file = None if self.table is None else _named(self.table, text)
                texts[name] = file.resolve() if file else text
        return said, texts, [path.resolve() for path in self.files]

    def kept(self, project: Project, columns: Mapping[str, str]) -> dict[str, str]:
        """Columns of its row for a new table, whose own `columns` win; files are named as they lie from there."""
        if self.tomogram is None:
            return {}
        named = {*columns, *FULL_COLUMNS, *HALF_COLUMNS, "rlnTiltFile"}
        kept = {name: text for name, text in self.tomogram.row.items() if name not in named}
        found = {name: _named(self.tomogram.table, text) for name, text in kept.items()}
        return kept | {name: project.entry(path) for name, path in found.items() if path is not None}


@dataclass(frozen=True)
class Listing:
    """All tomograms that tables list, by their files.

    Attributes
    ----------
    by_file : mapping
        From the full tomogram, or else its first half.
    """

    by_file: Mapping[Path, Listed] = field(default_factory=dict)

    @classmethod
    def read(cls, paths: Sequence[Path]) -> "Listing":
        """Read the tables among paths.

        Raises
        ------
        InputError
            If a table cannot be read, a value in it is garbled, or two list one tomogram and differ.
        """
        found: dict[Path, Listed] = {}
        for path in paths:
            if path.suffix.lower() == ".star" and path.is_file():
                for file, listed in _read(path).items():
                    first = found.setdefault(file, listed)
                    if first.content != listed.content:
                        text = f"{first.table} and {path}: both list {listed.files[0]}, and differ in it"
                        raise InputError(f"{text}; keep one of both rows")
        return cls(found)

    def of(self, path: Path, halves: Sequence[Path] | None) -> Listed:
        """Return what is listed of a tomogram."""
        files = [path, *(halves or ())[:1]]
        return next((self.by_file[file.resolve()] for file in files if file.resolve() in self.by_file), Listed())


def _read(table: Path) -> dict[Path, Listed]:
    rows = star.read_table(table, needs=(*FULL_COLUMNS, *HALF_COLUMNS))
    if relion.lists_tomograms(rows[0]):
        records = relion.read_star(table)
        if len(records) != len(rows):
            raise InputError(f"{table}: has several tables of tomograms; keep one of them")
        listed = [Listed((record,)) for record in records]
    else:
        told = with_constants(table, rows)
        listed = [_row(Tomogram(table, {"rlnIndex": str(number), **row})) for number, row in enumerate(told, start=1)]
    refuse_repeated(table, rows, (*FULL_COLUMNS, "rlnTomoReconstructedTomogram", *HALF_COLUMNS))
    found: dict[Path, Listed] = {}
    for row, one in zip(rows, listed, strict=True):
        full, halves = listed_files(table, row)
        files = tuple(path for path in (full, *halves) if path is not None)
        found |= {path.resolve(): replace(one, table=table, files=files) for path in files[:1]}
    return found


def _named(table: Path, text: str) -> Path | None:
    """Return the file that a value of any column is the name of; None where it is something else."""
    if text == star.MISSING or is_number(text):
        return None
    return next(filter(is_file, (folder / text for folder in star.folders_above(table.parent))), None)


def _row(tomogram: Tomogram) -> Listed:
    """What a row of a table of this program or IsoNet says."""
    ends = [tomogram.number(column) for column in ("rlnTiltMin", "rlnTiltMax")]
    if any(end is not None for end in ends):
        comment_on_tilts(tomogram)
    low, high = (usual if end is None else end for end, usual in zip(ends, DEFAULT_TILTS, strict=True))
    record = TiltSeries(
        tomogram.table,
        tilt_range=None if ends == [None, None] else (low, high),
        pixel_size=tomogram.number("rlnPixelSize") or None,
        voltage=tomogram.number("rlnVoltage") or None,
        cs=tomogram.number("rlnSphericalAberration"),
        amplitude_contrast=tomogram.number("rlnAmplitudeContrast"),
        x_tilt=tomogram.number(ABOUT_X),
    )
    if tomogram.text("rlnTiltFile") is not None:
        path = tomogram.file("rlnTiltFile")
        record = replace(record, tilts=read_tilts(path).tilts, tilt_file=path)
    defocus = tomogram.number("rlnDefocus")
    return Listed((replace(record, defoci=(defocus,) if defocus else ()),), tomogram)
