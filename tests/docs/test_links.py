"""Links of the documentation lead somewhere: to a file, and to a heading in it."""

import re
from pathlib import Path

import pages
import pytest
import yaml

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def links(page: Path) -> list[str]:
    """Targets of the links and pictures in a page that are not on the web."""
    return [target for target in _LINK.findall(pages.prose(page)) if not target.startswith(("http:", "https:"))]


def anchors(page: Path) -> set[str]:
    """Names of the headings of a page, as the site makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = [re.sub(r"[^\w\s-]", "", title.lower()).strip() for title in re.findall(r"^#+ (.*)$", text, re.M)]
    return {re.sub(r"[-\s]+", "-", title) for title in titles}


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        file, _, anchor = target.partition("#")
        path = (page.parent / file) if file else page
        assert path.exists(), f"{target}: no such file"
        if anchor:
            assert anchor in anchors(path), f"{target}: {path.name} has {sorted(anchors(path))}"


def test_pages_of_the_site_link_only_within_it() -> None:
    """What lies outside `docs` is not on the site."""
    for page in sorted(pages.DOCS.rglob("*.md")):
        for target in links(page):
            file = target.partition("#")[0]
            assert not file or (page.parent / file).resolve().is_relative_to(pages.DOCS), f"{page}: {target}"


def test_every_page_is_in_the_navigation_once() -> None:
    text = (pages.ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r": ([\w/-]+\.md)$", text, re.M)
    there = [str(page.relative_to(pages.DOCS)) for page in pages.DOCS.rglob("*.md")]
    assert sorted(listed) == sorted(there)
    assert yaml.safe_load(text)["theme"]["font"] is False, "fonts would come from the network"


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title, here\n[one](other.md) and `[code](x)`\n```\n[more](code)\n```\n[two](#a-title-here)\n")
    assert links(page) == ["other.md", "#a-title-here"]
    assert anchors(page) == {"a-title-here"}
