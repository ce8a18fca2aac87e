"""Make the table of tomograms from folders or files."""

import logging
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from isonet.config import PrepareConfig
from isonet.core.tilts.wedge_estimate import WedgeEstimate
from isonet.errors import InputError
from isonet.io.files import refuse_read_only
from isonet.io.formats import open_volume
from isonet.io.programs.tilt_series import TiltSeries
from isonet.io.star import MISSING, beyond_link, is_writable
from isonet.io.text import counted, some_of
from isonet.io.volume import Volume
from isonet.io.volume_files import stem, title
from isonet.project.check import measurements_of, warnings_of, write_check
from isonet.project.subvolumes import SUBVOLUMES_IN_ALL
from isonet.project.table import HALF_COLUMNS, TURNED_COLUMN, Project, Tomogram
from isonet.running.console import collected
from isonet.steps.prepare.catalogue import Catalogue, files_of_tilts, tell_of_unread
from isonet.steps.prepare.checks.each_half import check_each_half
from isonet.steps.prepare.checks.orientation import NOTHING, Shown, compared, lies_turned, look
from isonet.steps.prepare.checks.sections import Sections
from isonet.steps.prepare.checks.set_of_tomograms import (
    warn_of_missing_halves,
    warn_of_mixed_contrast,
    warn_of_own_products,
    warn_of_same_names,
    warn_of_unknown_defocus,
)
from isonet.steps.prepare.checks.wedge import check_wedge
from isonet.steps.prepare.description import Description, describe
from isonet.steps.prepare.halves import with_pixel_size
from isonet.steps.prepare.in_threads import in_threads
from isonet.steps.prepare.items import Item, find_items
from isonet.steps.prepare.pixel_size import Sized, comment_on_several, comment_on_sizes, pixel_size_of, tell_of_size
from isonet.steps.prepare.relion_table import write_relion_table
from isonet.steps.prepare.tilt_lists import (
    HALF_TILT_COLUMNS,
    SPLIT_COLUMN,
    list_of_own,
    split_of,
    write_half_lists,
    write_list,
)
from isonet.steps.prepare.turn import turned
from isonet.volumes.continued import open_continued
from isonet.volumes.contrast import pooled_contrast, warn_of_other_contrast
from isonet.volumes.source import CONTRAST_COLUMN, pooled_statistics

log = logging.getLogger("isonet")
_THIN = 0.7


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
    config = config.model_copy(update={"output": beyond_link(config.output)})
    with collected() as warned:
        project, measured = _written(tomograms, config)
    earlier = warnings_of(config.output) if config.append else []
    before = measurements_of(config.output) if config.append else []
    write_check(config.output, list(dict.fromkeys([*earlier, *warned.kept])), [*before, *measured])
    return project


def _written(tomograms: Sequence[Path], config: PrepareConfig) -> tuple[Project, list[dict[str, object]]]:
    """Find the tomograms and what is known of them, write the table, and tell what was measured of each."""
    _refuse_existing(config)
    before = Project.read(config.output) if config.append and config.output.exists() else Project(config.output, ())
    catalogue = None if config.metadata is None else Catalogue.read(config.metadata)
    items = find_items(tomograms, config, before)
    count = config.number_subtomos or max(1, round(SUBVOLUMES_IN_ALL / (len(items) + len(before.tomograms))))
    project = Project(config.output, ())
    rows, sizes, measured = [], [], []
    described = in_threads(lambda each: _describe(*each, config), _known(items, catalogue, config))
    for index, (item, outcome) in enumerate(zip(items, described, strict=True), start=before.next_index):
        with collected() as warned:
            sized, files, values, shown = outcome.told()
        measured.append({**shown, "pixel_size": float(values["rlnPixelSize"]), "warnings": warned.kept})
        entries = {column: project.entry(file) for column, file in files.items()}
        wanted = str(count) if config.number_subtomos else item.listed.text("rlnNumberSubtomo") or str(count)
        row = {"rlnIndex": str(index), **entries, **values, "rlnNumberSubtomo": wanted}
        rows.append({**row, **item.listed.kept(project, row)})
        sizes.append(sized)
    project = replace(project, tomograms=tuple(Tomogram(config.output, row) for row in rows))
    shown_of = [{"name": one.name, **shown} for one, shown in zip(project.tomograms, measured, strict=True)]
    for tomogram in project.tomograms:
        _ = tomogram.half_measured  # checks all lists of tilts, and the orientation
    together = [*before.tomograms, *project.tomograms]
    warn_of_same_names(together)
    warn_of_missing_halves(together)
    comment_on_several(together)
    warn_of_unknown_defocus(together)
    comment_on_sizes(sizes, asked=config.pixel_size is not None)
    if config.contrast == "auto":
        warn_of_mixed_contrast(together)
    if config.relion5 is not None:
        write_relion_table(config.relion5, project, [one.known for one in sizes], overwrite=config.overwrite)
    if config.append:
        project = before.added([one.row for one in project.tomograms])
    else:
        project.write()
    log.info("%s: %s; edit it where tomograms differ", config.output, counted(len(project.tomograms), "tomogram"))
    first = shlex.join(["isonet", "predict", str(config.output), "starter", "--output-dir", "preview"])
    log.info("for a first look, without training: %s", first)
    return project, shown_of


