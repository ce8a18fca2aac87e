"""The sub-volumes a training iteration works on: drawn from the tomograms, filled with the last prediction."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch

from isonet.config import RefineConfig
from isonet.core.normalize import Normalization
from isonet.core.sampling import Box, draw_centres, held_out_boxes, random_stream, shares
from isonet.core.snr import balanced_weight, signal_weight
from isonet.errors import InputError
from isonet.io import mrc
from isonet.project import Tomogram
from isonet.steps.existing import ExistingMask
from isonet.steps.products import labels_of
from isonet.steps.source import Source, open_sources
from isonet.train.pairs import Optics, PairMaker, Predict, Recipe, fill, optics
from isonet.train.team import ALONE, Team

log = logging.getLogger("isonet")
SUBVOLUMES_IN_ALL = 300
SPECTRUM_CUBES = 24
_HELD_OUT_CUBES = 8
_HELD_OUT_STREAM = 2**32 - 1
Place = tuple[tuple[Source, ...], Sequence[int]]
"""What to cut a sub-volume from, one map or both halves, and its first voxel z, y, x."""


@runtime_checkable
class Samples(Protocol):
    """Where sub-volumes come from that were seen under the same tilts.

    Attributes
    ----------
    sources : tuple of Source
        A map, or both halves, to look at in previews and for what is known about it.
    optics : Optics
        Wedge, noise and rotations of the sub-volumes.
    count : int
        Sub-volumes of each epoch.
    """

    @property
    def sources(self) -> tuple[Source, ...]: ...  # noqa: D102
    @property
    def optics(self) -> Optics: ...  # noqa: D102
    @property
    def count(self) -> int: ...  # noqa: D102

    def places(self, size: int, count: int, random: np.random.Generator) -> Iterator[Place]:
        """Choose `count` sub-volumes of edge `size` to train on."""
        ...

    def held_out(self, size: int, count: int, random: np.random.Generator) -> Iterator[Place]:
        """Choose `count` sub-volumes that are never trained on; none where nothing is held out."""
        ...


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
    kept_mask : array or None
        Mask of another program, which it takes long to read; one of this program is opened when it is needed.
    """

    tomogram: Tomogram
    files: tuple[Path, ...]
    normalizations: tuple[Normalization, ...]
    optics: Optics
    count: int
    boxes: tuple[Box, Box | None]
    kept_mask: npt.NDArray[Any] | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        """Its normalised voxels."""
        return tuple(
            Source(self.tomogram, mrc.open_volume(path), grey, tilts)
            for path, grey, tilts in zip(self.files, self.normalizations, self.optics.tilts, strict=True)
        )

    def mask(self, volume: mrc.Volume) -> npt.NDArray[Any] | None:
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
            centres = draw_centres(volume.shape, count, size, random, mask, self.boxes[0])
        except ValueError as error:
            where = volume.path if mask is None else self.tomogram.file("rlnMaskName")
            raise InputError(f"{where}: {error}; use a smaller --cube-size or a wider mask") from error
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
            centres = draw_centres(volume.shape, count, size, random, mask, self.boxes[1])
        except ValueError:
            centres = draw_centres(volume.shape, count, size, random, None, self.boxes[1])
        for centre in centres:
            yield sources, (centre - size // 2).tolist()


def open_training_set(
    tomograms: Sequence[Tomogram], columns: Sequence[str], config: RefineConfig, device: torch.device
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

    Raises
    ------
    InputError
        If a volume or mask cannot be used, or a mask does not fit its tomogram.
    """
    size = config.subvolume_size
    opened = []
    for tomogram in tomograms:
        sources = open_sources(tomogram, columns)
        mask = open_mask(tomogram, sources[0].volume)
        kept = None if mask is None or _is_ours(tomogram) else mask
        count = subvolume_count(tomogram, config.number_subtomos, tomograms)
        spectrum = loss_weights(_anywhere(sources, config), tomogram.tilts, config)
        tilts = [source.tilts for source in sources]
        geometry = optics(tilts, size, config.cube_size, config.noise_mode, spectrum, device, config.tilt_gap)
        boxes = held_out_boxes(sources[0].volume.shape, config.held_out, size)
        files = tuple(source.volume.path for source in sources)
        grey = tuple(source.normalization for source in sources)
        opened.append(TrainingTomogram(tomogram, files, grey, geometry, count, boxes, kept))
        thin = min(sources[0].volume.shape)
        if thin < size:
            name = sources[0].volume.path.name
            log.info("%s: %d voxels thick, continued by reflection to %d", name, thin, size)
    return opened


def open_mask(tomogram: Tomogram, volume: mrc.Volume) -> npt.NDArray[Any] | None:
    """Mask of a tomogram, larger than 0 where it holds; None where the table names none.

    Raises
    ------
    InputError
        If it cannot be read or does not fit the tomogram.
    """
    if tomogram.text("rlnMaskName") is None:
        return None
    if _is_ours(tomogram) and (made := mrc.open_volume(tomogram.file("rlnMaskName"))).shape == volume.shape:
        return made.stored
    return ExistingMask(tomogram.file("rlnMaskName"), volume.shape, volume.path).array()


def _is_ours(tomogram: Tomogram) -> bool:
    """Tell whether this program made a tomogram's mask, which is known to be good then."""
    return any(label.startswith("isonet mask:") for label in labels_of(tomogram.file("rlnMaskName")))


def subvolume_count(tomogram: Tomogram, asked: int | None, tomograms: Sequence[Tomogram]) -> int:
    """Sub-volumes of a tomogram: as asked, else as the table says, else its share of 300.

    Raises
    ------
    InputError
        If the table says something that is no number of sub-volumes.
    """
    if asked is not None:
        return asked
    count = tomogram.number("rlnNumberSubtomo")
    if count is None:
        return max(1, round(SUBVOLUMES_IN_ALL / len(tomograms)))
    if count < 1 or count != int(count):
        raise InputError(
            f"{tomogram.table}: rlnNumberSubtomo of tomogram {tomogram.index} is {count:g}; give 1 or more"
        )
    return int(count)


def _anywhere(sources: tuple[Source, ...], config: RefineConfig) -> Iterator[Place]:
    """Places of training cubes all over a tomogram."""
    cube = config.cube_size
    for centre in draw_centres(sources[0].volume.shape, SPECTRUM_CUBES, cube, random_stream(config.seed)):
        yield sources, (centre - cube // 2).tolist()


def loss_weights(places: Iterable[Place], tilts: Sequence[float], config: RefineConfig) -> torch.Tensor:
    """Weight of errors at each frequency, from training cubes at these places, of one map or of halves."""
    chosen = list(places)
    halves = len(chosen[0][0]) == 2
    older = "none" if halves else "signal"  # what runs did whose options do not say
    if (config.loss_weighting or older) == "none":
        return torch.ones(1, 1, 1)
    cubes = torch.stack([_block(place, config.cube_size) for place in chosen], dim=1)
    if halves:
        return balanced_weight(cubes[0], cubes[1], tilts)
    return signal_weight(cubes[0], tilts, config.noise_mode, config.tilt_gap)


def _block(place: Place, edge: int) -> torch.Tensor:
    """Cut a sub-volume out of every map: `[maps, edge, edge, edge]`."""
    sources, corner = place
    return torch.from_numpy(np.stack([source.cut(corner, (edge,) * 3) for source in sources]))


def training_pairs(
    training: Sequence[Samples],
    recipe: Recipe,
    config: RefineConfig,
    at: tuple[int, int],
    total: int,
    predict: Predict | None,
    team: Team = ALONE,
) -> PairMaker:
    """Draw the sub-volumes of an epoch and fill their wedge.

    Parameters
    ----------
    training : sequence of Samples
        What to draw from.
    recipe : Recipe
        How pairs are made.
    config : RefineConfig
        Options.
    at : tuple of int
        Iteration and epoch, which decide with the seed what is drawn.
    total : int
        Sub-volumes to draw, in proportion to the counts of the samples.
    predict : callable or None
        The last network; None before the first training, when the wedge stays empty.
    team : Team
        Processes among which the filling is divided; all get all sub-volumes.

    Returns
    -------
    PairMaker
        Makes training pairs of them.
    """
    random = random_stream(config.seed, *at)
    counts = shares([one.count for one in training], total, random)
    places = [one.places(config.subvolume_size, count, random) for one, count in zip(training, counts, strict=True)]
    return _filled(training, places, sum(counts), recipe, config, predict, team)


def held_out_pairs(
    training: Sequence[Samples], recipe: Recipe, config: RefineConfig, predict: Predict | None
) -> PairMaker | None:
    """Draw the same sub-volumes each time from what is held out, and fill them; None where nothing is."""
    random = random_stream(config.seed, _HELD_OUT_STREAM)
    each = -(-_HELD_OUT_CUBES // len(training))
    places = [one.held_out(config.subvolume_size, each, random) for one in training[:_HELD_OUT_CUBES]]
    made = _filled(training, places, each * len(places), recipe, config, predict, ALONE)
    return made if len(made.filled) else None


def _filled(
    training: Sequence[Samples],
    places: Sequence[Iterable[Place]],
    count: int,
    recipe: Recipe,
    config: RefineConfig,
    predict: Predict | None,
    team: Team,
) -> PairMaker:
    """Cut sub-volumes and fill their wedge, one tomogram after the other; each process does its share for all."""
    filled = torch.zeros((count, recipe.maps, *(config.subvolume_size,) * 3))
    origin: list[int] = []
    for number, (one, wanted) in enumerate(zip(training, places, strict=False)):
        for place in wanted:
            if len(origin) % team.size == team.rank:
                block = _block(place, config.subvolume_size)
                for target, volume, w in zip(filled[len(origin)], block, one.optics.weights, strict=True):
                    target.copy_(fill(volume[None].to(w.device), w, predict)[0])
            origin.append(number)
    team.add_up(filled[: len(origin)])
    return PairMaker(
        filled=filled[: len(origin)],
        origin=np.array(origin, dtype=np.int64),
        optics=tuple(one.optics for one in training),
        recipe=recipe,
    )
