"""Pages of the documentation as their tests read them: blocks of code in order, and how each is to be run.

A comment in the line above a block says where it is not run as it stands::

    <!-- not run: needs a GPU -->                 its options are still checked against the command line
    <!-- begins anew: another program -->         it is typed in a new folder
    <!-- tested with: epochs=10 -> epochs=1 -->   Python with pieces of its text replaced, separated by semicolons
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
_BLOCK = re.compile(r"(?:^<!-- (?P<note>[^\n]*?) -->\n)?^```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^```$", re.M | re.S)
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    note: str

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def not_run(self) -> str | None:
        """Why the block is not run; None if it is."""
        kind, _, reason = self.note.partition(": ")
        return reason if kind == "not run" else None

    @property
    def begins_anew(self) -> bool:
        """Whether it is another project than what the page did before."""
        return self.note.partition(": ")[0] == "begins anew"

    @property
    def commands(self) -> list[list[str]]:
        """Words of the commands typed in a console block, without comments."""
        joined = self.text.replace("\\\n", " ")
        lines = [line[2:] for line in joined.splitlines() if line.startswith("$ ")]
        typed = [re.sub(r"^(\w+=\S+ )+", "", line) for line in lines]  # variables of the environment
        return [words for line in typed if (words := shlex.split(line, comments=True))]

    @property
    def code(self) -> str:
        """Python as it is tested."""
        kind, _, pairs = self.note.partition(": ")
        code = self.text
        for pair in pairs.split("; ") if kind == "tested with" else []:
            written, _, tested = pair.partition(" -> ")
            assert written in code, f"{self.place}: {written!r} is not in the block"
            code = code.replace(written, tested)
        return code


def blocks(page: Path, language: str) -> list[Block]:
    """Blocks of one language in a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, match.start()) + 1, language, match["text"], match["note"] or "")
        for match in _BLOCK.finditer(text)
        if match["language"] == language
    ]


def name_of(page: Path) -> str:
    """Name of a page in the report of the tests."""
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """Text of a page without code."""
    return _CODE.sub("", page.read_text(encoding="utf-8"))
