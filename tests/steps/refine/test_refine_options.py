"""refine: what is held out, when it ends by itself, and how it keeps to a time."""

import json
import logging
from pathlib import Path
from typing import Any

import commandline as isonet
import pytest
from PIL import Image

from isonet.io import checkpoint
from isonet.steps.refine import plan
from isonet.steps.refine.record import stagnates
from isonet.train.fit import Trainer
from isonet.volumes.source import Source


@pytest.fixture
def long(here: Path) -> Path:
    """Table of one tomogram that is long enough to hold a part of it out."""
    isonet.write(here / "v.mrc", isonet.specimen((24, 24, 128)))
    isonet.done("prepare", "v.mrc")
    return here / "tomograms.star"


def ended(folder: Path) -> list[dict[str, Any]]:
    """Lines of metrics of whole iterations."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if "wedge_balance" in line]


@pytest.mark.parametrize(("share", "first"), [(0.1, 104), (0.5 - 1e-9, 64), (0, None)])
def test_part_that_is_held_out_is_not_trained_on(
    long: Path, monkeypatch: pytest.MonkeyPatch, share: float, first: int | None
) -> None:
    corners: list[int] = []
    cut = Source.cut

    def recording(self: Source, corner: Any, shape: Any) -> Any:
        if tuple(shape) == (24, 24, 24):
            corners.append(int(corner[2]))
        return cut(self, corner, shape)

    monkeypatch.setattr(Source, "cut", recording)
    options = {**isonet.TINY, "iterations": 1, "number_subtomos": 50, "batch_size": 25, "held_out": share}
    outcome = isonet.done("refine", long, **options)
    trained, tested = corners[:50], corners[50:]
    (line,) = ended(Path("results"))
    if first is None:
        assert not tested
        assert line["held_out_loss"] is None
        assert "held out" not in outcome.err
    else:
        assert max(trained) + 24 <= first <= min(tested)
        assert len(tested) == 8
        assert line["held_out_loss"] > 0
        assert f"{line['held_out_loss']:.4f} on the part held out" in outcome.err
    assert max(trained) > 50 or share > 0.4


def test_held_out_loss_is_that_of_the_same_cubes_each_time(long: Path) -> None:
    still = {"learning_rate": 1e-12, "normalization": "none", "iterations": 3, "steps_per_epoch": 1, "patience": 0}
    isonet.done("refine", long, **{**isonet.TINY, **still})
    losses = [line["held_out_loss"] for line in ended(Path("results"))]
    assert len(losses) == 3
    assert losses[2] == pytest.approx(losses[0], rel=1e-3)


def lines(*pairs: tuple[float | None, float | None]) -> list[dict[str, Any]]:
    return [{"loss": 1.0}, *({"held_out_loss": loss, "wedge_balance": balance} for loss, balance in pairs)]


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (lines((1.0, 0.5), (1.0, 0.5), (1.0, 0.5)), True),
        (lines((1.0, 0.5), (1.0, 0.5)), False),  # too few
        (lines((1.0, 0.5), (1.0, 0.5), (0.99, 0.5)), False),  # the loss falls
        (lines((1.0, 0.5), (1.1, 0.5), (0.9995, 0.5)), True),  # by less than a thousandth
        (lines((1.0, 0.5), (1.0, 0.5), (1.0, 0.52)), False),  # the wedge fills
        (lines((1.0, 1e-4), (1.0, 2e-4), (1.0, 4e-4)), True),  # it is empty and stays so
        (lines((1.0, None), (1.0, None), (1.0, None)), True),
        (lines((None, 0.5), (None, 0.5), (None, 0.5)), False),  # nothing is held out
    ],
)
def test_standing_still(metrics: list[dict[str, Any]], expected: bool) -> None:
    assert stagnates(metrics, 2) == expected
    assert not stagnates(metrics, 0)


@pytest.mark.parametrize(("patience", "noise", "expected"), [(2, 9, 3), (0, 9, 6), (2, 3, 5)])
def test_patience_ends_a_run_that_does_not_move(long: Path, patience: int, noise: int, expected: int) -> None:
    """Counted from the last change of the noise level on."""
    still = {"learning_rate": 1e-12, "normalization": "none", "steps_per_epoch": 1, "iterations": 6}
    options = {**isonet.TINY, **still, "patience": patience, "noise_level": 0.1, "noise_start_iter": noise}
    outcome = isonet.done("refine", long, **options)
    assert len(ended(Path("results"))) == expected
    assert ("neither held-out loss nor wedge balance changed in 2 iterations" in outcome.err) == (expected < 6)


def test_time_budget_is_used_up_with_the_learning_rate_at_its_end(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    step = Trainer.step

    def recording(self: Trainer, batch: Any, learning_rate: float) -> Any:
        rates.append(learning_rate)
        return step(self, batch, learning_rate)

    monkeypatch.setattr(Trainer, "step", recording)
    budget = {**isonet.TINY, "iterations": 5, "warmup_steps": 0, "learning_rate": 1e-3, "patience": 0}
    outcome = isonet.done("refine", long, time_budget="6s", **budget)
    state = checkpoint.load_state(Path("results/trainer.pt"))
    position = state["position"]
    assert "a training step takes about" in outcome.err
    assert position["iteration"] == position["amount"]["iterations"] + 1
    assert 4 <= position["amount"]["iterations"] <= 5
    assert position["amount"]["epochs"] in (1, 2)  # as fast as the machine is
    assert position["budget"] == 6
    assert position["seconds"] > 0
    taken = rates[3:]  # after those that measured
    assert len(taken) == position["taken"]
    assert taken == sorted(taken, reverse=True)
    assert taken[0] == pytest.approx(1e-3, rel=0.05)
    assert taken[-1] < 0.2 * taken[0]


@pytest.mark.parametrize(("budget", "told"), [("1s", True), ("1h", False)])
def test_a_time_budget_that_the_least_work_overshoots_is_told(here: Path, long: Path, budget: str, told: bool) -> None:
    options = {**isonet.TINY, "iterations": 9, "max_time": "0.001s"}
    outcome = isonet.done("refine", long, time_budget=budget, **options)
    said = "warning: --time-budget 0:00:01: the least that is done, 4 iterations of 1 step, takes about 0:00:"
    assert (said in outcome.err) == told
    assert ("--time-budget" in outcome.err) == told


@pytest.mark.parametrize(("steps", "told"), [(80, "give 0:07:00 or more"), (100, None)])
def test_few_steps_are_told_with_the_time_that_is_enough(
    steps: int, told: str | None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("isonet"), "propagate", True)
    plan._warn_of_few_steps(300.0, steps, 300.0)
    said = [record.getMessage() for record in caplog.records]
    assert (said == []) if told is None else (told in said[0] and f"{steps} training steps fit" in said[0])


def test_time_budget_goes_on_after_a_stop_and_can_be_raised(long: Path) -> None:
    budget = {**isonet.TINY, "iterations": 4, "patience": 0}
    isonet.done("refine", long, time_budget="8s", max_time="0.001s", **budget)
    stopped = checkpoint.load_state(Path("results/trainer.pt"))["position"]
    assert stopped["step"] == 1
    assert stopped["seconds"] > 0
    isonet.done("refine", "--continue-from", "results")
    done = checkpoint.load_state(Path("results/trainer.pt"))["position"]
    assert (done["iteration"], done["amount"]["iterations"]) == (5, 4)
    assert done["seconds"] > stopped["seconds"]
    assert [line["iteration"] for line in ended(Path("results"))] == [1, 2, 3, 4]
    assert "all 4 iterations are done" in isonet.done("refine", "--continue-from", "results").err
    isonet.done("refine", "--continue-from", "results", time_budget="10s", iterations=6)
    assert checkpoint.load_state(Path("results/trainer.pt"))["position"]["iteration"] > 5


def test_pictures_and_numbers_of_an_iteration(here: Path, draws: None) -> None:
    """Two rows of XY, XZ and two spectra; the balance of each shell."""
    isonet.write(here / "v.mrc", isonet.specimen((48, 48, 48)))
    isonet.done("prepare", "v.mrc")
    isonet.done("refine", "tomograms.star", **{**isonet.TINY, "iterations": 1})
    with Image.open("results/previews/iter01.png") as picture:
        width, height = picture.size
    assert width == 1600
    assert 700 <= height <= 1000
    (line,) = ended(Path("results"))
    frequencies, ratios = zip(*line["balance_by_shell"], strict=True)
    assert list(frequencies) == sorted(frequencies)
    assert 0.04 <= frequencies[0] < frequencies[-1] <= 0.25
    assert sum(ratios) / len(ratios) == pytest.approx(line["wedge_balance"], abs=1e-3)
    log = Path("results/run.log").read_text()
    assert "in the network's own output the wedge holds " in log
    assert " % of the power density outside it (0 empty, 100 filled)" in log
    assert "iteration 1, epoch 1: mean training error" in log
