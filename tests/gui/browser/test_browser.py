"""From an empty folder to a corrected tomogram by clicks, in Chromium without a window."""

import json
import signal
from collections.abc import Iterator

import pytest
from at_work import Interface, start, stop, wait_for
from chromium import expect_state, quiet_page, ready, visit
from playwright.sync_api import Browser, Page, expect

from isonet.gui.jobs.queue import Jobs
from isonet.io import star
from isonet.io.polygons import read_polygons

TINY = {
    "cube_size": "16",
    "crop_size": "24",
    "iterations": "300",
    "epochs": "2",
    "steps_per_epoch": "2",
    "batch_size": "2",
    "number_subtomos": "3",
    "filter_base": "4",
    "unet_depth": "2",
    "convs_per_depth": "2",
    "device": "cpu",
}


@pytest.fixture(scope="module")
def page(browser: Browser, interface: Interface) -> Iterator[Page]:
    """A page in which every complaint of the browser, and every request to elsewhere, fails the test."""
    with quiet_page(browser, interface) as made:
        yield made


def fill(page: Page, interface: Interface, step: str, options: dict[str, str]) -> None:
    """Fill in a form."""
    visit(page, interface, f"/step/{step}")
    page.get_by_text("More options").click()
    for name, text in options.items():
        page.get_by_test_id(f"option-{name}").fill(text)


def finish(page: Page, interface: Interface) -> None:
    """Run the form, and wait for the job to finish."""
    page.get_by_test_id("run").click()
    expect_state(page, interface, "finished")


def row(interface: Interface) -> dict[str, str]:
    return star.read_table(interface.project / "tomograms.star", ["rlnTomoName", "rlnMicrographName"])[0]


def test_an_empty_folder_says_what_to_do(page: Page, interface: Interface) -> None:
    expect(page.get_by_text("No tomograms yet")).to_be_visible()
    assert "token" not in page.url
    for place in ("/viewer", "/masks", "/jobs", "/validation"):
        visit(page, interface, place)
        expect(page.locator(".empty")).to_be_visible()


def test_tomograms_are_added_and_a_failing_job_shows_its_error(page: Page, interface: Interface) -> None:
    visit(page, interface, "/")
    page.get_by_test_id("add-folder").fill("tomograms")
    page.get_by_test_id("add").click()
    expect(page.get_by_test_id("pair-0")).to_contain_text("one map")
    page.get_by_test_id("go-on").click()
    expect(page.get_by_test_id("command")).to_have_text("isonet prepare tomograms")
    ready(page)
    page.get_by_test_id("argument-tomograms").fill("nothing here")
    expect(page.get_by_test_id("command")).to_have_text("isonet prepare nothing here")
    page.get_by_test_id("run").click()
    expect(page.get_by_test_id("job-problem")).to_contain_text("exit code 2: isonet: nothing: no such")
    page.get_by_test_id("next").click()
    expect(page.get_by_test_id("argument-tomograms")).to_have_value("nothing here")
    ready(page)
    page.get_by_test_id("argument-tomograms").fill("tomograms")
    page.get_by_test_id("option-tilt_max").fill("-70")
    expect(page.get_by_test_id("form-problem")).to_contain_text("must be smaller")
    expect(page.get_by_test_id("run")).to_be_disabled()
    page.get_by_test_id("option-tilt_max").fill("60")
    expect(page.get_by_test_id("command")).to_have_text("isonet prepare tomograms --tilt-max=60")
    finish(page, interface)
    expect(page.get_by_test_id("next")).to_contain_text("Make masks")
    visit(page, interface, "/")
    expect(page.get_by_role("heading", name="1 tomogram")).to_be_visible()
    expect(page.get_by_test_id("stage-mask")).to_contain_text("next")


def test_a_cell_is_edited_and_a_wrong_value_is_marked(page: Page, interface: Interface) -> None:
    visit(page, interface, "/")
    cell = page.get_by_test_id("cell-rlnNumberSubtomo-1")
    cell.fill("none")
    expect(page.get_by_text("a whole number from 1")).to_be_visible()
    cell.press("Enter")
    assert row(interface)["rlnNumberSubtomo"] == "300"
    cell.fill("40")
    cell.press("Enter")
    wait_for(lambda: row(interface)["rlnNumberSubtomo"] == "40")


def test_a_polygon_is_drawn_and_the_mask_is_made_with_it(page: Page, interface: Interface) -> None:
    visit(page, interface, "/masks")
    canvas = page.get_by_test_id("canvas").locator("img")
    canvas.wait_for()
    page.wait_for_function("document.querySelector('[data-testid=canvas] img').naturalWidth > 0")
    for right, down in ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.3, 0.6)):
        box = canvas.bounding_box()
        assert box is not None
        canvas.click(position={"x": right * box["width"], "y": down * box["height"]}, force=True)
        page.wait_for_timeout(300)
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.6 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.9 * box["height"], steps=4)
    page.mouse.up()
    page.get_by_text("Show its outline").click()
    page.get_by_test_id("save").click()
    wait_for(lambda: row(interface).get("rlnMaskBoundary") == "polygons/small.json")
    (polygon,) = read_polygons(interface.project / "polygons/small.json")
    expected = ((6.4, 57.6), (57.6, 57.6), (57.6, 6.4), (6.4, 6.4))  # y upwards
    for drawn, wanted in zip(polygon.points, expected, strict=True):
        assert abs(drawn[0] - wanted[0]) < 1
        assert abs(drawn[1] - wanted[1]) < 1
    assert (interface.project / "polygons/small.mod").exists()
    page.get_by_test_id("to-mask").click()
    expect(page.get_by_test_id("command")).to_contain_text("isonet mask tomograms.star --density-percentage=50")
    finish(page, interface)
    assert row(interface)["rlnMaskName"] == "mask/small_mask.mrc"


