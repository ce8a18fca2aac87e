"""Cut sub-volumes out of the tomograms into files of their own, with a table that `refine` can train from."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isonet.config import ExtractConfig
from isonet.core.sampling import cut
from isonet.errors import InputError
from isonet.io import mrc
from isonet.io.mrc_bytes.header import Header
from isonet.io.text import counted
from isonet.io.volume_files import title
from isonet.project.orientation import COLUMNS, TILT_FILES
from isonet.project.table import SUBVOLUME_COLUMN, Project, Tomogram
from isonet.running.forecast import gigabytes, refuse_full_disk
from isonet.running.runs import Run, start
from isonet.steps.extract.centres import find_centres, tell_of_other_places
from isonet.steps.prepare import warn_of_other_wedge
from isonet.volumes.pixel_size import pixel_size
from isonet.volumes.products import labels_of, product_label
from isonet.volumes.source import (
    CONTRAST_COLUMN,
    INPUT_COLUMN,
    MEAN_COLUMN,
    STD_COLUMN,
    Source,
    choose_column,
    open_source,
)
from isonet.volumes.where import comment_on_thickness

log = logging.getLogger("isonet")
_NETWORK_MULTIPLE = 8
_VALUES = [name for name in COLUMNS if name not in TILT_FILES]


@dataclass(frozen=True)
class _Piece:
    """One sub-volume to cut.

    Attributes
    ----------
    source : Source
        What it is cut from.
    centre, corner : tuple of int
        Voxels z, y, x; the corner may be negative.
    path : Path
        Where it goes.
    header : Header
        Of the file: voxel size, where it lies in the tomogram, and the label that tells what it was made from.
    """

    source: Source
    centre: tuple[int, ...]
    corner: tuple[int, ...]
    path: Path
    header: Header

    @property
    def done(self) -> bool:
        """Whether the file is there already."""
        return self.path.exists() and self.header.labels[-1] in labels_of(self.path)


def extract_in_folder(star: Path, config: ExtractConfig) -> Project:
    """Cut sub-volumes of the tomograms of a table into `config.output_dir`."""
    project = Project.read(star)
    with start(config.output_dir, "extract", config, inputs=(star,)) as run:
        return extract(project, config, run)


def extract(project: Project, config: ExtractConfig, run: Run) -> Project:
    """Cut sub-volumes around random or given centres.

    Parameters
    ----------
    project : Project
        The table of tomograms.
    config : ExtractConfig
        Options.
    run : Run
        The run folder: the sub-volumes go there.

    Returns
    -------
    Project
        The table of sub-volumes, also on disk.

    Raises
    ------
    InputError
        If a tomogram, mask or coordinate cannot be used, files are in the way, or the disk has too little room.

    """
    tomograms = project.selected(config.tomo_idx)
    column = choose_column(tomograms, config.input_column)
    _refuse_same_names(tomograms)
    if config.cube_size % _NETWORK_MULTIPLE or config.subvolume_size % _NETWORK_MULTIPLE:
        sizes = (config.cube_size, config.subvolume_size, _NETWORK_MULTIPLE)
        log.warning("cubes of %d and sub-volumes of %d: the default network needs multiples of %d", *sizes)
    tell_of_other_places(project, tomograms, config)
    pieces = []
    for tomogram in tomograms:
        warn_of_other_wedge(tomogram)
        source = open_source(tomogram, column)
        comment_on_thickness([source], config.cube_size, config.subvolume_size)
        centres = find_centres(tomogram, source, config, project, tomograms)
        pieces += [_piece(source, centre, number, config) for number, centre in enumerate(centres)]
        _comment_on_faces(source, centres, config)
    if not pieces:
        raise InputError(f"{config.coordinates}: no coordinates for any tomogram of {project.path}; check the names")
    table = _table(pieces, column, config)
    _write(pieces, table, config, run)
    return table


def _refuse_same_names(tomograms: Sequence[Tomogram]) -> None:
    names = [tomogram.name for tomogram in tomograms]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{tomograms[0].table}: two tomograms are called {name}; extract them by --tomo-idx")


def _comment_on_faces(source: Source, centres: npt.NDArray[np.int64], config: ExtractConfig) -> None:
    """Say how many sub-volumes reach beyond faces of the tomogram that are far enough apart for them."""
    size, edges = config.subvolume_size, np.array(source.volume.shape)
    corners = centres - size // 2
    beyond = (((corners < 0) | (corners + size > edges)) & (edges >= size)).any(axis=1)
    if beyond.any():
        text = "%s: %d of %d sub-volumes reach beyond the tomogram, continued by reflection"
        log.warning(text, title(source.volume.path), int(beyond.sum()), len(centres))


def _piece(source: Source, centre: npt.NDArray[np.int64], number: int, config: ExtractConfig) -> _Piece:
    """Describe a sub-volume and the header of its file."""
    size, header = config.subvolume_size, source.volume.header
    corner = tuple((centre - size // 2).tolist())
    pixel = pixel_size(source.tomogram, source.volume)
    header = header.sized(pixel) if pixel else header
    voxel = header.voxel_size
    started = tuple(first * edge for first, edge in zip(header.start, voxel[::-1], strict=True))
    base = header.origin if any(header.origin) else started
    origin = [at + first * edge for at, first, edge in zip(base, corner[::-1], voxel[::-1], strict=True)]
    label = product_label("sub-volume", (source.volume.path,), (corner, size, pixel, *source.beads))
    placed = Header(voxel, (origin[0], origin[1], origin[2]), (0, 0, 0), (*header.labels[:9], label))
    path = config.output_dir / f"{source.tomogram.name}_{number:06d}.mrc"
    return _Piece(source, tuple(centre.tolist()), corner, path, placed)


def _table(pieces: Sequence[_Piece], column: str, config: ExtractConfig) -> Project:
    """Table of the sub-volumes, with all that refine needs to treat them as it would in their tomograms."""
    table = Project(config.output, ())
    rows = []
    for number, piece in enumerate(pieces, start=1):
        tomogram, grey = piece.source.tomogram, piece.source.normalization
        row = {
            "rlnSubtomoIndex": str(number),
            SUBVOLUME_COLUMN: table.entry(piece.path),
            "rlnCubeSize": str(config.cube_size),
            "rlnCropSize": str(config.subvolume_size),
            "rlnPixelSize": f"{piece.header.pixel_size:.6g}",
            "rlnIndex": tomogram.index,
            "rlnTomoName": table.entry(tomogram.file(tomogram.full_column)),
            INPUT_COLUMN: "full" if column == tomogram.full_column else column,
            **{name: tomogram.row[name] for name in _VALUES if tomogram.text(name) is not None},
            CONTRAST_COLUMN: "dark" if grey.sign < 0 else "light",
            MEAN_COLUMN: repr(grey.mean),
            STD_COLUMN: repr(grey.std),
        }
        row |= {name: table.entry(tomogram.file(name)) for name in TILT_FILES if tomogram.text(name) is not None}
        row |= {f"rlnCoordinate{axis}": str(at) for axis, at in zip("XYZ", piece.centre[::-1], strict=True)}
        rows.append(Tomogram(config.output, row))
    return replace(table, tomograms=tuple(rows))


def _write(pieces: Sequence[_Piece], table: Project, config: ExtractConfig, run: Run) -> None:
    """Write what is not there yet, then the table."""
    same_table = _is_written(table, overwrite=config.overwrite)
    left = [piece for piece in pieces if not piece.done]
    in_the_way = [piece.path for piece in left if piece.path.exists()]
    if in_the_way and not config.overwrite:
        raise InputError(
            f"{in_the_way[0]}: exists and was made otherwise; choose another --output-dir or add --overwrite"
        )
    _forecast(len(left), len(pieces), config)
    edges = (config.subvolume_size,) * 3
    with run.progress("extract", len(left)) as advance:
        for piece in left:
            mrc.write(piece.path, cut(piece.source.voxels, piece.corner, edges), piece.header)
            advance()
    if not same_table:
        table.write()
    log.info("%s: %s; train with: isonet refine %s", table.path, counted(len(pieces), "sub-volume"), table.path)


def _is_written(table: Project, *, overwrite: bool) -> bool:
    """Tell whether the table is on disk already, perhaps with more columns; refuse another one in its place."""
    if not table.path.exists():
        return False
    try:
        old = Project.read(table.path, subvolumes=True).tomograms
    except InputError:
        old = ()
    rows = zip(table.tomograms, old, strict=False)
    if len(old) == len(table.tomograms) and all(new.row.items() <= one.row.items() for new, one in rows):
        return True
    if not overwrite:
        raise InputError(f"{table.path}: exists and is another table; choose another --output or add --overwrite")
    return False


def _forecast(left: int, total: int, config: ExtractConfig) -> None:
    """Say how much is to be written, and refuse what the disk cannot hold."""
    if left < total:
        log.info("%d of %s made before, kept", total - left, counted(total, "sub-volume"))
    if left == 0:
        return
    folder, size = config.output_dir, config.subvolume_size
    needed = left * (4 * size**3 + 1024)
    log.info("%s of %d^3: %s", counted(left, "sub-volume"), size, gigabytes(needed))
    refuse_full_disk(folder, needed, "free some space, choose another --output-dir, or a smaller --number-subtomos")
