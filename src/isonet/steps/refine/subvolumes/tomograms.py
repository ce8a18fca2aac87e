"""Tomograms to train on: opened and checked, with their wedge, their mask and the part that is held out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from isonet.config import RefineConfig
from isonet.core.masks.beads import Bead
from isonet.core.normalize import Normalization
from isonet.core.sampling import Box, edges_of, held_out_boxes, moved, random_stream
from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.volume import Volume
from isonet.project.subvolumes import subvolume_count
from isonet.project.table import Tomogram
from isonet.steps.refine.subvolumes.recorrupted import MapNoise, recorrupted
from isonet.steps.refine.subvolumes.samples import SPECTRUM_CUBES, Place, loss_weights
from isonet.steps.simulate import grain_of
from isonet.train.optics import Optics, optics
from isonet.volumes.masks import is_ours, open_mask
from isonet.volumes.padding import Padding
from isonet.volumes.shared_halves import thickness_of_halves
from isonet.volumes.source import Source, open_sources
from isonet.volumes.where import box_of_data, comment_on_thickness, draw_in_data


@dataclass(frozen=True)
class TrainingTomogram:
    """One tomogram to train on; its files are opened when they are needed, so that hundreds cost what one does.

    Attributes
    ----------
    tomogram : Tomogram
        Its row in the table.
    files : tuple of Path
        One map, or both halves.
    normalizations : tuple of Normalization
        Of each map.
    optics : Optics
        Its wedge, noise and rotations.
    count : int
        Sub-volumes drawn from it in each epoch.
    boxes : tuple of Box
        Where to train, and what is held out if anything is.
    paddings : tuple of Padding or None
        Of each map: where it has no data.
    beads : tuple of Bead
        Gold beads of the tomogram.
    kept_mask : array or None
        Mask of another program, which it takes long to read; one of this program is opened when it is needed.
    noise : MapNoise or None
        What makes two maps of one.
    """

    tomogram: Tomogram
    files: tuple[Path, ...]
    normalizations: tuple[Normalization, ...]
    optics: Optics
    count: int
    boxes: tuple[Box, Box | None]
    paddings: tuple[Padding | None, ...]
    beads: tuple[Bead, ...]
    kept_mask: npt.NDArray[Any] | None = None
    noise: MapNoise | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        """Its normalised voxels."""
        sources = tuple(
            Source(self.tomogram, open_volume(path), grey, measured, padding=padding, beads=self.beads)
            for path, grey, measured, padding in zip(
                self.files, self.normalizations, self.optics.measured, self.paddings, strict=True
            )
        )
        return sources if self.noise is None else recorrupted(sources[0], self.noise)

    def mask(self, volume: Volume) -> npt.NDArray[Any] | None:
        """Return what is larger than 0 where sub-volumes may be centred; None for everywhere."""
        return open_mask(self.tomogram, volume) if self.kept_mask is None else self.kept_mask

    def places(self, size: int, count: int, random: np.random.Generator) -> Iterator[Place]:
        """Draw places inside the mask.

        Raises
        ------
        InputError
            If the mask leaves no room.
        """
        sources = self.sources
        volume = sources[0].volume
        mask = self.mask(volume)
        try:
            centres = draw_in_data(sources, count, size, random, mask, self.boxes[0])
        except ValueError as error:
            where = volume.path if mask is None else self.tomogram.file("rlnMaskName")
            remedy = "a smaller --cube-size or a wider mask"
            remedy = remedy if self.boxes[1] is None else f"--held-out 0, {remedy}"
            raise InputError(f"{where}: {error}; use {remedy}") from error
        for centre in centres:
            yield sources, (centre - size // 2).tolist()

    def held_out(self, size: int, count: int, random: np.random.Generator) -> Iterator[Place]:
        """Draw places in the part that is held out, inside the mask where it reaches there."""
        if self.boxes[1] is None:
            return
        sources = self.sources
        volume = sources[0].volume
        try:
            mask = self.mask(volume)
            centres = draw_in_data(sources, count, size, random, mask, self.boxes[1])
        except ValueError:
            centres = self._held_out_anywhere(sources, size, count, random)
        for centre in centres:
            yield sources, (centre - size // 2).tolist()

    def _held_out_anywhere(
        self, sources: tuple[Source, ...], size: int, count: int, random: np.random.Generator
    ) -> npt.NDArray[np.int64]:
        """Draw centres in the part that is held out, as far as it has data."""
        try:
            return draw_in_data(sources, count, size, random, None, self.boxes[1])
        except ValueError:
            return np.zeros((0, 3), np.int64)


def open_training_set(
    tomograms: Sequence[Tomogram],
    columns: Sequence[str],
    config: RefineConfig,
    device: torch.device,
    *,
    recorrupting: bool = False,
) -> list[TrainingTomogram]:
    """Open and check all tomograms to train on.

    Parameters
    ----------
    tomograms : sequence of Tomogram
        Rows of the table.
    columns : sequence of str
        Column of the map to train on, or of both halves.
    config : RefineConfig
        Options.
    device : torch.device
        Where to train.
    recorrupting : bool
        Whether to make two maps of the one, by its noise.

    Raises
    ------
    InputError
        If a volume or mask cannot be used, or a mask does not fit its tomogram.
    """
    size = config.subvolume_size
    opened = []
    for tomogram in tomograms:
        sources = open_sources(tomogram, columns)
        noise = MapNoise(grain_of(sources[0]), config.seed) if recorrupting else None
        if noise is not None:
            sources = recorrupted(sources[0], noise)
        _refuse_lost_mask(tomogram)
        mask = open_mask(tomogram, sources[0].volume)
        kept = None if mask is None or is_ours(tomogram) else mask
        count = subvolume_count(tomogram, config.number_subtomos, tomograms)
        spectrum = loss_weights(_anywhere(sources, config), tomogram.measured, config)
        measured = [source.measured for source in sources]
        whole = box_of_data(sources)
        geometry = optics(
            *(measured, size, config.cube_size, config.noise_mode, spectrum, device, config.tilt_gap),
            thickness_of_halves(sources),
        )
        train, test = held_out_boxes(edges_of(whole), config.held_out, size)
        boxes = moved(train, whole), None if test is None else moved(test, whole)
        files = tuple(source.volume.path for source in sources)
        grey = tuple(source.normalization for source in sources)
        paddings = tuple(source.padding for source in sources)
        beads = sources[0].beads
        opened.append(TrainingTomogram(tomogram, files, grey, geometry, count, boxes, paddings, beads, kept, noise))
        comment_on_thickness(sources, config.cube_size, size)
    return opened


def _refuse_lost_mask(tomogram: Tomogram) -> None:
    """Refuse a tomogram whose mask is named and not there."""
    if tomogram.text("rlnMaskName") is not None and not (path := tomogram.file("rlnMaskName")).exists():
        raise InputError(
            f"{path}: the mask is gone; make it again with 'isonet mask {tomogram.table}', or empty rlnMaskName there"
        )


def _anywhere(sources: tuple[Source, ...], config: RefineConfig) -> Iterator[Place]:
    """Places of training cubes all over a tomogram."""
    cube = config.cube_size
    for centre in draw_in_data(sources, SPECTRUM_CUBES, cube, random_stream(config.seed)):
        yield sources, (centre - cube // 2).tolist()
