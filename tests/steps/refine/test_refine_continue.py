"""A run that was stopped, by whatever, goes on as if nothing had happened."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest

from isonet.core.masks.beads import Bead
from isonet.io.checkpoint import load_model, load_state, save_state
from isonet.running.runs import locked
from isonet.volumes.beads import write_beads

LONG = {**isonet.TINY, "iterations": 3, "epochs": 2, "steps_per_epoch": 4, "noise_level": 0.2, "noise_start_iter": 2}
"""A run that takes a second or two."""
SHORT = {**LONG, "iterations": 2, "epochs": 1, "steps_per_epoch": 2}


@pytest.fixture(scope="module")
def star(volume: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Table of one tomogram."""
    folder = tmp_path_factory.mktemp("long")
    isonet.write(folder / "v.mrc", volume)
    isonet.done("prepare", folder / "v.mrc", output=folder / "tomograms.star")
    return folder / "tomograms.star"


@pytest.fixture(scope="module")
def whole(star: Path) -> Path:
    """Run folder of the uninterrupted run."""
    folder = star.parent / "whole"
    process = isonet.Process(star.parent / "err", "refine", star, output_dir=folder, **LONG)
    assert process.outcome().code == 0
    assert len(isonet.losses(folder)) == 6
    return folder


def assert_same(folder: Path, whole: Path) -> None:
    """Same model to the bit, same losses, nothing left over."""
    assert isonet.state(folder) == "finished"
    assert isonet.same_weights(folder, whole)
    assert isonet.losses(folder) == isonet.losses(whole)
    assert not list(folder.rglob("*.part"))
    numbered = sorted(path.name for path in folder.glob("model*"))
    assert numbered == sorted(path.name for path in whole.glob("model*"))


def trained_to(folder: Path, epochs: int) -> bool:
    """Tell whether so many epochs are recorded."""
    path = folder / "metrics.jsonl"
    return path.exists() and path.read_text().count("loss") >= epochs


@pytest.mark.parametrize(("number", "code", "epochs"), [(signal.SIGINT, 130, 1), (signal.SIGTERM, 143, 3)])
def test_signal(here: Path, star: Path, whole: Path, number: signal.Signals, code: int, epochs: int) -> None:
    process = isonet.Process(here / "err", "refine", star, **LONG)
    process.wait_for(lambda: trained_to(here / "results", epochs))
    process.signal(number)
    outcome = process.outcome()
    isonet.assert_refused(outcome, number.name, code=code)
    assert "--continue-from results" in outcome.err
    assert isonet.state(here / "results") == "interrupted"
    assert not isonet.same_weights(here / "results", whole)
    isonet.done("refine", "--continue-from", "results")
    assert_same(here / "results", whole)


