"""The learning rate over a run."""

import pytest

from isonet.train.schedule import learning_rate


def test_cosine_falls_from_the_peak_to_a_hundredth() -> None:
    rates = [learning_rate(1.0, fraction / 10, 1000, 20, "cosine") for fraction in range(11)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(1)
    assert rates[5] == pytest.approx(0.505)
    assert rates[-1] == pytest.approx(0.01)
    assert learning_rate(1.0, 1.2, 1000, 20, "cosine") == pytest.approx(0.01)


def test_constant_stays() -> None:
    assert {learning_rate(0.3, fraction / 10, 1000, 20, "constant") for fraction in range(11)} == {0.3}


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_rate_rises_over_the_first_steps(schedule: object) -> None:
    rates = [learning_rate(1.0, 0.0, step, 4, schedule) for step in range(7)]  # type: ignore[arg-type]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1, 1])
    assert learning_rate(1.0, 0.0, 0, 0, schedule) == 1  # type: ignore[arg-type]
