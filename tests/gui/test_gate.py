"""Tests in a browser are skipped where there is none, but not by the gate."""

from pathlib import Path

import pytest
from chromium import REQUIRED, executable

ROOT = Path(__file__).parents[2]


def nowhere(_name: str) -> None:
    return None


def test_without_a_browser_tests_are_skipped_with_the_remedy() -> None:
    for environment in ({}, {REQUIRED: ""}, {REQUIRED: "0"}):
        with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
            executable(environment, nowhere)


def test_where_a_browser_is_required_they_fail() -> None:
    with pytest.raises(pytest.fail.Exception, match=REQUIRED):
        executable({REQUIRED: "1"}, nowhere)


def test_a_browser_of_any_name_is_found() -> None:
    assert executable({}, {"google-chrome": "/opt/chrome"}.get) == "/opt/chrome"
    assert executable({REQUIRED: "1"}, {"chromium": "/usr/bin/chromium"}.get) == "/usr/bin/chromium"


def test_the_gate_requires_a_browser() -> None:
    assert f"export {REQUIRED}=1\n" in (ROOT / ".ci/run").read_text()
