"""Files of volumes: how their names end, and those of a folder."""

from pathlib import Path

from isonet.errors import InputError

COMPRESSED = (".gz", ".bz2")
EXTENSIONS = (".mrc", ".rec", ".map", ".mrc.gz", ".rec.gz", ".map.gz", ".mrc.bz2", ".rec.bz2", ".map.bz2")


def stem(path: Path) -> str:
    """File name without its last volume extension: `x_8.00Apx.rec.mrc` gives `x_8.00Apx.rec`."""
    name = path.name
    for extension in sorted(EXTENSIONS, key=len, reverse=True):
        if name.lower().endswith(extension):
            return name[: -len(extension)]
    return path.stem


def find_volumes(path: Path) -> list[Path]:
    """MRC files of a folder in the order of their names, or the file itself.

    Raises
    ------
    InputError
        If the path does not exist or the folder holds no volume.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the name")
    if path.is_file():
        return [path]
    found = volumes_in(path)
    if not found:
        raise InputError(f"{path}: no tomograms in this folder; they end in .mrc, .rec or .map")
    return found


def volumes_in(folder: Path) -> list[Path]:
    """MRC files of a folder in the order of their names; there may be none."""
    return sorted(filter(_is_volume, folder.iterdir()))


def _is_volume(item: Path) -> bool:
    """Tell whether a file is one by its name; hidden ones are none."""
    return item.name.lower().endswith(EXTENSIONS) and not item.name.startswith(".") and item.is_file()
