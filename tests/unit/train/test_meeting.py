"""Processes that meet: who is missing is said, waiting ends, and nothing keeps the port."""

import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from isonet.train import meeting
from isonet.train.meeting import NotMetError
from isonet.train.team import Team

REMEDY = "ask for one task"


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def little_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, seconds in (("_QUIET", 0.3), ("_AGAIN", 10.0), ("_PATIENCE", 0.8), ("_BUSY", 0.3), ("_LOOK", 0.05)):
        monkeypatch.setattr(meeting, name, seconds)
    yield


def team(rank: int, size: int, port: int) -> Team:
    return Team(rank, size, port=port, kin="processes of this step", remedy=REMEDY)


def test_all_come(port: int, caplog: pytest.LogCaptureFixture) -> None:
    met: list[int] = []

    def come(rank: int) -> None:
        meeting.meet(team(rank, 3, port))
        met.append(rank)

    others = [threading.Thread(target=come, args=(rank,)) for rank in (1, 2)]
    for other in others:
        other.start()
    store = meeting.meet(team(0, 3, port))
    for other in others:
        other.join()
    assert sorted(met) == [1, 2] and store is not None
    assert not caplog.records


@pytest.mark.parametrize("rank", [0, 1])
def test_waiting_is_told_and_ends(rank: int, port: int, caplog: pytest.LogCaptureFixture) -> None:
    """Process 0 waits for three, another one for process 0."""
    with caplog.at_level(logging.WARNING), pytest.raises(NotMetError) as caught:
        meeting.meet(team(rank, 4, port))
    whom = "3 of 4 processes of this step" if rank == 0 else "1 of 4 processes of this step, process 0 at 127.0.0.1"
    (said,) = [record.getMessage() for record in caplog.records]
    assert f"waiting for {whom}" in said and REMEDY in said
    assert whom in str(caught.value) and REMEDY in str(caught.value)


def test_an_end_leaves_the_port_free(port: int) -> None:
    for _ in range(2):
        with pytest.raises(NotMetError, match="did not come"):
            meeting.meet(team(0, 2, port))


def test_a_port_that_another_one_has_is_named(port: int) -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", port))
        other.listen()
        with pytest.raises(NotMetError, match=f"port {port} of 127.0.0.1 is in use.*MASTER_PORT"):
            meeting.meet(team(0, 2, port))
