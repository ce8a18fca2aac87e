"""The text of a STAR file taken apart: blocks with their labels and values, every value as text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from isonet.io.text import counted

MISSING = "None"
_NOTHING = ("", "nan", "NaN", "<NA>")
_QUOTED = r""""[^"]*"(?=\s|$)|'[^']*'(?=\s|$)"""
_WORD = re.compile(rf"""(?P<quoted>{_QUOTED})|(?P<comment>\#.*)|(?P<bare>[^\s"']\S*)|(?P<open>\S+)""")


@dataclass
class Block:
    """One table of a STAR file.

    Attributes
    ----------
    name : str
        What follows `data_`.
    columns : list of str
        Labels without their underscore.
    rows : list of list of str
        Values by row; `None` as text where one is missing.
    loop : bool
        False for a block of single values.
    """

    name: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    loop: bool = False

    def dictionaries(self) -> list[dict[str, str]]:
        """Rows as dictionaries from label to value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def parse(text: str) -> list[Block]:
    """Take apart the text of a STAR file, whose lines end in a line feed.

    White space around words, blank lines, comments and the numbers behind labels mean nothing; a line is a row.

    Raises
    ------
    ValueError
        If a row has more or fewer values than the table has labels, a label stands twice, or a quote is not closed.
    """
    blocks: list[Block] = []
    for number, line in enumerate(text.split("\n"), start=1):
        words = _words(number, line)
        bare = bool(words) and line.lstrip()[0] not in "\"'"
        if not words or (not blocks and not words[0].startswith("data_")):
            continue
        if bare and len(words) == 1 and words[0].startswith("data_"):
            blocks.append(Block(words[0][5:]))
        elif bare and len(words) == 1 and words[0].lower() in ("loop_", "stop_"):
            blocks.append(Block(blocks[-1].name, loop=words[0].lower() == "loop_"))
        elif bare and words[0].startswith("_") and not (blocks[-1].rows and _fits(blocks[-1], words)):
            _add_label(blocks, number, words)
        elif blocks[-1].loop:
            _add_row(blocks[-1], number, words)
    return [block for block in blocks if block.columns]


def _words(number: int, line: str) -> list[str]:
    """Words of a line without its comment, and without their quotes."""
    if not any(mark in line for mark in "\"'#"):
        return line.split()
    found = []
    for match in _WORD.finditer(line):
        if match["open"]:
            raise ValueError(f"line {number} has a quote that is not closed")
        if match["comment"]:
            break
        found.append(match[0] if match["bare"] else match[0][1:-1])
    return found


def _fits(block: Block, words: list[str]) -> bool:
    """Tell whether words can be a row of a block."""
    return block.loop and len(words) == len(block.columns)


def _add_label(blocks: list[Block], number: int, words: list[str]) -> None:
    """Take up a label of a loop, or a label and its only value."""
    block = blocks[-1]
    if block.loop and block.rows:
        block = Block(block.name)
        blocks.append(block)
    if words[0][1:] in block.columns:
        raise ValueError(f"line {number} has the label {words[0]} a second time")
    if block.loop:
        block.columns.append(words[0][1:])
        return
    if len(words) > 2:
        raise ValueError(f"line {number} has {len(words) - 1} values for one label")
    block.columns.append(words[0][1:])
    block.rows = [[*(block.rows[0] if block.rows else []), *map(_value, words[1:] or [MISSING])]]


def _add_row(block: Block, number: int, words: list[str]) -> None:
    """Take up a row of a loop."""
    if len(words) != len(block.columns):
        raise ValueError(f"line {number} has {counted(len(words), 'value')} for {counted(len(block.columns), 'label')}")
    block.rows.append([_value(word) for word in words])


def _value(word: str) -> str:
    return MISSING if word in _NOTHING else word


def unique_names(blocks: list[Block]) -> Iterator[tuple[str, Block]]:
    """Iterate over blocks and their names; of blocks with one name the second gets a number behind it."""
    seen: dict[str, int] = {}
    for block in blocks:
        seen[block.name] = seen.get(block.name, 0) + 1
        yield block.name if seen[block.name] == 1 else f"{block.name}_{seen[block.name]}", block
