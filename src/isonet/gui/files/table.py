"""The table of tomograms as the interface shows and edits it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isonet.errors import InputError
from isonet.io.star import MISSING
from isonet.io.volume_files import is_volume
from isonet.project.table import FULL_COLUMNS, HALF_COLUMNS, Project, Tomogram

NAME = "tomograms.star"


@dataclass(frozen=True)
class Column:
    """A column that may be edited.

    Attributes
    ----------
    name : str
        In the table.
    title : str
        With its unit.
    low, high : float
        What its numbers may be, ends included.
    whole : bool
        Whether only whole numbers are allowed.
    """

    name: str
    title: str
    low: float
    high: float
    whole: bool = False

    def checked(self, text: str) -> str:
        """Return a value as it is written to the table; nothing becomes `None`, a missing value.

        Raises
        ------
        InputError
            If it is not a number within the bounds.
        """
        stripped = text.strip()
        if not stripped:
            return "None"
        try:
            value = int(stripped) if self.whole else float(stripped)
        except ValueError:
            value = float("nan")
        if not self.low <= value <= self.high:
            kind = "whole number" if self.whole else "number"
            raise InputError(f"{self.title} {stripped}: a {kind} from {self.low:g} to {self.high:g} is needed")
        return stripped


EDITABLE = (
    Column("rlnPixelSize", "Å per voxel", 0.1, 1000),
    Column("rlnTiltMin", "Tilt min, °", -90, 90),
    Column("rlnTiltMax", "Tilt max, °", -90, 90),
    Column("rlnDefocus", "Defocus, Å", -200_000, 200_000),
    Column("rlnNumberSubtomo", "Sub-volumes", 1, 1_000_000, whole=True),
    Column("rlnSnrFalloff", "SNR falloff", 0, 100),
    Column("rlnDeconvStrength", "Deconv strength", -3, 6),
    Column("rlnMaskDensityPercentage", "Mask density, %", 0.01, 100),
    Column("rlnMaskStdPercentage", "Mask std, %", 0.01, 100),
)
"""Columns with one number for each tomogram."""
VOLUMES: Mapping[str, str] = {
    **dict.fromkeys(FULL_COLUMNS, "Tomogram"),
    HALF_COLUMNS[0]: "Even half",
    HALF_COLUMNS[1]: "Odd half",
    "rlnDeconvTomoName": "Deconvolved",
    "rlnCorrectedTomoName": "Corrected",
    "rlnCorrectedDeconvTomoName": "Corrected, deconvolved",
}
"""Columns that name volumes to look at, with what they are, in the order of the steps."""
MASK = "rlnMaskName"
CORRECTED = "rlnCorrectedTomoName"
MADE: Mapping[str, str] = {"rlnDeconvTomoName": "deconv", MASK: "mask", CORRECTED: "predict"}
"""Columns that the steps fill in."""
PRODUCTS: Mapping[str, Sequence[str]] = {
    "extract": ("subtomo.star", "*/subtomo.star"),
    "refine": ("*/model.safetensors",),
    "validate": ("*/validation.json",),
}
"""What the other steps leave in the project folder."""


def read(path: Path) -> Project | None:
    """Read the table; None if there is none yet.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    return Project.read(path) if path.is_file() else None


def edit(path: Path, index: str, column: Column, text: str) -> Project:
    """Set one cell of the table on disk.

    Raises
    ------
    InputError
        If the value cannot be used; the table is left as it was.
    """
    value = column.checked(text)
    changed = Project.read(path).with_values(index, **{column.name: value})
    values = {column.name: value}
    if column.name in ("rlnTiltMin", "rlnTiltMax"):
        edited = next(each for each in changed.tomograms if each.index == index)
        if edited.text("rlnTiltFile") is not None:
            values["rlnTiltFile"] = MISSING  # the list would count in place of the range
            edited = replace(edited, row={**edited.row, **values})
        edited.measured  # noqa: B018  # raises if they are empty
    return changed.recorded(index, **values)


def volumes(tomogram: Tomogram) -> dict[str, Path]:
    """Volumes of a tomogram that are there, by what they are."""
    found: dict[str, Path] = {}
    for column, title in VOLUMES.items():
        if tomogram.text(column) is not None and is_volume(path := tomogram.file(column)):
            found.setdefault(title, path.resolve())
    return found


def mask(tomogram: Tomogram) -> Path | None:
    """The mask of a tomogram, if it is there."""
    if tomogram.text(MASK) is None:
        return None
    path = tomogram.file(MASK)
    return path.resolve() if is_volume(path) else None


def made(tomogram: Tomogram) -> list[str]:
    """Steps whose results for a tomogram are there."""
    return [step for column, step in MADE.items() if has(tomogram, column)]


def has(tomogram: Tomogram, column: str) -> bool:
    """Tell whether the file that a column names is there."""
    return tomogram.text(column) is not None and is_volume(tomogram.file(column))


def products(project: Path) -> dict[str, list[Path]]:
    """Sub-volumes, models and validations of a project folder, the newest first, by the step that made them."""
    found = {}
    for step, patterns in PRODUCTS.items():
        paths = [path for pattern in patterns for path in project.glob(pattern) if path.is_file()]
        if paths:
            found[step] = sorted(paths, key=lambda path: -path.stat().st_mtime)
    return found
