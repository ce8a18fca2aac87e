"""Room for the binned volumes of a mask, in memory or on disk, and how many sections to handle at once."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isonet.core.masks import masking
from isonet.io import blocks
from isonet.io.volume import FloatArray

_LARGEST_STEP = 512_000_000


class MemoryRoom:
    """Room in memory."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self._voxels = np.empty(shape, dtype=np.float32)

    def read_rows(self, sections: slice) -> FloatArray:
        """Return some sections."""
        return self._voxels[sections]

    def write_rows(self, section: int, row: int, block: FloatArray) -> None:
        """Keep whole rows from `row` of `section` on."""
        self._voxels[section : section + len(block), row : row + block.shape[1]] = block


Room = MemoryRoom | blocks.BlockFile


@dataclass(frozen=True)
class Steps:
    """Binned sections that each pass handles at once.

    Attributes
    ----------
    bin, look, write : int
        In passes 1, 2 and 3, and 4.
    """

    bin: int
    look: int
    write: int

    @classmethod
    def fitting(cls, shape: tuple[int, int, int], patch: int, memory: int) -> "Steps":
        """Choose them for a volume of `shape` and so many bytes beside the program's own.

        Raises
        ------
        ValueError
            If a single step needs more.
        """
        voxels = shape[1] * shape[2]
        overlap = 2 * (masking.blur_reach(patch) + patch)
        least = max(24 * 2, 10 * (overlap + 1)) * voxels
        room = min(memory // 2, _LARGEST_STEP)
        if room < least:
            raise ValueError(f"{' x '.join(map(str, shape))} voxels need {2 * least / 1e9:.2g} GB")
        return cls(
            bin=max(1, room // (24 * voxels) - 1),
            look=max(1, room // (10 * voxels) - overlap),
            write=max(1, (room - 16 * patch * voxels) // (16 * voxels)),
        )


@contextmanager
def room_for(folder: Path, shape: tuple[int, int, int], memory: int) -> Iterator[Room]:
    """Room in memory if three such volumes take up at most half of so many bytes, else on disk."""
    if 12 * math.prod(shape) <= memory // 2:
        yield MemoryRoom(shape)
    else:
        with blocks.scratch(folder, shape) as room:
            yield room
