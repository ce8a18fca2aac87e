"""What the tests of the browser interface share."""

from collections.abc import Iterator

import pytest
from at_work import Interface, blobs, start, stop, write
from chromium import executable
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="module")
def interface(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interface]:
    """An interface on a folder that holds `tomograms/small.mrc` and no table yet."""
    project = tmp_path_factory.mktemp("gui") / "project"
    write(project / "tomograms" / "small.mrc", blobs())
    made = start(project)
    yield made
    stop(made)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    path = executable()
    with sync_playwright() as playwright:
        # no graphics card here, and one made of software takes a tenth of the tests' time
        made = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-software-rasterizer"]
        )
        yield made
        made.close()
