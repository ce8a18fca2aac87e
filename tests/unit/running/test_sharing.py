"""What one process is at work on no other takes, and nothing is left undone."""

import os
import threading
import time
from pathlib import Path

import pytest

from isonet.running import sharing
from isonet.running.sharing import nobodys


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_SECONDS_BETWEEN_LOOKS", 0.01)


def products(folder: Path, count: int) -> list[Path]:
    return [folder / f"{number}.mrc" for number in range(count)]


def test_three_at_once_make_nothing_twice(tmp_path: Path) -> None:
    paths = products(tmp_path, 20)
    taken: list[int] = []

    def work() -> None:
        for number, path in nobodys(range(20), paths):
            if path.exists():  # made before this process began to look
                continue
            time.sleep(0.002)
            taken.append(number)
            path.write_text("made")

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(taken) == list(range(20))
    assert not list(tmp_path.glob(".*.lock"))


def test_what_a_failed_process_had_is_taken_up(tmp_path: Path) -> None:
    paths = products(tmp_path, 2)
    failing, other = nobodys(range(2), paths), nobodys(range(2), paths)
    assert next(failing)[0] == 0
    assert next(other)[0] == 1
    failing.close()  # as when its process ends
    paths[1].write_text("made")
    assert next(other)[0] == 0
    assert next(other, None) is None


def test_whom_it_waits_for_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sharing, "_QUIET", 0.05)
    (path,) = products(tmp_path, 1)
    working, waiting = nobodys([1], [path]), nobodys([1], [path])
    assert next(working)[0] == 1

    def end_later() -> None:
        time.sleep(0.3)
        path.write_text("made")
        working.close()

    ending = threading.Thread(target=end_later)
    with caplog.at_level("INFO", "isonet"):
        ending.start()
        assert next(waiting, None) is None
        ending.join()
    (said,) = [record.getMessage() for record in caplog.records]
    assert str(path) in said and f"process {os.getpid()} on" in said and "since" in said


def test_a_failure_leaves_no_lock_behind(tmp_path: Path) -> None:
    """The lock file is removed while it is held, also where its product was not made."""
    (path,) = products(tmp_path, 1)
    with pytest.raises(RuntimeError):
        fail_at_work(path)
    assert not list(tmp_path.iterdir())


def test_a_lock_that_cannot_be_removed_hides_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder may have become read-only; the lock file that stays locks nothing."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (path,) = products(tmp_path, 1)
    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", refuse)
        with pytest.raises(RuntimeError, match="at work"):
            fail_at_work(path)
    assert next(nobodys([1], [path]))[0] == 1


def fail_at_work(path: Path) -> None:
    for _ in nobodys([1], [path]):
        assert list(path.parent.glob(".*.lock"))
        raise RuntimeError("at work")


def test_failures_let_no_two_work_on_one_thing(tmp_path: Path) -> None:
    """Those who had the lock file of a failed process open must not hold it beside those who made it anew."""
    (path,) = products(tmp_path, 1)
    lock = threading.Lock()
    at_once: list[bool] = []

    def work() -> None:
        for _ in range(30):
            for _ in nobodys([1], [path]):
                at_once.append(lock.acquire(blocking=False))
                time.sleep(0.0005)
                lock.release()
                break  # nothing was made, as after a failure

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(at_once) == 120
    assert all(at_once)
    assert not list(tmp_path.iterdir())


def test_processes_begin_in_different_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "3", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "1")
    assert [item for item, _ in nobodys(range(6), products(tmp_path, 6))] == [2, 3, 4, 5, 0, 1]


def test_what_was_made_before_is_looked_at_once_more(tmp_path: Path) -> None:
    """Whether it is of this input and these options is for the step to say."""
    paths = products(tmp_path, 2)
    paths[0].write_text("made")
    assert [item for item, _ in nobodys(range(2), paths)] == [0, 1]
