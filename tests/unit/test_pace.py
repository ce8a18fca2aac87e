"""How much fits into the time there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isonet.config import RefineConfig
from isonet.steps.pace import Amount, Costs, amount_asked, amount_that_fits, iterations_that_fit

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
    ],
)
def test_without_a_budget_it_is_what_the_options_say(
    options: dict[str, int], subvolumes: int, expected: Amount
) -> None:
    assert amount_asked(RefineConfig(**options), subvolumes) == expected


def test_ten_minutes_of_seconds() -> None:
    """600 s, a step of 0.9 s and 4/6 sub-volume of 0.15 s each: 600 steps in 12 iterations of 50."""
    config, costs = RefineConfig(), costs_of(0.9, 0.15)
    assert iterations_that_fit(config, costs, 600.0) == 12
    assert amount_that_fits(config, 300, costs, 600.0, 12, 1) == Amount(12, 1, 50, 34)
    assert amount_that_fits(config, 300, costs, 100.0, 12, 12) == Amount(12, 1, 100, 67)
    assert amount_that_fits(config, 20, costs, 100.0, 12, 12) == Amount(12, 1, 100, 20)


@given(seconds=SECONDS, step=SECONDS, subvolume=SECONDS, besides=SECONDS, first=st.integers(1, 4))
def test_what_fits_takes_the_time_and_no_more(
    seconds: float, step: float, subvolume: float, besides: float, first: int
) -> None:
    """Unless not even one step fits; and another step would not fit."""
    config, costs = RefineConfig(), costs_of(step, subvolume, besides)
    iterations = iterations_that_fit(config, costs, seconds)
    assert 4 <= iterations <= config.iterations
    amount = amount_that_fits(config, 10**9, costs, seconds, iterations, first)
    assert (amount.iterations, amount.epochs) == (iterations, 1)

    def taken(steps: int) -> float:
        return (iterations - first + 1) * (steps * (step + subvolume * config.batch_size / 6) + besides)

    assert amount.steps == 1 or taken(amount.steps) <= seconds * (1 + 1e-9)
    assert taken(amount.steps + 1) >= seconds * (1 - 1e-9)
    assert amount.steps * config.batch_size <= 6 * amount.subvolumes


@given(less=SECONDS, more=SECONDS, step=SECONDS)
def test_more_time_gives_more(less: float, more: float, step: float) -> None:
    less, more = sorted((less, more))
    config, costs = RefineConfig(), costs_of(step)
    assert iterations_that_fit(config, costs, less) <= iterations_that_fit(config, costs, more)
    amounts = [amount_that_fits(config, 300, costs, seconds, 5, 2) for seconds in (less, more)]
    assert amounts[0].steps <= amounts[1].steps
    assert iterations_that_fit(RefineConfig(iterations=2), costs, more) <= 2


def test_costs_follow_the_latest_measurements() -> None:
    costs = costs_of(8.0)
    costs.measured("step", 4.0)
    assert costs.step == 6
    costs.measured("step", 2.0)
    assert costs.step == 4
    assert costs.subvolume == 0
