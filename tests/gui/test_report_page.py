"""The page of a report as a browser shows it: without a network, without a complaint, by mouse and by keyboard."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from at_work import blobs, write
from playwright.sync_api import Browser, Page

from isonet.config import ReportConfig
from isonet.io import star
from isonet.steps.report import report

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Report of a tomogram of a hostile name."""
    folder = tmp_path_factory.mktemp("report")
    write(folder / f"{HOSTILE}.mrc", blobs())
    write(folder / "corrected.mrc", blobs()[::-1].copy())
    row = {"rlnTomoName": f"{HOSTILE}.mrc", "rlnCorrectedTomoName": "corrected.mrc", "rlnTiltMin": "-60"}
    star.write_table(folder / "tomograms.star", [{"rlnIndex": "1", **row, "rlnTiltMax": "50"}])
    return report(folder, ReportConfig())


@pytest.fixture(scope="module", params=["light", "dark"])
def page(made: Path, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A browser without a network, in which every complaint and every request to elsewhere fails the test."""
    look = {"color_scheme": request.param, "reduced_motion": "reduce"}  # what scrolls is there at once
    context = browser.new_context(viewport={"width": 1280, "height": 800}, **look)
    context.set_offline(True)
    shown = context.new_page()
    complaints: list[str] = []
    shown.on("console", lambda message: complaints.append(message.text))
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("dialog", lambda dialog: complaints.append(dialog.message))
    allowed = ("data:", made.as_uri())
    shown.on("request", lambda asked: None if asked.url.startswith(allowed) else complaints.append(asked.url))
    shown.goto(made.as_uri())
    yield shown
    context.close()
    assert complaints == []


def test_every_picture_is_in_the_file(page: Page) -> None:
    assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0 && one.alt)")
    assert page.evaluate("document.images.length") >= 10


def test_numbers_are_those_of_the_json_file(page: Page, made: Path) -> None:
    numbers = json.loads(made.with_suffix(".json").read_text())
    shown = page.evaluate("[...document.querySelectorAll('data')].map(one => [one.dataset.key, one.value])")
    assert len(shown) >= 6
    for place, value in shown:
        found = numbers
        for part in place.split("."):
            found = found[int(part)] if isinstance(found, list) else found[part]
        assert float(value) == pytest.approx(found), place


def test_the_slider_moves_by_keys_and_by_dragging(page: Page) -> None:
    slider = page.locator("input[type=range]").first
    after = page.locator(".pair img.after").first
    slider.focus()
    page.keyboard.press("Home")
    assert "0%" in after.evaluate("one => getComputedStyle(one).clipPath")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert slider.input_value() == "3"
    assert slider.get_attribute("aria-valuetext") == "3 % before, 97 % after"
    assert "3%" in after.evaluate("one => getComputedStyle(one).clipPath")
    pair = page.locator("[data-pair]").first
    pair.evaluate("one => one.scrollIntoView({block: 'center'})")
    box = pair.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 20)
    page.mouse.up()
    assert 74 <= int(slider.input_value()) <= 76


def test_names_are_text(page: Page, made: Path) -> None:
    names = [one["name"] for one in json.loads(made.with_suffix(".json").read_text())["tomograms"]]
    assert page.locator(".tomogram h3").all_inner_texts() == names


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_nothing_sticks_out(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1280, "height": 800})


def test_all_that_can_be_used_can_be_reached_by_tab(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
    assert any("range" in one for one in reached)
    assert any("<summary" in one for one in reached)
    assert any('class="copy"' in one for one in reached)
