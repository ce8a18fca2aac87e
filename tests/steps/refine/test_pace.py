"""How much fits into the time there is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isonet.config import RefineConfig
from isonet.steps.refine.pace import Amount, Costs, amount_asked, amount_that_fits, iterations_that_fit

SECONDS = st.floats(1e-3, 1e5)


def costs_of(step: float, subvolume: float = 0.0, iteration: float = 0.0) -> Costs:
    made = Costs()
    for name, seconds in (("step", step), ("subvolume", subvolume), ("iteration", iteration)):
        made.measured(name, seconds)
    return made


@pytest.mark.parametrize(
    ("options", "subvolumes", "expected"),
    [
        ({}, 300, Amount(30, 10, 200, 300)),  # the paper's number at most
        ({}, 20, Amount(30, 10, 30, 20)),  # six pairs of each
        ({"batch_size": 8}, 1, Amount(30, 10, 1, 1)),
        ({"iterations": 3, "epochs": 2, "steps_per_epoch": 999}, 5, Amount(3, 2, 999, 5)),
        ({"iterations": 9, "steps_per_epoch": 50, "batch_size": 2}, 300, Amount(9, 10, 50, 100)),  # one pair of each
    ],
)
def test_without_a_budget_it_is_what_the_options_say(
    options: dict[str, int], subvolumes: int, expected: Amount
) -> None:
    amount = amount_asked(RefineConfig(**options), subvolumes, 2)
    assert amount == replace(expected, begins=1 / expected.iterations, ends=2 / expected.iterations)


def test_ten_minutes_of_seconds() -> None:
    """600 s, a step of 0.9 s and 4/6 sub-volume of 0.15 s each: 600 steps in 12 iterations of 50."""
    config, costs = RefineConfig(crop_size=64), costs_of(0.9, 0.15)
    assert amount_that_fits(config, 300, costs, 600.0, 0.0, 1, 0.0) == Amount(12, 1, 50, 34, 0.0, 1 / 12)
    last = amount_that_fits(config, 300, costs, 600.0, 510.0, 12, 0.8)
    assert last == Amount(12, 1, 90, 60, 0.85, 1.0)
    assert amount_that_fits(config, 20, costs, 600.0, 510.0, 12, 0.8) == replace(last, subvolumes=20)
    assert amount_that_fits(config, 300, costs, 600.0, 700.0, 13, 0.9) == Amount(13, 1, 1, 1, 1.0, 1.0)


def test_sub_volumes_that_are_larger_than_the_cubes_give_more_pairs() -> None:
    """Of 80 for cubes of 64: 9 pairs of each in place of 6."""
    found = amount_that_fits(RefineConfig(crop_size=80), 300, costs_of(0.9, 0.225), 600.0, 0.0, 1, 0.0)
    assert (found.steps, found.subvolumes) == (50, 23)


def test_a_run_never_goes_back() -> None:
    """What was to be done counts where it took less time, so that the learning rate does not rise again."""
    ahead = amount_that_fits(RefineConfig(), 300, costs_of(1.0), 600.0, 60.0, 2, 0.25)
    assert ahead.begins == 0.25
    assert ahead.ends == pytest.approx(0.25 + 0.75 / (ahead.iterations - 1))


def test_a_machine_that_becomes_free_gets_more_iterations() -> None:
    config = RefineConfig()
    planned = amount_that_fits(config, 300, costs_of(9.0), 1200.0, 0.0, 1, 0.0)
    assert planned.iterations == 4
    assert amount_that_fits(config, 300, costs_of(0.5), 1200.0, 300.0, 2, 0.25).iterations == 30


@given(
    seconds=SECONDS, used=st.floats(0, 0.9), step=SECONDS, subvolume=SECONDS, besides=SECONDS, first=st.integers(1, 40)
)
def test_what_fits_takes_the_time_and_no_more(
    seconds: float, used: float, step: float, subvolume: float, besides: float, first: int
) -> None:
    """Unless not even one step fits; and another step would not fit."""
    config, costs = RefineConfig(crop_size=64), costs_of(step, subvolume, besides)
    budget = max(20.0, seconds / (1 - used))
    seconds = budget * (1 - used)
    amount = amount_that_fits(config, 10**9, costs, budget, used * budget, first, 0.0)
    iterations = amount.iterations
    assert max(4, first) <= iterations <= max(first, config.iterations)
    assert (used if first > 1 else 0.0) <= amount.ends <= 1 + 1e-9
    assert first > 1 or amount.begins == 0
    assert (amount.ends > 1 - 1e-9) == (first == iterations)

    def taken(steps: int) -> float:
        return (iterations - first + 1) * (steps * (step + subvolume * config.batch_size / 6) + besides)

    assert amount.steps == 1 or taken(amount.epochs * amount.steps) <= seconds * (1 + 1e-9)
    assert taken(amount.epochs * (amount.steps + 1)) >= seconds * (1 - 1e-9)
    assert amount.steps * config.batch_size <= 6 * amount.subvolumes


MINUTE, DAY = 60.0, 86400.0


@given(
    step=st.floats(0.01, 2.0),
    budget=st.floats(2 * MINUTE, 3 * DAY),
    fill=st.floats(0.05, 2.0),
    besides=st.floats(1.0, 30.0),
    slower=st.floats(0.7, 1.5),
    total=st.integers(15, 1000),
    batch=st.sampled_from([1, 2, 4, 8]),
)
def test_every_device_sees_fresh_data_for_whatever_time_it_has(
    step: float, budget: float, fill: float, besides: float, slower: float, total: int, batch: int
) -> None:
    """Runs at work, from a GPU of 0.01 s a step to a CPU of 2 s, from 2 minutes to 3 days.

    Sub-volumes are drawn anew every 50 to 200 steps, none gives many more pairs than there are rotations of a pair of
    halves, the course of the learning rate never goes back, and the time is used and kept to. The machine is up to half
    slower than was measured first.
    """
    config, costs = RefineConfig(batch_size=batch), costs_of(step, fill * step, besides)
    used = done = steps = drawn = 0.0
    iteration = 1
    while True:
        amount = amount_that_fits(config, total, costs, budget, used, iteration, done)
        assert amount.steps <= 200
        assert amount.epochs == 1 or amount.steps >= 50
        assert amount.subvolumes <= total
        pairs = amount.steps * batch / amount.subvolumes
        assert pairs <= max(14, 100 * batch / total)
        assert done <= amount.begins <= amount.ends
        taken = slower * amount.epochs * (amount.steps * step + amount.subvolumes * fill * step) + besides
        costs.measured("step", slower * step)
        costs.measured("subvolume", slower * fill * step)
        used, done, iteration = used + taken, amount.ends, iteration + 1
        steps, drawn = steps + amount.epochs * amount.steps, drawn + amount.epochs * amount.subvolumes
        if iteration > amount.iterations:
            break
    assert done == pytest.approx(1.0)
    assert 4 <= iteration - 1 <= 30
    assert steps * batch / drawn <= max(14, 100 * batch / total)
    if amount.steps > 1:
        assert 0.7 * budget <= used + 50 * step * slower * 3 + besides
        assert used <= 1.03 * budget + besides + amount.epochs * amount.steps * step


@pytest.mark.parametrize(
    ("step", "budget", "expected"),
    [
        (1.0, 20 * MINUTE, Amount(15, 1, 53, 16, 0.0, 1 / 15)),
        (2.0, 60 * MINUTE, Amount(24, 1, 51, 15, 0.0, 1 / 24)),
        (1.0, 120 * MINUTE, Amount(30, 1, 165, 48, 0.0, 1 / 30)),
    ],
)
def test_a_cpu_does_at_usual_times_what_it_did(step: float, budget: float, expected: Amount) -> None:
    """One draw for each iteration of about 50 steps, as trials of quality had it."""
    assert amount_that_fits(RefineConfig(), 300, costs_of(step, 1.5 * step, 4.0), budget, 0.0, 1, 0.0) == expected


def test_a_night_on_a_gpu_is_fed() -> None:
    """0.17 s a step for 8 hours: tens of thousands of draws, not 9,000."""
    amount = amount_that_fits(RefineConfig(), 300, costs_of(0.17, 0.1, 3.0), 8 * 3600.0, 0.0, 1, 0.0)
    assert amount.iterations * amount.epochs * amount.subvolumes > 35_000


@given(less=SECONDS, more=SECONDS, step=SECONDS)
def test_more_time_gives_more(less: float, more: float, step: float) -> None:
    less, more = sorted((less, more))
    config, costs = RefineConfig(), costs_of(step)
    assert iterations_that_fit(config, costs, less, 1) <= iterations_that_fit(config, costs, more, 1)
    two = RefineConfig(iterations=2)
    assert iterations_that_fit(two, costs, more, 1) == 2
    amounts = [amount_that_fits(two, 300, costs, seconds, 0.0, 1, 0.0) for seconds in (less, more)]
    steps = [amount.epochs * amount.steps for amount in amounts]
    assert steps[0] < steps[1] + amounts[1].epochs


def test_costs_follow_the_latest_measurements() -> None:
    costs = costs_of(8.0)
    costs.measured("step", 4.0)
    assert costs.step == 6
    costs.measured("step", 2.0)
    assert costs.step == 4
    assert costs.subvolume == 0
