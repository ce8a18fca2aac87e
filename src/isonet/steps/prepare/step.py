"""Make the table of tomograms from folders or files."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isonet.config import PrepareConfig
from isonet.errors import InputError
from isonet.io import mrc
from isonet.io.programs import metadata
from isonet.io.star import MISSING
from isonet.io.volume_files import stem
from isonet.project.pairing import Pairs, grouped
from isonet.project.subvolumes import SUBVOLUMES_IN_ALL
from isonet.project.table import FULL_COLUMNS, HALF_COLUMNS, TURNED_COLUMN, Project, Tomogram
from isonet.steps.prepare.belonging import Catalogue
from isonet.steps.prepare.description import Description, describe
from isonet.steps.prepare.halves import average_halves
from isonet.steps.prepare.pixel_size import comment_on_pixel_size, pixel_size_of
from isonet.steps.prepare.relion_table import write_relion_table
from isonet.steps.prepare.tilt_lists import HALF_TILT_COLUMNS, SPLIT_COLUMN, split_of, write_half_lists, write_list
from isonet.steps.prepare.turn import turned
from isonet.steps.prepare.wedge_check import check_wedge
from isonet.volumes.continued import open_continued
from isonet.volumes.contrast import pooled_contrast
from isonet.volumes.source import CONTRAST_COLUMN, pooled_statistics

log = logging.getLogger("isonet")
_TILT_EXTENSIONS = (".tlt", ".rawtlt", ".aln", ".mdoc", ".xml", ".tomostar", ".star", ".com", ".edf")
_THIN = 0.7
_GIVEN = (*FULL_COLUMNS, TURNED_COLUMN)


@dataclass(frozen=True)
class _Item:
    """One tomogram to describe: its file, its halves, and a name that no other one has."""

    path: Path
    halves: tuple[Path, Path] | None
    label: str


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
        If no tomogram is found, one cannot be used, halves do not pair, metadata are malformed, or the table exists.
    """
    _refuse_existing(config)
    before = Project.read(config.output) if config.append and config.output.exists() else Project(config.output, ())
    catalogue = None if config.metadata is None else Catalogue.read(config.metadata)
    items = _items(tomograms, config, before)
    count = config.number_subtomos or max(1, round(SUBVOLUMES_IN_ALL / (len(items) + len(before.tomograms))))
    project = Project(config.output, ())
    rows, descriptions = [], []
    first = 1 + max((int(one.index) for one in before.tomograms if one.index.isdecimal()), default=0)
    for index, item in enumerate(items, start=first):
        known = _known(item.path, catalogue, config, alone=len(items) == 1)
        files, values = _describe(item, known, config)
        entries = {column: project.entry(file) for column, file in files.items()}
        rows.append({"rlnIndex": str(index), **entries, **values, "rlnNumberSubtomo": str(count)})
        descriptions.append(known)
    project = replace(project, tomograms=tuple(Tomogram(config.output, row) for row in rows))
    for tomogram in project.tomograms:
        _ = tomogram.half_tilts  # checks all lists of tilts
    if config.relion5 is not None:
        write_relion_table(config.relion5, project, descriptions, overwrite=config.overwrite)
    if before.tomograms:
        project = before.added([one.row for one in project.tomograms])
    else:
        project.write()
    log.info("%s: %d tomograms; edit it where tomograms differ", config.output, len(project.tomograms))
    return project


def _refuse_existing(config: PrepareConfig) -> None:
    """Refuse to write over what is there."""
    if config.output.exists() and not (config.overwrite or config.append):
        raise InputError(f"{config.output}: exists; choose another --output, or add --append or --overwrite")
    if config.relion5 is not None and config.relion5.exists() and not config.overwrite:
        raise InputError(f"{config.relion5}: exists; choose another --relion5 or add --overwrite")


def _items(tomograms: Sequence[Path], config: PrepareConfig, before: Project) -> list[_Item]:
    """All tomograms with their halves that are not in the table yet, averages made where there is no full one."""
    pairs, lone = grouped(tomograms, config.even, config.odd)
    if config.even is None:
        _tell(pairs, lone)
    averages = average_halves(lone, config.average_dir, overwrite=config.overwrite)
    pairs |= dict(zip(averages, lone.values(), strict=True))
    if not pairs:
        raise InputError("no tomograms given; name a folder or files, or --even and --odd")
    known = {one.file(name).resolve() for one in before.tomograms for name in _GIVEN if one.text(name) is not None}
    for path in [path for path in pairs if path.resolve() in known]:
        log.info("%s: is in %s already", path, before.path)
        del pairs[path]
    if not pairs:
        raise InputError(f"{before.path}: holds all of these tomograms already; name others")
    names = [*(one.name for one in before.tomograms), *(stem(path) for path in pairs)]
    labels = [name if names.count(name) == 1 else f"{name}_{number}" for number, name in enumerate(names, start=1)]
    labels = labels[len(before.tomograms) :]
    return [_Item(path, halves, label) for (path, halves), label in zip(pairs.items(), labels, strict=True)]


def _tell(pairs: Mapping[Path, tuple[Path, Path] | None], lone: Pairs) -> None:
    """Say which halves were found without being asked for."""
    for path, halves in pairs.items():
        if halves is not None:
            log.info("%s: its halves are %s and %s", path, *halves)
    for even, odd in lone.values():
        log.info("%s and %s: taken as the halves of one tomogram, their mean", even, odd)


