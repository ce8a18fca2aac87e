"""Files: they are written in whole or not at all, and what is no file is refused where one is to be read."""

import fcntl
import json
import logging
import os
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TextIO

from isonet.errors import InputError, RunError

log = logging.getLogger("isonet")
TEMPORARY = ".isonet-*.part"
_PATIENCE = 5.0  # seconds for whoever is first to let others in
_QUIET = 15.0  # seconds until it is said for whom a lock is waited for
_LONGEST = 300.0  # seconds until waiting for a lock ends
_LOOK = 0.02  # seconds between looks
_SPECIAL = {
    **{stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"},
    **{stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"},
}


def refuse_special(path: Path) -> None:
    """Refuse what is there and, after links, neither a file nor a folder; files are read in parts, and more than once.

    Raises
    ------
    InputError
        If the path is that of a named pipe, of `/dev/stdin` or a process substitution, of a device or a socket.
    """
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except (OSError, ValueError):  # told where it is opened
        return
    if kind in _SPECIAL:
        raise InputError(f"{path}: is {_SPECIAL[kind]}, not a file; save what it holds to a file, and name that")


def refuse_read_only(path: Path) -> None:
    """Raise `InputError` where a file is to be written at the end, and its folder is read-only for this user."""
    folder = next(one for one in path.absolute().parents if one.exists())
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"{path}: cannot be written, as {folder} is read-only for you; make it writable, or choose another place"
        )


@contextmanager
def discarded_path(folder: Path) -> Iterator[Path]:
    """Give an empty temporary file in `folder`, removed at the end unless it was renamed.

    Raises
    ------
    RunError
        If the disk is full or the folder cannot be written to.
    """
    try:
        with _folder(folder):
            handle, name = tempfile.mkstemp(prefix=".isonet-", suffix=".part", dir=folder)
            os.close(handle)
            temporary = Path(name)
            try:
                yield temporary
            finally:
                with suppress(OSError):  # gone, or the folder has become read-only: what failed before says so
                    temporary.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"{folder}: cannot be written ({reason}); free some space or choose another folder") from error


def missing(folder: Path) -> tuple[Path, ...]:
    """Return a folder and those above it that are not there yet, the innermost first."""
    return tuple(one for one in (folder, *folder.parents) if not one.exists())


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """Make a folder; it is gone again, with those above that were made for it, if it is empty when the block fails."""
    made = missing(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        _remove_empty(made)
        raise


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


@contextmanager
def removed_if_refused(made: Sequence[Path], record: Collection[str]) -> Iterator[None]:
    """Remove folders made meanwhile, the innermost first, where an `InputError` leaves nothing but a record in it."""
    try:
        yield
    except InputError:
        with suppress(OSError):
            if made and all(item.name in record for item in made[0].iterdir()):
                discard(made[0])
        _remove_empty(made[1:])
        raise


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock file `path` (made if need be), so that no other process holds it; who holds it may remove it.

    File systems without locks let everybody in. Who waits says for whom after some seconds.

    Raises
    ------
    BlockingIOError
        If another process holds it, unless told to wait for it.
    RunError
        If the file cannot be made, or another process holds it for minutes.
    """
    began, said = time.monotonic(), False
    while True:
        with _lock_file(path) as file:
            if not _take(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
                if not wait:
                    raise BlockingIOError(f"{path} is held")
                said = _go_on_waiting(path, time.monotonic() - began, said=said)
                continue
            if not _is_at(file, path):  # removed by who held it; others lock the file that is there now
                continue
            with _signed(file):
                yield
            return


def _go_on_waiting(path: Path, seconds: float, *, said: bool) -> bool:
    """Wait a moment for a lock that another process holds; tell whether it has been said for whom."""
    if seconds > _LONGEST:
        raise RunError(f"{path}: held by {holder(path)} for {seconds:.0f} s and more; end it, then try again")
    if seconds > _QUIET and not said:
        log.warning("%s: waiting for %s, for %.0f s at most; end it if it does nothing", path, holder(path), _LONGEST)
        said = True
    time.sleep(_LOOK)
    return said


def holder(path: Path) -> str:
    """Say which process holds a lock file, where and since when."""
    try:
        return path.read_text(encoding="utf-8").strip() or "another process"
    except (OSError, ValueError):
        return "another process"


@contextmanager
def _signed(file: TextIO) -> Iterator[None]:
    """Say in a lock file who holds it, as long as that is so; a full disk must not matter."""
    _write(file, f"process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
    try:
        yield
    finally:
        _write(file, "")


def _write(file: TextIO, text: str) -> None:
    with suppress(OSError):
        os.truncate(file.fileno(), 0)
        os.write(file.fileno(), text.encode())


def _is_at(file: TextIO, path: Path) -> bool:
    """Tell whether an open file is still the one of its name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _lock_file(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise RunError(f"{path.parent}: cannot be written ({error.strerror}); choose another output folder") from error


@contextmanager
def locked_together(path: Path, alone: Callable[[], None]) -> Iterator[bool]:
    """Hold the lock file `path` with all others that do the same; the first calls `alone` before it lets them in.

    Yields
    ------
    bool
        Whether this process is the first.

    Raises
    ------
    BlockingIOError
        If a process holds it by :func:`locked`.
    RunError
        If the file cannot be made.
    """
    with _lock_file(path) as file:
        first = _take(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if first:
            alone()
        end = time.monotonic() + _PATIENCE
        while not _take(file, fcntl.LOCK_SH | fcntl.LOCK_NB):
            if time.monotonic() > end:
                raise BlockingIOError(f"{path} is held")
            time.sleep(0.05)
        with _signed(file) if first else nullcontext():
            yield first


def _take(file: TextIO, how: int) -> bool:
    """Take a lock unless another process holds it; file systems without locks give it to everybody."""
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    except OSError:
        log.debug("%s: this file system has no locks", file.name)
    return True


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path that becomes `path` only if the block succeeds; errors as :func:`discarded_path`."""
    with discarded_path(path.parent) as temporary:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)


def discard(path: Path) -> None:
    """Remove what a killed process left of a temporary file or folder."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes `path` only if the block succeeds, in place of a folder that is there.

    Whether that may be replaced is for the caller to know. Errors as :func:`discarded_path`.
    """
    try:
        with _folder(path.parent):
            temporary = Path(tempfile.mkdtemp(prefix=".isonet-", suffix=".part", dir=path.parent))
            try:
                yield from _replaced(path, temporary / "new", temporary / "old")
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"{path}: cannot be written ({reason}); free some space or choose another folder") from error


def _replaced(path: Path, new: Path, old: Path) -> Iterator[Path]:
    """Give a new folder, then put it in the place of one that is there."""
    new.mkdir()
    yield new
    if path.exists():
        path.rename(old)
    try:
        new.rename(path)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)


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
