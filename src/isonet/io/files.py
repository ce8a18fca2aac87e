"""Writing files so that they are either there in whole or not at all."""

import fcntl
import json
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isonet.errors import RunError

log = logging.getLogger("isonet")
TEMPORARY = ".isonet-*.part"


@contextmanager
def discarded_path(folder: Path) -> Iterator[Path]:
    """Give an empty temporary file in `folder`, removed at the end unless it was renamed.

    Raises
    ------
    RunError
        If the disk is full or the folder cannot be written to.
    """
    temporary: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".isonet-", suffix=".part", dir=folder)
        os.close(handle)
        temporary = Path(name)
        yield temporary
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"{folder}: cannot be written ({reason}); free some space or choose another folder") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock file `path` (made if need be), so that no other process holds it.

    File systems without locks let everybody in.

    Raises
    ------
    BlockingIOError
        If another process holds it, unless told to wait for it.
    RunError
        If the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise RunError(f"{path.parent}: cannot be written ({error.strerror}); choose another output folder") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            log.debug("%s: this file system has no locks", path)
        yield


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path that becomes `path` only if the block succeeds; errors as :func:`discarded_path`."""
    with discarded_path(path.parent) as temporary:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, values: object) -> None:
    """Write a JSON file, atomically."""
    write_text(path, json.dumps(values, indent=1) + "\n")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