def _refuse_existing(config: PrepareConfig) -> None:
    """Refuse to write over what is there, or where nothing can be written."""
    if config.output.exists() and not (config.overwrite or config.append):
        raise InputError(f"{config.output}: exists; choose another --output, or add --append or --overwrite")
    if config.relion5 is not None and config.relion5.exists() and not config.overwrite:
        raise InputError(f"{config.relion5}: exists; choose another --relion5 or add --overwrite")
    refuse_read_only(config.output)


def _known(
    items: Sequence[Item], catalogue: Catalogue | None, config: PrepareConfig
) -> Iterator[tuple[Item, Description]]:
    """Tell what flags and metadata say about one tomogram after another."""
    named = [item.named for item in items]
    found: list[list[TiltSeries]] = [[]] * len(items) if catalogue is None else catalogue.of_all(named)
    tilt_files = files_of_tilts(config.tilt_file, named)
    names = [stem(item.path) for item in items]
    completed = [item.listed.completing(said) for item, said in zip(items, found, strict=True)]
    own = [
        None if given or any(one.tilts or one.tilt_range for one in told) else list_of_own(item.named.path)
        for item, told, given in zip(items, completed, tilt_files, strict=True)
    ]
    if (config.metadata, config.tilt_file, config.tilt_min, config.tilt_max) == (None,) * 4:
        pairs = zip(items, own, strict=True)
        tell_of_unread([item.named for item, beside in pairs if beside is None and not item.listed.says_tilts])
    missed = [
        name
        for name, said, beside in zip(names, found, own, strict=True)
        if beside is None and not any(one.tilts or one.defoci for one in said)
    ]
    if catalogue is not None and missed:
        text = "%s: no tilts or defocus of its name in %s; name files after it, or give --tilt-file and --defocus"
        log.warning(text, some_of(missed), catalogue.path)
    for number, (item, told) in enumerate(zip(items, completed, strict=True)):
        known = describe(names[number], told, tilt_files[number] or own[number], config)
        if known.tilt_file is not None and not is_writable(Project(config.output, ()).entry(known.tilt_file)):
            known = replace(known, tilt_file=None)  # so that its tilts are written into another
        yield item, known


def _describe(
    item: Item, known: Description, config: PrepareConfig
) -> tuple[Sized, dict[str, Path], dict[str, str], dict[str, object]]:
    """Check one tomogram and return what is known, its files and values by column, and what its spectrum shows."""
    volume = open_continued(item.path, aloud=True)
    warn_of_own_products([volume, *map(open_volume, item.halves or ())])
    pooled_statistics([volume], aloud=True)
    pixel_size = config.pixel_size or item.listed.pixel_size or pixel_size_of(volume, known)
    tell_of_size(item.path, pixel_size, volume.header)
    table = item.listed.table if item.listed.pixel_size else None
    sized = Sized(item.path, item.halves or (), volume.header, pixel_size, known, table)
    if item.halves is not None and item.path.parent == config.average_dir:
        with_pixel_size(item.path, item.halves, pixel_size)
    origin: dict[str, Path] = {}
    shown = look(volume, known.measured)
    if not compared(item.path, shown, known.measured, config.accept) and _lies_as_imod(volume, shown, known, config):
        origin = {TURNED_COLUMN: item.path}
        item = _turned_item(item, config, pixel_size)
        volume = open_continued(item.path)
        shown = look(volume, known.measured)
        if not compared(item.path, shown, known.measured, config.accept):
            _check_wedge(volume, shown, known, config)
    contrast = item.listed.text(CONTRAST_COLUMN) if config.contrast == "auto" else config.contrast
    if contrast is None:
        contrast = pooled_contrast([volume])
    else:
        warn_of_other_contrast(contrast, [volume])
    if known.defocus < 0:
        log.warning(
            "%s: defocus %g A, which is overfocus; underfocus is positive, give --defocus", item.path, known.defocus
        )
    log.info(
        "%s: %s voxels, %g A, tilts %g to %g, density %s",
        title(item.path),
        " x ".join(map(str, volume.shape)),
        pixel_size,
        *known.tilt_range,
        contrast,
    )
    half_files, half_values = _half_columns(item, volume, shown, known, config)
    tilt_file = known.tilt_file
    if tilt_file is None and known.tilts is not None:
        tilt_file = config.output.parent / "tilts" / f"{item.label}.tlt"
        write_list(tilt_file, known.tilts, "all tilts", overwrite=config.overwrite)
    files = {"rlnTomoName": item.path, **origin, **half_files, **known.lies.files}
    return (
        sized,
        files | ({} if tilt_file is None else {"rlnTiltFile": tilt_file}),
        {
            **({} if tilt_file is not None else {"rlnTiltFile": MISSING}),
            **half_values,
            "rlnPixelSize": f"{pixel_size:.6g}",
            "rlnDefocus": f"{known.defocus:.6g}",
            "rlnVoltage": f"{known.voltage:.6g}",
            "rlnSphericalAberration": f"{known.cs:.6g}",
            "rlnAmplitudeContrast": f"{known.amplitude_contrast:.6g}",
            **({"rlnPhaseShift": f"{known.phase_shift:.6g}"} if known.phase_shift else {}),
            "rlnTiltMin": f"{known.tilt_range[0]:.6g}",
            "rlnTiltMax": f"{known.tilt_range[1]:.6g}",
            **known.lies.values,
            CONTRAST_COLUMN: contrast,
        },
        {**(NOTHING if shown is None else shown.numbers), "shape": list(volume.shape)},
    )


