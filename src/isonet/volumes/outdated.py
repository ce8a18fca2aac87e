"""Volumes that were made of others, and whether these have changed since, such as tomograms that were made again."""

import logging
from collections.abc import Iterator
from pathlib import Path

from isonet.io.volume_files import container
from isonet.project.table import FULL_COLUMNS, HALF_COLUMNS, SUBVOLUME_COLUMN, TURNED_COLUMN, Tomogram
from isonet.volumes.masks import MASK_COLUMN
from isonet.volumes.products import inputs_mark, labels_of

log = logging.getLogger("isonet")
_AGAIN = {
    **dict.fromkeys(FULL_COLUMNS, "prepare"),
    **{
        "rlnDeconvTomoName": "deconv",
        MASK_COLUMN: "mask",
        "rlnCorrectedTomoName": "predict",
        SUBVOLUME_COLUMN: "extract",
    },
}
_SOURCES = (*FULL_COLUMNS, *HALF_COLUMNS, TURNED_COLUMN)
_AT_ONCE = 0.5  # seconds between the last change of a file and that of where it lies, if it was not moved since


def warn_of_outdated(tomogram: Tomogram, column: str) -> None:
    """Warn where the volume in a column was made by this program and what it was made of has changed since."""
    if column not in _AGAIN or tomogram.text(column) is None:
        return
    product = tomogram.file(column)
    changed = _changed_since(product, tomogram, column)
    if changed is not None:
        log.warning(
            "%s: is older than %s, which it was made of; if that was made again, run isonet %s with --overwrite",
            *(product, changed, _AGAIN[column]),
        )


def _changed_since(product: Path, tomogram: Tomogram, column: str) -> Path | None:
    """Return the file that a product of this program was made of and that is younger.

    Its label tells what it was made of. Where that is none of the files as they are now, the times tell: of a file that
    took the place of another, however old it is, when it came there.
    """
    marks = {label.partition(" input ")[2].partition(" ")[0] for label in labels_of(product) if " input " in label}
    if not marks or marks & set(_marks(tomogram)):
        return None
    own = container(product).stat()
    moved = abs(own.st_ctime - own.st_mtime) > _AT_ONCE
    for name in _SOURCES:
        if name == column or tomogram.text(name) is None or not (path := tomogram.file(name)).exists():
            continue
        status = container(path).stat()
        if (status.st_mtime if moved else max(status.st_mtime, status.st_ctime)) > own.st_mtime:
            return path
    return None


def _marks(tomogram: Tomogram) -> Iterator[str]:
    """Iterate over what labels say of products that were made of the files of a tomogram as they are now."""
    found = {name: tomogram.file(name) for name in (*_SOURCES, "rlnDeconvTomoName") if tomogram.text(name) is not None}
    there = {name: path for name, path in found.items() if path.exists()}
    yield from (inputs_mark([path]) for path in there.values())
    if all(name in there for name in HALF_COLUMNS):
        yield inputs_mark([there[name] for name in HALF_COLUMNS])
