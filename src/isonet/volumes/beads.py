"""Gold beads of tomograms: found in a volume, kept in a table, painted over where the sample is looked at."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isonet.core.masks.beads import REACH, Bead, Box, Level, Patch, beads, cores, low_passed, patches
from isonet.errors import InputError
from isonet.io import star
from isonet.io.storage.stored import Absent, Block, Stored
from isonet.io.text import counted
from isonet.io.volume import FloatArray, Volume
from isonet.io.volume_files import title
from isonet.project.table import Tomogram
from isonet.volumes.continued import Continued

log = logging.getLogger("isonet")
BEADS_COLUMN = "rlnBeadsName"
"""Column of the table of tomograms: the file that lists a tomogram's beads."""
_TABLE = "beads"
_ANEW = "delete it and run isonet mask again"
_COLUMNS = ("rlnCoordinateZ", "rlnCoordinateY", "rlnCoordinateX", "rlnBeadRadius", "rlnBeadHeight")
_AT_ONCE = 1 << 24  # voxels that are searched at once
_LOOKS, _LOOKED_AT = 24, 1 << 18  # sections from which the usual density is taken, and voxels of each


def find_beads(volume: Volume, sign: int) -> tuple[Bead, ...]:
    """Find the gold beads of a volume, in bounded memory; those that are reflected into padding are none.

    Parameters
    ----------
    volume : Volume
        A tomogram.
    sign : int
        -1 where density is dark, 1 where it is light.
    """
    depth, height, width = volume.shape
    level = _level(volume, sign)
    step = max(1, _AT_ONCE // (height * width))
    found: list[Box] = []
    for first in range(0, depth, step):
        block = _low_passed(volume, sign, slice(first, min(first + step, depth)))[0]
        found += [(slice(z.start + first, z.stop + first), y, x) for z, y, x in cores(block, level)]
    if not found and not level.noisy:
        log.info("%s: no noise to tell gold from sample by; only rare beads would be found", title(volume.path))
    return beads(found)


def _level(volume: Volume, sign: int) -> Level:
    """Tell from sections all over a volume what densities are usual."""
    depth, height, width = volume.shape
    each = max(1, height * width // _LOOKED_AT)
    values, voxels = [], []
    for section in np.unique(np.linspace(0, depth - 1, _LOOKS).round().astype(int)).tolist():
        smooth, dense = _low_passed(volume, sign, slice(section, section + 1))
        there = np.isfinite(smooth)
        values.append(smooth[there][::each])
        voxels.append(dense[there][::each])
    return Level.of(np.concatenate(values), np.concatenate(voxels))


def _low_passed(volume: Volume, sign: int, sections: slice) -> tuple[FloatArray, FloatArray]:
    """Density of some sections low-passed, minus infinity where it is padding, and as it is."""
    part = slice(max(0, sections.start - REACH), min(volume.shape[0], sections.stop + REACH))
    own = slice(sections.start - part.start, sections.stop - part.start)
    dense = sign * volume.read_rows(part)
    smooth = low_passed(dense)[own]
    if isinstance(volume, Continued):
        smooth[volume.padding.block(sections)] = -np.inf
    return smooth, dense[own]


def write_beads(path: Path, found: Sequence[Bead]) -> None:
    """Write a table of beads: voxels from the first one, and half axes of what is painted over."""
    rows = [
        dict(zip(_COLUMNS, (f"{value:.2f}" for value in (*bead.centre, bead.radius, bead.height)), strict=True))
        for bead in found
    ]
    star.write_table(path, rows, name=_TABLE)


def read_beads(tomogram: Tomogram, shape: tuple[int, int, int] | None = None) -> tuple[Bead, ...]:
    """Read the beads that the table names for a tomogram; none where it names none.

    Parameters
    ----------
    tomogram : Tomogram
        A row of the table.
    shape : tuple of int, optional
        Voxels of the tomogram along z, y, x, in which each bead must lie.

    Raises
    ------
    InputError
        If the file cannot be read, or holds something else, or beads of another grid.
    """
    if tomogram.text(BEADS_COLUMN) is None:
        return ()
    return read_list(tomogram.file(BEADS_COLUMN), shape)


def read_list(path: Path, shape: tuple[int, int, int] | None = None) -> tuple[Bead, ...]:
    """Read a list of beads; parameters and errors as of :func:`read_beads`."""
    tables = star.read_tables(path) if path.exists() else {}
    if _TABLE not in tables:
        raise InputError(f"{path}: no list of gold beads; run isonet mask again, with --overwrite if it is there")
    found = tuple(_bead(path, number, row) for number, row in enumerate(tables[_TABLE], start=1))
    if shape is not None:
        _refuse_outside(found, path, shape)
    return found


def _refuse_outside(found: Sequence[Bead], path: Path, shape: tuple[int, int, int]) -> None:
    """Refuse beads of which nothing lies in a tomogram of this shape."""
    z, y, x = (slice(0, edge) for edge in shape)
    for number, bead in enumerate(found, start=1):
        if Patch(bead, (0, 0)).within((z, y, x)) is None:
            at, edges = ", ".join(f"{one:g}" for one in bead.centre), " x ".join(map(str, shape))
            raise InputError(
                f"{path}: bead {number} at {at} lies outside the tomogram of {edges} voxels; give z, y, x in voxels "
                f"from 0, or {_ANEW}"
            )


def _bead(path: Path, number: int, row: Mapping[str, str]) -> Bead:
    """Read a row of a list."""
    try:
        z, y, x, radius, height = values = tuple(float(row[column]) for column in _COLUMNS)
    except KeyError as error:
        raise InputError(f"{path}: no column _{error.args[0]}; mend it, or {_ANEW}") from error
    except ValueError as error:
        raise InputError(f"{path}: bead {number}: {error}; mend it, or {_ANEW}") from error
    if not np.isfinite(values).all() or min(radius, height) <= 0:
        raise InputError(
            f"{path}: bead {number} at {z:g}, {y:g}, {x:g} with half axes of {radius:g} and {height:g} voxels is none; "
            f"mend it, or {_ANEW}"
        )
    return Bead((z, y, x), radius, height)


@dataclass(frozen=True)
class Painted:
    """Voxels with texture in place of beads.

    Attributes
    ----------
    stored : Stored
        The voxels as they are.
    patches : tuple of Patch
        The beads.
    """

    stored: Stored
    patches: tuple[Patch, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along z, y, x."""
        return self.stored.shape

    @property
    def size(self) -> int:
        """Voxels in all."""
        return self.stored.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        return self.stored.dtype

    @property
    def absent(self) -> Absent | None:
        """What is left out of the file."""
        return self.stored.absent

    def __len__(self) -> int:
        """Sections."""
        return len(self.stored)

    def __getitem__(self, place: Any, /) -> npt.NDArray[Any]:
        """Return a block of slices, painted."""
        return self.read(place if isinstance(place, tuple) else (place,))

    def read(self, block: Block) -> npt.NDArray[Any]:
        """Return a copy of a block, painted."""
        whole = (*block, *(slice(None),) * (3 - len(block)))
        spans = [range(*part.indices(edge)) for part, edge in zip(whole, self.shape, strict=True)]
        found = self.stored.read(block)
        for patch in self.patches:
            _paint(found, spans, patch, self.stored)
        return found

    def mapped(self) -> npt.NDArray[Any]:
        """Return all voxels, painted, in memory."""
        return self.read(())

    def viewed(self, dtype: npt.DTypeLike) -> "Painted":
        """Return the same bytes as another type of the same size."""
        return replace(self, stored=self.stored.viewed(dtype))

    def release(self) -> None:
        """Give back the pages that were mapped so far."""
        self.stored.release()


def _paint(found: npt.NDArray[Any], spans: Sequence[range], patch: Patch, stored: Stored) -> None:
    """Paint a bead over in a block that was read at these places."""
    if not all(len(span) for span in spans):
        return
    z, y, x = (slice(min(span), max(span) + 1) for span in spans)
    part = patch.within((z, y, x))
    if part is None:
        return
    places = [
        [n for n, at in enumerate(span) if own.start <= at < own.stop] for span, own in zip(spans, part, strict=True)
    ]
    grid = np.ix_(*places)
    wanted = np.ix_(*([spans[axis][n] - part[axis].start for n in places[axis]] for axis in range(3)))
    cover, texture = patch.bead.cover(part)[wanted], stored.read(patch.source(part))[wanted]
    mixed = found[grid] * (1 - cover) + texture.astype(np.float32) * cover
    found[grid] = np.rint(mixed) if np.issubdtype(found.dtype, np.integer) else mixed


def painted(volume: Volume, found: tuple[Bead, ...]) -> Volume:
    """Return a volume with texture in place of its beads."""
    made = patches(found, volume.shape)
    return replace(volume, stored=Painted(volume.stored, made)) if made else volume


def warn_of_unpainted(found: tuple[Bead, ...], volume: Volume) -> None:
    """Warn of beads that stay because no place beside them can be painted over them."""
    left = len(found) - len(patches(found, volume.shape))
    if left:
        log.warning(
            "%s: beside %d of %s is no room for sample, so that training sees gold; crop mask there, or leave this "
            "tomogram out of training with --tomo-idx",
            *(title(volume.path), left, counted(len(found), "gold bead")),
        )


def restore_beads(
    found: tuple[Bead, ...], volumes: Sequence[Volume], section: int, row: int, block: FloatArray
) -> None:
    """Put beads back into a block of whole rows whose first is `row` of `section`: their mean in some volumes."""
    depth, height, width = block.shape
    here = slice(section, section + depth), slice(row, row + height), slice(0, width)
    for patch in patches(found, volumes[0].shape):
        part = patch.within(here)
        if part is None:
            continue
        own = tuple(slice(one.start - at.start, one.stop - at.start) for one, at in zip(part, here, strict=True))
        cover = patch.bead.cover(part)
        gold = np.mean([volume.read(*part) for volume in volumes], axis=0)
        block[own] += cover * (gold - block[own])
