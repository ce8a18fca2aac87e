"""Take the pictures of the documentation: the browser interface and a report, of a simulated tomogram.

::

    python scripts/pictures.py FOLDER      makes a project in FOLDER and fills docs/gui and docs/report.png

It simulates a tomogram of 144 x 192 x 192 voxels, corrects and validates it by jobs of the interface, and looks at all
pages in Chromium: about 40 minutes on 2 cores. Given the same folder again it keeps what is made, so that new pictures
of the same project take a minute.
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect, sync_playwright

from isonet.gui.jobs.forms import OFFERED
from isonet.gui.jobs.job import ENDED, NOW
from isonet.gui.jobs.queue import Jobs

DOCS = Path(__file__).parents[1] / "docs"
SHOWN_AS = "/data/my_project"
PATIENCE = 180_000  # milliseconds
SAMPLE = "--depth 144 --height 192 --width 192 --vesicles 14 --filaments 2 --crowding 0.06 --snr 4 --seed 2"
TRAINING = "--preset purified --pretrained-model starter --time-budget 8min"
STEPS = {
    "tomograms.star": "prepare tomograms --even even --odd odd --metadata metadata --split frames",
    "mask": "mask tomograms.star",
    "results": f"refine tomograms.star {TRAINING}",
    "corrected": "predict tomograms.star results/model.safetensors",
    "validation": f"validate tomograms.star --withhold 20 {TRAINING}",
    "validation/confidence.mrc": f"validate tomograms.star --independent {TRAINING}",
    "report.html": "report tomograms.star",
}
"""What is made, and the command that makes it."""
CORNERS = ((0.12, 0.2), (0.5, 0.08), (0.9, 0.15), (0.92, 0.7), (0.55, 0.92), (0.15, 0.8))


def main() -> None:
    """Make the project, and take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    begun, done = folder / "begun", folder / "done"
    make_data(folder / "simulated", begun, done)
    make_project(done)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for project, look in ((begun, look_at_begun), (done, look_at_done)):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(PATIENCE)
            expect.set_options(timeout=PATIENCE)
            with interface(project) as (address, token):
                page.goto(f"{address}/?token={token}")
                look(Camera(page, address, project))
        page = browser.new_page(viewport={"width": 1280, "height": 1450}, device_scale_factor=0.8)
        page.goto((done / "report.html").as_uri())
        Camera(page, "", done).shoot(DOCS / "report.png")


def make_data(simulated: Path, *projects: Path) -> None:
    """Simulate a tomogram, and lay it into both projects as users have their files."""
    if not (simulated / "odd.mrc").exists():
        isonet(simulated.parent, f"simulate --output-dir {simulated} --overwrite {SAMPLE}")
    for project in projects:
        for name, place in (("full", "tomograms"), ("even", "even"), ("odd", "odd")):
            (project / place).mkdir(parents=True, exist_ok=True)
            shutil.copy(simulated / f"{name}.mrc", project / place / "TS_01.mrc")
        (project / "metadata").mkdir(exist_ok=True)
        shutil.copy(simulated / "tilts.tlt", project / "metadata/TS_01.tlt")


def make_project(project: Path) -> None:
    """Do all steps that are not done, as jobs that the interface will show."""
    jobs = Jobs(project)
    for made, command in STEPS.items():
        words = command.split()
        if any(job.words == tuple(words) and job.state == "finished" for job in jobs.all()):
            continue
        recorded = (made.partition("/")[0],) if words[0] in ("mask", "refine", "predict", "validate") else ()
        job = jobs.add(words, NOW, project.joinpath(*recorded) if recorded else None)
        jobs.start_waiting()
        while jobs.get(job.number).state not in ENDED:
            time.sleep(1)
        if jobs.get(job.number).state != "finished":
            raise SystemExit(jobs.log(job.number))


