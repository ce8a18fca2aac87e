"""STAR tables: one loop with labels, every value as text, unknown columns kept."""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd
import starfile

from isonet.errors import InputError
from isonet.io.files import atomic_path, refuse_special
from isonet.io.star_text import MISSING, Block, parse, unique_names
from isonet.io.text import is_there, read_text
from isonet.io.volume_files import FILES

__all__ = [
    "MISSING",
    "Row",
    "beyond_link",
    "folders_above",
    "name_in",
    "named_file",
    "read_table",
    "read_tables",
    "write_table",
]
log = logging.getLogger("isonet")
Row = Mapping[str, str]
_LARGEST = 1 << 30  # bytes: tables of particles are long
_SHOWN = 40  # letters of a name that is too long
_AGAIN = "copy it again if it was cut short, or export it anew"
_ANEW = "copy it again if it was cut short, or make it anew with 'isonet prepare'"


def read_table(path: Path, needs: Sequence[str]) -> list[dict[str, str]]:
    """Read the table of a STAR file that has one of the columns `needs`.

    Of tables with different ones of these columns, the first.

    Parameters
    ----------
    path : Path
        STAR file.
    needs : sequence of str
        Column names, without underscore; one of them must be there.

    Returns
    -------
    list of dict
        A dictionary from column to text for each row; missing values are the text `None`.

    Raises
    ------
    InputError
        If the file is missing, a folder, not a STAR file, has no such table, or a second one with the same column.
    """
    if path.is_dir():
        inside = path / "tomograms.star"
        remedy = f"name the table, {inside}" if inside.is_file() else "make the table with 'isonet prepare FOLDER'"
        raise InputError(f"{path}: is a folder, a STAR file was expected; {remedy}")
    refuse_special(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; make the table with 'isonet prepare'")
    if path.name.lower().endswith(FILES):
        raise InputError(f"{path}: a volume, where a table is meant; make that with 'isonet prepare {path}'")
    blocks = _blocks(path, _ANEW)
    for place, block in enumerate(blocks):
        told = next((name for name in needs if name in block.columns), None)
        if told is not None:
            if not block.rows:
                raise InputError(f"{path}: the table has no rows; {_ANEW}")
            second = next((one for one in blocks[place + 1 :] if told in one.columns and one.rows), None)
            if second is not None:
                names = f"data_{block.name} and data_{second.name}"
                raise InputError(f"{path}: two tables with {told}, {names}; put their rows into one table")
            return block.dictionaries()
    wanted = " or ".join(f"_{name}" for name in needs)
    raise InputError(f"{path}: no table with a column {wanted}; make one with 'isonet prepare'")


def read_tables(path: Path) -> dict[str, list[dict[str, str]]]:
    """Read all tables of a STAR file by their names, as :func:`read_table` does one.

    Raises
    ------
    InputError
        If the file is missing or not a STAR file.
    """
    refuse_special(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the name")
    return {name: block.dictionaries() for name, block in unique_names(_blocks(path, _AGAIN))}


def _blocks(path: Path, remedy: str) -> list[Block]:
    """Read all tables of a STAR file, plain or gzipped."""
    try:
        return parse(read_text(path, may_be_empty=True, largest=_LARGEST))
    except ValueError as error:
        raise InputError(f"{path}: not a readable STAR file ({error}); {remedy}") from error


def write_table(path: Path, rows: Sequence[Row], needs: Sequence[str] = (), name: str = "") -> None:
    """Write rows as one STAR table, atomically; columns in the order in which the rows name them.

    Other tables of an existing file are kept; the one that has a column of `needs` is replaced. A new table is
    called `name`.

    Raises
    ------
    InputError
        If a value holds a quote, a tab, a line break or what is not UTF-8, which the format cannot carry.
    """
    values = [value for row in rows for value in row.values()]
    refuse_unwritable(path, values)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    filled = [[row.get(name, "") or MISSING for name in columns] for row in rows]
    frame = pd.DataFrame(filled, columns=columns, dtype=str)
    blocks: dict[str, pd.DataFrame | dict[str, str]] = {name: frame}
    if path.exists():
        with suppress(InputError):
            blocks = _with_replaced(_blocks(path, _AGAIN), frame, needs)
    with atomic_path(path) as temporary:
        # Unquoted, `#` begins a comment and, at the beginning of a line, `_` a label and `data_` a table.
        awkward = any("#" in value or value.startswith(("_", "data_")) for value in values)
        starfile.write(blocks, temporary, quote_all_strings=awkward)


def named_file(table: Path, text: str, *, own: bool = False) -> Path:
    """Return the file that a table names: relative to its folder, or to the nearest one above where there is such.

    Programs name files from the folder of their project. The working folder counts only if the table lies in or below
    it: there another project may have a file of the same name. What is not found is taken to lie beside the table.

    Parameters
    ----------
    table : Path
        The table.
    text : str
        What stands in it.
    own : bool
        Whether it is of this program, which names files from the table's folder: a file above it is told.

    Raises
    ------
    InputError
        If the file is not found from the table, but from a working folder that is not the table's, or none can be
        called so.
    """
    beside = _beside(table, text)
    try:
        if beside.exists():
            return beside
    except OSError as error:  # too long a name
        raise InputError(f"{table}: {text[:_SHOWN]}... is no path ({error.strerror}); mend it") from error
    inside = Path(*(part for part in Path(text).parts if part != ".."))
    found = next((folder / inside for folder in folders_above(table.parent) if is_there(folder / inside)), None)
    if found is None and is_there(Path(text)):
        raise InputError(
            f"{table}: names {beside}, which is not there; {Path(text).absolute()} is not taken for it, as the table "
            "is not of the working folder; correct the name, or copy the table there"
        )
    if own and found is not None:
        text = "%s: names %s, which is not there; %s taken, of a folder above, correct the name if that is another"
        log.warning(text, table, beside, found)
    return found or beside


def _beside(table: Path, text: str) -> Path:
    """Return the place that is named from a table's folder, without its steps up unless links are on the way."""
    path = table.parent / text
    short = Path(os.path.normpath(path))
    return short if ".." in path.parts and short.parent.resolve() == path.parent.resolve() else path


def name_in(table: Path, path: Path) -> str:
    """Return what a file is called in a table of this program: as it lies from there if it is of the same project.

    That is the working folder if the table lies in or below it, else the folder above the table's. So a project that is
    copied or moved finds its own files. What lies elsewhere has its absolute name.
    """
    absolute, folder = path.parent.resolve() / path.name, table.parent.resolve()
    if absolute.is_relative_to(folder):
        return str(absolute.relative_to(folder))
    here = Path.cwd().resolve()
    project = here if folder.is_relative_to(here) and here != here.parent else folder.parent
    if project != project.parent and absolute.is_relative_to(project):
        return os.path.relpath(absolute, folder)
    return str(absolute)


def beyond_link(table: Path) -> Path:
    """Return the file that a table leads to, if it is a link: names in it count from there, and that is written."""
    return table.resolve() if table.is_symlink() else table


def folders_above(folder: Path) -> list[Path]:
    """Return a folder and all those above it, as it is called and as links lead."""
    called = Path(os.path.abspath(folder))  # noqa: PTH100  # keeps links
    return list(dict.fromkeys([folder, *called.parents, *folder.resolve().parents]))


def refuse_unwritable(path: Path, values: Iterable[str]) -> None:
    """Raise `InputError` where a value cannot be written, see :func:`is_writable`."""
    for value in values:
        if not is_writable(value):
            text = f"{path}: {value!r} cannot be written to a STAR file; rename it without quotes or control characters"
            raise InputError(text)


def is_writable(value: str) -> bool:
    """Tell whether programs can read a value again: not with a quote, a tab, a line break or what is not UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:  # file names may be so
        return False
    return not any(character in value for character in "\"'\t\n\r")


def _with_replaced(
    blocks: Sequence[Block], frame: pd.DataFrame, needs: Sequence[str]
) -> dict[str, pd.DataFrame | dict[str, str]]:
    """Put a table in the place of the first one that has a column of `needs`."""
    named = list(unique_names(list(blocks)))
    ours = next((name for name, block in named if any(column in block.columns for column in needs)), None)
    if ours is None:
        return {"": frame}
    return {name: frame if name == ours else _written(block) for name, block in named}


def _written(block: Block) -> pd.DataFrame | dict[str, str]:
    """Turn a block into what the library for writing takes."""
    if block.loop:
        return pd.DataFrame(block.rows, columns=block.columns, dtype=str)
    return block.dictionaries()[0]