def test_ctrl_c_at_the_command_line(here: Path, star: Path, whole: Path) -> None:
    """The same with the program as the user starts it."""
    words = [sys.executable, "-m", "isonet", "refine", str(star), *isonet.flags(**LONG)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as process:
        end = time.monotonic() + 120
        while not trained_to(here / "results", 1):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    isonet.assert_refused(isonet.Outcome(process.returncode, "", err), "SIGINT", code=130)
    isonet.done("refine", "--continue-from", "results")
    assert_same(here / "results", whole)


def test_signal_before_the_training_begins(here: Path, star: Path) -> None:
    process = isonet.Process(here / "err", "refine", star, **{**LONG, "number_subtomos": 3000})
    process.wait_for((here / "results" / "trainer.pt").exists)
    process.signal(signal.SIGTERM)
    isonet.assert_refused(process.outcome(), "SIGTERM", code=143)
    assert isonet.state(here / "results") == "interrupted"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_kill_at_any_moment(here: Path, star: Path, whole: Path, share: float) -> None:
    process = isonet.Process(here / "err", "refine", star, **LONG)
    process.wait_for((here / "results" / "trainer.pt").exists)
    process.wait_for(lambda: trained_to(here / "results", round(6 * share)))
    time.sleep(random.uniform(0, 0.2))
    process.signal(signal.SIGKILL)
    assert process.outcome().code in (-signal.SIGKILL, 0)
    isonet.done("refine", "--continue-from", "results")
    assert isonet.state(here / "results") == "finished"
    assert isonet.same_weights(here / "results", whole)
    assert isonet.losses(here / "results") == isonet.losses(whole)


def test_time_that_is_over_again_and_again(here: Path, star: Path) -> None:
    """Stopped after every single step, a run still takes the path of an uninterrupted one."""
    options = {**isonet.TINY, "iterations": 2, "epochs": 2, "steps_per_epoch": 2, "drop_out": 0.3}
    isonet.done("refine", star, output_dir="whole", **options)
    words: tuple[Any, ...] = ("refine", star)
    for stops in range(20):
        isonet.done(*words, max_time="0.001s", **(options if stops == 0 else {}))
        words = ("refine", "--continue-from", "results")
        if isonet.state(here / "results") == "finished":
            break
        assert isonet.state(here / "results") == "stopped"
        assert (here / "results" / "model.safetensors").exists()
    assert stops >= 7
    assert_same(here / "results", here / "whole")
    isonet.done("predict", star, "results")


def test_stop_before_the_first_iteration_is_done_leaves_a_usable_model(here: Path, star: Path) -> None:
    isonet.done("refine", star, max_time="0.001s", **SHORT)
    isonet.done("predict", star, "results")
    assert (here / "corrected" / "v_corrected.mrc").exists()


def test_more_iterations(here: Path, star: Path) -> None:
    """With a constant learning rate; a cosine falls later in a longer run."""
    constant = {**LONG, "schedule": "constant"}
    isonet.done("refine", star, output_dir="longer", **constant)
    isonet.done("refine", star, **{**constant, "iterations": 1})
    isonet.done("refine", "--continue-from", "results", "--iterations", "3")
    assert_same(here / "results", here / "longer")
    again = isonet.done("refine", "--continue-from", "results")
    assert "all 3 iterations are done" in again.err
    assert_same(here / "results", here / "longer")


def test_table_and_options_may_be_named_again(here: Path, star: Path) -> None:
    isonet.done("refine", star, max_time="0.001s", **SHORT)
    isonet.done("refine", star, "--continue-from", "results/trainer.pt", **SHORT)
    assert isonet.state(here / "results") == "finished"
    assert len(isonet.losses(here / "results")) == 2


@pytest.mark.parametrize(
    ("option", "value"),
    [("batch_size", 3), ("cube_size", 32), ("seed", 9), ("arch", "paper"), ("noise_mode", "unfiltered")],
)
def test_option_that_must_stay(here: Path, star: Path, option: str, value: Any) -> None:
    isonet.done("refine", star, max_time="0.001s", **SHORT)
    flag = f"--{option.replace('_', '-')}"
    outcome = isonet.call("refine", "--continue-from", "results", **{option: value})
    isonet.assert_refused(outcome, flag, "leave it out")


def test_continued_run_stays_in_its_folder(here: Path, star: Path) -> None:
    isonet.done("refine", star, max_time="0.001s", **SHORT)
    outcome = isonet.call("refine", "--continue-from", "results", output_dir="elsewhere")
    isonet.assert_refused(outcome, "elsewhere", "results")
    isonet.done("refine", "--continue-from", "results", output_dir="results")


def test_running_run_is_not_moved_aside(here: Path, star: Path) -> None:
    isonet.done("refine", star, max_time="0.001s", **SHORT)
    with locked(here / "results"):
        isonet.assert_refused(isonet.call("refine", star, "--overwrite", **SHORT), "results", "another run")
    assert not (here / "results~1").exists()


def test_option_that_may_change(here: Path, star: Path) -> None:
    isonet.done("refine", star, max_time="0.001s", **SHORT)
    isonet.done("refine", "--continue-from", "results", learning_rate=1e-3, keep_models=1, **{"batch_size": 2})
    assert len(list((here / "results").glob("model_iter*"))) == 1


def test_nothing_to_continue(here: Path, star: Path) -> None:
    isonet.assert_refused(isonet.call("refine", "--continue-from", "none"), "none", "no refine to continue")
    isonet.done("refine", star, max_time="0.001s", **SHORT)
    state = here / "results" / "trainer.pt"
    kept = state.read_bytes()
    for damaged in (kept[: len(kept) // 2], b"no state", b""):
        state.write_bytes(damaged)
        refused = isonet.call("refine", "--continue-from", "results")
        isonet.assert_refused(refused, "trainer.pt", "--pretrained-model results", "another --output-dir")
    state.write_bytes(kept)
    (here / "results" / "config.yaml").write_text("batch_size: [")
    isonet.assert_refused(isonet.call("refine", "--continue-from", "results"), "config.yaml", "start again")


def test_metrics_cut_off_by_a_crash_are_mended(here: Path, star: Path) -> None:
    constant = {**SHORT, "schedule": "constant"}
    isonet.done("refine", star, output_dir="whole", **constant)
    isonet.done("refine", star, **{**constant, "iterations": 1})
    with (here / "results" / "metrics.jsonl").open("a") as file:
        file.write('{"iteration": 2, "epoch": 1, "lo')
    isonet.done("refine", "--continue-from", "results", "--iterations", "2")
    lines = (here / "results" / "metrics.jsonl").read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert_same(here / "results", here / "whole")


def test_record_that_was_lost_before_the_end_of_an_iteration(
    here: Path, star: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    with monkeypatch.context() as broken:
        broken.setattr("isonet.steps.refine.step._finish_iteration", fail)
        ended = isonet.call("refine", star, **SHORT)
    isonet.assert_refused(ended, "not enough memory", "--batch-size", code=1)
    assert "go on with: isonet refine --continue-from results" in ended.err
    (here / "results" / "metrics.jsonl").write_text("")
    isonet.done("refine", "--continue-from", "results")
    assert isonet.state(here / "results") == "finished"


ON_HALVES = {**LONG, "method": "noise2noise", "number_subtomos": 4, "random_rotations": 0.3, "schedule": "cosine"}


@pytest.fixture(scope="module")
def star_of_halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Table of one tomogram with halves, long enough to hold a part of it out."""
    folder = tmp_path_factory.mktemp("halves")
    volume, noise = isonet.specimen((24, 24, 128)), np.random.default_rng(0)
    for name in ("x_EVN", "x_ODD"):
        half = volume + 0.5 * noise.standard_normal(volume.shape)
        isonet.write(folder / "data" / f"{name}.mrc", half.astype(np.float32))
    isonet.write(folder / "data" / "x.mrc", volume)
    isonet.done("prepare", folder / "data", output=folder / "tomograms.star")
    isonet.done("refine", folder / "tomograms.star", output_dir=folder / "whole", **ON_HALVES)
    assert load_model(folder / "whole")[1]["method"] == "noise2noise"
    return folder / "tomograms.star"


@pytest.mark.parametrize("stop", ["max_time", signal.SIGTERM, signal.SIGKILL])
def test_training_on_halves_goes_on_as_if_nothing_had_happened(here: Path, star_of_halves: Path, stop: Any) -> None:
    """Also in the middle of an epoch, and in what is measured on the part held out."""
    whole = star_of_halves.parent / "whole"
    if stop == "max_time":
        isonet.done("refine", star_of_halves, max_time="0.001s", **ON_HALVES)
        assert load_state(here / "results" / "trainer.pt")["position"]["step"] == 1
    else:
        process = isonet.Process(here / "err", "refine", star_of_halves, **ON_HALVES)
        process.wait_for(lambda: trained_to(here / "results", 3))
        process.signal(stop)
        process.outcome()
    isonet.done("refine", "--continue-from", "results")
    assert_same(here / "results", whole)
    measured = [
        [(line["held_out_loss"], line["balance_by_shell"]) for line in lines if "held_out_loss" in line]
        for lines in (
            [json.loads(text) for text in (folder / "metrics.jsonl").read_text().splitlines()]
            for folder in (here / "results", whole)
        )
    ]
    assert measured[0] == measured[1]
    assert len(measured[0]) == 3
    assert all(loss > 0 for loss, _ in measured[0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rlnTiltMin": "-40"}, "other tilts"),
        ({"rlnPixelSize": "12"}, "pixel sizes"),
        ({"rlnTomoContrast": "light"}, "other contrasts"),
        ({"rlnBeadsName": "beads.star"}, "other gold beads"),
        ({}, ""),
    ],
)
def test_a_run_that_goes_on_with_other_data_says_so(
    here: Path, prepared: Path, volume: Any, change: dict[str, str], said: str
) -> None:
    isonet.done("refine", prepared, **isonet.TINY)
    write_beads(here / "beads.star", [Bead((10.0, 10.0, 10.0), 3.0, 4.0)])
    isonet.edited(prepared, **change)
    outcome = isonet.done("refine", prepared, continue_from="results", iterations=3)
    assert (said in outcome.err) if said else ("has learnt from other" not in outcome.err)
    isonet.write(here / "v.mrc", volume[::-1])
    again = isonet.done("refine", prepared, continue_from="results", iterations=4)
    assert "volumes" in again.err and "has learnt from other" in again.err


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed before the first model"])
def test_a_run_that_goes_on_with_other_data_has_seen_both(
    here: Path, prepared: Path, volume: Any, killed: bool
) -> None:
    """So that none of them can be withheld from its model."""
    isonet.done("refine", prepared, **isonet.TINY)
    first = load_model(here / "results")[1]["seen"]
    if killed:
        (here / "results/model.safetensors").unlink()
    isonet.write(here / "v.mrc", volume[::-1])
    outcome = isonet.done("refine", prepared, continue_from="results", iterations=3)
    assert "has learnt from other volumes" in outcome.err
    seen = load_model(here / "results")[1]["seen"]
    assert len(first) == 1 and len(seen) == 2 and seen[0] == first[0]
    isonet.done("refine", prepared, continue_from="results", iterations=4)
    assert load_model(here / "results")[1]["seen"] == seen


def test_a_run_that_goes_on_with_another_mask_says_so(here: Path, prepared: Path, volume: Any) -> None:
    mask = np.ones(volume.shape, np.int8)
    isonet.write(here / "mask.mrc", mask)
    isonet.edited(prepared, rlnMaskName="mask.mrc")
    isonet.done("refine", prepared, **isonet.TINY)
    mask[:2] = 0
    isonet.write(here / "mask.mrc", mask)
    outcome = isonet.done("refine", prepared, continue_from="results", iterations=3)
    assert "has learnt from other masks" in outcome.err


@pytest.mark.parametrize("place", ["results", "runs/first"])
def test_a_project_that_was_copied_trains_on_its_own_tomograms(prepared: Path, place: str) -> None:
    project = prepared.parent
    isonet.done("refine", "tomograms.star", output_dir=place, **{**SHORT, "iterations": 1})
    shutil.copytree(project, project / "copy")
    said = isonet.done("refine", "--continue-from", project / "copy" / place, iterations=2).err
    assert "goes on with" not in said
    status = json.loads((project / "copy" / place / "status.json").read_text())
    assert status["inputs"] == [str(project / "copy/tomograms.star")]


def test_a_run_whose_table_is_not_beside_it_any_more_goes_on_with_a_word(prepared: Path) -> None:
    project = prepared.parent
    isonet.done("refine", "tomograms.star", **{**SHORT, "iterations": 1})
    (project / "results").rename(project / "elsewhere")
    (project / "deep").mkdir()
    (project / "elsewhere").rename(project / "deep/results")
    said = isonet.done("refine", "--continue-from", "deep/results", iterations=2).err
    assert f"warning: deep/results: there is no {project}/deep/tomograms.star" in said
    assert f"goes on with {prepared}" in said


def test_states_without_the_place_of_their_table_go_on(prepared: Path) -> None:
    isonet.done("refine", "tomograms.star", **{**SHORT, "iterations": 1})
    path = prepared.parent / "results/trainer.pt"
    state = load_state(path)
    del state["table_from_here"]
    save_state(path, state)
    isonet.done("refine", "--continue-from", "results", iterations=2)


def test_what_a_training_lacks_is_told_with_the_way_on(prepared: Path) -> None:
    """All iterations done; then a mask that is gone; then a state that is, and after it the model."""
    isonet.done("refine", "tomograms.star", **isonet.TINY)
    assert "--iterations 3 or more goes further" in isonet.done("refine", "--continue-from", "results").err
    isonet.edited(prepared, rlnMaskName="mask/v_mask.mrc")
    refused = isonet.call("refine", "tomograms.star", output_dir="other", **isonet.TINY)
    isonet.assert_refused(refused, "mask/v_mask.mrc", "isonet mask", "rlnMaskName")
    (prepared.parent / "results/trainer.pt").unlink()
    refused = isonet.call("refine", "--continue-from", "results")
    isonet.assert_refused(refused, "trainer.pt", "--pretrained-model results")
    (prepared.parent / "results/model.safetensors").unlink()
    isonet.assert_refused(isonet.call("refine", "--continue-from", "results"), "trainer.pt", "start one with")
