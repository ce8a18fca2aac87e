"""How much memory a step may still take under `--max-memory`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isonet.errors import InputError
from isonet.io import mrc

_RESERVE = 150_000_000  # plans of the transforms, pictures, the allocator's waste


def resident() -> int:
    """Bytes this process has in memory now; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)


@contextmanager
def within_limit(path: Path, limit: int) -> Iterator[int]:
    """Give the bytes that work on a volume may take so that the whole process stays within `limit`.

    Raises
    ------
    InputError
        If the block raises `ValueError`, which says how much the volume needs.
    """
    used = resident() + _RESERVE
    try:
        yield limit - used
    except ValueError as error:
        unpack = " or unpack it" if path.name.lower().endswith(mrc.COMPRESSED) else ""
        raise InputError(
            f"{path}: {error} beside the {used / 1e9:.2g} GB of the program; raise --max-memory "
            f"{limit / 1e9:.2g}GB{unpack}"
        ) from error
