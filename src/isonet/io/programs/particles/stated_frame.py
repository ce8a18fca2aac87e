"""What comments above numbers state of their axes: the order of x, y, z, the number of the first voxel, the origin."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from isonet.errors import InputError

log = logging.getLogger("isonet")
_BETWEEN = r"(?:_\w*|[ ]?[\[(]\w+[\])])?(?:[\s,;/|>-]|\b(?:and|then)\b)*"  # perhaps with a unit behind the axis
_ORDER = re.compile(
    rf"(?<![^\W_])([xyz]){_BETWEEN}(?!\1)([xyz]){_BETWEEN}(?!\1|\2)([xyz])(?![^\W_])",
    re.IGNORECASE,
)
_OF_ELSE = re.compile(
    r"shape|size|dimension|\bdims?\b|spacing|\bbox|euler|angle|rotat|orient|vector|normal|stor(?:ed|age)|shift|offset",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Frame:
    """How comments say that numbers are counted.

    Attributes
    ----------
    order : str
        Order of the axes, `xyz` or another; nothing where they do not say.
    line : int
        Where it stands.
    """

    order: str = ""
    line: int = 0

    @property
    def axes(self) -> tuple[int, ...]:
        """Columns of x, y, z."""
        return tuple(map((self.order or "xyz").index, "xyz"))


def frame_stated_in(path: Path, comments: Sequence[tuple[int, str]]) -> Frame:
    """Find what comments state of the axes of the numbers below them.

    An order counts unless the comment is about something else, as the shape of a volume; of that there is a warning.

    Parameters
    ----------
    path : Path
        The file, for messages.
    comments : sequence of tuple
        Line number and text of each, without its mark.

    Raises
    ------
    InputError
        If they state two orders.
    """
    orders: dict[str, int] = {}
    doubtful = []
    for line, text in comments:
        found = dict.fromkeys("".join(match.groups()).lower() for match in _ORDER.finditer(text))
        if found and _OF_ELSE.search(text):
            doubtful += [(line, order, text) for order in found if order != "xyz"]
        else:
            orders |= {order: line for order in found if order not in orders}
    _refuse_two(path, "orders", orders)
    for line, order, text in doubtful if not orders else ():
        log.warning(
            "%s, line %d: %r is not taken for the order of its numbers; write '# %s' if it is, or '# x y z'",
            *(path, line, text.strip()[:60], " ".join(order)),
        )
    order = next(iter(orders), "")
    return Frame(order, orders.get(order, 0))


def _refuse_two(path: Path, what: str, found: Mapping[str, int]) -> None:
    """Raise `InputError` where comments state two things."""
    if len(found) > 1:
        told = " and ".join(f"{' '.join(one)} (line {line})" for one, line in found.items())
        raise InputError(f"{path}: comments give two {what} of its numbers, {told}; leave the right one")
