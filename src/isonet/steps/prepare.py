"""Make the table of tomograms from folders or files."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from isonet.config import PrepareConfig
from isonet.errors import InputError
from isonet.io import mrc
from isonet.io.metadata import read_tilt_angles
from isonet.io.star import MISSING
from isonet.project import Project, Tomogram
from isonet.steps.halves import average_halves, pair_halves
from isonet.steps.source import CONTRAST_COLUMN, measure_contrast, statistics
from isonet.steps.subvolumes import SUBVOLUMES_IN_ALL

log = logging.getLogger("isonet")
_TILT_EXTENSIONS = (".tlt", ".rawtlt", ".aln")
_USUAL_PIXEL_SIZES = (5.0, 25.0)


def prepare(tomograms: Sequence[Path], config: PrepareConfig) -> Project:
    """Write `tomograms.star` from tomograms on disk.

    Parameters
    ----------
    tomograms : sequence of Path
        Folders and files; may be empty where `config.even` and `config.odd` are given.
    config : PrepareConfig
        Options.

    Returns
    -------
    Project
        The table, also on disk.

    Raises
    ------
    InputError
        If no tomogram is found, one cannot be used, halves do not pair, or the table exists.
    """
    if config.output.exists() and not config.overwrite:
        raise InputError(f"{config.output}: exists; choose another --output or add --overwrite")
    full = _volumes(tomograms)
    halves = pair_halves(config.even, config.odd) if config.even and config.odd else {}
    if not full and halves:
        full = average_halves(halves, config.average_dir, overwrite=config.overwrite)
    if not full:
        raise InputError("no tomograms given; name a folder or files, or --even and --odd")
    count = config.number_subtomos or max(1, round(SUBVOLUMES_IN_ALL / len(full)))
    project = Project(config.output, ())
    rows = []
    for index, path in enumerate(full, start=1):
        files, values = _describe(path, config)
        if halves:
            files |= _half_columns(path, halves)
        entries = {column: project.entry(file) for column, file in files.items()}
        rows.append({"rlnIndex": str(index), **entries, **values, "rlnNumberSubtomo": str(count)})
    project = replace(project, tomograms=tuple(Tomogram(config.output, row) for row in rows))
    for tomogram in project.tomograms:
        _ = tomogram.tilts  # checks them
    project.write()
    log.info("%s: %d tomograms; edit it where tomograms differ", config.output, len(rows))
    return project


def _volumes(paths: Sequence[Path]) -> list[Path]:
    return list(dict.fromkeys(volume for path in paths for volume in mrc.find_volumes(path)))


def _describe(path: Path, config: PrepareConfig) -> tuple[dict[str, Path], dict[str, str]]:
    """Check one tomogram and return its files and its values by column."""
    volume = mrc.open_volume(path)
    statistics(volume)
    pixel_size = config.pixel_size or volume.header.pixel_size
    _comment_on_pixel_size(path, pixel_size, volume.header)
    depth, height, width = volume.shape
    if height < 0.7 * min(depth, width):
        log.warning(
            "%s: y is the thinnest axis (%d voxels), as IMOD's tilt leaves volumes; the beam must run along z and the "
            "tilt axis along y: turn it with 'clip rotx' or 'trimvol -rx'",
            path,
            height,
        )
    tilt_min, tilt_max, tilt_file = config.tilt_min, config.tilt_max, None
    if config.tilt_file is not None:
        tilt_file = _tilt_file(config.tilt_file, path)
        angles = read_tilt_angles(tilt_file)
        tilt_min, tilt_max = float(min(angles)), float(max(angles))
    contrast = measure_contrast(volume) if config.contrast == "auto" else config.contrast
    log.info(
        "%s: %s voxels, %g A, tilts %g to %g, density %s",
        path.name,
        " x ".join(map(str, volume.shape)),
        pixel_size,
        tilt_min,
        tilt_max,
        contrast,
    )
    files = {"rlnTomoName": path} | ({"rlnTiltFile": tilt_file} if tilt_file is not None else {})
    return files, {
        **({} if tilt_file is not None else {"rlnTiltFile": MISSING}),
        "rlnPixelSize": f"{pixel_size:.6g}",
        "rlnDefocus": f"{config.defocus:.6g}",
        "rlnTiltMin": f"{tilt_min:.6g}",
        "rlnTiltMax": f"{tilt_max:.6g}",
        CONTRAST_COLUMN: contrast,
    }


def _comment_on_pixel_size(path: Path, pixel_size: float, header: mrc.Header) -> None:
    low, high = _USUAL_PIXEL_SIZES
    if pixel_size in (0.0, 1.0):
        log.warning("%s: the header gives a pixel size of %g A, which is a default; set --pixel-size", path, pixel_size)
    elif not low <= pixel_size <= high:
        log.warning("%s: %g A/voxel; the method works best at about 10 (5 to 25), bin or resize it", path, pixel_size)
    if header.pixel_size and max(header.voxel_size) - min(header.voxel_size) > 0.01 * header.pixel_size:
        log.warning("%s: voxels are not cubes (%g x %g x %g A along z, y, x)", path, *header.voxel_size)


def _tilt_file(given: Path, tomogram: Path) -> Path:
    """Return the file with a tomogram's tilt angles: the one given, or the one of its name in a folder."""
    if not given.is_dir():
        return given
    name = mrc.stem(tomogram)
    fitting = [
        item
        for item in sorted(given.iterdir())
        if item.suffix.lower() in _TILT_EXTENSIONS and (item.stem == name or name.startswith(f"{item.stem}_"))
    ]
    if not fitting:
        raise InputError(f"{given}: no .tlt, .rawtlt or .aln file called {name}; add it or use --tilt-min, --tilt-max")
    return max(fitting, key=lambda item: len(item.stem))


def _half_columns(path: Path, halves: dict[str, tuple[Path, Path]]) -> dict[str, Path]:
    """Return the halves that belong to a full tomogram, checked to be of its shape."""
    name = mrc.stem(path)
    keys = [key for key in halves if name == key or name.startswith(f"{key}_") or key.startswith(f"{name}_")]
    if len(halves) == 1:
        keys = list(halves)
    if not keys:
        raise InputError(f"{path}: no even and odd halves of this name; found {', '.join(sorted(halves))}")
    even, odd = halves[max(keys, key=len)]
    shape = mrc.open_volume(path).shape
    for half in (even, odd):
        if mrc.open_volume(half).shape != shape:
            raise InputError(f"{half}: shape {mrc.open_volume(half).shape} is not that of {path}, {shape}")
    return {"rlnTomoReconstructedTomogramHalf1": even, "rlnTomoReconstructedTomogramHalf2": odd}
