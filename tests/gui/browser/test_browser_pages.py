"""Pages on a project that has come far: halves to be paired, pictures of a run, a validation over slices."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import validated
from at_work import Interface, blobs, start, stop, write
from chromium import expect_state, quiet_page, visit
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from isonet.gui.jobs.forms import OFFERED
from isonet.gui.jobs.queue import Jobs
from isonet.io import star
from isonet.io.polygons import read_polygons


@pytest.fixture(scope="module")
def interface(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interface]:
    """An interface on a project with a table, halves that do not all pair, a run that was stopped, and a validation."""
    project = tmp_path_factory.mktemp("pages") / "project"
    write(project / "tomograms/small.mrc", blobs())
    for name in ("even/grid1", "even/grid2", "odd/grid1", "odd/grid3"):
        write(project / "halves" / f"{name}.mrc", blobs((8, 16, 16)))
    row = {"rlnIndex": "1", "rlnTomoName": "tomograms/small.mrc", "rlnPixelSize": "10", "rlnTiltMin": "-60"}
    star.write_table(project / "tomograms.star", [{**row, "rlnTiltMax": "60"}])
    validated.make(project / "validation")
    _run(project)
    made = start(project)
    yield made
    stop(made)


def _run(project: Path) -> None:
    """A run of refine whose time was over after three iterations."""
    folder = project / "results"
    (folder / "previews").mkdir(parents=True)
    for number in (1, 2, 3):
        path = folder / f"previews/iter{number:02d}.png"
        Image.fromarray(np.full((80, 160), 60 * number, np.uint8)).save(path)
        os.utime(path, (number, number))
    lines = [{"iteration": number, "epoch": 1, "loss": 1 / number} for number in (1, 2, 3)]
    (folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (folder / "trainer.pt").touch()
    jobs = Jobs(project)
    job = jobs.add(["refine", "tomograms.star", "--max-time=1min"], "now", folder)
    (jobs.folder / f"{job.number}.run.json").write_text(json.dumps({"exit_code": 0, "run_state": "stopped"}))


@pytest.fixture(scope="module")
def page(browser: Browser, interface: Interface) -> Iterator[Page]:
    with quiet_page(browser, interface) as made:
        yield made


def test_halves_are_paired_before_they_are_added_and_changed(page: Page, interface: Interface) -> None:
    visit(page, interface, "/")
    page.get_by_text("Add more tomograms").click()
    page.get_by_test_id("add-folder").fill("nothing here")
    page.get_by_test_id("add").click()
    expect(page.get_by_test_id("add-problem")).to_contain_text("nothing: no such file or folder")
    expect(page.get_by_test_id("go-on")).to_be_disabled()
    page.get_by_test_id("add-tomograms").fill("")
    page.get_by_test_id("add-even").fill("halves/even")
    page.get_by_test_id("add-odd").fill("halves/odd")
    page.get_by_test_id("look").click()
    expect(page.get_by_test_id("found")).to_contain_text("3 of 3 to add, 1 with even and odd halves; 2 to mend")
    expect(page.get_by_test_id("pair-0")).to_contain_text("even and odd paired")
    expect(page.get_by_test_id("pair-1")).to_contain_text("no partner")
    expect(page.get_by_test_id("go-on")).to_be_disabled()
    page.get_by_label("Change grid2").click()
    page.get_by_test_id("change-odd").click()
    page.get_by_role("option", name="halves/odd/grid3.mrc").click()
    page.get_by_test_id("apply").click()
    expect(page.get_by_test_id("found")).to_have_text("2 of 2 to add, 2 with even and odd halves")
    page.get_by_test_id("go-on").click()
    expect(page.get_by_test_id("command")).to_have_text("isonet prepare pairs1.star --append")
    page.get_by_test_id("run").click()
    expect_state(page, interface, "finished")
    rows = star.read_table(interface.project / "tomograms.star", ["rlnTomoName"])
    assert [row["rlnTomoName"] for row in rows] == ["tomograms/small.mrc", "average/grid1.mrc", "average/grid2.mrc"]
    assert rows[2]["rlnTomoReconstructedTomogramHalf2"] == "halves/odd/grid3.mrc"


def test_the_pictures_of_a_run_are_looked_at_by_mouse_and_by_keys(page: Page, interface: Interface) -> None:
    visit(page, interface, "/jobs?number=0001")
    expect_state(page, interface, "stopped")
    expect(page.get_by_test_id("progress")).to_contain_text("its time was over")
    expect(page.locator("button", has_text="0001 refine")).to_contain_text(re.compile(r"\d\d:\d\d"))
    expect(page.get_by_test_id("curves").locator("canvas")).to_be_visible()
    buttons = page.get_by_test_id("gallery").get_by_role("button")
    expect(buttons).to_have_count(3)
    names = [buttons.nth(number).get_attribute("aria-label") for number in range(3)]
    assert names == ["Enlarge iter03", "Enlarge iter02", "Enlarge iter01"]
    assert page.evaluate("[...document.querySelectorAll('[data-testid=gallery] img')].every(one => one.naturalWidth)")
    buttons.nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("enlarged-name")).to_have_text("previews/iter02.png, 2 of 3")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("enlarged-name")).to_have_text("previews/iter01.png, 3 of 3")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("enlarged-name")).to_be_hidden()
    buttons.first.click()
    expect(page.get_by_test_id("enlarged-name")).to_have_text("previews/iter03.png, 1 of 3")
    page.get_by_label("Close").click()
    shutil.copy(interface.project / "results/previews/iter01.png", interface.project / "results/previews/iter04.png")
    expect(buttons).to_have_count(4)  # as the run goes on
    expect(buttons.first).to_have_attribute("aria-label", "Enlarge iter04")


def test_the_project_page_says_what_is_next_and_shows_the_latest_iteration(page: Page, interface: Interface) -> None:
    visit(page, interface, "/")
    expect(page.get_by_test_id("stage-prepare")).to_contain_text("done")
    expect(page.get_by_test_id("stage-mask")).to_contain_text("next")
    expect(page.get_by_test_id("next")).to_contain_text("Make masks")
    expect(page.get_by_test_id("latest").get_by_role("img")).to_have_attribute("alt", "Before and after, iter04")
    latest = interface.project / "results/previews/iter05.png"
    shutil.copy(interface.project / "results/previews/iter01.png", latest)
    expect(page.get_by_test_id("latest").get_by_role("img")).to_have_attribute("alt", "Before and after, iter05")
    latest.unlink()
    page.get_by_text("Preview with the starter").click()
    expect(page.get_by_test_id("command")).to_have_text("isonet predict tomograms.star starter")
    visit(page, interface, "/")
    page.get_by_test_id("next").click()
    expect(page.get_by_test_id("command")).to_have_text("isonet mask tomograms.star")


def test_a_page_has_one_primary_action_at_most(page: Page, interface: Interface) -> None:
    for place in PLACES:
        visit(page, interface, place)
        filled = page.locator(".q-btn--unelevated.bg-primary:visible:not([aria-pressed])")
        assert filled.count() <= 1, place


def test_menu_and_stepper_call_a_step_the_same(page: Page, interface: Interface) -> None:
    for step, title in {"refine": "Train", "predict": "Correct", "validate": "Validate"}.items():
        visit(page, interface, "/")
        page.locator(".menu").get_by_role("link", name=title, exact=True).click()
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        expect(page.get_by_test_id("command")).to_contain_text(f"isonet {step} tomograms.star")
        visit(page, interface, "/")
        expect(page.get_by_test_id(f"stage-{step}")).to_contain_text(title)


def test_a_model_is_chosen_of_those_that_there_are_or_typed(page: Page, interface: Interface) -> None:
    model = interface.project / "better/model.safetensors"
    model.parent.mkdir()
    model.touch()
    (model.parent / "metrics.jsonl").write_text(
        json.dumps({"iteration": 7, "held_out_loss": 0.25, "wedge_balance": 0.9})
    )
    visit(page, interface, "/step/predict?model=starter")
    page.get_by_test_id("choose-model").click()
    page.get_by_role("option", name="7 iterations, held-out loss 0.25, fills the wedge to 90 %").click()
    command = page.get_by_test_id("command")
    expect(command).to_have_text("isonet predict tomograms.star better/model.safetensors")
    page.get_by_test_id("choose-model").click()
    page.get_by_role("option", name="another file").click()
    expect(page.get_by_test_id("run")).to_be_disabled()
    page.get_by_test_id("argument-model").fill("elsewhere/a.safetensors")
    expect(command).to_have_text("isonet predict tomograms.star elsewhere/a.safetensors")
    visit(page, interface, "/step/refine")
    page.get_by_text("More options").click()
    page.get_by_test_id("choose-model").click()
    page.get_by_role("option", name="starter").click()
    expect(command).to_have_text("isonet refine tomograms.star --pretrained-model=starter")
    page.get_by_role("button", name="Reset").click()
    expect(command).to_have_text("isonet refine tomograms.star")
    shutil.rmtree(model.parent)


def test_files_and_folders_are_chosen_by_mouse_and_by_keys(page: Page, interface: Interface) -> None:
    visit(page, interface, "/step/mask")
    page.get_by_label("Choose a file or folder: Table").click()
    shown = page.get_by_test_id("choose-list")
    expect(page.get_by_test_id("choose-where")).to_have_text(str(interface.project))
    expect(page.get_by_test_id("choose-up")).to_be_disabled()
    shown.get_by_role("button", name="halves").click()
    shown.get_by_role("button", name="even").press("Enter")
    expect(shown.get_by_text("grid1.mrc")).to_be_visible()
    assert page.evaluate(FAINT) == []
    page.get_by_test_id("choose-up").click()
    expect(shown.get_by_text("odd")).to_be_visible()
    page.get_by_test_id("choose-up").click()
    shown.get_by_role("button", name="tomograms.star").click()
    expect(page.get_by_test_id("argument-star")).to_have_value("tomograms.star")
    visit(page, interface, "/add")
    for folder in ("even", "odd"):
        page.get_by_label("Choose a file or folder: Folders or files with tomograms").click()
        if folder == "even":
            shown.get_by_role("button", name="halves").click()
        else:  # begins where the last one was
            page.get_by_test_id("choose-up").click()
        shown.get_by_role("button", name=folder).click()
        expect(shown.get_by_text("grid1.mrc")).to_be_visible()
        page.get_by_test_id("choose-folder").click()
    expect(page.get_by_test_id("add-tomograms")).to_have_value("halves/even halves/odd")


def test_a_run_whose_time_was_over_is_continued(page: Page, interface: Interface) -> None:
    visit(page, interface, "/jobs?number=0001")
    expect(page.get_by_test_id("continue")).to_have_text("play_arrowContinue")
    page.get_by_test_id("continue").click()
    expect(page.locator(".command")).to_have_text("isonet refine --continue-from=results")
    expect_state(page, interface, "failed")  # there is no network in this stand-in
    expect(page.get_by_test_id("job-problem")).to_contain_text("trainer.pt")
    expect(page.get_by_test_id("continue")).to_have_text("play_arrowTry again")


def test_a_validation_is_looked_at_over_slices(page: Page, interface: Interface) -> None:
    visit(page, interface, "/validation")
    expect(page.get_by_test_id("status").first).to_have_text(validated.STATUS)
    expect(page.get_by_test_id("chart").locator("canvas")).to_have_count(3)
    page.get_by_test_id("chart").first.hover()
    expect(page.get_by_text("ceiling, a perfect prediction")).to_be_visible()  # the tooltip tells values
    page.get_by_text("All numbers").click()
    expect(page.get_by_test_id("numbers")).to_contain_text("not claimed")
    page.get_by_text("All numbers").click()
    page.get_by_test_id("confidence-1").click()
    overlay = page.locator("[data-testid=pane-Tomogram][data-plane=xy] img.confidence")
    expect(overlay).to_have_css("opacity", "0.5")
    address = overlay.get_attribute("src")
    assert address is not None
    assert "plane=xy&index=16" in address
    shown = page.evaluate(
        "async address => { const image = new Image(); image.src = address; await image.decode();"
        " return [image.naturalWidth, image.naturalHeight]; }",
        address,
    )
    assert shown == [64, 64]
    slider = page.get_by_test_id("confidence").locator(".q-slider__track-container")
    slider.press("ArrowRight")
    expect(overlay).to_have_css("opacity", "0.55")
    expect(page.get_by_test_id("place")).to_have_text("z 16 of 32")  # the key is the slider's alone
    slider.press("2")
    expect(page.get_by_test_id("place")).to_have_text("z 16 of 32")
    page.get_by_test_id("plane").get_by_text("XZ", exact=True).click()
    overlay = page.locator("[data-testid=pane-Tomogram][data-plane=xz] img.confidence")
    expect(overlay).to_have_attribute("src", address.replace("plane=xy&index=16", "plane=xz&index=32"))
    slider.press("PageDown")
    slider.press("PageDown")
    expect(overlay).to_be_hidden()


def test_areas_to_keep_and_to_leave_out_are_drawn_by_mouse_and_by_keys(page: Page, interface: Interface) -> None:
    visit(page, interface, "/masks")
    canvas = page.get_by_test_id("canvas").locator("img")
    page.wait_for_function("document.querySelector('[data-testid=canvas] img').naturalWidth > 0")
    corners = page.get_by_test_id("canvas").locator("circle")
    for number, (right, down) in enumerate(((0.25, 0.25), (0.75, 0.25), (0.75, 0.75)), start=1):
        box = canvas.bounding_box()
        assert box is not None
        canvas.click(position={"x": right * box["width"], "y": down * box["height"]}, force=True)
        expect(corners).to_have_count(number)
    page.keyboard.press("n")
    for number, moves in enumerate((["Shift+ArrowRight", "ArrowUp"], ["Shift+ArrowUp"], ["Shift+ArrowLeft"]), start=4):
        page.keyboard.press("Insert")
        expect(corners).to_have_count(number)
        for key in moves:
            page.keyboard.press(key)
    page.keyboard.press("Insert")
    expect(corners).to_have_count(7)
    page.keyboard.press("Delete")
    expect(corners).to_have_count(6)
    page.get_by_test_id("exclude").click()
    expect(page.get_by_text("2: leave out, 3 corners, all sections")).to_be_visible()
    page.get_by_test_id("limited").click()
    expect(page.get_by_text("2: leave out, 3 corners, z 0 to 31")).to_be_visible()
    page.get_by_test_id("sections").locator("[tabindex]").first.press("ArrowRight")
    expect(page.get_by_text("2: leave out, 3 corners, z 1 to 31")).to_be_visible()
    page.get_by_test_id("save").click()
    expect(page.get_by_text("saved to polygons/small.json and .mod")).to_be_visible()
    kept, left_out = read_polygons(interface.project / "polygons/small.json")
    assert (kept.exclude, kept.z, len(kept.points)) == (False, None, 3)
    assert (left_out.exclude, left_out.z) == (True, (1, 31))
    assert left_out.points == ((42.0, 33.0), (42.0, 43.0), (32.0, 38.0))
    assert (interface.project / "polygons/small.mod").read_bytes().startswith(b"IMODV1.2")


def test_the_outline_of_the_automatic_mask_follows_its_percentages(page: Page, interface: Interface) -> None:
    visit(page, interface, "/masks")
    page.get_by_test_id("automatic").click()
    outline = page.get_by_test_id("canvas").locator("image")
    expect(outline).to_have_attribute("href", re.compile("density=50.*deviation=50"))
    page.get_by_test_id("density").locator("[tabindex]").press("ArrowRight")
    expect(outline).to_have_attribute("href", re.compile("density=51.*deviation=50"))
    address = outline.get_attribute("href")
    shown = page.evaluate("async address => (await fetch(address)).headers.get('content-type')", address)
    assert shown == "image/png"
    page.get_by_test_id("to-mask").click()
    expect(page.get_by_test_id("command")).to_contain_text("--density-percentage=51 --std-percentage=50")


def test_a_damaged_volume_is_told_and_the_others_are_shown(page: Page, interface: Interface) -> None:
    table = interface.project / "tomograms.star"
    before = table.read_text()
    rows = star.read_table(table, ["rlnTomoName"])
    whole = (interface.project / "tomograms/small.mrc").read_bytes()
    for number, content in enumerate((whole[:-9], whole[:100], b"\0" * 2000, b"")):
        name = f"broken{number}.mrc"
        (interface.project / name).write_bytes(content)
        star.write_table(table, [{**rows[0], "rlnCorrectedTomoName": name}])
        visit(page, interface, "/viewer")
        expect(page.get_by_test_id("problem")).to_contain_text(name)
        assert page.get_by_test_id("problem").inner_text().count("\n") == 0
        expect(page.get_by_test_id("pane-Tomogram")).to_have_count(3)
    table.write_text(before)


def test_very_long_values_are_marked_or_typed_and_do_no_harm(page: Page, interface: Interface) -> None:
    visit(page, interface, "/step/deconv")
    page.get_by_test_id("option-snr_falloff").fill("9" * 100_000)
    expect(page.get_by_test_id("run")).to_be_disabled()
    page.get_by_test_id("option-snr_falloff").fill("1")
    page.get_by_test_id("argument-star").fill("<b>'" + "x" * 200_000)
    expect(page.get_by_test_id("command")).to_contain_text("xxx")
    page.get_by_test_id("queue").click()
    expect_state(page, interface, "failed")
    expect(page.get_by_test_id("job-problem")).to_contain_text("exit code 126: isonet: cannot be started")
    visit(page, interface, "/step/deconv")
    page.get_by_text("Reset").click()
    expect(page.get_by_test_id("argument-star")).to_have_value("tomograms.star")


PLACES = ("/", "/add", *(f"/step/{name}" for name in OFFERED), "/viewer", "/masks", "/jobs", "/validation")


@pytest.mark.parametrize("place", PLACES)
def test_every_page_fits_and_can_be_read_and_reached(page: Page, interface: Interface, place: str) -> None:
    """Nothing sticks out at 1280 x 800; what can be used has a name and is reached by Tab; text can be read."""
    visit(page, interface, place)
    for theme in ("dark", "light"):
        page.get_by_label(f"{theme.capitalize()} theme").click()
        page.wait_for_function(f"document.body.classList.contains('body--dark') === {str(theme == 'dark').lower()}")
        page.wait_for_function("!document.getAnimations().some(one => one instanceof CSSTransition)")
        assert page.evaluate(FAINT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(OUT_OF_REACH) == []


NAMELESS = """() => [...document.querySelectorAll('button, a, input, [role=slider], [role=combobox], img')]
  .filter(one => one.checkVisibility({visibilityProperty: true}))
  .filter(one => !(one.innerText || one.ariaLabel || one.title || one.alt !== undefined
    && one.tagName === 'IMG' || one.closest('label')?.innerText || one.closest('[aria-label]')))
  .map(one => one.outerHTML.slice(0, 120))"""

OUT_OF_REACH = """() => [...document.querySelectorAll('.cursor-pointer, .q-btn, [role=slider], input, textarea')]
  .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.closest('[disabled], .disabled'))
  .filter(one => !one.classList.contains('q-chip__icon'))  // keys choose in the list that opens
  .filter(one => ![one, ...one.querySelectorAll('*'), one.closest('[tabindex]')].some(each => each?.tabIndex >= 0))
  .map(one => one.outerHTML.slice(0, 120))"""

FAINT = """() => {
  const parse = text => [...text.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const linear = value => value <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4;
  const bright = rgb => [.2126, .7152, .0722].reduce((sum, part, i) => sum + part * linear(rgb[i] / 255), 0);
  const ground = one => {
    for (; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour[3] > .9) return colour;
    }
    return [255, 255, 255, 1];
  };
  return [...document.querySelectorAll('label, div, a, h1, h2, td, th, span')]
    .filter(one => one.checkVisibility({visibilityProperty: true}))
    .filter(one => [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
    .filter(one => !one.closest('[disabled], .disabled, svg, .log'))
    .filter(one => {
      const [a, b] = [parse(getComputedStyle(one).color), ground(one)].map(bright);
      return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5;
    })
    .map(one => one.textContent.trim().slice(0, 40));
}"""
