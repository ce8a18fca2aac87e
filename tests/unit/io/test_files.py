"""Files are there in whole or not at all."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from isonet.errors import RunError
from isonet.io import files
from isonet.io.files import atomic_path, discarded_path, write_json, write_text


def test_a_file_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "a.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("content")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_text() == "content"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_block_that_fails_changes_nothing(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with pytest.raises(error), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_temporary_files_vanish(tmp_path: Path) -> None:
    with discarded_path(tmp_path) as temporary:
        assert temporary.read_bytes() == b""
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot be written \(.+\); free some space or choose another folder"):
        write_text(tmp_path / "file" / "a.txt", "")


def test_json_is_utf8_text(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "ü", "list": [1, None]})
    assert (tmp_path / "a.json").read_text() == '{\n "name": "\\u00fc",\n "list": [\n  1,\n  null\n ]\n}\n'


def test_a_full_disk_leaves_the_old_files_and_a_message(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk."""
    script = """
import resource, sys
from pathlib import Path
import numpy as np
from isonet.errors import RunError
from isonet.io import files, mrc
from isonet.io.mrc_bytes.header import Header
folder = Path(sys.argv[1])
files.write_text(folder / "a.txt", "before")
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
volume = np.zeros((20, 20, 20), dtype=np.float32)
for write in (
    lambda: files.write_text(folder / "a.txt", "x" * 9000),
    lambda: mrc.write(folder / "a.mrc", volume, Header()),
):
    try:
        write()
    except RunError as error:
        print(error)
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines() == 2 * [
        f"{tmp_path}: cannot be written (File too large); free some space or choose another folder"
    ]
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "before")]


def test_a_lock_file_that_was_removed_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opened it before its holder removed it must take the one that is there now."""
    path, taken = tmp_path / ".lock", []
    take = files._take

    def removed_meanwhile(file: Any, how: int) -> bool:
        taken.append(file.name)
        if len(taken) == 1:
            path.unlink()
        return take(file, how)

    monkeypatch.setattr(files, "_take", removed_meanwhile)
    with files.locked(path, wait=False):
        assert len(taken) == 2
        with pytest.raises(BlockingIOError), files.locked(path, wait=False):
            pass


def test_waiting_for_a_lock_is_told_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / ".table.lock"
    monkeypatch.setattr(files, "_QUIET", 0.1)
    monkeypatch.setattr(files, "_LONGEST", 0.4)
    with files.locked(path, wait=False), pytest.raises(RunError) as caught, files.locked(path, wait=True):
        pytest.fail("it was held")
    (said,) = [record.getMessage() for record in caplog.records]
    for text in (said, str(caught.value)):
        assert str(path) in text and f"process {os.getpid()} on {socket.gethostname()}, since 20" in text
    with files.locked(path, wait=True):  # it is free now
        assert len(caplog.records) == 1


def test_a_folder_that_becomes_read_only_is_what_is_complained_of(tmp_path: Path, monkeypatch: Any) -> None:
    """Not that the temporary file cannot be removed either."""

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(RunError, match=r"cannot be written \(Permission denied\)"), atomic_path(tmp_path / "a.txt"):
        monkeypatch.setattr(Path, "unlink", refuse)
        refuse()


@pytest.mark.parametrize("make", [atomic_path, files.atomic_folder])
def test_a_folder_that_was_made_for_nothing_is_gone_again(tmp_path: Path, make: Any) -> None:
    (tmp_path / "there").mkdir()
    for place in ("there/a", "new/below/a"):
        with pytest.raises(ValueError, match="stop"), make(tmp_path / place):
            raise ValueError("stop")
    assert [item.name for item in tmp_path.iterdir()] == ["there"]
    (tmp_path / "new").mkdir()
    with pytest.raises(ValueError, match="stop"), make(tmp_path / "new/below/a"):
        (tmp_path / "new/other").touch()
        raise ValueError("stop")
    assert [item.name for item in (tmp_path / "new").iterdir()] == ["other"]
