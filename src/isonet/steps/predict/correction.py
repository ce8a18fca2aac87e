"""One volume corrected from disk to disk, in bounded memory.

    volume -> without its wedge -> tiles through the network -> prediction -> combined with the data -> result

The wedge is taken away, and prediction and data are combined, in the Fourier space of the whole volume: what a tile
makes of a voxel does not depend on where the tile ends. The wedge's faces are as soft as in the sub-volumes of the
training. What lies between is in the file of the result itself and in a scratch file beside it as large as the volume
in float32, or in two where the result is in half precision. All are there from the beginning, so that a disk that
cannot hold them says so before the work.
"""

import logging
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from isonet.config import PredictConfig
from isonet.core.comparison.calibration import Gains, combination, vouched
from isonet.core.filters import streamed
from isonet.core.filters.spectrum import FloatArray, Sink, slabs
from isonet.core.fourier import Shape
from isonet.core.normalize import Moments, Normalization, float16_step
from isonet.core.sampling import cut
from isonet.core.tilts import wedge
from isonet.core.tilts.ranges import LARGEST_GAP
from isonet.errors import InputError, RunError
from isonet.io import blocks
from isonet.io.formats import create
from isonet.io.volume import not_finite
from isonet.io.volume_files import container
from isonet.running.memory import within_limit
from isonet.running.runs import Run
from isonet.running.world import current
from isonet.train.correct import TilePlan, bytes_per_voxel, corrected_tiles, largest_tiles, plan_tiles
from isonet.train.device import sharers_of
from isonet.train.evaluate import Evaluator
from isonet.train.memory import is_out_of_memory
from isonet.volumes.pixel_size import header_for, pixel_size_in_table
from isonet.volumes.source import Source

log = logging.getLogger("isonet")
_FLOAT16_LIMIT = 65504.0
_COARSE = 0.05  # standard deviations between neighbouring numbers from which half precision loses detail


@dataclass(frozen=True)
class Plans:
    """How a volume is taken apart.

    Attributes
    ----------
    tiles : TilePlan
        For the network.
    filtering, combining : streamed.Plan
        For the filters of the whole volume.
    """

    tiles: TilePlan
    filtering: streamed.Plan
    combining: streamed.Plan


def plan(source: Source, evaluator: Evaluator, config: PredictConfig) -> Plans:
    """Choose tiles as asked, else as large as the memory allows, and the pieces of the filters.

    Raises
    ------
    InputError
        If the sizes asked for cannot be, or the memory is too little.
    """
    shape = source.volume.shape
    asked = None if config.crop_size is None and config.cube_size is None else _tiles_asked(shape, evaluator, config)
    with within_limit(source.volume.path, config.max_memory) as memory:
        return Plans(
            asked or _tiles_that_fit(shape, evaluator, memory, config),
            streamed.plan(shape, memory),
            streamed.plan(shape, memory, volumes=2),
        )


def _tiles_that_fit(shape: Shape, evaluator: Evaluator, memory: int, config: PredictConfig) -> TilePlan:
    """Return the largest tiles of which a batch fits into memory, or into this process's part of a GPU's."""
    room = evaluator.room(memory, sharers_of(config.device, current().local_size))
    each, values = room // config.batch_size, evaluator.most_values // config.batch_size
    return largest_tiles(shape, evaluator.network.shape, each, values)


