"""Text files of other programs: read in whole, split into words and numbers, refused in one line where they are odd."""

import gzip
import math
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from isonet.errors import InputError
from isonet.io.files import refuse_special

Floats = npt.NDArray[np.float64]
_LARGEST = 1 << 26
_LISTED = 5  # names
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[-+\u2212]?\d*,\d+", re.ASCII)
_UTF_8_MARK = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_text(path: Path, *, odd_characters: bool = False, may_be_empty: bool = False, largest: int = _LARGEST) -> str:
    """Read a text file, plain or gzipped; lines end in a line feed, however they end in the file.

    Parameters
    ----------
    path : Path
        The file, in UTF-8, or in UTF-16 with its mark.
    odd_characters : bool
        Replace what is not UTF-8, as in notes typed on a microscope's computer, instead of refusing it.
    may_be_empty : bool
        Return nothing for an empty file instead of refusing it.
    largest : int
        Bytes that a file may have.

    Raises
    ------
    InputError
        If the file is missing, special, unreadable, empty, binary, too large or in another encoding.
    """
    refuse_special(path)
    try:
        with path.open("rb") as file:
            raw = file.read(largest + 1)
        if raw[:2] == b"\x1f\x8b":
            with gzip.open(path, "rb") as packed:
                raw = packed.read(largest + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; check the name") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: damaged gzip file ({error}); copy it again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the name and its permissions") from error
    if len(raw) > largest:
        raise InputError(f"{path}: not a text file, it is too large; give the list of tilts, not the images")
    text = _decoded(path, raw, odd_characters=odd_characters)
    if not may_be_empty and not text.strip():
        raise InputError(f"{path}: empty; export it again")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(path: Path, raw: bytes, *, odd_characters: bool) -> str:
    """Characters of a file: UTF-8, or UTF-16 if its mark says so."""
    encoding = "utf-16" if raw.startswith(_UTF_16_MARKS) else "utf-8"
    if encoding == "utf-8" and b"\0" in raw:
        if raw.count(b"\0") * 5 > len(raw) * 2:
            raise InputError(f"{path}: not a text file in UTF-8, but in UTF-16 without a mark; save it as UTF-8")
        raise InputError(f"{path}: not a text file; a table or a list is meant")
    try:
        text = raw.removeprefix(_UTF_8_MARK).decode(encoding, errors="replace" if odd_characters else "strict")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not a text file in UTF-8 (byte {error.start}; perhaps it is in Latin-1); save it as UTF-8"
        ) from error
    if "\0" in text:
        raise InputError(f"{path}: not a text file; a table or a list is meant")
    return text


def counted(count: int, what: str) -> str:
    """Write how many there are of something, for messages: `1 tomogram`, `2 tomograms`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def is_file(path: Path) -> bool:
    """Tell whether there is a file of a name that stands in another file, which may be any text."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_there(path: Path) -> bool:
    """Tell whether there is a file or folder of a name that stands in another file."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def first_of(names: Sequence[object]) -> str:
    """Name the first of several, and how many more there are.

    >>> first_of(["a.mrc"]), first_of(["a.mrc", "b.mrc", "c.mrc"])
    ('a.mrc', 'a.mrc (and 2 more)')
    """
    return str(names[0]) + (f" (and {len(names) - 1} more)" if len(names) > 1 else "")


def some_of(names: Sequence[str]) -> str:
    """Name the first five of several, and how many more there are.

    >>> some_of(["a", "b"]), some_of(list("abcdefg"))
    ('a, b', 'a, b, c, d, e, 2 more')
    """
    return ", ".join([*names[:_LISTED], *([f"{len(names) - _LISTED} more"] if len(names) > _LISTED else [])])


def parts_of_set(text: str, known: Collection[str]) -> list[str]:
    """Return what a set such as `1,3-5` names; ranges only where all numbers in them are known, else as written."""
    chosen = []
    for part in re.split(r"[,\s]+", text.strip(" ()[],")):
        match = re.fullmatch(r"(\d+)-(\d+)", part)
        if part in known or match is None or int(match[1]) > int(match[2]):
            chosen.append(part)
            continue
        first, last = int(match[1]), int(match[2])
        inside = [one for one in known if one.isdecimal() and first <= int(one) <= last]
        chosen += inside if len(inside) == last - first + 1 else [part]
    return chosen


def rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Iterate over line number and words of the lines that hold something, without `#` comments."""
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if words:
            yield number, words


def table(path: Path, lines: Iterable[tuple[int, Sequence[str]]], columns: int, meaning: str) -> Floats:
    """Turn numbered rows of words into numbers, so many columns each.

    Raises
    ------
    InputError
        If a row has another number of columns or a word is no finite number, or there are no rows.
    """
    values = []
    for line, words in lines:
        if len(words) != columns:
            raise InputError(
                f"{path}: line {line} has {counted(len(words), 'column')}, {columns} expected ({meaning}); copy it "
                "again"
            )
        values.append([number(path, f"line {line}", word) for word in words])
    if not values:
        raise InputError(f"{path}: no values found; {meaning} expected")
    return np.array(values, dtype=np.float64)


def number(path: Path, where: str, word: str) -> float:
    """Turn a word into a finite number, or raise an `InputError` that says where it stands."""
    if is_number(word):
        return float(word)
    comma = _DECIMAL_COMMA.fullmatch(word)
    remedy = "write a point in the place of its comma" if comma else "correct it or export the file again"
    raise InputError(f"{path}: {where}: {word[:40]!r} is not a number; {remedy}")


def is_number(word: str) -> bool:
    """Tell whether a word is a finite number."""
    plain = _NUMBER.fullmatch(word)
    return plain is not None and math.isfinite(float(word))


def as_number(word: str) -> float | str:
    """Return the number that a word is, so that `1` and `1.000000` are one; any other word as it is."""
    return float(word) if is_number(word) else word


def checked_angles(path: Path, angles: Sequence[float] | Floats) -> Floats:
    """Return tilt angles as an array; raise an `InputError` if one lies beyond -90 to 90 degrees."""
    values = np.asarray(angles, dtype=np.float64)
    beyond = np.abs(values) > 90
    if beyond.any():
        first = int(beyond.argmax())
        raise InputError(
            f"{path}: angle {first + 1} is {values[first]:g} degrees, beyond -90 to 90; give tilt angles in degrees"
        )
    return values


def numbers_of_list(path: Path, where: str, words: str) -> set[int]:
    """Numbers of an IMOD list such as `1,3-5,40`.

    Raises
    ------
    InputError
        If it is no such list, or a range runs downwards or over more than 10000 views.
    """
    chosen: set[int] = set()
    for part in re.split(r"[,\s]+", words.strip(" ,")):
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part, re.ASCII)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < first + 10000:
            raise InputError(f"{path}: {where}: {part[:40]!r} is no list of views such as 1,3-5; correct it")
        chosen.update(range(first, last + 1))
    return chosen


def xml(path: Path) -> ElementTree.Element:
    """Parse XML without document types, so that no entity is ever expanded or fetched.

    Raises
    ------
    InputError
        If the file is not XML or declares a document type.
    """
    text = read_text(path, odd_characters=True)
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise InputError(f"{path}: declares a document type, which is not read; remove the <!DOCTYPE ...> part")
    try:
        return ElementTree.fromstring(re.sub(r"\A\s*<\?xml[^>]*\?>", "", text))
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"{path}: not valid XML ({error}); export it again") from error
