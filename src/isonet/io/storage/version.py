"""What tells one version of a volume on disk from another."""

import os
from collections.abc import Iterator
from pathlib import Path


def stamp(path: Path) -> tuple[int, int]:
    """Bytes of a volume and when it changed last, in ns; of a folder those of all its files."""
    if not path.is_dir():
        status = path.stat()
        return status.st_size, status.st_mtime_ns
    size = changed = 0
    for status in _inside(path):
        size, changed = size + status.st_size, max(changed, status.st_mtime_ns)
    return size, changed


def _inside(folder: Path) -> Iterator[os.stat_result]:
    """Iterate over the status of all files of a folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _inside(Path(entry.path))
            else:
                yield entry.stat()
