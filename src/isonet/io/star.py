"""STAR tables: one loop with labels, every value as text, unknown columns kept."""

import linecache
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import starfile

from isonet.errors import InputError
from isonet.io.files import atomic_path
from isonet.io.text import read_text

MISSING = "None"
Row = Mapping[str, str]


def read_table(path: Path, needs: Sequence[str]) -> list[dict[str, str]]:
    """Read the first table of a STAR file that has one of the columns `needs`.

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
        If the file is missing, a folder, not a STAR file, or has no such table.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder, a STAR file was expected; name the table")
    if not path.is_file():
        raise InputError(f"{path}: no such file; make the table with 'isonet prepare'")
    for block in _blocks(path).values():
        frame = pd.DataFrame([block]) if isinstance(block, dict) else block
        if any(name in frame.columns for name in needs):
            if len(frame) == 0:
                raise InputError(f"{path}: the table has no rows; make it anew")
            return _rows(frame)
    wanted = " or ".join(f"_{name}" for name in needs)
    raise InputError(f"{path}: no table with a column {wanted}; make one with 'isonet prepare'")


def read_tables(path: Path) -> dict[str, list[dict[str, str]]]:
    """Read all tables of a STAR file by their names, as :func:`read_table` does one.

    Raises
    ------
    InputError
        If the file is missing or not a STAR file.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the name")
    blocks = _blocks(path)
    return {name: _rows(pd.DataFrame([block]) if isinstance(block, dict) else block) for name, block in blocks.items()}


def _rows(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Rows of a table as dictionaries of text."""
    names = [str(name) for name in frame.columns]
    return [
        {name: MISSING if pd.isna(value) else str(value) for name, value in zip(names, row, strict=True)}
        for row in frame.itertuples(index=False, name=None)
    ]


def _blocks(path: Path) -> dict[str, pd.DataFrame | dict[str, str]]:
    """Read all tables of a STAR file, plain or gzipped, every value as text."""
    if path.name.lower().endswith(".gz"):
        with _unpacked(path) as plain:
            return _plain_blocks(plain, path)
    return _plain_blocks(path, path)


def _plain_blocks(plain: Path, path: Path) -> dict[str, pd.DataFrame | dict[str, str]]:
    """Read all tables of a plain file, perhaps a copy of `path`, which messages name."""
    try:
        text = plain.read_text(encoding="utf-8", errors="surrogateescape")
        labels = [line.split()[0][1:] for line in text.splitlines() if line.startswith("_")]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            linecache.clearcache()  # starfile reads through it, and leaves it filled after an error
            found: dict[str, pd.DataFrame | dict[str, str]] = starfile.read(
                plain, always_dict=True, parse_as_string=labels
            )
    except PermissionError as error:
        raise InputError(f"{path}: cannot be read; check its permissions") from error
    except Exception as error:
        raise InputError(
            f"{path}: not a readable STAR file ({' '.join(str(error).split())[:120]}); make it anew"
        ) from error
    return found


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """Give a plain copy of a gzipped file for as long as it is read."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / path.name.removesuffix(".gz")
        plain.write_text(read_text(path), encoding="utf-8")
        yield plain


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
    for value in values:
        if any(character in value for character in "\"'\t\n\r") or not _is_utf8(value):
            raise InputError(f"{path}: {value!r} cannot be written to a STAR file; rename it without quotes")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    filled = [[row.get(name, "") or MISSING for name in columns] for row in rows]
    frame = pd.DataFrame(filled, columns=columns, dtype=str)
    blocks = {name: frame}
    if path.exists():
        with suppress(InputError):
            blocks = _with_replaced(_blocks(path), frame, needs)
    with atomic_path(path) as temporary:
        # Unquoted, `#` begins a comment and, at the beginning of a line, `_` a label and `data_` a table.
        awkward = any("#" in value or value.startswith(("_", "data_")) for value in values)
        starfile.write(blocks, temporary, quote_all_strings=awkward)


def _is_utf8(value: str) -> bool:
    """Tell whether a text can be written; file names need not be."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _with_replaced(
    blocks: dict[str, pd.DataFrame | dict[str, str]], frame: pd.DataFrame, needs: Sequence[str]
) -> dict[str, pd.DataFrame | dict[str, str]]:
    """Put a table in the place of the first one that has a column of `needs`."""
    ours = next((name for name, block in blocks.items() if any(column in block for column in needs)), None)
    return {"": frame} if ours is None else {**blocks, ours: frame}
