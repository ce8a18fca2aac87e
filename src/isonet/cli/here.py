"""What a folder holds, and which command comes next: what `isonet` says when it is given no words."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from isonet.config import RunConfig, StepConfig, ValidateConfig
from isonet.errors import InputError
from isonet.io.options import read_options
from isonet.io.programs.metadata import is_metadata
from isonet.io.text import counted
from isonet.io.volume_files import find_volumes, is_volume
from isonet.project.halves import half_folders
from isonet.project.table import Project, Tomogram
from isonet.running.run_record import standing

_TABLE, _REPORT, _RESULT = "tomograms.star", "report.html", "validation.json"
_OPTIONS = "config.yaml"
_NOT_TOLD = (InputError, ValidationError, TypeError)  # options are gone, or another version wrote them
_OF_ITS_END = ("output_dir", "overwrite", "max_time")
_OF_RELION = "rlnTomoReconstructedTomogram"  # its table of tomograms has the same name
_HEAD = 1 << 16  # bytes that tell what a STAR file is
_UNFINISHED = ("interrupted", "stopped", "killed")


@dataclass(frozen=True)
class Advice:
    """What to tell a user.

    Attributes
    ----------
    here : str
        What there is.
    next : tuple of str
        Words of the next command.
    why : str
        What it does, and what comes after it.
    """

    here: str
    next: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        """Three lines, and how to get help."""
        command = self.next[1]
        return (
            f"here: {self.here}\nnext: {shlex.join(self.next)}\n      {self.why}\n"
            f"help: isonet --help lists all commands, isonet {command} --help the options of this one"
        )


def advise(folder: Path) -> Advice:
    """Look at a folder and at those in it, and choose the next command."""
    table = _table(folder)
    if table is None:
        return _before_the_table(folder)
    try:
        return _after_the_table(Project.read(table), folder)
    except InputError as error:
        return Advice(str(error), ("isonet", "prepare", "--help"), "makes the table; mend it or make it anew")


def _table(folder: Path) -> Path | None:
    """Find the table in a folder, else below it, that was worked on last."""
    beside = [path for path in folder.glob("*.star") if _is_table(path)]
    return max(beside or filter(_is_table, folder.glob(f"*/{_TABLE}")), key=_used, default=None)


def _is_table(path: Path) -> bool:
    """Tell whether a STAR file is a table of tomograms of this program, or is called so and may be one."""
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        head = file.read(_HEAD)
    if path.name == _TABLE:
        return "_rlnIndex" in head or f"_{_OF_RELION} " not in head
    return "_rlnIndex " in head and "_rlnTomoName " in head and "_rlnImageName " not in head


def _used(table: Path) -> float:
    """When a table was written, or a training on it was at work, whichever was last."""
    trained = [_last(table, command) for command in ("refine", "validate")]
    told = [_time(one[1]) for one in trained if one is not None and _names(one[1])]
    return max([table.stat().st_mtime, *told])


def _time(status: Mapping[str, Any]) -> float:
    try:
        return datetime.fromisoformat(str(status.get("updated"))).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _names(status: Mapping[str, Any]) -> str:
    """Name of the first file that a run was given."""
    inputs = status.get("inputs")
    return Path(str(inputs[0])).name if isinstance(inputs, list) and inputs else ""


def _before_the_table(folder: Path) -> Advice:
    """Advise where there is no table yet: with the halves and the metadata that lie beside the tomograms."""
    places = (folder, *_below(folder))
    found = {place: _count(place) for place in places}
    if not any(found.values()):
        return Advice(
            f"no table of tomograms ({_TABLE}) and no volumes (.mrc, .rec, .map, .zarr)",
            ("isonet", "prepare", "FOLDER"),
            "makes the table from the tomograms in FOLDER; without data at hand, try isonet demo",
        )
    halves = half_folders(folder) or ()
    whole = {place: count for place, count in found.items() if count and place not in halves}
    place = max(whole, key=lambda one: whole[one], default=folder)
    words = ["isonet", "prepare", str(place)]
    if halves and place != folder:  # in a folder of its own prepare does not see them
        words += ["--even", str(halves[0]), "--odd", str(halves[1])]
    described = next((one for one in places if _has_metadata(one)), None)
    words += [] if described is None else ["--metadata", str(described)]
    named = "here" if place == folder else f"in {place}"
    asked = " (--metadata FOLDER for tilts and CTF)" if described is None else ""
    return Advice(
        f"no table of tomograms ({_TABLE}); {counted(found[place] or sum(found.values()), 'volume')} {named}",
        tuple(words),
        f"makes the table{asked}; with run in place of prepare it does all steps",
    )


def _after_the_table(project: Project, folder: Path) -> Advice:
    """Advise by what was made of the tomograms of a table, and what lies beside it or in the folder."""
    table, count = str(project.path), len(project.tomograms)
    masks, corrected = (_made(project.tomograms, column) for column in ("rlnMaskName", "rlnCorrectedTomoName"))
    training = _last(project.path, "refine")
    preview = corrected and (predicted := _last(project.path, "predict")) and predicted[1].get("model") == "starter"
    here = f"{counted(count, 'tomogram')} in {table}{_halves(project.tomograms)}, {masks} with a mask"
    here += f", {corrected} corrected" + (" by the starter, as a preview" if preview else "")
    here += "" if training is None else f"; training in {training[0]} {training[1].get('state')}"
    again = _again(project.path, folder)
    if again is not None:
        return Advice(here, again, "goes on where it was")
    if corrected == count and not preview:
        return _after_correction(here, project.path, folder)
    if training is not None:
        return _after_training(here, table, *training)
    at_once = "" if preview else f"; isonet predict {shlex.quote(table)} starter gives a preview at once"
    if masks == count:
        return Advice(here, ("isonet", "refine", table), f"trains the network{at_once}")
    return Advice(here, ("isonet", "mask", table), f"marks density; then isonet refine {shlex.quote(table)}{at_once}")


def _again(table: Path, folder: Path) -> tuple[str, ...] | None:
    """Words of a run of several steps that did not come to its end, and goes on when it is given again."""
    home = table.parent
    whole = standing(home)
    if whole.get("command") == "run" and whole.get("state") not in ("running", "finished"):
        inputs = map(str, whole.get("inputs", []))
        return ("isonet", "run", *inputs, "--output-dir", str(home), *_given(RunConfig, home))
    place, status = _last(table, None, folder) or (folder, {})
    if status.get("command") == "validate" and status.get("state") in _UNFINISHED:
        return ("isonet", "validate", str(table), "--output-dir", str(place), *_given(ValidateConfig, place))
    return None


def _after_training(here: str, table: str, folder: Path, status: Mapping[str, Any]) -> Advice:
    """Advise where a network was trained, or is being trained."""
    if status.get("state") == "running":
        return Advice(here, ("isonet", "report", str(folder)), "shows how far the training is")
    if status.get("state") != "finished":
        why = "goes on with the training where it was"
        return Advice(here, ("isonet", "refine", "--continue-from", str(folder)), why)
    why = f"corrects the tomograms; then isonet report {shlex.quote(table)}"
    return Advice(here, ("isonet", "predict", table, str(folder)), why)


def _after_correction(here: str, project: Path, folder: Path) -> Advice:
    """Advise where all tomograms are corrected."""
    table, home = str(project), project.parent
    report = _newest((home,), _REPORT)
    if report is None:
        words = ("isonet", "report", table)
        return Advice(here, words, "writes one page: before, after, and how far to believe it")
    if _newest((home, folder), _RESULT) is None:
        why = f"tells how far the filled wedge can be believed; what there is: {report}"
        return Advice(here, _validate(project), why)
    return Advice(
        here, ("isonet", "open", table), f"shows before and after in napari or ChimeraX; the report is {report}"
    )


def _validate(table: Path) -> tuple[str, ...]:
    """Words of the command that validates as the last training was made."""
    from isonet.validation.command import validate_words  # noqa: PLC0415  # it loads PyTorch

    training = _last(table, "refine")
    try:
        return tuple(validate_words(table, {} if training is None else read_options(training[0] / _OPTIONS)))
    except _NOT_TOLD:
        return "isonet", "validate", str(table)


def _given(kind: type[StepConfig], folder: Path) -> list[str]:
    """Options that the run in a folder was begun with, less those of its end."""
    from isonet.validation.command import differing, option  # noqa: PLC0415  # it loads PyTorch

    try:
        given = [one for one in differing(kind, read_options(folder / _OPTIONS)) if one[0] not in _OF_ITS_END]
    except _NOT_TOLD:
        return []
    return [option(name, value) for name, value, _, by_preset in given if not by_preset and value is not None]


def _below(folder: Path) -> list[Path]:
    return sorted(item for item in folder.iterdir() if item.is_dir() and not item.name.startswith("."))


def _count(folder: Path) -> int:
    """Count the volumes in a folder."""
    try:
        return len(find_volumes(folder))
    except (InputError, OSError):
        return 0


def _has_metadata(folder: Path) -> bool:
    """Tell whether a folder holds files of other programs with tilts or CTF."""
    try:
        return any(is_metadata(path) for path in sorted(folder.iterdir()) if path.is_file())
    except OSError:
        return False


def _halves(tomograms: Sequence[Tomogram]) -> str:
    return ", with halves" if all(one.has_halves for one in tomograms) else ""


def _made(tomograms: Sequence[Tomogram], column: str) -> int:
    """Count the tomograms whose file in a column is there."""
    return sum(one.text(column) is not None and is_volume(one.file(column)) for one in tomograms)


def _last(table: Path, command: str | None, *places: Path) -> tuple[Path, Mapping[str, Any]] | None:
    """Find the run folder of a command, or any, that was at work last, and its record.

    It lies beside a table or in other places, or below them, and is not of another table.
    """
    folders = {path: None for place in (table.parent, *places) for path in (place, *_below(place))}
    told = [(path, status) for path in folders if (status := standing(path)) and _is_of(status, table)]
    found = [one for one in told if command in (None, one[1].get("command"))]
    return max(found, key=lambda one: str(one[1].get("updated", "")), default=None)


def _is_of(status: Mapping[str, Any], table: Path) -> bool:
    """Tell whether a run does not name another table that lies beside this one."""
    name = _names(status)
    return name in ("", table.name) or not _is_table(table.with_name(name))


def _newest(places: Sequence[Path], name: str) -> Path | None:
    found = [path for place in places for path in (place / name, *place.glob(f"*/{name}")) if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)
