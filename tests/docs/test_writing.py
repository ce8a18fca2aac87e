"""How pages are written: short lines, no diary; what was tried stands in the laboratory book, records in a table."""

import itertools
import re
from pathlib import Path

import pages
import pytest
from test_commands import ours, understood
from test_links import anchors, links

BENCHMARKS = pages.ROOT / "benchmarks"
LOG = BENCHMARKS / "LOG.md"
LEADERBOARD = BENCHMARKS / "LEADERBOARD.md"
USER_PAGES = [pages.ROOT / "README.md", *sorted(pages.DOCS.glob("*.md"))]
SHORT = [*USER_PAGES, pages.ROOT / "CHANGELOG.md", *sorted(BENCHMARKS.glob("*.md"))]
LONGEST = 100
SCREEN = 50
"""Lines that a reader sees before he scrolls."""
DIARY = ("no command repeats", "in vain", "this session", "not measured again", "was not kept", "one run of each")
"""Words of a laboratory book, which tell a user nothing that he could do."""
_ROW = re.compile(r"^\|(?P<cells>.*)\|$", re.M)
_COMMAND = re.compile(r"\[(\w+)\]\(#\w+\)")


def long_lines(text: str) -> list[str]:
    """Lines of more characters than allowed; a comment about a block cannot be broken."""
    return [line for line in text.splitlines() if len(line) > LONGEST and not line.startswith("<!--")]


def diary_words(text: str) -> list[str]:
    """Words of a diary in a page, wherever its lines are broken."""
    plain = " ".join(text.split()).lower()
    return [words for words in DIARY if words in plain]


def records(text: str) -> list[list[str]]:
    """Rows of the leaderboard: what, measure, record, commit, command."""
    rows = [[cell.strip() for cell in match["cells"].split("|")] for match in _ROW.finditer(text)]
    return [row for row in rows if row[-1] != "command" and set("".join(row)) != {"-"}]


def commands(text: str) -> dict[str, str]:
    """Console block below each heading of a command."""
    found = re.findall(r"^### (\w+)\n(.*?)(?=^#|\Z)", text, re.M | re.S)
    return {
        name: block[1] for name, body in found if (block := re.search(r"^```console\n(\$ .*?)^```", body, re.M | re.S))
    }


def faults(text: str) -> list[str]:
    """What is wrong with the rows of a leaderboard."""
    known = commands(text)
    wrong = []
    for row in records(text):
        if len(row) != 5 or not all(row):
            wrong.append(f"{row}: five cells are needed")
            continue
        name = _COMMAND.fullmatch(row[4])
        if not re.fullmatch(r"[0-9a-f]{7,40}", row[3]):
            wrong.append(f"{row}: {row[3]!r} is no commit")
        if name is None or name[1] not in known:
            wrong.append(f"{row}: {row[4]!r} is no command below")
    return wrong


@pytest.mark.parametrize("page", SHORT, ids=pages.name_of)
def test_lines_are_short(page: Path) -> None:
    assert long_lines(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", USER_PAGES, ids=pages.name_of)
def test_user_pages_are_no_diary(page: Path) -> None:
    assert diary_words(page.read_text(encoding="utf-8")) == [], "benchmarks/LOG.md is the place"


@pytest.mark.parametrize("page", [pages.ROOT / "README.md", pages.DOCS / "index.md"], ids=pages.name_of)
def test_what_comes_before_the_first_link_fits_a_screen(page: Path) -> None:
    before = re.split(r"(?<!!)\[[^\]]*\]\(", page.read_text(encoding="utf-8"))[0]
    assert before.count("\n") < SCREEN
    assert "$ isonet refine" in before
    assert "$ isonet predict" in before


def test_every_record_has_its_commit_and_its_command() -> None:
    text = LEADERBOARD.read_text(encoding="utf-8")
    assert faults(text) == []
    names = [(row[0], row[1]) for row in records(text)]
    assert len(names) > 50
    assert len(names) == len(set(names)), "one row for each sample and measure"
    assert {row[4][1:].partition("]")[0] for row in records(text)} == set(commands(text))


def test_commands_of_the_leaderboard_can_be_typed() -> None:
    targets = set(re.findall(r"^(\w+):", (pages.ROOT / "Makefile").read_text(), re.M))
    for block in pages.blocks(LEADERBOARD, "console"):
        for words in ours(block):
            understood(words)
        for words in block.commands:
            if words[0] == "make":
                assert set(words[1:]) <= targets, block.place
            if words[0] == "python":
                script = pages.ROOT / words[1]
                assert script.exists(), block.place
                text = "".join(path.read_text(encoding="utf-8") for path in script.parent.glob("*.py"))
                flags = [word for word in itertools.takewhile(lambda word: word != "--", words) if word[:2] == "--"]
                assert [flag for flag in flags if f'"{flag}"' not in text] == [], block.place


def test_every_entry_of_the_book_asks_and_answers_and_is_in_its_contents() -> None:
    text = LOG.read_text(encoding="utf-8")
    entries = re.findall(r"^### ([^\n]*)\n(.*?)(?=^##|\Z)", text, re.M | re.S)
    assert len(entries) > 30
    assert [title for title, body in entries if "**Question.**" not in body or "**Verdict" not in body] == []
    contents = text.partition("## Contents\n")[2].partition("\n## ")[0]
    assert re.findall(r"\[([^\]]+)\]\(#", contents) == [title for title, _ in entries]


@pytest.mark.parametrize("page", sorted(BENCHMARKS.glob("*.md")), ids=pages.name_of)
def test_links_of_the_benchmarks_lead_somewhere(page: Path) -> None:
    for target in links(page):
        file, _, anchor = target.partition("#")
        path = (page.parent / file) if file else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def test_what_is_wrong_is_found() -> None:
    assert long_lines("x" * 101 + "\n" + "x" * 100) == ["x" * 101]
    assert diary_words("It was tried in\nvain.") == ["in vain"]
    head = "| what | measure | record | commit | command |\n|---|---|---|---|---|\n"
    foot = "\n### Q1\n\n```console\n$ make demo\n```\n\n### Q2\n\nNothing.\n"
    assert faults(f"{head}| a | b | 1 | 0123abc | [Q1](#q1) |\n{foot}") == []
    assert len(faults(f"{head}| a | b | 1 | soon | [Q1](#q1) |\n{foot}")) == 1
    assert len(faults(f"{head}| a | b | 1 | 0123abc | [Q2](#q2) |\n{foot}")) == 1
    assert len(faults(f"{head}| a | b | 1 | 0123abc | |\n{foot}")) == 1
