"""The viewer by mouse and by keys: one cursor, zoom, brightness, before and after, and what lies over the slices."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from at_work import Interface, blobs, start, stop, write
from chromium import quiet_page, visit
from playwright.sync_api import Browser, Page, expect

from isonet.io import star

SHAPE = (24, 48, 64)


@pytest.fixture(scope="module")
def interface(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interface]:
    """An interface on one tomogram with its corrected one, its mask and its confidence."""
    project = tmp_path_factory.mktemp("viewer") / "project"
    row = {"rlnIndex": "1", "rlnPixelSize": "10", "rlnTiltMin": "-60", "rlnTiltMax": "60"}
    for column, name in {"TomoName": "a.mrc", "CorrectedTomoName": "a_corrected.mrc", "MaskName": "a_mask.mrc"}.items():
        row[f"rln{column}"] = name
        write(project / name, (blobs(SHAPE) > -0.5).astype(np.int8) if column == "MaskName" else blobs(SHAPE))
    write(project / "validation/confidence.mrc", blobs(SHAPE))
    star.write_table(project / "tomograms.star", [row])
    made = start(project)
    yield made
    stop(made)


@pytest.fixture(scope="module")
def page(browser: Browser, interface: Interface) -> Iterator[Page]:
    with quiet_page(browser, interface) as made:
        yield made


@pytest.fixture
def viewer(page: Page, interface: Interface) -> Page:
    """The viewer at rest, as it is opened."""
    visit(page, interface, "/viewer")
    expect(page.locator("img.slice:visible")).to_have_count(3)
    rest(page)
    return page


def rest(page: Page) -> None:
    """Wait until exact pictures of what is looked at are there."""
    page.wait_for_function(
        "!isonetViewer.moving && isonetViewer.panes.every("
        "pane => pane.url === pane.address(pane.shown, false).url && pane.slice.complete)"
    )


def place(page: Page) -> list[int]:
    found: list[int] = page.evaluate("isonetViewer.place")
    return found


def asked(page: Page, plane: str, kind: str = "slice") -> dict[str, str]:
    """What the picture of a plane was asked for with."""
    address = page.locator(f"[data-plane={plane}] img.{kind}").get_attribute("src")
    assert address is not None
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def box(page: Page, plane: str, inside: str = "") -> dict[str, Any]:
    found = page.locator(f"[data-plane={plane}] {inside}".strip()).bounding_box()
    assert found is not None
    return dict(found)


def middle(page: Page, plane: str) -> tuple[float, float]:
    found = box(page, plane)
    return found["x"] + found["width"] / 2, found["y"] + found["height"] / 2


def test_three_planes_are_opened_at_one_scale_with_a_low_pass_for_the_raw_one(viewer: Page) -> None:
    depth, height, width = SHAPE
    scale = box(viewer, "xy", "img.slice")["width"] / width
    for plane, edges in {"xy": (width, height), "xz": (width, depth), "yz": (height, depth)}.items():
        drawn = box(viewer, plane, "img.slice")
        assert (drawn["width"], drawn["height"]) == pytest.approx([scale * edge for edge in edges], abs=0.5)
        assert asked(viewer, plane)["path"].endswith("a_corrected.mrc")
        assert asked(viewer, plane)["lowpass"] == "0"
    assert place(viewer) == [12, 24, 32]
    viewer.keyboard.press("1")
    expect(viewer.locator("[data-testid=pane-Tomogram] img.slice:visible")).to_have_count(1)
    raw, corrected = (viewer.locator(f"[data-testid=pane-{title}] img.slice") for title in ("Tomogram", "Corrected"))
    assert "&lowpass=50&" in (raw.get_attribute("src") or "")
    assert "&lowpass=0&" in (corrected.get_attribute("src") or "")
    viewer.keyboard.press("4")
    expect(viewer.locator("img.slice:visible")).to_have_count(3)


def test_a_click_sets_the_cursor_of_all_planes(viewer: Page) -> None:
    drawn = box(viewer, "xy", "img.slice")
    viewer.mouse.click(drawn["x"] + drawn["width"] * 50.5 / 64, drawn["y"] + drawn["height"] * (1 - 10.5 / 48))
    assert place(viewer) == [12, 10, 50]
    rest(viewer)
    assert (asked(viewer, "xz")["index"], asked(viewer, "yz")["index"], asked(viewer, "xy")["index"]) == (
        "10",
        "50",
        "12",
    )
    line = box(viewer, "xz", ".along")
    drawn = box(viewer, "xz", "img.slice")
    assert line["x"] == pytest.approx(drawn["x"] + drawn["width"] * 50.5 / 64, abs=1.5)
    viewer.locator("[data-plane=yz]").hover()
    viewer.mouse.wheel(0, 100)
    assert place(viewer)[2] == 49
    viewer.keyboard.press("PageUp")
    assert place(viewer)[2] == 59
    viewer.get_by_test_id("section").fill("3")
    assert place(viewer)[2] == 3
    expect(viewer.get_by_test_id("place")).to_have_text("x 3 of 64")


def test_moving_asks_for_small_pictures_and_rest_for_exact_ones(viewer: Page) -> None:
    seen: list[str] = []
    viewer.on("request", lambda request: seen.append(request.url))
    viewer.locator("[data-plane=xy]").hover()
    for _ in range(6):
        viewer.keyboard.press("ArrowUp")
    rest(viewer)
    of_corrected = [url for url in seen if "plane=xy" in url and "a_corrected" in url]
    assert ["quality=35" in url for url in of_corrected].count(True) >= 1
    assert "quality=0" in of_corrected[-1]
    assert "index=18" in of_corrected[-1]
    assert all(("size=512" in url) == ("quality=35" in url) for url in of_corrected)


def test_one_zooms_and_moves_in_all_planes_alike(viewer: Page) -> None:
    before = box(viewer, "xy", "img.slice")
    bar = box(viewer, "xy", ".scalebar")
    assert viewer.locator("[data-plane=xy] .scalebar").inner_text() == "10 nm"
    assert bar["width"] == pytest.approx(before["width"] * 10 / 64, abs=3.5)  # 10 voxels of 1 nm
    x, y = middle(viewer, "xy")
    viewer.mouse.move(x, y)
    viewer.keyboard.down("Control")
    viewer.mouse.wheel(0, -200)
    viewer.keyboard.up("Control")
    zoomed = box(viewer, "xy", "img.slice")
    factor = zoomed["width"] / before["width"]
    assert factor == pytest.approx(1.948, rel=0.01)
    assert box(viewer, "xz", "img.slice")["width"] == pytest.approx(zoomed["width"], rel=0.01)
    assert place(viewer) == [12, 24, 32]
    viewer.mouse.down()
    viewer.mouse.move(x + 60, y + 30, steps=4)
    viewer.mouse.up()
    moved = box(viewer, "xy", "img.slice")
    assert (moved["x"] - zoomed["x"], moved["y"] - zoomed["y"]) == pytest.approx((60, 30), abs=1)
    assert place(viewer) == [12, 24, 32]  # dragging sets no cursor
    viewer.get_by_test_id("fit").click()
    viewer.wait_for_function("isonetViewer.zoom === 1")
    assert box(viewer, "xy", "img.slice") == pytest.approx(before)
    viewer.keyboard.press("+")
    viewer.keyboard.press("-")
    assert box(viewer, "xy", "img.slice") == pytest.approx(before)


def test_brightness_and_contrast_are_dragged(viewer: Page) -> None:
    x, y = middle(viewer, "xz")
    viewer.mouse.move(x, y)
    viewer.mouse.down(button="right")
    viewer.mouse.move(x + 100, y - 40, steps=4)
    viewer.mouse.up(button="right")
    for plane in ("xy", "xz", "yz"):
        assert viewer.locator(f"[data-plane={plane}] img.slice").evaluate("one => one.style.filter") == (
            "brightness(1.2) contrast(1.5)"
        )
    viewer.keyboard.press("0")
    assert (
        viewer.locator("[data-plane=xy] img.slice").evaluate("one => one.style.filter") == "brightness(1) contrast(1)"
    )


def test_before_is_seen_while_a_key_is_held(viewer: Page) -> None:
    viewer.keyboard.down("b")
    expect(viewer.locator("[data-plane=xy] .caption")).to_have_text("Tomogram, XY")
    viewer.wait_for_function(
        "document.querySelector('[data-plane=xy] img.slice').src.includes('path=%2F') && "
        "!document.querySelector('[data-plane=xy] img.slice').src.includes('corrected')"
    )
    viewer.keyboard.up("b")
    expect(viewer.locator("[data-plane=xy] .caption")).to_have_text("Corrected, XY")
    viewer.wait_for_function("document.querySelector('[data-plane=xy] img.slice').src.includes('corrected')")


def test_the_mask_and_the_confidence_lie_over_the_slices(viewer: Page, interface: Interface) -> None:
    viewer.get_by_test_id("mask").click()
    for plane in ("xy", "xz", "yz"):
        expect(viewer.locator(f"[data-plane={plane}] img.mask")).to_be_visible()
        assert box(viewer, plane, "img.mask") == pytest.approx(box(viewer, plane, "img.slice"), abs=0.5)
    assert asked(viewer, "xz", "mask")["index"] == "24"
    visit(viewer, interface, "/viewer?confidence=40")
    expect(viewer.locator("img.confidence:visible")).to_have_count(3)
    expect(viewer.locator("[data-plane=yz] img.confidence")).to_have_css("opacity", "0.4")


def test_keys_of_fields_are_theirs(viewer: Page) -> None:
    viewer.get_by_test_id("slab").press("ArrowUp")
    viewer.get_by_test_id("slab").press("b")
    assert place(viewer) == [12, 24, 32]
    expect(viewer.locator("[data-plane=xy] .caption")).to_have_text("Corrected, XY")
    viewer.wait_for_function("document.querySelector('[data-plane=xy] img.slice').src.includes('slab=4')")
