"""How much memory a step may still take under `--max-memory`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from isonet.config import DeconvConfig, MaskConfig
from isonet.errors import InputError
from isonet.running.run_record import resident
from isonet.running.world import current

Limited = TypeVar("Limited", DeconvConfig, MaskConfig)

_RESERVE = 150_000_000  # plans of the transforms, pictures, the allocator's waste


@contextmanager
def within_limit(path: Path, limit: int) -> Iterator[int]:
    """Give the bytes that work on a volume may take so that the whole process stays within `limit`.

    Raises
    ------
    InputError
        If the block raises `ValueError`, which says how much the volume needs.
    """
    used = (resident() or 0) + _RESERVE
    try:
        yield limit - used
    except ValueError as error:
        raise InputError(
            f"{path}: {error} beside the {used / 1e9:.2g} GB of the program; raise --max-memory {limit / 1e9:.2g}GB"
        ) from error


def with_its_share(config: Limited) -> Limited:
    """Leave to this process its share of the memory that all on this machine may take."""
    return config.model_copy(update={"max_memory": config.max_memory // current().local_size})
