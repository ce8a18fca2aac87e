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

from isonet.io import files
from isonet.running.world import current

log = logging.getLogger("isonet")
Item = TypeVar("Item")
_SECONDS_BETWEEN_LOOKS = 0.5
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
    while waiting:
        held = []
        for item, product, stamp in waiting:
            lock = product.with_name(f".{product.name}.lock")
            try:
                with files.locked(lock, wait=False), _removed(lock):
                    if _stamp(product) == stamp:
                        yield item, product
            except BlockingIOError:
                held.append((item, product, stamp))
        if len(held) == len(waiting):
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        waiting = held


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
