"""Sub-volumes that are in files of their own already, listed in `subtomo.star`, to train on."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from isonet.config import RefineConfig
from isonet.core.normalize import Normalization
from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.models.record import UNKNOWN_INPUT
from isonet.project.older_tilts import comment_on_tilts
from isonet.project.orientation import COLUMNS
from isonet.project.table import SUBVOLUME_COLUMN, Project, Tomogram
from isonet.steps.refine.subvolumes.samples import SPECTRUM_CUBES, Place, loss_weights
from isonet.train.network.unet import ARCHITECTURES
from isonet.train.optics import Optics, optics
from isonet.volumes.continued import open_continued
from isonet.volumes.outdated import warn_of_outdated
from isonet.volumes.padding import find_padding
from isonet.volumes.source import (
    CONTRAST_COLUMN,
    INPUT_COLUMN,
    MEAN_COLUMN,
    STD_COLUMN,
    Source,
    contrast_sign,
    pooled_statistics,
)

log = logging.getLogger("isonet")


@dataclass(frozen=True)
class SubvolumeFiles:
    """Sub-volumes of one tomogram, or of tomograms seen under the same tilts; files are opened when needed.

    Attributes
    ----------
    rows : tuple of Tomogram
        Their rows in the table.
    normalization : Normalization
        Of the tomogram, or of all of them together.
    optics : Optics
        Their wedge, noise and rotations.
    count : int
        Sub-volumes of each iteration: all, or a random choice.
    """

    rows: tuple[Tomogram, ...]
    normalization: Normalization
    optics: Optics
    count: int

    @property
    def sources(self) -> tuple[Source, ...]:
        """The first of them."""
        return (_source(self.rows[0], self.normalization),)

    def places(self, size: int, count: int, random: np.random.Generator) -> Iterator[Place]:
        """Give the middle of each file, or of `count` of them chosen anew."""
        chosen = self.rows
        if count < len(self.rows):
            indices = random.choice(len(self.rows), count, replace=False)
            chosen = tuple(self.rows[index] for index in sorted(indices.tolist()))
        return _middles(chosen, self.normalization, size)

    def held_out(self, size: int, count: int, random: np.random.Generator) -> Iterator[Place]:
        """Give nothing: where files overlap is not known."""
        return iter(())


def open_subvolume_files(rows: Sequence[Tomogram], config: RefineConfig, device: torch.device) -> list[SubvolumeFiles]:
    """Check all sub-volumes of a table and sort them by the tomogram they are from.

    Raises
    ------
    InputError
        If a file cannot be used or is smaller than the sub-volumes asked for.
    """
    groups: dict[tuple[str | None, ...], list[Tomogram]] = {}
    for row in rows:
        _check_size(row, config)
        groups.setdefault(_origin(row), []).append(row)
    opened = []
    for group, count in zip(groups.values(), _shares(config, list(map(len, groups.values()))), strict=True):
        comment_on_tilts(group[0])
        measured, grey = group[0].measured, _normalization(group)
        sample = group[:: -(-len(group) // SPECTRUM_CUBES)]
        weights = loss_weights(_middles(sample, grey, config.cube_size), measured, config)
        size, cube, mode = config.subvolume_size, config.cube_size, config.noise_mode
        geometry = optics((measured,), size, cube, mode, weights, device, config.tilt_gap)
        warn_of_outdated(group[0], SUBVOLUME_COLUMN)
        opened.append(SubvolumeFiles(tuple(group), grey, geometry, count))
    return opened


def input_of(rows: Sequence[Tomogram], asked: str) -> str:
    """Column of the tomograms that sub-volumes were cut from, as a model records it.

    Raises
    ------
    InputError
        If another one is asked for, or they were cut from several.
    """
    found = {row.text(INPUT_COLUMN) or UNKNOWN_INPUT for row in rows}
    if len(found) > 1:
        raise InputError(f"{rows[0].table}: cut from {' and '.join(sorted(found))}; train on one of them")
    column = found.pop()
    if asked not in ("auto", column):
        raise InputError(
            f"--input-column {asked}: the sub-volumes of {rows[0].table} were cut from {column}; leave it out, or give "
            "it to extract"
        )
    return column


def with_sizes_of(project: Project, config: RefineConfig) -> RefineConfig:
    """Take the sizes that were not given from a table of sub-volumes; other tables leave the options as they are."""
    if not project.holds_subvolumes:
        return config
    row = project.tomograms[0]
    cube, crop = row.number("rlnCubeSize"), row.number("rlnCropSize")
    edge = int(crop) if crop is not None else open_volume(_file(row)).shape[0]
    divisor = 2 ** (config.unet_depth or ARCHITECTURES.get(config.arch, ARCHITECTURES["paper"]).depth)
    fitting = edge // divisor * divisor
    sizes = {"crop_size": fitting} | ({} if cube is None else {"cube_size": int(cube)})
    if fitting < edge and "crop_size" not in config.model_fields_set:
        log.info("%s: the middle %d of %d voxels used, a multiple of %d", project.path, fitting, edge, divisor)
    return config.model_copy(update={name: sizes[name] for name in sizes.keys() - config.model_fields_set})


def _file(row: Tomogram) -> Path:
    return row.file(SUBVOLUME_COLUMN)


def _middles(rows: Sequence[Tomogram], grey: Normalization, size: int) -> Iterator[Place]:
    """Places of blocks of edge `size` in the middle of files."""
    for row in rows:
        source = _source(row, grey)
        yield (source,), [(edge - size) // 2 for edge in source.volume.shape]


def _source(row: Tomogram, grey: Normalization) -> Source:
    """Open one sub-volume; where it reached beyond the data of its tomogram it may be padded."""
    volume = open_volume(_file(row))
    return Source(row, volume, grey, row.measured, padding=find_padding(volume, aloud=False))


def _check_size(row: Tomogram, config: RefineConfig) -> None:
    volume = open_volume(_file(row))
    if min(volume.shape) < config.subvolume_size:
        shape = " x ".join(map(str, volume.shape))
        raise InputError(
            f"{volume.path}: {shape} voxels, sub-volumes of {config.subvolume_size} asked for; use a smaller "
            "--crop-size, or extract larger ones"
        )


def _origin(row: Tomogram) -> tuple[str | None, ...]:
    """Return what tells sub-volumes of different tomograms apart."""
    columns = ("rlnTomoName", *COLUMNS, CONTRAST_COLUMN, MEAN_COLUMN, STD_COLUMN)
    return tuple(row.text(column) for column in columns)


def _normalization(group: Sequence[Tomogram]) -> Normalization:
    """Normalisation of the tomogram where the table records it, else of the sub-volumes together."""
    paths = list(map(_file, group))
    pooled = pooled_statistics(map(open_continued, paths))  # refuses NaN, too
    mean, std = group[0].number(MEAN_COLUMN), group[0].number(STD_COLUMN)
    if mean is None or std is None:
        mean, std = pooled
    elif not std > 0:
        raise InputError(f"{group[0].table}: {STD_COLUMN} is {std:g}; extract the sub-volumes again")
    return Normalization(mean, std, contrast_sign(group[0], map(open_continued, paths)))


def _shares(config: RefineConfig, sizes: Sequence[int]) -> list[int]:
    """Sub-volumes of each group in an iteration: all, or those asked for in proportion, at least one of each."""
    asked, total = config.number_subtomos, sum(sizes)
    if asked is None or asked >= total:
        return list(sizes)
    ends = [round(asked * sum(sizes[:number]) / total) for number in range(len(sizes) + 1)]
    return [max(1, end - start) for start, end in pairwise(ends)]
