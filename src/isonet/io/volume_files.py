"""Files of volumes: how their names end, those of a folder, and folders that are volumes themselves."""

import logging
import os
import re
from pathlib import Path

from isonet.errors import InputError
from isonet.io.ome_zarr.levels import ENDING, root_of, tomogram_level

log = logging.getLogger("isonet")
COMPRESSED = (".gz", ".bz2")
FILES = (".mrc", ".rec", ".map", ".mrc.gz", ".rec.gz", ".map.gz", ".mrc.bz2", ".rec.bz2", ".map.bz2")
"""Endings of MRC files."""
EXTENSIONS = (*FILES, ENDING, f".ome{ENDING}")
"""Endings of volumes of any format."""
_LONGEST_FIRST = sorted(EXTENSIONS, key=len, reverse=True)
_REMOTE = re.compile(r"(?:^|/)(https?|s3|gs|ftp):/+(.*)", re.IGNORECASE)


def stem(path: Path) -> str:
    """File name without its last volume extension: `x_8.00Apx.rec.mrc` gives `x_8.00Apx.rec`, `x.zarr/1` gives `x`."""
    name = container(path).name
    for extension in _LONGEST_FIRST:
        if name.lower().endswith(extension):
            return name[: -len(extension)]
    return container(path).stem


def is_zarr(path: Path) -> bool:
    """Tell whether a path is that of an OME-Zarr image, or of a level of one, that is there or not."""
    return root_of(path) is not None and not path.is_file()


def is_volume(path: Path) -> bool:
    """Tell whether a path is there and is that of a volume, which may be a folder."""
    return path.is_file() or (is_zarr(path) and path.is_dir())


def is_folder(path: Path) -> bool:
    """Tell whether a path is that of a folder that may hold volumes, and is none."""
    return path.is_dir() and not is_zarr(path)


def container(path: Path) -> Path:
    """Return what holds a volume: its file, or of a level of OME-Zarr the folder `*.zarr`."""
    return (root_of(path) or path) if is_zarr(path) else path


def title(path: Path) -> str:
    """Name of a volume for messages: that of its file, or of its image and level, `cell.zarr/1`."""
    return str(path.relative_to(container(path).parent))


def refuse_remote(path: Path) -> None:
    """Raise `InputError` where a path is an address in the network."""
    found = _REMOTE.search(str(path))
    if found is not None:
        address = f"{found[1]}://{found[2]}"
        raise InputError(f"{address}: is not read over the network; copy it to this machine and give its path")


def find_volumes(path: Path) -> list[Path]:
    """Volumes of a folder in the order of their names, or the volume itself; of OME-Zarr images the level to take.

    Images in the folder that cannot be taken, such as plates, are left out with a line.

    Raises
    ------
    InputError
        If the path does not exist, or the folder holds no volume.
    """
    refuse_remote(path)
    if is_zarr(path):
        return [tomogram_level(path).path]
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the name")
    if path.is_file():
        return [path]
    found = volumes_in(path)
    if not found:
        below = next(filter(holds_volumes, folders_in(path)), None)
        such = "" if below is None else f", such as {below}"
        text = f"no tomograms in this folder, which end in .mrc, .rec, .map or {ENDING}"
        raise InputError(f"{path}: {text}; give the folder that holds them{such}")
    return found


def volumes_in(folder: Path) -> list[Path]:
    """Volumes of a folder in the order of their names, as :func:`find_volumes`; there may be none."""
    found = []
    for item in sorted(folder.iterdir()):
        if item.name.startswith("."):
            continue
        if item.is_file() and item.name.lower().endswith(FILES):
            found.append(item)
        elif item.name.lower().endswith(ENDING) and item.is_dir():
            found += _taken(item)
    return found


def holds_volumes(folder: Path) -> bool:
    """Tell whether a folder holds anything that is called as a volume."""
    names = (item.name.lower() for item in folder.iterdir())
    return any(name.endswith(EXTENSIONS) and not name.startswith(".") for name in names)


def _taken(image: Path) -> list[Path]:
    """Level to take of an image in a folder; none where it is no tomogram, with a line that says why."""
    try:
        return [tomogram_level(image).path]
    except InputError as error:
        log.warning("left out: %s", error)
        return []


def folders_in(folder: Path) -> list[Path]:
    """Folders in one that may be read, in the order of their names, hidden ones left out."""
    found = (item for item in sorted(folder.iterdir()) if is_folder(item) and not item.name.startswith("."))
    return [item for item in found if os.access(item, os.R_OK | os.X_OK)]
