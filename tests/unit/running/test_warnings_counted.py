"""Warnings of a command: marked on the screen, counted at the end, kept in files."""

import io
import logging
import sys

import pytest

from isonet.running.console import Warned, collected, log_to_console

log = logging.getLogger("isonet")


def test_lines_that_need_the_user_begin_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    log_to_console(debug=False)
    log.warning("%s: no wedge", "v.mrc")
    log.info("2 tomograms")
    first, second = said.getvalue().splitlines()
    assert first[8:] == " warning: v.mrc: no wedge"
    assert second[8:] == " 2 tomograms"


def test_each_is_said_once_for_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        said = io.StringIO()
        monkeypatch.setattr(sys, "stderr", said)
        log_to_console(debug=False)
        for text in ("one", "two", "one"):
            log.warning(text)
            log.info("news")
        assert [line.split()[-1] for line in said.getvalue().splitlines()] == ["one", "news", "two", "news", "news"]


def test_each_is_collected_once_and_only_within_the_block() -> None:
    log.warning("before")
    with collected() as warned:
        for text in ("one", "two", "one"):
            log.warning(text)
        log.info("news")
    log.warning("after")
    assert warned.texts == ["one", "two"]
    assert warned.summary == "2 warnings, see above"


def test_nothing_is_said_where_nothing_was_warned_of() -> None:
    assert Warned().summary == ""
    assert Warned().kept == []


def test_files_keep_the_first_and_how_many_more_there_were() -> None:
    warned = Warned()
    warned.add([f"tomogram {number}" for number in range(500)])
    assert warned.kept[0] == "tomogram 0"
    assert len(warned.kept) == 201
    assert warned.kept[-1] == "and 300 more, see run.log"
    assert warned.summary == "500 warnings, see above"
