"""report: one page that holds all it shows, and says what is wrong."""

import errno
import json
import re
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest

from isonet.core.filters import tiling
from isonet.steps.report import report
from isonet.steps.report.viewers.chimerax import _quoted
from isonet.validation.command import validate_words

HOSTILE = "<script>alert(1)<script>&{{7*7}}$x"
OPTIONS = {**isonet.TINY, "tilt_min": -50, "tilt_max": 60}


class Page(HTMLParser):
    """What a browser would take from a page: addresses, texts and the numbers with their places."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.numbers: dict[str, str] = {}
        self.alternatives: list[str | None] = []
        self.scripts = 0
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.addresses += [given[name] or "" for name in ("src", "href") if name in given and tag != "a"]
        self.scripts += tag == "script"
        if tag == "img":
            self.alternatives.append(given.get("alt"))
        if "data-key" in given:
            self.numbers[given["data-key"] or ""] = given["value"] or ""

    def handle_data(self, data: str) -> None:
        self.text += data


def at(numbers: Any, place: str) -> Any:
    """The number at a place of the JSON file."""
    for part in place.split("."):
        numbers = numbers[int(part)] if isinstance(numbers, list) else numbers[part]
    return numbers


def warned(folder: Path) -> str:
    """All warnings of a report as one text."""
    listed = json.loads((folder / "report.json").read_text())["warnings"]
    return "\n".join(f"{one['about']}: {one['what']}; {one['remedy']}" for one in listed)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small run."""
    folder = tmp_path_factory.mktemp("run")
    isonet.write(folder / "data" / "v.mrc", isonet.specimen())
    isonet.done("run", folder / "data", output_dir=folder / "out", **OPTIONS)
    return folder / "out"


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to be changed."""
    import shutil

    return Path(shutil.copytree(made, tmp_path / "out"))


def test_run_ends_with_a_page_that_holds_all_it_shows(made: Path) -> None:
    page = Page(made / "report.html")
    numbers = json.loads((made / "report.json").read_text())
    assert page.addresses
    assert all(one.startswith(("data:", "#")) for one in page.addresses)
    assert page.scripts == 1
    assert len(page.alternatives) == 10
    assert all(page.alternatives)
    assert {"tomograms.0.balance.after.missing", "data.0.mask_coverage", "training.last_loss"} <= set(page.numbers)
    for place, shown in page.numbers.items():
        assert float(shown) == pytest.approx(float(at(numbers, place))), place
    assert numbers["corrected"] == 1
    assert (numbers["data"][0]["tilt_min"], numbers["data"][0]["tilt_max"]) == (-50, 60)
    assert numbers["data"][0]["made"] == ["mask", "corrected"]
    assert [one["command"] for one in numbers["runs"]] == ["run", "mask", "refine", "predict"]
    assert all(one["state"] == "finished" and one["peak_memory"] > 1e7 for one in numbers["runs"])
    assert len(numbers["training"]["loss"]) == 2
    assert "not validated" in warned(made)
    (repeat,) = numbers["commands"]
    assert "--tilt-max=60" in repeat["command"] and "--cube-size=16" in repeat["command"]


def test_the_same_from_the_table_and_from_each_run_folder(run: Path) -> None:
    for asked in ("tomograms.star", "results", "corrected"):
        isonet.done("report", run / asked, output=run / f"{asked.partition('.')[0]}.html")
    whole = json.loads((run / "report.json").read_text())
    for name in ("tomograms", "results", "corrected"):
        numbers = json.loads((run / f"{name}.json").read_text())
        for part in ("data", "training", "tomograms"):
            assert json.dumps(numbers[part]).replace(str(run), "") == json.dumps(whole[part]).replace(
                str(Path(whole["of"])), ""
            )


def test_names_are_shown_and_never_obeyed(here: Path, volume: Any) -> None:
    isonet.write(here / "data" / f"{HOSTILE}.mrc", volume)
    isonet.done("run", here / "data", output_dir="out", **OPTIONS)
    page, source = Page(Path("out/report.html")), Path("out/report.html").read_text()
    assert page.scripts == 1
    assert HOSTILE in page.text
    assert "<script>alert" not in source
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", source)[0]


@pytest.mark.parametrize("name", ['a"b.mrc', "a'b.mrc", "a b;close.mrc", "a\nclose.mrc", "a\\\"'b.mrc"])
def test_names_cannot_become_commands_of_chimerax(name: str) -> None:
    quoted = _quoted(Path("/data") / name)
    assert "\n" not in quoted
    assert quoted == "browse" or (quoted[0] == quoted[-1] and quoted[0] not in quoted[1:-1])


def test_the_script_for_chimerax_shows_before_after_and_confidence(run: Path) -> None:
    lines = (run / "report.cxc").read_text().splitlines()
    assert [line for line in lines if line.startswith("open ")][1].endswith('v_corrected.mrc"')
    assert any(line.startswith("move x ") and line.endswith("#2") for line in lines)
    isonet.write(run / "validation" / "confidence.mrc", isonet.specimen())
    (run / "validation" / "validation.json").write_text("{}")
    isonet.done("report", run)
    assert "color sample #4 map #3" in (run / "report.cxc").read_text()


def test_a_small_mask_is_told(run: Path) -> None:
    (row,) = isonet.table(run / "tomograms.star")
    mask = np.zeros((24, 32, 32), np.int8)
    mask[10:12, 10:12, 10:12] = 1
    isonet.write(run / row["rlnMaskName"], mask)
    isonet.done("report", run)
    assert "the mask keeps only" in warned(run)
    assert "--density-percentage" in warned(run)


def test_a_prediction_that_is_not_of_the_latest_model_is_told(run: Path) -> None:
    assert "another model" not in warned(run)
    isonet.done("refine", run / "tomograms.star", output_dir=run / "results", overwrite=True, seed=3, **isonet.TINY)
    isonet.done("report", run / "results")
    assert "made with another model" in warned(run / "results")
    assert "isonet predict" in warned(run / "results")


def test_a_tilt_range_that_was_edited_afterwards_is_told(run: Path) -> None:
    (row,) = isonet.table(run / "tomograms.star")
    isonet.done("report", run)
    assert "corrected with tilts" not in warned(run)
    isonet.edited(run / "tomograms.star", rlnTiltMin="-48", rlnTiltFile="None")
    isonet.done("report", run)
    old = f"{float(row['rlnTiltMin']):g} to {float(row['rlnTiltMax']):g}"
    now = f"-48 to {float(row['rlnTiltMax']):g}"
    assert f"corrected with tilts {old}, but the table says {now} now" in warned(run)


def test_data_newer_than_the_model_are_told(run: Path) -> None:
    isonet.write(run.parent / "w.mrc", isonet.specimen(seed=5))
    isonet.edited(run / "tomograms.star", rlnTomoName=str(run.parent / "w.mrc"))
    isonet.done("report", run)
    assert "have changed since the model was trained" in warned(run)


def test_a_loss_that_diverged_is_told(run: Path) -> None:
    assert "diverged" not in warned(run)
    lines = [{"iteration": n, "epoch": 1, "loss": loss} for n, loss in enumerate((1.0, 0.5, 0.9), start=1)]
    ended = [{"iteration": n, "held_out_loss": None, "wedge_balance": 0.5} for n in (1, 2, 3)]
    text = "".join(json.dumps(line) + "\n" for pair in zip(lines, ended, strict=True) for line in pair)
    metrics = run / "results" / "metrics.jsonl"
    metrics.write_text(text)
    isonet.done("report", run)
    assert "the loss diverged: it ended at 0.9, its best was 0.5" in warned(run)
    metrics.write_text(text.replace("0.9", "NaN"))
    isonet.done("report", run)
    assert "diverged: it ended at inf" in warned(run)
    json.loads((run / "report.json").read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize(("steps", "told"), [(1, False), (50, True)])
def test_a_loss_of_a_few_steps_says_nothing(run: Path, steps: int, told: bool) -> None:
    losses = enumerate((1.19, 1.02, 1.07, 1.16), start=1)
    lines = [{"iteration": number, "epoch": 1, "loss": loss, "steps": steps} for number, loss in losses]
    ended = [
        {"iteration": number, "held_out_loss": loss, "wedge_balance": 0.9} for number, loss in enumerate((1, 2, 3), 1)
    ]
    metrics = run / "results" / "metrics.jsonl"
    metrics.write_text("".join(json.dumps(line) + "\n" for line in (*lines, *ended)))
    isonet.done("report", run)
    assert ("diverged" in warned(run)) == told


def test_a_wedge_that_is_empty_though_the_training_called_it_full_says_which_is_which(here: Path) -> None:
    """Outside the wedge the result of halves holds data, beside which a network of a few steps is weak."""
    random = np.random.default_rng(0)
    even, odd = (isonet.specimen((48, 48, 48)) + random.normal(0, 0.1, (48, 48, 48)).astype("f4") for _ in range(2))
    table = isonet.table_of_halves(here, even, odd)
    isonet.done("refine", table, **isonet.TINY)
    isonet.done("predict", table, "results")
    isonet.write(here / "corrected" / "x_corrected.mrc", isonet.specimen((48, 48, 48)))
    metrics = here / "results" / "metrics.jsonl"
    metrics.write_text(re.sub(r'"wedge_balance": [^,]*', '"wedge_balance": 0.87', metrics.read_text()))
    isonet.done("report", table)
    assert "x: the wedge is still empty: the network's own output fills it to 87 %, but is weak beside" in warned(here)
    metrics.write_text(metrics.read_text().replace("0.87", "0.03"))
    isonet.done("report", table)
    assert "x: the wedge is still empty; train on the tomogram, for longer, or with a higher --wedge-weight" in warned(
        here
    )


def test_seams_of_tiles_that_do_not_overlap_are_told(run: Path) -> None:
    shape = (64, 96, 96)
    tiled = isonet.specimen(shape)
    for first in range(0, 96, 24):
        tiled[:, :, first : first + 24] += 2 * (-1) ** (first // 24)
    isonet.write(run.parent / "w.mrc", isonet.specimen(shape))
    isonet.write(run / "corrected" / "v_corrected.mrc", tiled)
    isonet.edited(run / "tomograms.star", rlnTomoName=str(run.parent / "w.mrc"), rlnMaskName=None)
    tiles = [asdict(tiling.cover(length, 24, 0)) for length in shape]
    with (run / "corrected" / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"file": "v_corrected.mrc", "tiles": tiles}) + "\n")
    isonet.done("report", run)
    assert "seams at the borders of tiles along x" in warned(run)
    assert "--crop-size" in warned(run)


def test_a_validation_is_told_in_a_sentence(run: Path) -> None:
    isonet.done("validate", run / "tomograms.star", output_dir=run / "validation", withhold=30, **isonet.TINY)
    isonet.done("report", run)
    page = Page(run / "report.html")
    found = json.loads((run / "validation" / "validation.json").read_text())
    assert "not validated" not in warned(run)
    said = found["withheld"]["status"]
    assert said[1:40] in page.text
    controls = found["withheld"]["controls"]["shuffled"]
    if controls is None:  # nothing could be measured in so small a volume
        assert "validation.withheld.controls.shuffled" not in page.numbers
    else:
        assert float(page.numbers["validation.withheld.controls.shuffled"]) == controls


def test_independent_networks_are_drawn_by_shell_and_by_angle(run: Path, draws: None) -> None:
    shells = {"frequency": [0.005, 0.01, 0.02], "fsc": [0.9, 0.5, None]}
    found = {"kind": "consistency", "status": "two networks agree", "by_angle": {"fsc": [[0.1, 0.5, None]] * 9}}
    (run / "validation").mkdir()
    numbers = {"independent": {**found, "inside": shells, "outside": shells}}
    (run / "validation" / "validation.json").write_text(json.dumps(numbers))
    isonet.done("report", run)
    page = Page(run / "report.html")
    assert found["status"][1:] in page.text  # a sentence begins with a capital
    assert "FSC between two independent networks" in page.text
    assert "by angle to the tilt axis" in page.text


def test_what_cannot_be_reported_is_refused(here: Path, run: Path) -> None:
    isonet.assert_refused(isonet.call("report", "nothing"), "nothing", "tomograms.star")
    (here / "empty").mkdir()
    isonet.assert_refused(isonet.call("report", "empty"), "empty", "tomograms.star")
    isonet.assert_refused(isonet.call("report", run, validation="empty"), "--validation", "isonet validate")
    isonet.assert_refused(isonet.call("report", run, output="x.txt"), "x.txt", ".html")
    isonet.assert_refused(isonet.call("report", run, tomo_idx="7"), "7")


def test_files_of_others_are_not_replaced(here: Path, run: Path) -> None:
    for name, content in (("mine.html", "<p>mine</p>"), ("mine.json", '{"a": 1}'), ("mine.cxc", "open 1abc")):
        (here / name).write_text(content)
        isonet.assert_refused(isonet.call("report", run, output="mine.html"), name, "--output")
        assert (here / name).read_text() == content
        (here / name).unlink()


def test_before_anything_is_corrected(prepared: Path) -> None:
    isonet.done("report", prepared)
    page = Page(Path("report.html"))
    assert len(page.alternatives) == 5
    assert "no tomogram is corrected yet" in warned(Path())
    assert not Path("report.cxc").exists()


def test_a_tomogram_that_is_gone_is_told(run: Path) -> None:
    isonet.edited(run / "tomograms.star", rlnTomoName="gone.mrc")
    isonet.done("report", run)
    assert "is gone" in warned(run)


def test_from_python(run: Path) -> None:
    from isonet.config import ReportConfig

    assert report(run, ReportConfig()) == run / "report.html"


def test_the_command_that_validates_is_that_of_the_training() -> None:
    """Of what was trained on, too; a model that has seen the tomograms is left out, the starter has not."""
    options = {"preset": "cellular", "time_budget": 120, "tomo_idx": "1,3", "input_column": "full", "max_time": 60}
    said = " ".join(validate_words(Path("t.star"), {**options, "pretrained_model": "starter", "output_dir": "r"}))
    told = "--preset=cellular --time-budget=120s --tomo-idx=1,3 --input-column=full --pretrained-model=starter"
    assert sorted(said.split()) == sorted(f"isonet validate t.star {told}".split())
    own = {"input_column": "rlnMine", "pretrained_model": "results", "method": "noise2noise"}
    assert validate_words(Path("t.star"), own) == ["isonet", "validate", "t.star", "--method=noise2noise"]


def test_a_report_is_written_whole_or_not_at_all(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers and the page, where the disk is full after one of them."""
    written = Path.write_text
    for full in ("{", "<!doctype"):

        def write(path: Path, text: str, full: str = full, **options: Any) -> int:
            if text.lstrip().lower().startswith(full):
                raise OSError(errno.ENOSPC, "No space left on device")
            return written(path, text, **options)

        monkeypatch.setattr(Path, "write_text", write)
        isonet.assert_refused(isonet.call("report", "tomograms.star"), "free some space", code=1)
        assert not list(prepared.parent.glob("report.*"))