def _half_columns(
    item: Item, volume: Volume, shown: Shown | None, known: Description, config: PrepareConfig
) -> tuple[dict[str, Path], dict[str, str]]:
    """Files and values of the columns about halves: the volumes, how they were split, and the tilts of either."""
    if item.halves is None:
        return {}, {}
    even, odd = (Sections.read(half) for half in item.halves)
    is_mean = item.path.parent == config.average_dir
    check_each_half(volume, (even, odd), shown, known.measured, config.accept, is_mean=is_mean)
    files = dict(zip(HALF_COLUMNS, item.halves, strict=True))
    asked = item.listed.text(SPLIT_COLUMN) if config.split == "auto" else config.split
    split, found = split_of(title(item.path), even, odd, asked or "auto")
    if split == "tilts" and all(item.listed.text(column) for column in HALF_TILT_COLUMNS):
        return files, {SPLIT_COLUMN: split}
    if split == "tilts" and known.tilts is not None:
        stem = config.output.parent / "tilts" / item.label
        lists = write_half_lists(stem, known.tilts, found, overwrite=config.overwrite)
        files |= dict(zip(HALF_TILT_COLUMNS, lists, strict=True))
    elif split == "tilts":
        log.warning("%s: the tilts of either half are not known; give --tilt-file or --metadata", title(item.path))
    return files, {SPLIT_COLUMN: split}


def _check_wedge(
    volume: Volume, shown: Shown | None, known: Description, config: PrepareConfig
) -> WedgeEstimate | None:
    """Compare the wedge of one axis with its tilts."""
    second_axis = None if shown is None else shown.second_axis
    return check_wedge(volume, known.tilts or known.tilt_range, config.accept, second_axis)


def _lies_as_imod(volume: Volume, shown: Shown | None, known: Description, config: PrepareConfig) -> bool:
    """Compare a tomogram's wedge with its tilts; tell whether its beam runs along y and its tilt axis along z."""
    found = None
    if known.measured.at_home:
        found = _check_wedge(volume, shown, known, config)
    elif lies_turned(volume, known.measured):
        return True
    depth, height, width = volume.shape
    if (found is None or found.state == "unclear") and height < _THIN * min(depth, width):
        log.warning(
            "%s: y is the thinnest axis (%d voxels), as IMOD's tilt leaves volumes, and its power spectrum does not "
            "tell; if the beam runs along y, turn it with 'clip rotx' or 'trimvol -rx'",
            volume.path,
            height,
        )
    return found is not None and found.as_imod_tilt


def _turned_item(item: Item, config: PrepareConfig, pixel_size: float) -> Item:
    """Return a tomogram and its halves turned, so that the beam runs along z and the tilt axis along y."""

    def turn(path: Path, name: str) -> Path:
        into = config.turned_dir / f"{name}.mrc"
        log.info("%s: turned into %s", path, into)
        return turned(open_volume(path), into, overwrite=config.overwrite, pixel_size=pixel_size).path

    halves = item.halves
    if halves is not None:
        halves = turn(halves[0], f"{item.label}_half1"), turn(halves[1], f"{item.label}_half2")
    return replace(item, path=turn(item.path, item.label), halves=halves)
