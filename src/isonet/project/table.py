"""The contract between steps: a table of tomograms, one row each, that every step reads and adds columns to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isonet.core.tilts.measured import Measured
from isonet.core.tilts.ranges import as_radians, check_tilts
from isonet.errors import InputError
from isonet.io import files, star
from isonet.io.programs.metadata import read_tilt_angles
from isonet.io.programs.optics import with_constants
from isonet.io.text import is_there, parts_of_set
from isonet.io.volume_files import stem
from isonet.project import orientation
from isonet.project.check import file_where_made
from isonet.project.unprepared import refuse_repeated, refuse_unprepared, warn_of_original

FULL_COLUMNS = ("rlnTomoName", "rlnMicrographName")
HALF_COLUMNS = ("rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2")
TURNED_COLUMN = "rlnTomoTurnedFrom"
"""The file of which the full tomogram is a turned copy."""
SUBVOLUME_COLUMN = "rlnImageName"
DEFAULT_TILTS = (-60.0, 60.0)
_OURS = "rlnTomoContrast"  # in tables of this program alone


@dataclass(frozen=True)
class Tomogram:
    """One row of the table.

    Attributes
    ----------
    table : Path
        The STAR file, for messages and relative paths.
    row : mapping
        Column to text; `None` as text where a value is missing.
    """

    table: Path
    row: Mapping[str, str]

    @property
    def index(self) -> str:
        """What `--tomo-idx` selects by."""
        return self.row["rlnIndex"]

    @property
    def full_column(self) -> str:
        """Column that names the full tomogram."""
        return next(name for name in FULL_COLUMNS if name in self.row)

    @property
    def name(self) -> str:
        """File name of the full tomogram, or of the sub-volume, without its extension."""
        return stem(self.file(SUBVOLUME_COLUMN if SUBVOLUME_COLUMN in self.row else self.full_column))

    def text(self, column: str) -> str | None:
        """Value of a column, or None where it is missing."""
        value = self.row.get(column, star.MISSING)
        return None if value in ("", star.MISSING, "nan", "<NA>") else value

    def number(self, column: str) -> float | None:
        """Value of a column as a number, or None where it is missing.

        Raises
        ------
        InputError
            If the value is not a finite number.
        """
        text = self.text(column)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not abs(value) < float("inf"):
            raise InputError(f"{self.table}: {column} of tomogram {self.index} is {text!r}; a number is needed")
        return value

    def file(self, column: str) -> Path:
        """Return the path in a column: relative to the table, or else to a folder above, see :func:`star.named_file`.

        Raises
        ------
        InputError
            If the table has no such column, no value in it, or one that no file can be called; or as there.
        """
        if column not in self.row:
            known = ", ".join(name for name in self.row if name.endswith(("Name", "Half1", "Half2")))
            raise InputError(f"{self.table}: no column {column}; it has {known}")
        text = self.text(column)
        if text is None:
            raise InputError(f"{self.table}: {column} of tomogram {self.index} is empty; fill it or choose another")
        found = star.named_file(self.table, text, own=_OURS in self.row)
        return found if is_there(found) else file_where_made(self.table, text) or found

    @property
    def tilts(self) -> tuple[float, ...]:
        """Tilts in degrees: the list from rlnTiltFile if there is one, else (rlnTiltMin, rlnTiltMax).

        Raises
        ------
        InputError
            If the range is empty or reaches beyond 90 degrees, or is as in radians.
        """
        return self.tilts_of("rlnTiltFile")

    def tilts_of(self, column: str, which: str = "") -> tuple[float, ...]:
        """Tilts from the file in a column, else the range in the columns that end so; errors as of :attr:`tilts`."""
        low, high = self.number(f"rlnTiltMin{which}"), self.number(f"rlnTiltMax{which}")
        tilts: Sequence[float] = (
            DEFAULT_TILTS[0] if low is None else low,
            DEFAULT_TILTS[1] if high is None else high,
        )
        if self.text(column) is not None:
            tilts = read_tilt_angles(self.file(column)).tolist()
        try:
            check_tilts(tilts)
        except ValueError as error:
            text = f"{self.table}: tomogram {self.index}: {error}; mend rlnTiltMin{which}, rlnTiltMax{which}"
            raise InputError(text) from error
        if as_radians(tilts):
            ends = f"{min(tilts):g} to {max(tilts):g}"
            raise InputError(f"{self.table}: tomogram {self.index}: tilts from {ends}, as in radians; give degrees")
        return tuple(tilts)

    @property
    def split(self) -> str:
        """What the halves are made from: `frames` (also where the table does not say) or `tilts`."""
        return self.text("rlnTiltSplit") or "frames"

    @property
    def half_tilts(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Tilts in degrees of half 1 and half 2: their own lists where halves are from tilts, else those of both.

        Raises
        ------
        InputError
            If rlnTiltSplit is neither frames nor tilts, or a list cannot be used.
        """
        if self.split not in ("frames", "tilts"):
            raise InputError(f"{self.table}: rlnTiltSplit of tomogram {self.index} is {self.split!r}; frames or tilts")
        if self.split == "frames":
            return self.tilts, self.tilts
        first, second = (self.tilts_of(f"rlnTiltFileHalf{half}") for half in (1, 2))
        return first, second

    @property
    def measured(self) -> Measured:
        """All that was measured: the tilts, how axis and beam lie in the volume, a second axis; errors as of both."""
        return orientation.measured(self, self.tilts)

    @property
    def half_measured(self) -> tuple[Measured, Measured]:
        """What was measured of half 1 and half 2; errors as of :attr:`half_tilts` and of the orientation."""
        first, second = (orientation.measured(self, tilts) for tilts in self.half_tilts)
        if self.split == "tilts" and len(first.sweeps) > 1:
            raise InputError(
                f"{self.table}: tomogram {self.index}: which half has which tilts about the second axis is not known; "
                "split by frames, or leave the halves out"
            )
        return first, second

    @property
    def has_halves(self) -> bool:
        """Whether the table names both halves."""
        return all(self.text(column) is not None for column in HALF_COLUMNS)

    @property
    def tilt_range(self) -> tuple[float, float]:
        """Smallest and largest tilt in degrees."""
        return min(self.tilts), max(self.tilts)


