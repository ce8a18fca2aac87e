"""What a report is about: the table, and the run folders of the steps that belong to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isonet.config import ReportConfig
from isonet.errors import InputError
from isonet.io.options import read_options
from isonet.project.table import Project, Tomogram
from isonet.running.run_record import standing
from isonet.running.runs import CONFIG_NAME

TABLE = "tomograms.star"
STEPS = ("run", "deconv", "mask", "extract", "refine", "predict", "validate")
"""Commands with run folders, in the order of a report."""
_RESULT = "validation.json"


@dataclass(frozen=True)
class RunFolder:
    """What a step left of itself.

    Attributes
    ----------
    command : str
        Which step.
    folder : Path
        Its run folder.
    status : mapping
        Its `status.json`.
    options : mapping
        Its `config.yaml`.
    """

    command: str
    folder: Path
    status: Mapping[str, Any]
    options: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "RunFolder | None":
        """Read a run folder; None where it is none."""
        status = standing(folder)
        if status.get("command") not in STEPS:
            return None
        try:
            options = read_options(folder / CONFIG_NAME)
        except InputError:
            options = {}
        return cls(str(status["command"]), folder, status, options)

    @property
    def inputs(self) -> list[Path]:
        """Arguments of the command, as seen from here."""
        where = Path(str(self.status.get("working_folder", "")))
        return [path if path.is_absolute() else where / path for path in map(Path, self.status.get("inputs", []))]


@dataclass(frozen=True)
class Sources:
    """Everything a report draws from.

    Attributes
    ----------
    asked : Path
        What the report was asked for.
    project : Project
        The table.
    runs : dict
        Run folders by command; those that are there.
    validation : Path or None
        `validation.json`, if there is one.
    output : Path
        The HTML file.
    """

    asked: Path
    project: Project
    runs: Mapping[str, RunFolder]
    validation: Path | None
    output: Path


def find_sources(path: Path, config: ReportConfig) -> Sources:
    """Find the table and the run folders that belong to a run folder or table.

    The folder that was named counts for its step. Of other steps it is the folder that the records lead to (predict
    names its model), else the one beside the table or below it that was written last.

    Raises
    ------
    InputError
        If there is no table, or no validation where one is asked for.
    """
    named = None if path.is_file() else RunFolder.read(path)
    table = _table(path, named)
    project = Project.read(table)
    home = table.parent
    found = _newest(home)
    if named is not None:
        found[named.command] = named
    predicted = found.get("predict")
    if predicted is not None and len(predicted.inputs) > 1 and (named is None or named.command != "refine"):
        folder = predicted.inputs[1].parent if predicted.inputs[1].suffix else predicted.inputs[1]
        known = [RunFolder.read(one) for one in (home / folder.name, folder)]
        found |= next(({"refine": one} for one in known if one is not None and one.command == "refine"), {})
    folder = home if path.is_file() else path
    return Sources(path, project, found, _validation(config, found, home), config.output or folder / "report.html")


def _table(path: Path, named: RunFolder | None) -> Path:
    """Find the table of a run folder, or take the one that is given."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder; give a run folder or tomograms.star")
    recorded = [] if named is None else [one for one in named.inputs if one.suffix == ".star"]
    beside = [path.parent / one.name for one in recorded]  # first, so that a moved project is about itself
    candidates = [path / TABLE, *beside, *recorded, path.parent / TABLE]
    found = next((one for one in candidates if one.is_file()), None)
    if found is None:
        raise InputError(f"{path}: no run folder of isonet and no {TABLE} in it; give the folder of a run or the table")
    return found


def _newest(home: Path) -> dict[str, RunFolder]:
    """Of each step the run folder in a folder, or the folder itself, that was at work last."""
    found: dict[str, RunFolder] = {}
    for folder in [home, *sorted(item for item in home.iterdir() if item.is_dir())]:
        one = RunFolder.read(folder)
        if one is not None:
            before = found.get(one.command)
            if before is None or str(one.status.get("updated", "")) > str(before.status.get("updated", "")):
                found[one.command] = one
    return found


def _validation(config: ReportConfig, found: Mapping[str, RunFolder], home: Path) -> Path | None:
    """Find validation.json: as asked, else that of the newest run of validate, else one beside the table."""
    given = config.validation
    if given is not None:
        path = given / _RESULT if given.is_dir() else given
        if not path.is_file():
            raise InputError(f"--validation {given}: no {_RESULT} there; make it with 'isonet validate'")
        return path
    folders = [found["validate"].folder] if "validate" in found else []
    beside = [folder / _RESULT for folder in [*folders, home / "validation", home]]
    return next((path for path in beside if path.is_file()), None)


def confidence_map(tomogram: Tomogram, sources: Sources) -> Path | None:
    """Return the map of agreement that validate wrote for a tomogram."""
    if sources.validation is None:
        return None
    folder = sources.validation.parent
    own = folder / f"{tomogram.name}_confidence.mrc"
    lone = folder / "confidence.mrc"
    if own.is_file():
        return own
    return lone if lone.is_file() and len(sources.project.tomograms) == 1 else None


def read_validation(path: Path) -> dict[str, Any]:
    """Read validation.json.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read; run validate again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a result of validate; run it again")
    return content
