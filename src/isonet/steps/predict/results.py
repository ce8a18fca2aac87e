"""Files of results: their format, those of halves, copies in the other format, and the room that all of them take."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from isonet.config import OutputOptions, PredictConfig
from isonet.io import pyramids
from isonet.io.formats import open_volume
from isonet.io.ome_zarr.library import zarr_for
from isonet.io.volume_files import container, stem
from isonet.project.table import Tomogram
from isonet.running.forecast import refuse_full_disk, voxels_to_write
from isonet.running.world import current
from isonet.steps.predict.correction import scratch_bytes
from isonet.volumes.products import MRC, ZARR, made_before

log = logging.getLogger("isonet")
HALVES = "halves"
_PYRAMID = 8 / 7  # voxels of all levels of a pyramid, in those of its finest


def refuse_without_zarr(config: OutputOptions, folder: Path) -> None:
    """Raise `InputError` before the work where pyramids are asked for in a folder and the package zarr is missing."""
    if config.format != "mrc":
        zarr_for(folder)


def ending(config: PredictConfig) -> str:
    """How the names of results end that the table names."""
    return ZARR if config.format == "zarr" else MRC


def half_paths(path: Path, config: PredictConfig) -> list[Path]:
    """Results of both halves of a tomogram, by the one of the whole."""
    name, folder = stem(path).removesuffix("_corrected"), container(path).parent / HALVES
    return [folder / f"{name}_half{number}_corrected{ending(config)}" for number in (1, 2)]


def beside_of(path: Path) -> Path:
    """OME-Zarr image beside an MRC file."""
    return path.parent / f"{stem(path)}{ZARR}"


def copy_to_zarr(path: Path, beside: Path, label: str, config: PredictConfig) -> None:
    """Copy a result into an OME-Zarr image beside it, unless that is done."""
    if not made_before(beside, label, overwrite=config.overwrite):
        made = open_volume(path)
        header = replace(made.header, labels=(*made.header.labels[:-1], label))
        pyramids.write(beside, made, made.stored.dtype, header, config.zarr_version)
        log.info("%s: written", container(beside))


def refuse_full_disk_of_results(
    chosen: Sequence[Tomogram], columns: Sequence[str], paths: Sequence[Path], config: PredictConfig
) -> None:
    """Refuse to begin what the disk cannot hold: a volume for each tomogram, three where its halves are written.

    One more where it will be deconvolved, and the scratch files of one tomogram, or of one for each process that was
    started with this one. Results that are there are taken to stay.
    """
    files = 3 if len(columns) == 2 and config.halves else 1
    copies, scratch = {"mrc": (1.0, 0), "zarr": (_PYRAMID, 1), "both": (1 + _PYRAMID, 0)}[config.format]
    voxels = voxels_to_write([one.file(columns[0]) for one in chosen], paths, overwrite=config.overwrite)
    at_once = sorted(voxels)[-current().size :]
    deconvolved = 4 if config.deconvolve else 0
    in_single, in_half = (
        round((itemsize * files * copies + deconvolved) * sum(voxels))
        + (scratch_bytes(float16=itemsize == 2) + scratch * itemsize) * sum(at_once)
        for itemsize in (4, 2)
    )
    shorter = ", or add --float16" if in_half < in_single and not config.float16 else ""
    refuse_full_disk(
        config.output_dir,
        in_half if config.float16 else in_single,
        f"free some space, choose by --tomo-idx or another --output-dir{shorter}",
    )
