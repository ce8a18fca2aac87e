"""What a STAR file says of many rows at once: optics groups, which rows name, and blocks of single values."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from isonet.errors import InputError
from isonet.io import star
from isonet.io.text import as_number

CONSTANTS = ("rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast")
"""Columns of the constants of a microscope."""
_SHARED = (*CONSTANTS, "rlnPixelSize")
_KEYS = ("rlnOpticsGroup", "rlnOpticsGroupName")
_FILES = {  # in rows of files, which are no groups
    *("rlnTomoName", "rlnMicrographName", "rlnImageName"),
    *("rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2"),
}


def with_optics(rows: Sequence[star.Row], tables: Mapping[str, Sequence[star.Row]]) -> list[dict[str, str]]:
    """Add to rows what the tables of their file say of them and they leave out.

    That is what their optics groups say, by name or number, or the only group where they name none; and then a block
    of single values.
    """
    groups, common = _groups(tables), _common(tables)
    by_name = {as_number(row[key]): row for row in groups for key in _KEYS if key in row}
    only = groups[0] if len(groups) == 1 else {}
    return [
        _completed(row, {**common, **(only if name is None else by_name.get(as_number(name), {}))})
        for row, name in zip(rows, map(_group_of, rows), strict=True)
    ]


def with_constants(path: Path, rows: Sequence[star.Row]) -> Sequence[star.Row]:
    """Add to the rows of a table of this program the constants and pixel size that its file says of many at once.

    Raises
    ------
    InputError
        If a row names an optics group that is not among those of the file, or none of several.
    """
    if all(row.get(name, star.MISSING) != star.MISSING for row in rows for name in _needed(row)):
        return rows
    tables = star.read_tables(path)
    if len(tables) < 2:
        return rows
    _refuse_other_groups(path, rows, _groups(tables))
    completed = with_optics(rows, tables)
    return [
        {**row, **{name: more[name] for name in _SHARED if name in more}}
        for row, more in zip(rows, completed, strict=True)
    ]


def _needed(row: star.Row) -> Sequence[str]:
    """What a row must say itself; one of many particles its pixel size alone, which saves reading a long file again."""
    return ("rlnPixelSize",) if "rlnImageName" in row else _SHARED


def _refuse_other_groups(path: Path, rows: Sequence[star.Row], groups: Sequence[star.Row]) -> None:
    """Refuse rows without constants of which the groups of the file do not tell either."""
    described = {as_number(group[key]) for group in groups for key in _KEYS if key in group}
    for number, row in enumerate(rows, start=1):
        name = _group_of(row)
        if not groups or all(row.get(key, star.MISSING) != star.MISSING for key in CONSTANTS):
            continue
        if name is None and len(groups) > 1:
            raise InputError(f"{path}: row {number} names none of {len(groups)} optics groups; add rlnOpticsGroup")
        if name is not None and as_number(name) not in described:
            raise InputError(
                f"{path}: row {number} names optics group {name}, which is not among those of the file; add it, or "
                "correct the row"
            )


def _groups(tables: Mapping[str, Sequence[star.Row]]) -> list[star.Row]:
    """Optics groups that say a constant."""
    every = (row for table in tables.values() for row in table if not _FILES & set(row))
    return [row for row in every if "rlnOpticsGroup" in row and set(CONSTANTS) & set(row)]


def _common(tables: Mapping[str, Sequence[star.Row]]) -> dict[str, str]:
    """Constants and pixel size in blocks of single values, of no group."""
    singles = [table[0] for table in tables.values() if len(table) == 1]
    said = [row for row in singles if not _FILES & set(row) and not set(_KEYS) & set(row)]
    return {name: row[name] for row in said for name in _SHARED if name in row}


def _group_of(row: star.Row) -> str | None:
    """Optics group that a row names."""
    return next((row[key] for key in reversed(_KEYS) if row.get(key, star.MISSING) != star.MISSING), None)


def _completed(row: star.Row, told: star.Row) -> dict[str, str]:
    """A row, with what is told where it has nothing."""
    return {**told, **{name: text for name, text in row.items() if text != star.MISSING or name not in told}}