def _known(path: Path, catalogue: Catalogue | None, config: PrepareConfig, *, alone: bool) -> Description:
    """What flags and metadata tell about one tomogram."""
    name = stem(path)
    found = [] if catalogue is None else catalogue.of(name, alone=alone)
    if catalogue is not None and not any(item.tilts or item.defoci for item in found):
        log.warning(
            "%s: no tilts or defocus of its name in %s; name files after it, or give --tilt-file and --defocus",
            name,
            catalogue.path,
        )
    tilt_file = None if config.tilt_file is None else _tilt_file(config.tilt_file, path)
    return describe(name, found, tilt_file, config)


def _describe(item: _Item, known: Description, config: PrepareConfig) -> tuple[dict[str, Path], dict[str, str]]:
    """Check one tomogram and return its files and its values by column."""
    volume = open_continued(item.path, aloud=True)
    pooled_statistics([volume])
    pixel_size = config.pixel_size or pixel_size_of(volume, known)
    comment_on_pixel_size(item.path, pixel_size, volume.header, known)
    origin: dict[str, Path] = {}
    if _lies_as_imod_leaves_it(volume, known):
        origin = {TURNED_COLUMN: item.path}
        item = _turned_item(item, config)
        volume = open_continued(item.path)
        check_wedge(volume, known.tilts or known.tilt_range)
    contrast = pooled_contrast([volume]) if config.contrast == "auto" else config.contrast
    log.info(
        "%s: %s voxels, %g A, tilts %g to %g, density %s",
        item.path.name,
        " x ".join(map(str, volume.shape)),
        pixel_size,
        *known.tilt_range,
        contrast,
    )
    half_files, half_values = _half_columns(item, known, config)
    tilt_file = known.tilt_file
    if tilt_file is None and known.tilts is not None:
        tilt_file = config.output.parent / "tilts" / f"{item.label}.tlt"
        write_list(tilt_file, known.tilts, "all tilts", overwrite=config.overwrite)
    files = {"rlnTomoName": item.path, **origin, **half_files}
    return files | ({} if tilt_file is None else {"rlnTiltFile": tilt_file}), {
        **({} if tilt_file is not None else {"rlnTiltFile": MISSING}),
        **half_values,
        "rlnPixelSize": f"{pixel_size:.6g}",
        "rlnDefocus": f"{known.defocus:.6g}",
        "rlnVoltage": f"{known.voltage:.6g}",
        "rlnSphericalAberration": f"{known.cs:.6g}",
        "rlnAmplitudeContrast": f"{known.amplitude_contrast:.6g}",
        "rlnTiltMin": f"{known.tilt_range[0]:.6g}",
        "rlnTiltMax": f"{known.tilt_range[1]:.6g}",
        CONTRAST_COLUMN: contrast,
    }


def _half_columns(item: _Item, known: Description, config: PrepareConfig) -> tuple[dict[str, Path], dict[str, str]]:
    """Files and values of the columns about halves: the volumes, how they were split, and the tilts of either."""
    if item.halves is None:
        return {}, {}
    files = dict(zip(HALF_COLUMNS, item.halves, strict=True))
    split, found = split_of(item.path.name, *item.halves, config.split)
    if split == "tilts" and known.tilts is not None:
        stem = config.output.parent / "tilts" / item.label
        lists = write_half_lists(stem, known.tilts, found, overwrite=config.overwrite)
        files |= dict(zip(HALF_TILT_COLUMNS, lists, strict=True))
    elif split == "tilts":
        log.warning("%s: the tilts of either half are not known; give --tilt-file or --metadata", item.path.name)
    return files, {SPLIT_COLUMN: split}


def _lies_as_imod_leaves_it(volume: mrc.Volume, known: Description) -> bool:
    """Compare a tomogram's wedge with its tilts; tell whether its beam runs along y and its tilt axis along z."""
    found = check_wedge(volume, known.tilts or known.tilt_range)
    depth, height, width = volume.shape
    if (found is None or found.state == "unclear") and height < _THIN * min(depth, width):
        log.warning(
            "%s: y is the thinnest axis (%d voxels), as IMOD's tilt leaves volumes, and its power spectrum does not "
            "tell; if the beam runs along y, turn it with 'clip rotx' or 'trimvol -rx'",
            volume.path,
            height,
        )
    return found is not None and found.as_imod_tilt


def _turned_item(item: _Item, config: PrepareConfig) -> _Item:
    """Return a tomogram and its halves turned, so that the beam runs along z and the tilt axis along y."""

    def turn(path: Path, name: str) -> Path:
        into = config.turned_dir / f"{name}.mrc"
        log.info("%s: turned into %s", path, into)
        return turned(mrc.open_volume(path), into, overwrite=config.overwrite).path

    halves = item.halves
    if halves is not None:
        halves = turn(halves[0], f"{item.label}_half1"), turn(halves[1], f"{item.label}_half2")
    return replace(item, path=turn(item.path, item.label), halves=halves)


def _tilt_file(given: Path, tomogram: Path) -> Path:
    """Return the file with a tomogram's tilt angles: the one given, or the one of its name in a folder."""
    if not given.is_dir():
        return given
    name = stem(tomogram)
    fitting = [
        item
        for item in sorted(given.iterdir())
        if item.name.lower().removesuffix(".gz").endswith(_TILT_EXTENSIONS)
        and (name == metadata.stem(item) or name.startswith(f"{metadata.stem(item)}_"))
    ]
    if not fitting:
        raise InputError(
            f"{given}: no file of tilts ({', '.join(_TILT_EXTENSIONS)}) called {name}; add it or use --tilt-min, "
            "--tilt-max"
        )
    return max(fitting, key=lambda item: len(metadata.stem(item)))