def _tiles_asked(shape: Shape, evaluator: Evaluator, config: PredictConfig) -> TilePlan:
    overlap = evaluator.network.shape.overlap
    crop = config.crop_size or (config.cube_size or 0) + overlap
    stride = config.cube_size or crop - min(overlap, crop // 2)
    try:
        return plan_tiles(shape, crop, stride, evaluator.divisor)
    except ValueError as error:
        raise InputError(f"--crop-size {crop}, --cube-size {stride}: {error}; choose other sizes") from error


@dataclass(frozen=True)
class Correction:
    """What is made of a volume.

    Attributes
    ----------
    source : Source
        The volume.
    evaluator : Evaluator
        The network.
    edge : int
        Edge of the cubes it was trained on, whose wedge it knows.
    config : PredictConfig
        Options.
    gains : Gains or None
        How prediction and data are combined; the prediction alone if None.
    """

    source: Source
    evaluator: Evaluator
    edge: int
    config: PredictConfig
    gains: Gains | None

    def write(self, path: Path, labels: Sequence[str], plans: Plans, run: Run) -> TilePlan:
        """Correct the volume into a file with its sign, mean, scale and header, and labels; return its tiles.

        Raises
        ------
        InputError
            If a voxel is NaN or infinite, or half precision was asked for and cannot hold the grey values.
        RunError
            If the result cannot be written.
        """
        shape = self.source.shape
        header = header_for(self.source.volume, pixel_size_in_table(self.source.tomogram), *labels)
        dtype = np.float16 if self.config.float16 else np.float32
        folder = container(path).parent
        with (
            create(path, shape, header, dtype, self.config.zarr_version) as target,
            blocks.scratch(folder, shape) as room,
            _place_of_prediction(target, folder) as found,
        ):
            self._remove_wedge(room, plans, run)
            tiles = self._predict(room, found, plans.tiles, run)
            result = _Result(target, path, self.source)
            self._finish(found, room, result, plans, run)
            target.statistics = result.statistics
        if self.config.float16 and float16_step(*result.statistics[2:]) > _COARSE:
            log.warning(
                "%s: half precision is coarse for grey values of %.6g with a standard deviation of %.3g; make it again "
                "without --float16",
                *(path, *result.statistics[2:]),
            )
        log.info("%s: written", container(path))
        return tiles

    def _remove_wedge(self, room: blocks.BlockFile, plans: Plans, run: Run) -> None:
        weights = wedge.transfer(self.source.shape, self.source.measured, edge=self.edge)
        with run.progress(f"wedge of {self.source.tomogram.name}", plans.filtering.count) as advance:
            try:
                streamed.filter_volume(
                    *(self.source, room, weights, plans.filtering, advance, torch.get_num_threads()),
                    rescale=False,
                )
            except streamed.NotFiniteError as error:
                raise InputError(not_finite(self.source.volume.path, error.slab, error.first)) from error

    def _predict(self, given: blocks.BlockFile, found: blocks.BlockFile, tiles: TilePlan, run: Run) -> TilePlan:
        """Predict tile by tile, anew with smaller ones where memory does not suffice; return those that it did for."""
        while True:
            try:
                self._predict_tiles(given, found, tiles, run)
                return tiles
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                tiles = self._smaller(tiles, error)
            self.evaluator.release_memory()
            log.warning("%s: out of memory; going on with tiles of %s", *self._name_and_size(tiles))
            found.clear()

    def _predict_tiles(self, given: blocks.BlockFile, found: blocks.BlockFile, plan: TilePlan, run: Run) -> None:
        tiles = corrected_tiles(
            lambda corner, size: cut(given, corner, size), plan, self.evaluator, self.config.batch_size
        )
        with run.progress(f"predict {self.source.tomogram.name}", plan.count) as advance:
            for tile, block in tiles:
                if not np.isfinite(block).all():
                    raise RunError(
                        f"{self.source.volume.path}: the network gives NaN or infinite voxels; give --precision "
                        "float32, or another model"
                    )
                found.add(tile.target, tile.weights * block)
                advance()

    def _smaller(self, tiles: TilePlan, error: BaseException) -> TilePlan:
        """Return tiles of half the voxels.

        Raises
        ------
        InputError
            If there are none, or the user has chosen these.
        """
        name, size = self._name_and_size(tiles)
        if self.config.crop_size is not None or self.config.cube_size is not None:
            raise InputError(f"{name}: out of memory with tiles of {size}; give a smaller --crop-size") from error
        network = self.evaluator.network.shape
        try:
            half = bytes_per_voxel(network) * math.prod(tiles.size) // 2
            return largest_tiles(tiles.shape, network, half, self.evaluator.most_values)
        except ValueError:
            raise InputError(f"{name}: out of memory with tiles of {size}; use --device cpu") from error

    def _name_and_size(self, tiles: TilePlan) -> tuple[Path, str]:
        return self.source.volume.path, " x ".join(map(str, tiles.size))

    def _finish(
        self, found: blocks.BlockFile, room: blocks.BlockFile, result: "_Result", plans: Plans, run: Run
    ) -> None:
        """Bring the prediction, combined with the data where that is asked for, to the volume's grey values."""
        grey = self.source.normalization
        if self.gains is None and not self.config.keep_measured:
            _copy(found, result, grey, plans.filtering.sections)
            return
        shape, measured = self.source.shape, self.source.measured
        weights, believed = wedge.transfer(shape, measured, gap=LARGEST_GAP), vouched(shape, measured)
        kept = wedge.transfer(shape, measured, gap=0) if self.config.keep_measured else None  # single planes, too
        transfers = combination(weights, believed, self.gains, kept)
        how = plans.combining
        with run.progress(f"combine {self.source.tomogram.name}", how.count + how.shape[0]) as advance:
            streamed.combine_volumes(
                *(found, self.source, room, result, transfers, (grey.std * grey.sign, grey.mean)),
                *(how, advance, torch.get_num_threads()),
            )


def _place_of_prediction(target: blocks.NewVolume, folder: Path) -> AbstractContextManager[blocks.BlockFile]:
    """Give the result's own file, every part of which is read before it is written over, if it holds float32."""
    return nullcontext(target) if target.dtype == np.float32 else blocks.scratch(folder, target.shape)


def refuse_coarse(source: Source) -> None:
    """Raise `InputError` where half precision has too coarse steps, or none, for the grey values of a volume."""
    grey = source.normalization
    if float16_step(grey.mean, grey.std) > _COARSE:
        raise InputError(
            f"{source.volume.path}: half precision cannot hold grey values of {grey.mean:.6g} with a standard "
            f"deviation of {grey.std:.3g}; leave out --float16"
        )


def scratch_bytes(*, float16: bool) -> int:
    """Bytes on disk for each voxel that the correction of a volume takes beside its result."""
    return 8 if float16 else 4


def _copy(found: blocks.BlockFile, result: Sink, grey: Normalization, sections: int) -> None:
    for part in slabs(found.shape[0], sections):
        result.write_rows(part.start, 0, np.asarray(grey.inverse(found.read_rows(part)), np.float32))


class _Result:
    """Grey values on their way into a file: counted, and refused where half precision cannot hold them.

    The padding of the source is put back into them.
    """

    def __init__(self, target: blocks.NewVolume, path: Path, source: Source) -> None:
        self._target, self._path, self._source = target, path, source
        self._moments = Moments()

    def write_rows(self, section: int, row: int, block: FloatArray) -> None:
        """Write a block of rows whose first is `row` of `section`."""
        self._source.restore(section, row, block)
        if self._target.dtype == np.float16 and np.abs(block).max() > _FLOAT16_LIMIT:
            raise InputError(f"{self._path}: grey values beyond {_FLOAT16_LIMIT:g}; leave out --float16")
        self._moments.add(block)
        self._target.write_rows(section, row, block)

    @property
    def statistics(self) -> tuple[float, float, float, float]:
        """Minimum, maximum, mean and standard deviation."""
        return self._moments.low, self._moments.high, self._moments.mean, self._moments.std


LazyGains = Callable[[], Gains | None]
"""Gains that are measured when they are first asked for."""
