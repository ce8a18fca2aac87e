"""Faults at chosen moments, as `benchmarks/faults.py` tries them by the hundred: nothing computed is lost."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from failing.inject import Fault
from failing.judge import message_problems
from failing.steps import STEPS
from failing.suffered import Laid, chosen_fault, lay, possible, suffer
from faults import small_disk


@pytest.fixture(scope="module")
def disk() -> Iterator[tuple[Path, bool]]:
    """A small file system, and whether it can be filled."""
    with small_disk() as given:
        yield given


@pytest.fixture(scope="module")
def laid(disk: tuple[Path, bool]) -> Laid:
    """The step that has most files to lose."""
    return lay(STEPS["extract"], disk[0])


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        *(("kill -9", number) for number in range(3)),
        *((kind, 0) for kind in ("SIGTERM", "disk full", "files limited", "read-only folder", "vanished input")),
        *((kind, 0) for kind in ("truncated file", "two runs", "clock jumps", "MemoryError")),
    ],
)
def test_fault_is_survived(disk: tuple[Path, bool], laid: Laid, kind: str, number: int) -> None:
    if kind == "disk full" and not disk[1]:
        pytest.skip("no file system can be mounted here")
    chance = random.Random(f"{kind} {number}")
    assert possible(kind, laid.step)
    _, problems = suffer(laid, chosen_fault(kind, laid, chance), chance, disk[0])
    assert problems == []


def test_damage_does_not_go_unseen(disk: tuple[Path, bool], laid: Laid) -> None:
    """The judgement itself: another volume in place of a product is told from the right one."""
    whole = {name: value for name, value in laid.whole.items() if name.endswith(".mrc")}
    wrong = Laid(laid.step, laid.start, {**laid.whole, **dict.fromkeys(whole)}, laid.events, laid.seconds)
    _, problems = suffer(wrong, Fault("none"), random.Random(0), disk[0])
    assert len(problems) == 2 * len(whole)
    assert "is there and is another one" in problems[0]
    assert message_problems(1, "isonet: it broke\n") == ["says not what to do: isonet: it broke"]
    assert message_problems(1, "isonet: a; mend it\n") == []
    assert message_problems(1, "Traceback (most recent call last):\nKeyError: 1\n") == ["traceback: KeyError: 1"]
