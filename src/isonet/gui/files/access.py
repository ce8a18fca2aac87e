"""Which files the interface may show: those of the project folder and of the folders named at its start."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isonet.errors import InputError


@dataclass(frozen=True)
class Roots:
    """Folders whose files may be read.

    Attributes
    ----------
    project : Path
        The project folder, resolved; relative paths start from it.
    others : tuple of Path
        Further folders, resolved.
    """

    project: Path
    others: tuple[Path, ...] = ()

    @classmethod
    def of(cls, project: Path, others: Sequence[Path] = ()) -> "Roots":
        """Resolve the folders.

        Raises
        ------
        InputError
            If one of them is no folder.
        """
        for folder in (project, *others):
            if not folder.is_dir():
                raise InputError(f"{folder}: no such folder; make it or check the name")
        return cls(project.resolve(), tuple(folder.resolve() for folder in others))

    def allowed(self, path: Path | str) -> Path:
        """Return the true place of a path, with all links followed.

        Raises
        ------
        InputError
            If it lies outside the folders, or cannot be a path.
        """
        text = str(path)
        if "\0" in text or len(text) > 4096:
            raise InputError("not a path; choose a file of the project")
        try:
            place = (self.project / text).resolve()
        except (OSError, RuntimeError) as error:
            raise InputError(f"{text}: cannot be followed; check its links") from error
        if not any(place.is_relative_to(root) for root in (self.project, *self.others)):
            raise InputError(f"{text}: outside the project; start 'isonet gui' with --data {place.parent} to show it")
        return place

    def shown(self, path: Path) -> str:
        """Text for a path: relative to the project where it lies in it."""
        place = path if path.is_absolute() else self.project / path
        return str(place.relative_to(self.project)) if place.is_relative_to(self.project) else str(place)
