"""Volumes that were made of others, and whether these, or what the table says of the microscope, changed since."""

import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.volume_files import EXTENSIONS, is_volume
from isonet.project.check import measurements_of
from isonet.project.table import FULL_COLUMNS, HALF_COLUMNS, SUBVOLUME_COLUMN, TURNED_COLUMN, Tomogram
from isonet.volumes.masks import MASK_COLUMN
from isonet.volumes.products import data_mark, deconvolved_for, kind_in, labels_of, mark_in

log = logging.getLogger("isonet")
_AGAIN = {
    **dict.fromkeys(FULL_COLUMNS, "prepare"),
    **{"rlnDeconvTomoName": "deconv", MASK_COLUMN: "mask", "rlnCorrectedTomoName": "predict"},
    "rlnCorrectedDeconvTomoName": "deconv --input-column rlnCorrectedTomoName",
    SUBVOLUME_COLUMN: "extract",
}
_DECONVOLVED = ("rlnDeconvTomoName", "rlnCorrectedDeconvTomoName")
_OF_FULL = ("rlnSnrFalloff", "rlnDeconvStrength")  # not of corrected tomograms, which have their own
_NOT_KNOWN = ("rlnDefocus", "rlnPixelSize")  # where they are 0
_DIGITS = 1e-5  # of a value, to which a label tells it
_MADE_ELSEWHERE = {"withheld", "resized"}  # of volumes that the table of the result does not name


def warn_of_outdated(tomogram: Tomogram, column: str) -> None:
    """Warn where the volume in a column was made by this program of other data or for other values than now.

    Also where a tomogram, or a half, has another shape than when the table was made.
    """
    if column in (*FULL_COLUMNS, *HALF_COLUMNS) and tomogram.text(column) is not None:
        _warn_of_other_shape(tomogram, column)
    if column not in _AGAIN or tomogram.text(column) is None:
        return
    product = tomogram.file(column)
    labels = labels_of(product)
    marks = [mark for label in labels if (mark := mark_in(label))]
    if not marks or not _MADE_ELSEWHERE.isdisjoint(map(kind_in, labels)):
        return
    if column in _DECONVOLVED:
        _warn_of_other_values(tomogram, column)
    sources = list(_sources(tomogram, column))
    if sources and not any(_hold(paths, marks[-1]) for paths in sources):
        log.warning(
            "%s: was made of other data than %s holds now; run isonet %s again with --overwrite",
            *(product, sources[0][0], _AGAIN[column]),
        )


def _warn_of_other_shape(tomogram: Tomogram, column: str) -> None:
    """Warn where a tomogram, or a half, has another shape than when `prepare` made the table."""
    path = tomogram.file(column)
    known = [one.get("shape") for one in measurements_of(tomogram.table) if one.get("name") == tomogram.name]
    if len(known) != 1 or not isinstance(known[0], list) or not is_volume(path):
        return
    shape = open_volume(path).shape
    if known[0] != list(shape):
        log.warning(
            "%s: its shape is %s, and was %s when prepare made %s; run isonet prepare again with --overwrite",
            *(path, shape, tuple(known[0]), tomogram.table),
        )


def _warn_of_other_values(tomogram: Tomogram, column: str) -> None:
    """Warn where a volume was deconvolved for other values than the table has."""
    product = tomogram.file(column)
    others = () if column == "rlnDeconvTomoName" else _OF_FULL
    for name, made_for in deconvolved_for(product).items():
        now = None if name in others else tomogram.number(name)
        if now is None or (now == 0 and name in _NOT_KNOWN) or math.isclose(now, made_for, rel_tol=_DIGITS):
            continue
        log.warning(
            "%s: was deconvolved for %s %g, and %s has %g now; run isonet %s again",
            *(product, name, made_for, tomogram.table, now, _AGAIN[column]),
        )


def _hold(paths: Sequence[Path], mark: str) -> bool:
    """Whether volumes hold the data of a mark; what is no volume does not."""
    try:
        return data_mark(paths) == mark
    except InputError:
        return False


def _sources(tomogram: Tomogram, column: str) -> Iterator[list[Path]]:
    """Iterate over what a product may have been made of, the likeliest first: a volume of the table, or both halves."""
    likeliest = ("rlnDeconvTomoName",) if column == MASK_COLUMN else ()
    others = [name for name, text in tomogram.row.items() if text.lower().endswith(EXTENSIONS)]
    order = dict.fromkeys((*likeliest, *FULL_COLUMNS, TURNED_COLUMN, *HALF_COLUMNS, *others))
    found = {name: tomogram.file(name) for name in order if name != column and tomogram.text(name) is not None}
    there = {name: path for name, path in found.items() if is_volume(path)}
    yield from ([path] for path in there.values())
    if all(name in there for name in HALF_COLUMNS):
        yield [there[name] for name in HALF_COLUMNS]
