"""Completion by the tabulator key, in bash itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import commandline as isonet
import pytest

_ASK = """
source "$HOME/.bashrc"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
$(complete -p isonet | sed 's/.*-F \\([^ ]*\\).*/\\1/') isonet "${COMP_WORDS[COMP_CWORD]}" ""
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home folder in which completion was installed twice, beside what the user has."""
    if shutil.which("bash") is None:
        pytest.skip("no bash on this machine")
    folder = tmp_path_factory.mktemp("home")
    (folder / ".bashrc").write_text("MINE=1\n")
    for _ in range(2):
        words = [sys.executable, "-m", "isonet", "--install-completion", "--shell=bash"]
        done = subprocess.run(
            words, env={**os.environ, "HOME": str(folder)}, capture_output=True, text=True, check=True
        )
        assert str(folder) in done.stdout
    return folder


def said(words: list[str], home: Path) -> str:
    """What a command prints for a user with this home folder."""
    there = {**os.environ, "HOME": str(home)}
    return subprocess.run(words, env=there, cwd=home, capture_output=True, text=True, check=True).stdout


def completed(home: Path, *words: str) -> set[str]:
    """What bash offers for the last of the words on a command line."""
    bash = ["bash", "--norc", "--noprofile", "-c", _ASK, "bash", "isonet", *words]
    done = subprocess.run(
        bash, env={**os.environ, "HOME": str(home)}, cwd=home, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_users_file_is_kept(home: Path) -> None:
    lines = (home / ".bashrc").read_text().splitlines()
    assert lines[0] == "MINE=1"
    assert len([line for line in lines if "isonet" in line and not line.startswith("#")]) == 1


def test_commands_options_values_and_files_are_completed(home: Path) -> None:
    (home / "tomograms.star").touch()
    assert completed(home, "pre") >= {"prepare", "predict"}
    assert "refine" not in completed(home, "pre")
    assert "relion" in completed(home, "rel")
    assert completed(home, "refine", "--noise-m") == {"--noise-mode"}
    assert completed(home, "refine", "--noise-mode", "") == {"unfiltered", "ramp", "hamming"}
    assert "tomograms.star" in completed(home, "predict", "tomo")


def test_a_shell_that_is_not_known(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cyclopts.completion.detect.detect_shell", _unknown)
    isonet.assert_refused(isonet.call("--install-completion"), "--install-completion", "--shell bash")
    isonet.assert_refused(isonet.call("--install-completion", "--shell=tcsh"), "tcsh", "bash")


def _unknown() -> str:
    from cyclopts.completion.detect import ShellDetectionError

    raise ShellDetectionError("unknown")
