"""Things worked on at once: what is said and raised comes in their order."""

import logging
import threading
from collections.abc import Iterator

import pytest

from isonet.running.console import collected
from isonet.steps.prepare.in_threads import in_threads

log = logging.getLogger("isonet")


def test_what_is_said_comes_in_order_though_the_second_is_ready_first() -> None:
    second_is_ready = threading.Event()

    def work(number: int) -> int:
        log.warning("begin %d", number)
        if number == 0:
            assert second_is_ready.wait(60)
        if number == 1:
            second_is_ready.set()
        log.warning("end %d", number)
        return 10 * number

    def things() -> Iterator[int]:
        for number in range(4):
            log.warning("taken %d", number)
            yield number

    found, said = [], []
    with collected() as all_said:
        for outcome in in_threads(work, things()):
            with collected() as warned:
                found.append(outcome.told())
            said.append(warned.texts)
    assert found == [0, 10, 20, 30]
    assert said == [[f"taken {number}", f"begin {number}", f"end {number}"] for number in range(4)]
    assert all_said.texts == [text for texts in said for text in texts]


@pytest.mark.parametrize("where", ["work", "things"])
def test_an_error_is_raised_in_its_turn(where: str) -> None:
    def work(number: int) -> int:
        if where == "work" and number == 2:
            raise ValueError("two")
        return number

    def things() -> Iterator[int]:
        yield from range(2)
        if where == "things":
            raise ValueError("two")
        yield from range(2, 9)

    outcomes = in_threads(work, things())
    assert [next(outcomes).told(), next(outcomes).told()] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(outcomes).told()
