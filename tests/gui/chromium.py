"""Chromium without a window: where it is, and pages in which every complaint fails the test."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
from at_work import Interface
from playwright.sync_api import Browser, Page, expect

from isonet.gui.jobs.queue import Jobs

PATIENCE = 180_000
REQUIRED = "ISONET_REQUIRE_BROWSER"
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable(environment: Mapping[str, str] = os.environ, which: Callable[[str], str | None] = shutil.which) -> str:
    """Find Chromium; without it skip the test, or fail it where ISONET_REQUIRE_BROWSER is set (as the gate does)."""
    found = next((path for name in _NAMES if (path := which(name)) is not None), None)
    if found is not None:
        return found
    remedy = "no Chromium here: apt-get install chromium"
    if environment.get(REQUIRED, "") not in ("", "0"):
        pytest.fail(f"{remedy}; {REQUIRED} is set", pytrace=False)
    pytest.skip(remedy)


def open_page(browser: Browser, interface: Interface, complaints: list[str]) -> Page:
    """Open a page that notes every complaint of the browser, and every request to elsewhere."""
    made = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    made.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    made.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: complaints.append(str(error)))
    own = (interface.address, interface.address.replace("http", "ws"), "data:", "blob:")
    made.on("request", lambda asked: None if asked.url.startswith(own) else complaints.append(asked.url))
    made.goto(f"{interface.address}/?token={interface.token}")
    return made


@contextmanager
def quiet_page(browser: Browser, interface: Interface) -> Iterator[Page]:
    """Yield a page, and insist at the end that nobody complained."""
    complaints: list[str] = []
    made = open_page(browser, interface, complaints)
    yield made
    made.context.close()
    assert complaints == []
    assert "Traceback" not in interface.complaints


def visit(page: Page, interface: Interface, place: str) -> None:
    """Open a page of the interface and wait until it can be used."""
    page.goto(interface.address + place)
    ready(page)


def ready(page: Page) -> None:
    """Wait until a page can be used: what is typed before it is connected is lost."""
    page.get_by_test_id("folder").wait_for()
    page.wait_for_function("window.did_handshake === true")


def expect_state(page: Page, interface: Interface, state: str) -> None:
    """Wait until the job of a page is in a state, and show what it said if it never is."""
    try:
        expect(page.get_by_test_id("state")).to_have_text(state)
    except AssertionError as error:
        raise AssertionError(Jobs(interface.project).log(page.url.rpartition("=")[2])) from error
