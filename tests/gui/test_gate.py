"""Tests in a browser are skipped where there is none, but not by the gate."""

import re
from pathlib import Path

import pytest
from chromium import REQUIRED, executable

from isonet.gui.jobs.forms import OFFERED

ROOT = Path(__file__).parents[2]
LARGEST = 300_000  # bytes of a picture


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


def test_every_page_has_its_picture_in_the_documentation() -> None:
    """Made by `scripts/pictures.py`; small, as they are kept with the program."""
    shown = set(re.findall(r"\(gui/([\w-]+)\.png\)", (ROOT / "docs/gui.md").read_text()))
    looks = {
        "empty",
        "project",
        "dark",
        "add",
        "viewer",
        "masks",
        "jobs",
        "failed",
        "validation",
        "confidence",
        "choose",
    }
    assert shown == looks | {f"step-{name}" for name in OFFERED}
    assert {path.stem for path in (ROOT / "docs/gui").iterdir()} == shown
    assert {path.stem for path in (ROOT / "docs/gui").iterdir() if path.stat().st_size > LARGEST} == set()
    assert (ROOT / "docs/report.png").stat().st_size <= LARGEST


def test_tests_that_share_an_interface_stay_together_and_long_ones_come_first() -> None:
    assert "--dist loadscope --no-loadscope-reorder\n" in (ROOT / "Makefile").read_text()
