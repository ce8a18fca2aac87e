"""How far a project is: found from its table, its run folders and its jobs, whoever ran a step."""

import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from at_work import blobs, write

from isonet.gui.files import models, table
from isonet.gui.jobs import run_folder, stages
from isonet.gui.jobs.job import Job
from isonet.gui.jobs.stages import State, Way
from isonet.io import star
from isonet.running import run_record

STEPS = list(stages.TITLES)


def job(step: str, state: str, number: str = "0001", folder: Path | None = None) -> Job:
    return Job(number, (step,), "auto", folder, "", state, "exit code 2: why" if state == "failed" else "", {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    row = {"rlnMaskName": "mask/a_mask.mrc", "rlnCorrectedTomoName": "corrected/a.mrc"}
    for name in ("a.mrc", "b.mrc"):
        write(tmp_path / name, blobs((8, 16, 16)))
    rows = [{"rlnIndex": str(index), "rlnTomoName": name, **row} for index, name in ((1, "a.mrc"), (2, "b.mrc"))]
    star.write_table(tmp_path / table.NAME, rows)
    return tmp_path


def look(folder: Path, *jobs: Job) -> Way:
    return stages.way(folder, table.read(folder / table.NAME), jobs)


def states(way: Way) -> Mapping[str, State]:
    return {stage.step: stage.state for stage in way.stages}


def make(path: Path, age: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    os.utime(path, (age, age))
    return path


MADE = {
    "mask": "mask/a_mask.mrc",
    "refine": "results/model.safetensors",
    "predict": "corrected/a.mrc",
    "validate": "validation/validation.json",
    "report": "report.html",
}


def test_an_empty_folder_needs_tomograms(tmp_path: Path) -> None:
    way = look(tmp_path)
    assert states(way) == {**dict.fromkeys(STEPS, State.LATER), "prepare": State.NEXT}
    assert way.action is not None
    assert way.action.place == "/add"


def test_of_what_is_not_begun_nothing_is_told(folder: Path) -> None:
    assert [stage.told for stage in look(folder).stages] == ["2 tomograms", "", "", "", "", ""]


def test_one_step_is_next_after_another(folder: Path) -> None:
    for age, (step, name) in enumerate(MADE.items(), start=1):
        way = look(folder)
        assert states(way)[step] is State.NEXT
        assert list(states(way).values()).count(State.NEXT) == 1
        assert way.action is not None
        assert way.action.place == f"/step/{step}"
        make(folder / name, age)
    way = look(folder)
    assert set(states(way).values()) == {State.DONE}
    assert way.action is not None
    assert way.action.place.startswith("/report?path=")
    assert way.following == "all done"


def test_the_training_can_do_without_masks_and_a_preview_without_training(folder: Path) -> None:
    assert [each.place for each in look(folder).others] == ["/step/refine", "/step/predict?model=starter"]
    make(folder / MADE["predict"], 1)
    status = make(folder / "corrected/status.json", 1)
    status.write_text(json.dumps({"command": "predict", "inputs": ["tomograms.star", "starter"]}))
    assert states(look(folder))["mask"] is State.NEXT
    (predict,) = [each for each in look(folder).stages if each.step == "predict"]
    assert (predict.state, predict.told) == (State.LATER, "a preview, by the starter")
    make(folder / MADE["report"], 2)
    (report,) = [each for each in look(folder).stages if each.step == "report"]
    assert (report.state, report.told) == (State.LATER, "of an earlier state")
    make(folder / MADE["refine"], 0)
    assert states(look(folder))["mask"] is State.LEFT_OUT
    assert states(look(folder))["validate"] is State.NEXT


def test_a_model_of_elsewhere_needs_no_training_here(folder: Path) -> None:
    make(folder / MADE["predict"], 1)
    assert [states(look(folder))[step] for step in ("mask", "refine")] == [State.LEFT_OUT] * 2
    assert states(look(folder))["validate"] is State.NEXT


def test_what_a_later_training_has_overtaken_is_made_again(folder: Path) -> None:
    for age, name in enumerate(MADE.values()):
        make(folder / name, age)
    make(folder / "better/model.safetensors", 99)
    way = look(folder)
    assert states(way)["predict"] is State.NEXT
    assert next(each.told for each in way.stages if each.step == "predict") == "by an earlier model"
    make(folder / MADE["predict"], 100)
    assert states(look(folder))["report"] is State.NEXT  # it shows what was corrected before


def test_some_tomograms_are_not_all(folder: Path) -> None:
    make(folder / "mask/a_mask.mrc", 1)
    rows = star.read_table(folder / table.NAME, ["rlnTomoName"])
    star.write_table(folder / table.NAME, [rows[0], {**rows[1], "rlnMaskName": "None"}])
    (mask,) = [each for each in look(folder).stages if each.step == "mask"]
    assert (mask.state, mask.told) == (State.NEXT, "1 of 2")


def test_jobs_are_watched_and_looked_at_when_they_failed(folder: Path) -> None:
    way = look(folder, job("mask", "failed"), job("mask", "running", "0002"))
    assert states(way)["mask"] is State.WORKING
    assert way.action is not None
    assert (way.action.text, way.action.place) == ("Watch mask", "/jobs?number=0002")
    way = look(folder, job("mask", "failed"))
    assert states(way)["mask"] is State.FAILED
    assert way.action is not None
    assert (way.action.place, way.action.why) == ("/jobs?number=0001", "exit code 2: why")
    assert way.others[0].place == "/step/mask"
    way = look(folder, job("run", "running"))
    assert states(way)["mask"] is State.WORKING
    make(folder / MADE["refine"], 1)
    assert look(folder, job("refine", "stopped")).others[0].text == "Go on with the training"


def test_a_run_that_was_started_in_a_terminal_is_at_work_while_its_process_is(folder: Path) -> None:
    now = datetime.now().astimezone()
    status = {"command": "refine", "state": "running", "pid": os.getpid(), "updated": now.isoformat()}
    status |= {"doing": "training", "done": 1, "total": 3}
    path = make(folder / "results/status.json", 1)
    path.write_text(json.dumps(status))
    way = look(folder)
    (refine,) = [each for each in way.stages if each.step == "refine"]
    assert (refine.state, refine.told) == (State.WORKING, "training: 1 of 3")
    assert (way.action, way.waiting) == (None, "refine is at work")
    before = (now - timedelta(days=1)).isoformat()  # by a process whose number another one has got
    for others in ({"pid": 1 << 30}, {"updated": before}, {"updated": "soon"}, {"pid": "x"}, {"state": "finished"}):
        path.write_text(json.dumps({**status, **others}))
        assert states(look(folder))["refine"] is State.LATER
    path.write_text("[")
    assert look(folder).waiting == ""


def test_the_picture_of_the_latest_iteration_is_found(tmp_path: Path) -> None:
    assert run_folder.latest_picture(tmp_path) is None
    make(tmp_path / "results/previews/iter02.png", 2)
    make(tmp_path / "results/previews/loss.png", 9)
    newest = make(tmp_path / "better/previews/iter01.png", 3)
    assert run_folder.latest_picture(tmp_path) == newest


def test_models_are_told_with_their_date_and_score(tmp_path: Path) -> None:
    assert models.find(tmp_path) == []
    old, new = make(tmp_path / "results/model.safetensors", 10**9), make(tmp_path / "b/model.safetensors", 2 * 10**9)
    lines = [
        {"iteration": 3, "epoch": 1, "loss": 0.5},
        {"iteration": 3, "held_out_loss": 0.1234, "wedge_balance": 0.87},
        {"iteration": 4, "epoch": 1, "loss": 0.4},
    ]
    (tmp_path / "results" / run_record.METRICS_NAME).write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "results/validation.json").write_text(json.dumps({"withheld": {"resolution_0143": 31.24}}))
    found = models.find(tmp_path)
    assert [each.path for each in found] == [new, old]
    assert found[0].text.startswith("b: 18 May 2033, ")
    assert found[1].text.endswith(", 3 iterations, held-out loss 0.123, fills the wedge to 87 %, validated to 31.2 Å")


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"withheld": 3}', '{"withheld": {"resolution_0143": "x"}}', "[" * 9999]
)
def test_numbers_that_cannot_be_read_are_left_out(tmp_path: Path, text: str) -> None:
    make(tmp_path / "a/model.safetensors", 1)
    (tmp_path / "a/validation.json").write_text(text)
    (tmp_path / "a" / run_record.METRICS_NAME).write_text('{"iteration": "x", "wedge_balance": 1}\n' + text)
    assert models.find(tmp_path)[0].text.count(",") == 1