def test_refine_is_watched_and_survives_the_browser_and_the_interface(page: Page, interface: Interface) -> None:
    fill(page, interface, "refine", TINY)
    page.get_by_test_id("run").click()
    expect_state(page, interface, "running")
    number = page.url.rpartition("=")[2]
    page.goto("about:blank")  # as if the tab were closed
    second = start(interface.project)  # as if the interface were started again
    stop(second, signal.SIGKILL)
    assert Jobs(interface.project).get(number).state == "running"
    metrics = interface.project / "results/metrics.jsonl"
    wait_for(lambda: metrics.exists() and metrics.read_text().count("wedge_balance") >= 2)
    visit(page, interface, f"/jobs?number={number}")
    expect_state(page, interface, "running")
    expect(page.get_by_test_id("curves").locator("canvas")).to_be_visible()
    expect(page.get_by_test_id("gallery").locator("img").first).to_be_visible()
    page.get_by_test_id("stop").click()
    expect_state(page, interface, "stopped")


def test_a_stopped_training_goes_on_where_it_was(page: Page, interface: Interface) -> None:
    trained = (interface.project / "results/metrics.jsonl").read_text()
    page.get_by_test_id("continue").click()
    expect(page.get_by_text("isonet refine --continue-from=results")).to_be_visible()
    expect_state(page, interface, "running")
    metrics = interface.project / "results/metrics.jsonl"
    wait_for(lambda: metrics.read_text().count("wedge_balance") > trained.count("wedge_balance"))
    assert metrics.read_text().splitlines()[0] == trained.splitlines()[0]
    page.get_by_test_id("stop").click()
    expect_state(page, interface, "stopped")


def test_the_tomogram_is_corrected_and_looked_at(page: Page, interface: Interface) -> None:
    visit(page, interface, "/step/predict")
    expect(page.get_by_test_id("argument-model")).to_have_value("results/model.safetensors")
    finish(page, interface)
    visit(page, interface, "/viewer")
    sources = "[...document.querySelectorAll('[data-testid^=pane-] img.slice')].map(image => image.src)"
    expect(page.locator("[data-testid=pane-Corrected] img.slice:visible")).to_have_count(3)
    assert all("small_corrected.mrc" in source for source in page.evaluate(sources))
    page.get_by_test_id("mask").click()
    expect(page.locator("[data-testid=pane-Corrected] img.mask:visible")).to_have_count(3)
    page.keyboard.press("1")
    expect(page.locator("[data-testid^=pane-] img.slice:visible")).to_have_count(2)
    assert page.evaluate(sources)[1].find("small_corrected.mrc") > 0
    expect(page.get_by_test_id("place")).to_have_text("z 16 of 32")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("place")).to_have_text("z 17 of 32")
    page.get_by_test_id("pane-Tomogram").hover()
    page.mouse.wheel(0, -100)
    expect(page.get_by_test_id("place")).to_have_text("z 18 of 32")
    page.keyboard.press("2")
    expect(page.get_by_test_id("place")).to_have_text("y 32 of 64")
    page.wait_for_function(f"{sources}.length === 2 && {sources}.every(source => source.includes('plane=xz'))")


def test_the_correction_is_validated_and_reported(page: Page, interface: Interface) -> None:
    fill(page, interface, "validate", {**TINY, "iterations": "1", "epochs": "1", "withhold": "30"})
    finish(page, interface)
    expect(page.get_by_test_id("curves").locator("canvas")).to_be_visible()  # of the training in it
    visit(page, interface, "/validation")
    measured = json.loads((interface.project / "validation/validation.json").read_text())["withheld"]
    expect(page.get_by_test_id("status")).to_have_text(measured["status"])
    expect(page.get_by_test_id("chart").locator("canvas")).to_have_count(2)
    drawn = page.evaluate(
        "getElement(document.querySelector('[data-testid=chart]').id.slice(1)).chart.getOption().series"
    )
    assert any(line["data"][0][1] == measured["curves"]["agreement"][0] for line in drawn)
    visit(page, interface, "/step/report")
    expect(page.get_by_test_id("argument-folder_or_star")).to_have_value("tomograms.star")
    finish(page, interface)
    visit(page, interface, "/")
    for step in ("mask", "predict"):
        expect(page.locator(".q-badge", has_text=step)).to_be_visible()
    with page.context.expect_page() as opened:
        page.get_by_test_id("reports").get_by_role("link").click()
    expect(opened.value.get_by_role("heading", name="small").first).to_be_visible()
    opened.value.close()
    page.get_by_label("Dark theme").click()
    expect(page.locator("body.body--dark")).to_be_visible()
