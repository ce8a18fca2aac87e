"""What comments above numbers state of their axes: the order of x, y, z, the number of the first voxel, the origin."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isonet.errors import InputError

log = logging.getLogger("isonet")
_BETWEEN = r"(?:_\w*|[ ]?[\[(]\w+[\])])?(?:[\s,;/|>-]|\b(?:and|then)\b)*"  # perhaps with a unit behind the axis
_ORDER = re.compile(
    rf"(?<![^\W_])([xyz]){_BETWEEN}(?!\1)([xyz]){_BETWEEN}(?!\1|\2)([xyz])(?![^\W_])",
    re.IGNORECASE,
)
_ROWS = re.compile(r"(?=.*\brows?\b)(?=.*\bcol(?:umn)?\b)(?=.*\b(?:slice|section|plane)\b)", re.IGNORECASE)
_OF_ELSE = re.compile(
    r"shape|size|dimension|\bdims?\b|spacing|\bbox|euler|angle|rotat|orient|vector|normal|stor(?:ed|age)|shift|offset",
    re.IGNORECASE,
)
_MIDDLE = r"(?:cent(?:er|re)|middle)"
_FROM_MIDDLE = re.compile(
    rf"\b{_MIDDLE}\b[^.;,]*\borigin\b|\borigin\b[^.;,]*\b{_MIDDLE}\b|"
    rf"\b(?:from|(?:relative|respect) to)\s+(?:the\s+)?{_MIDDLE}\b|"
    r"(?<![^\W_])(?<!-)cent(?:er|r)ed\b(?!\s+(?:on|at|around|in)\b(?!.*(?:tomo|vol|origin|zero|0)))",
    re.IGNORECASE,
)
_FIRSTS = {
    first: re.compile(
        rf"(?<![\w.])(?:{words})[\s-]*(?:based|indexed)\b|"
        rf"\bfirst\s+(?:voxel|pixel|index)\s*(?:is|has|=|:)?\s*(?:{words})\b(?![.,]\d)|"
        rf"\b(?:index|indices|count|number|start|begin)\w*\s+(?:at|from|with)\s+(?:{words})\b(?![.,]\d)",
        re.IGNORECASE,
    )
    for first, words in {"1": "1|one", "0": "0|zero"}.items()
}
_OF_NO_VOXELS = re.compile(r"\b(?:ids?|class\w*|frames?|labels?|views?|tilts?|rows?|lines?)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Frame:
    """How comments say that numbers are counted.

    Attributes
    ----------
    order : str
        Order of the axes, `xyz` or another; nothing where they do not say.
    line : int
        Where it stands.
    from_one : str
        Where they say that the first voxel is 1, and in which words; else nothing.
    """

    order: str = ""
    line: int = 0
    from_one: str = ""

    @property
    def axes(self) -> tuple[int, ...]:
        """Columns of x, y, z."""
        return tuple(map((self.order or "xyz").index, "xyz"))


def frame_stated_in(path: Path, comments: Sequence[tuple[int, str]], named: tuple[int, str]) -> Frame:
    """Find what comments state of the axes of the numbers below them.

    What a comment says of something else, as of the shape of a volume, does not count; of that there is a warning.

    Parameters
    ----------
    path : Path
        The file, for messages.
    comments : sequence of tuple
        Line number and text of each, without its mark.
    named : tuple of int and str
        Line that names the columns and the order of x, y, z in it, which counts; 0 and nothing where none does.

    Raises
    ------
    InputError
        If they state two orders, two numbers of the first voxel, or that numbers count from the middle.
    """
    _refuse_middle(path, comments)
    from_one = _from_one(path, comments)
    if not named[1]:
        return Frame(*_order(path, comments), from_one)
    for line, text in comments:
        others = [] if line == named[0] or _OF_ELSE.search(text) else [one for one in _orders(text) if one != named[1]]
        for order in others:
            log.warning(
                "%s, line %d: says %s, but the names of its columns %s, which counts; correct the wrong one",
                *(path, line, " ".join(order), " ".join(named[1])),
            )
    return Frame(from_one=from_one)


def _orders(text: str) -> list[str]:
    """Orders of the axes that a comment names."""
    return list(dict.fromkeys("".join(match.groups()).lower() for match in _ORDER.finditer(text)))


def _refuse_middle(path: Path, comments: Sequence[tuple[int, str]]) -> None:
    """Raise `InputError` where comments say that numbers count from the middle of the tomogram."""
    for line, text in comments:
        found = _FROM_MIDDLE.search(text)
        if found and "corner" not in text.lower():
            raise InputError(
                f"{path}, line {line}: {found[0].strip()[:60]!r} says that x y z count from the middle; add half the "
                "tomogram's edges and leave it out, or give rlnCenteredCoordinateXAngst, Y and Z in a STAR file"
            )


def _order(path: Path, comments: Sequence[tuple[int, str]]) -> tuple[str, int]:
    """Order of the axes and the line that states it; nothing and 0 where none does."""
    orders: dict[str, int] = {}
    doubtful = []
    for line, text in comments:
        found = _orders(text)
        if not found and _ROWS.match(text):
            doubtful.append((line, "zyx", text))
        if found and _OF_ELSE.search(text):
            doubtful += [(line, order, text) for order in found if order != "xyz"]
        else:
            orders |= {order: line for order in found if order not in orders}
    if len(orders) > 1:
        told = " and ".join(f"{' '.join(one)} (line {line})" for one, line in orders.items())
        raise InputError(f"{path}: comments give two orders of its numbers, {told}; leave the right one")
    for line, order, text in doubtful if not orders else ():
        log.warning(
            "%s, line %d: %r is not taken for the order of its numbers; write '# %s' if it is, or '# x y z'",
            *(path, line, text.strip()[:60], " ".join(order)),
        )
    return next(iter(orders.items()), ("", 0))


def _from_one(path: Path, comments: Sequence[tuple[int, str]]) -> str:
    """Where comments say that voxels are counted from 1, and in which words."""
    said: dict[str, tuple[int, str]] = {}
    for line, text in comments:
        for first, pattern in _FIRSTS.items():
            if not (match := pattern.search(text)):
                continue
            if not _OF_NO_VOXELS.search(text):
                said.setdefault(first, (line, match[0]))
            elif first == "1":
                log.warning(
                    "%s, line %d: %r is not taken for that of x, y, z; write '# 1-based' if it is",
                    *(path, line, match[0]),
                )
    if len(said) > 1:
        told = " and ".join(f"from {first} (line {line})" for first, (line, _) in said.items())
        raise InputError(f"{path}: comments count voxels {told}; leave the right one")
    return f"line {said['1'][0]}: {said['1'][1]!r}" if "1" in said else ""
