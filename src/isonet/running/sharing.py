"""The tomograms of a table, shared among all processes and machines that were given the same command.

Each process takes the next tomogram that nobody has, by a lock beside its product: the system releases it when the
process ends, however it ends, so that another one takes the tomogram up. The folder must be shared, and its file system
must have locks.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from isonet.io import files, volume_files
from isonet.running.world import current

log = logging.getLogger("isonet")
Item = TypeVar("Item")
_SECONDS_BETWEEN_LOOKS = 0.5
_QUIET = 30.0  # seconds until it is said for whom is waited
_NAMED = 3  # products that are named
_AGAIN = 600.0  # seconds until it is said again
Stamp = tuple[int, int] | None


def nobodys(items: Sequence[Item], products: Sequence[Path]) -> Iterator[tuple[Item, Path]]:
    """Iterate over what is to be made and nobody else makes; what others have is waited for, they may fail.

    Parameters
    ----------
    items : sequence
        What the products are made from.
    products : sequence of Path
        One file for each item.

    Yields
    ------
    item, product
        Held until the next is asked for. What another process has made meanwhile is left out.
    """
    here = current()
    before = [_stamp(product) for product in products]
    waiting = list(zip(items, products, before, strict=True))
    first = here.rank * len(waiting) // here.size
    waiting = waiting[first:] + waiting[:first]
    began: float | None = None
    say_at = _QUIET
    while waiting:
        held = []
        for item, product, stamp in waiting:
            lock = _lock_of(product)
            try:
                with files.locked(lock, wait=False), _removed(lock):
                    if _stamp(product) == stamp:
                        yield item, product
            except BlockingIOError:
                held.append((item, product, stamp))
        if len(held) == len(waiting):
            began = time.monotonic() if began is None else began
            if time.monotonic() - began > say_at:
                say_at += _AGAIN
                _say_for_whom([product for _, product, _ in held])
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        waiting = held


def _lock_of(product: Path) -> Path:
    whole = volume_files.container(product)
    return whole.with_name(f".{whole.name}.lock")


def _say_for_whom(products: Sequence[Path]) -> None:
    """Say which products other processes make, and which processes these are."""
    held = [f"{product} ({files.holder(_lock_of(product))})" for product in products]
    more = f" and {len(held) - _NAMED} more" if len(held) > _NAMED else ""
    log.info("waiting for what others make: %s%s; end them if they do nothing", ", ".join(held[:_NAMED]), more)


@contextmanager
def _removed(lock: Path) -> Iterator[None]:
    """Remove a lock file at the end, also of a failure; that of a killed process stays until another one takes it.

    It stays as well in a folder that has become read-only, and locks nothing.
    """
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()


def _stamp(path: Path) -> Stamp:
    """Tell one version of a file from another."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