def isonet(folder: Path, command: str) -> None:
    """Run a command."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "isonet", *command.split()], cwd=folder, check=True)


@contextmanager
def interface(project: Path) -> Iterator[tuple[str, str]]:
    """Serve a project; yields the address and the token."""
    words = [sys.executable, "-m", "isonet", "gui", str(project)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = next(filter(None, (re.search(r"open +(http://\S+)/\?token=(\S+)", line) for line in process.stdout)))
        try:
            yield found[1], found[2]
        finally:
            process.terminate()


class Camera:
    """A page of the interface, and how pictures of it are taken."""

    def __init__(self, page: Page, address: str, project: Path) -> None:
        self.page = page
        self.address = address
        self.project = project

    def at(self, test_id: str) -> Locator:
        """What the interface calls by this name."""
        return self.page.get_by_test_id(test_id)

    def visit(self, place: str) -> None:
        """Open a page of the interface, and wait until it can be used."""
        self.page.goto(self.address + place)
        self.at("folder").wait_for()
        self.page.wait_for_function("window.did_handshake === true")

    def take(self, name: str) -> None:
        """Take one of the pictures of docs/gui.md."""
        self.shoot(DOCS / "gui" / f"{name}.png")

    def shoot(self, path: Path) -> None:
        """Write what is seen in 256 colours, a third of the size; the project stands in a folder of another name."""
        self.page.wait_for_function("[...document.images].every(image => image.complete)")
        self.page.evaluate("window.scrollTo(0, 0)")
        self.page.mouse.move(1, 1)
        self.page.wait_for_timeout(2500)  # charts and notices come to rest
        self.page.evaluate(_RENAMED, [str(self.project), SHOWN_AS])
        with Image.open(io.BytesIO(self.page.screenshot())) as taken:
            few = taken.convert("RGB").quantize(method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
            few.save(path, optimize=True)


_RENAMED = """([from, to]) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) walker.currentNode.data = walker.currentNode.data.replaceAll(from, to);
}"""


def look_at_begun(camera: Camera) -> None:
    """Pages of a folder that holds tomograms and nothing else."""
    project = camera.project
    camera.take("empty")
    for name in OFFERED:
        if name in ("check", "demo", "simulate", "train-starter", "prepare"):
            camera.visit(f"/step/{name}")
            camera.take(f"step-{name}")
    shutil.copy(project / "even/TS_01.mrc", project / "even/TS_02.mrc")
    camera.visit("/add")
    for field in ("tomograms", "even", "odd"):
        camera.at(f"add-{field}").fill("" if field == "tomograms" else field)
    camera.at("look").click()
    camera.at("pair-1").wait_for()
    camera.take("add")
    (project / "even/TS_02.mrc").unlink()
    camera.visit("/step/prepare")
    camera.at("argument-tomograms").fill("tomograns")
    camera.at("run").click()
    expect(camera.at("state")).to_have_text("failed")
    camera.take("failed")
    shutil.rmtree(project / "jobs")


def look_at_done(camera: Camera) -> None:
    """Pages of a project that is finished."""
    page = camera.page
    camera.visit("/")
    camera.take("project")
    for name in OFFERED:
        if name not in ("check", "demo", "simulate", "train-starter", "prepare"):
            camera.visit(f"/step/{name}")
            camera.take(f"step-{name}")
    camera.visit("/step/mask")
    page.get_by_label("Choose a file or folder: Table").click()
    camera.at("choose-list").wait_for()
    camera.take("choose")
    _draw_mask(camera)
    number = next(job.number for job in Jobs(camera.project).all() if job.words[0] == "refine")
    camera.visit(f"/jobs?number={number}")
    camera.at("curves").locator("canvas").wait_for()
    camera.take("jobs")
    camera.visit("/viewer")
    camera.at("mask").click()
    _rest(page)
    camera.take("viewer")
    camera.visit("/validation")
    camera.at("chart").first.locator("canvas").wait_for()
    camera.take("validation")
    camera.visit("/viewer?confidence=40")
    _rest(page)
    camera.take("confidence")
    camera.visit("/viewer")
    page.keyboard.press("2")
    _rest(page)
    page.get_by_label("Dark theme").click()
    camera.take("dark")


def _rest(page: Page) -> None:
    """Wait until the viewer shows exact pictures."""
    page.wait_for_function(
        "!isonetViewer.moving && isonetViewer.panes.every("
        "pane => pane.url === pane.address(pane.shown, false).url && pane.slice.complete)"
    )


def _draw_mask(camera: Camera) -> None:
    camera.visit("/masks")
    canvas = camera.at("canvas").locator("img")
    camera.page.wait_for_function("document.querySelector('[data-testid=canvas] img').naturalWidth > 0")
    for count, (right, down) in enumerate(CORNERS, start=1):
        box = canvas.bounding_box()
        assert box is not None
        canvas.click(position={"x": right * box["width"], "y": down * box["height"]}, force=True)
        expect(camera.at("canvas").locator("circle")).to_have_count(count)
    camera.page.get_by_text("Show its outline").click()
    camera.at("canvas").locator("image").wait_for()
    camera.take("masks")


if __name__ == "__main__":
    main()
