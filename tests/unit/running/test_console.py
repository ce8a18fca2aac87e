"""What a user sees while a step runs: lines on standard error, durations, a bar on a terminal."""

import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from isonet.running import console, runs

log = logging.getLogger("isonet")


@pytest.fixture(autouse=True)
def quiet_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give back the handlers and the level of the program's log."""
    monkeypatch.setattr(logging, "raiseExceptions", True)
    handlers, level = list(log.handlers), log.level
    yield
    log.handlers[:] = handlers
    log.setLevel(level)


class Terminal(io.StringIO):
    """Text that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00"), (59.6, "0:01:00"), (3661, "1:01:01"), (360000, "100:00:00")]
)
def test_durations_are_written_as_hours_minutes_seconds(seconds: float, text: str) -> None:
    assert console.duration_text(seconds) == text


@pytest.mark.parametrize(("debug", "told"), [(False, ["told"]), (True, ["told", "detail"])])
def test_logs_go_to_standard_error(debug: bool, told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    console.log_to_console(debug)
    log.info("told")
    log.debug("detail")
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split()[-1] for line in err.splitlines()] == told


def test_a_terminal_shows_a_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    run = runs.Run(tmp_path, "check")
    with run.progress("working", 2) as advance:
        advance()
        advance()
    shown = sys.stderr.getvalue()
    assert "working" in shown
    assert "2/2" in shown
