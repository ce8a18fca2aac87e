"""What a folder holds, for choosing a file or folder on the machine where the interface runs."""

from dataclasses import dataclass
from pathlib import Path

from isonet.errors import InputError
from isonet.gui.files.access import Roots
from isonet.io.volume_files import is_folder

MOST = 1000
"""Entries of a folder that are shown."""


@dataclass(frozen=True)
class Entry:
    """A file or folder that may be chosen.

    Attributes
    ----------
    path : Path
        Where it is, beside the others of its folder.
    is_folder : bool
        Whether it is a folder to look into; OME-Zarr images are chosen like files.
    size : int
        Bytes of a file; 0 of all else.
    """

    path: Path
    is_folder: bool
    size: int


def entries(roots: Roots, folder: Path) -> list[Entry]:
    """Folders and files of a folder by name, folders first; hidden ones, and links that lead outside, are left out.

    Raises
    ------
    InputError
        If the folder may not be shown, or cannot be read.
    """
    place = roots.allowed(folder)
    try:
        inside = sorted(path for path in place.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); choose another folder") from error
    found = [entry for path in inside if (entry := _entry(roots, path)) is not None]
    return sorted(found, key=lambda entry: not entry.is_folder)


def _entry(roots: Roots, path: Path) -> Entry | None:
    try:
        roots.allowed(path)
        return Entry(path, is_folder(path), 0 if path.is_dir() else path.stat().st_size)
    except (InputError, OSError):
        return None


def above(roots: Roots, folder: Path) -> Path | None:
    """The folder that a folder lies in; None where that may not be shown."""
    try:
        return roots.allowed(folder.parent) if folder.parent != folder else None
    except InputError:
        return None


def begin(roots: Roots, text: str) -> Path:
    """Where to begin to choose: the folder of what is filled in, or else the project."""
    try:
        place = roots.allowed(text.strip() or ".")
    except InputError:
        return roots.project
    while not place.is_dir() and place != place.parent:
        place = place.parent
    return place if any(place.is_relative_to(root) for root in (roots.project, *roots.others)) else roots.project


def size_text(size: int) -> str:
    """Bytes in a unit that suits them."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size = size / 1000  # type: ignore[assignment]
    return f"{size:.3g} GB"
