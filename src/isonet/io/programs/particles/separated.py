"""Words of lines whose columns are set apart by blanks, tabs, commas or semicolons."""

import csv
import re

_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+")


def separator_of(line: str) -> str | None:
    """Mark between the words of a line that names columns; None for blanks."""
    return next((mark for mark in ("\t", ";", ",") if mark in line), None)


def split(line: str, separator: str | None) -> list[str]:
    """Words of a line, without their quotes."""
    if separator is None:
        return line.split()
    return [word.strip() for word in next(csv.reader([line], delimiter=separator), [])]


def words_of(line: str, columns: int, separator: str | None) -> list[str]:
    """Words of a line without its comment, decimal commas made points; of three columns whatever separates them."""
    if columns != 3:
        words = [] if line.lstrip().startswith("#") else split(line, separator)
        return _with_points(words) if separator == ";" else words
    bare = line.partition("#")[0].replace('"', " ")
    if (separator == ";" and bare.count(";") == 2) or _commas_are_points(bare):
        return _with_points([word for word in re.split(r"[;\s]+", bare) if word])
    return [word for word in re.split(r"[,;\s]+", bare) if word]


def holds_decimal_commas(line: str) -> bool:
    """Tell whether a line has words that may be numbers with commas in the place of points."""
    return any(map(_DECIMAL_COMMA.fullmatch, re.split(r"[;\s]+", line)))


def _commas_are_points(line: str) -> bool:
    """Tell whether the commas of three numbers can only be their points: semicolons or tabs part them.

    `1,024` alone may be a thousand.
    """
    words = [word for word in re.split(r"[;\s]+", line) if word]
    commas = [word for word in words if "," in word]
    parted = line.strip().count(";") == 2 or line.strip().count("\t") == 2
    decimal = bool(commas) and all(map(_DECIMAL_COMMA.fullmatch, commas))
    return len(words) == 3 and parted and decimal and not all(map(_THOUSANDS.fullmatch, commas))


def _with_points(words: list[str]) -> list[str]:
    """Words with points in the place of decimal commas."""
    return [word.replace(",", ".") if _DECIMAL_COMMA.fullmatch(word) else word for word in words]
