"""Python that a page shows is run, block after block in one namespace, beside small files of the names it uses."""

from pathlib import Path
from typing import Any

import pages
import pytest

PAGES = [page for page in pages.PAGES if pages.blocks(page, "python")]


@pytest.mark.parametrize("page", PAGES, ids=pages.name_of)
def test_python_of_a_page_works(page: Path, desk: Path) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    for block in pages.blocks(page, "python"):
        if block.not_run is None:
            exec(compile(block.code, block.place, "exec"), names)