@dataclass(frozen=True)
class Project:
    """The table `tomograms.star`, or `subtomo.star`, whose rows are sub-volumes of tomograms.

    Attributes
    ----------
    path : Path
        The STAR file.
    tomograms : tuple of Tomogram
        Its rows in order.
    """

    path: Path
    tomograms: tuple[Tomogram, ...]

    @classmethod
    def read(cls, path: Path, *, subvolumes: bool = False) -> "Project":
        """Read a table, of this program or of IsoNet 1 or 2.

        Parameters
        ----------
        path : Path
            The STAR file.
        subvolumes : bool
            Accept a table of sub-volumes too, which is told by its column rlnImageName.

        Raises
        ------
        InputError
            If the file cannot be read, names no tomograms, or two have the same rlnIndex or the same file.
        """
        path = star.beyond_link(path)
        rows: Sequence[star.Row] = star.read_table(path, needs=(*FULL_COLUMNS, *HALF_COLUMNS, SUBVOLUME_COLUMN))
        if not any(SUBVOLUME_COLUMN in row for row in rows):
            refuse_unprepared(path, rows, FULL_COLUMNS, HALF_COLUMNS)
        rows = with_constants(path, rows)
        numbered = [{"rlnIndex": str(position + 1), **row} for position, row in enumerate(rows)]
        numbered = [{**row, "rlnIndex": re.sub(r"^(\d+)\.0*$", r"\1", row["rlnIndex"])} for row in numbered]
        project = cls(path, tuple(Tomogram(path, row) for row in numbered))
        if project.holds_subvolumes:
            if not subvolumes:
                raise InputError(
                    f"{path}: a table of sub-volumes, which only refine takes; give the table of tomograms"
                )
        elif len({row["rlnIndex"] for row in numbered}) < len(numbered):
            raise InputError(f"{path}: rlnIndex is not unique; number the rows 1, 2, 3 ...")
        named = (SUBVOLUME_COLUMN,) if project.holds_subvolumes else (*FULL_COLUMNS, *HALF_COLUMNS)
        refuse_repeated(path, rows, named)
        warn_of_original(path, rows, (*named, *FULL_COLUMNS))
        return project

    @property
    def next_index(self) -> int:
        """Number of a row that is added."""
        return 1 + max((int(one.index) for one in self.tomograms if one.index.isdecimal()), default=0)

    @property
    def holds_subvolumes(self) -> bool:
        """Whether the rows are sub-volumes in files of their own."""
        return any(SUBVOLUME_COLUMN in tomogram.row for tomogram in self.tomograms)

    def write(self) -> None:
        """Write the table back, atomically, with all columns that were in it."""
        needs = (SUBVOLUME_COLUMN,) if self.holds_subvolumes else FULL_COLUMNS
        star.write_table(self.path, [tomogram.row for tomogram in self.tomograms], needs)

    def selected(self, indices: str | None) -> tuple[Tomogram, ...]:
        """Return the tomograms of an index set such as `1,3-5`; all of them for None.

        Raises
        ------
        InputError
            If the text is no index set or names a tomogram that is not in the table.
        """
        if indices is None:
            return self.tomograms
        by_index: dict[str, list[Tomogram]] = {}
        for tomogram in self.tomograms:
            by_index.setdefault(tomogram.index, []).append(tomogram)
        chosen = parts_of_set(indices, by_index)
        missing = [index for index in chosen if index not in by_index]
        if missing:
            raise InputError(f"{self.path}: no tomogram with rlnIndex {missing[0]}; it has {', '.join(by_index)}")
        return tuple(tomogram for index in dict.fromkeys(chosen) for tomogram in by_index[index])

    def entry(self, path: Path) -> str:
        """Text for a path in this table, see :func:`star.name_in`."""
        return star.name_in(self.path, path)

    def recorded(self, index: str, **values: str) -> "Project":
        """Set columns of one tomogram in the table on disk as it is now, and return the table.

        Other processes may do the same at once: a lock beside the table is held meanwhile.
        """
        with files.locked(self.path.with_name(f".{self.path.name}.lock"), wait=True):
            updated = Project.read(self.path).with_values(index, **values)
            updated.write()
        return updated

    def added(self, new: Sequence[Mapping[str, str]]) -> "Project":
        """As :meth:`recorded`, add rows of full tomograms, numbered on; raise `InputError` if one is there already."""
        with files.locked(self.path.with_name(f".{self.path.name}.lock"), wait=True):
            before = Project.read(self.path) if self.path.exists() else Project(self.path, ())
            column = before.tomograms[0].full_column if before.tomograms else FULL_COLUMNS[0]
            named = [{column if name in FULL_COLUMNS else name: text for name, text in row.items()} for row in new]
            numbered = [{**row, "rlnIndex": str(index)} for index, row in enumerate(named, start=before.next_index)]
            rows = [*(one.row for one in before.tomograms), *numbered]
            refuse_repeated(self.path, rows, (*FULL_COLUMNS, *HALF_COLUMNS))
            updated = replace(before, tomograms=(*before.tomograms, *(Tomogram(self.path, row) for row in numbered)))
            updated.write()
        return updated

    def with_values(self, index: str, **values: str) -> "Project":
        """Return the project with columns of one tomogram set."""
        rows = tuple(
            replace(tomogram, row={**tomogram.row, **values}) if tomogram.index == index else tomogram
            for tomogram in self.tomograms
        )
        return replace(self, tomograms=rows)
