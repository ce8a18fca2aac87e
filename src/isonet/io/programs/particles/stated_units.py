"""Units of length as people write them, and what comments above numbers state of the numbers' unit."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isonet.errors import InputError

log = logging.getLogger("isonet")
UNITS = {
    "voxel": r"px|pix|pixels?|vx|vox|voxels?",
    "A": r"a|å|ang|angst|angstroms?|ångstr[oö]ms?",
    "nm": r"nm|nanomet(?:er|re)s?",
    "um": r"[uµμ]m|microns?|micromet(?:er|re)s?",
}
"""Expressions for the words of each unit, in lower case."""
ANGSTROM = {"A": 1.0, "nm": 10.0, "um": 1e4}
"""Å of one of each unit of length."""
_UNIT = "|".join(UNITS.values())
_LENGTH = "|".join(UNITS[unit] for unit in ANGSTROM)
_VALUE = r"(?P<value>(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:e[-+]?\d+)?)"
_AXES = re.compile(r"\s*[xyz][\s,;]+[xyz][\s,;]+[xyz]\b", re.IGNORECASE)
_ABOUT_PLACES = re.compile(
    r"\b(?:coord\w*|pos(?:ition)?s?|loc(?:ation)?s?|places?|points?|cent(?:er|re)s?|picks?|picked|particles?|xyz|zyx|"
    r"numbers|values|units?|columns?|[xyz]_[^\W\d_]+)\b",
    re.IGNORECASE,
)
_OF_ELSE = re.compile(
    r"diamet|radi(?:us|i)|size|resolution|thick|defocus|filter|\bbox|distance|spacing|mask|shift|pass\b", re.IGNORECASE
)
_ALONE = re.compile(rf"\W*(?:\bin\W+)?(?P<unit>{_UNIT})\W*", re.IGNORECASE)
_WITHIN = re.compile(
    rf"(?:\bin\s+(?:the\s+)?(?:units?\s+of\s+)?|\bunits?\s*(?:is|are|of)?\s*[:=]?\s*|[\[(]|\b[xyz]_)\s*(?P<unit>{_UNIT})(?!\w)",
    re.IGNORECASE,
)
_SIZES = (
    re.compile(
        rf"(?<![^\W_])(?:(?:pixel|voxel|px|vx)s?[\s_-]*(?:size|spacing)s?|angpix|apix)\s*[\[(]?\s*(?:in\s+)?"
        rf"(?:(?P<before>{_LENGTH})\b)?[\])]?\s*(?:is|of)?\s*[:=]?\s*{_VALUE}\s*(?:(?P<unit>{_LENGTH})\b)?",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<![\w.,]){_VALUE}\s*(?P<unit>{_LENGTH})\s*(?:/|per|\s)\s*(?:{UNITS['voxel']})(?!\w)", re.IGNORECASE
    ),
)
_BINNED = re.compile(
    r"(?<![\w./-])(?:un-?binned|bin(?:ned|ning)?[\s_:=-]*(?:factor|level|of|by|is|at)?[\s_:=-]*x?\d+(?:\.\d+)?|"
    r"\d+\s*x[\s-]*binned)(?![\w/-]|\.\w)",
    re.IGNORECASE,
)


def unit_of(word: str | None) -> str:
    """Name of a unit as a word has it: `voxel`, `A`, `nm`, `um`, or nothing."""
    matching = (unit for unit, pattern in UNITS.items() if word and re.fullmatch(pattern, word, re.IGNORECASE))
    return next(matching, "")


@dataclass(frozen=True)
class Stated:
    """What comments state of the unit of numbers.

    Attributes
    ----------
    unit : str
        `A`, `nm`, `um`, `voxel`, or nothing.
    size : float
        Å of a pixel or voxel; 0 where they do not say.
    binned : str
        Where they state a binning, and its words; else nothing.
    """

    unit: str = ""
    size: float = 0.0
    binned: str = ""


def stated_in(path: Path, comments: Sequence[tuple[int, str]]) -> Stated:
    """Find what comments state of the unit of the numbers below them.

    A unit counts where the comment is nothing else, names x, y, z, or is about places: `nm`, `x y z (A)`, `coordinates
    in nm`. Of what else is in a unit there is a warning.

    Parameters
    ----------
    path : Path
        The file, for messages.
    comments : sequence of tuple
        Line number and text of each, without its mark.

    Raises
    ------
    InputError
        If they state two units, two sizes of a pixel, or a size of 0.
    """
    units: dict[str, int] = {}
    sizes: dict[float, int] = {}
    binned, doubtful = "", []
    for line, text in comments:
        rest = text
        for pattern in _SIZES:
            if match := pattern.search(rest):
                sizes.setdefault(_size(path, line, match), line)
                rest = f"{rest[: match.start()]} {rest[match.end() :]}"
        if match := _BINNED.search(rest):
            binned = binned or f"line {line}: {match[0].strip()!r}"
        unit, clear = _unit_in(rest)
        if unit and clear:
            units.setdefault(unit, line)
        elif unit in ANGSTROM:
            doubtful.append((line, text))
    for found in (units, {f"{size:g} A/pixel": line for size, line in sizes.items()}):
        if len(found) > 1:
            told = " and ".join(f"{what} (line {line})" for what, line in found.items())
            raise InputError(f"{path}: comments give two units of its numbers, {told}; leave the right one")
    if not units and not sizes:
        for line, text in doubtful:
            log.warning(
                "%s, line %d: %r is not taken for the unit of its numbers; write '# x y z in nm', or A, if they are",
                *(path, line, text.strip()[:60]),
            )
    return Stated(next(iter(units), ""), next(iter(sizes), 0.0), binned)


def _size(path: Path, line: int, match: re.Match[str]) -> float:
    """Å of a pixel, as a comment states it."""
    before = match.groupdict().get("before")
    size = float(match["value"].replace(",", ".")) * ANGSTROM[unit_of(match["unit"] or before) or "A"]
    if not size > 0:
        raise InputError(f"{path}, line {line}: {match[0].strip()!r} is no size of a pixel; correct it")
    return size


def _unit_in(text: str) -> tuple[str, bool]:
    """Unit that a comment names, and whether it can only be that of the numbers."""
    rest, axes = _AXES.subn("", text, count=1)
    if (alone := _ALONE.fullmatch(rest)) and (axes or alone["unit"] != "a"):
        return unit_of(alone["unit"]), True
    found = next((match["unit"] for match in _WITHIN.finditer(rest) if _is_meant(match)), None)
    clear = _ABOUT_PLACES.search(rest) is not None and not _OF_ELSE.search(rest)
    return unit_of(found), bool(axes) or clear


def _is_meant(match: re.Match[str]) -> bool:
    """Tell a unit from an article, `in a tomogram`, and from a word that begins what is in brackets."""
    closed = match.string[match.end() :].lstrip()[:1] in ("]", ")")
    return (closed or match[0].lstrip()[0] not in "[(") and match["unit"] != "a"
