"""What IMOD's `tilt` was told: its command file (`tilt.com`), and the file of etomo (`.edf`) that goes with it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io.programs.angle_lists import first_column
from isonet.io.programs.imod_metadata import read_angles
from isonet.io.programs.tilt_series import NO_DOUBT, SAME_TURN, Doubt, TiltSeries
from isonet.io.text import Floats, checked_angles, counted, is_file, number, numbers_of_list, read_text

TILT_COMMAND = r"^\s*\$\s*tilt(?:\s|$)"
"""Line of a command file that runs `tilt`, not `tiltalign`."""
_OPTIONS = (
    *("TILTFILE", "ANGLES", "OFFSET", "EXCLUDELIST2", "EXCLUDELIST", "EXCLUDE", "INCLUDE", "XAXISTILT", "XTILTFILE"),
    *("INPUTPROJECTIONS", "OUTPUTFILE"),
)
_NAMING = ("INPUTPROJECTIONS", "OUTPUTFILE", "TILTFILE")
_ENDS = ("DONE", "ENDINPUT")
Told = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class _Command:
    """What a command file says: tilts of all views, views used (from 1), turn about x, doubts, names."""

    angles: Floats
    views: set[int]
    x_tilt: float | None
    doubt: Doubt
    names: tuple[str, ...]

    def series(self, path: Path, excluded: set[int], **others: object) -> TiltSeries:
        """Tilt series of the views used."""
        kept = [view - 1 for view in sorted(self.views - excluded) if view <= len(self.angles)]
        if not kept:
            raise InputError(f"{path}: all views are left out; correct its list of excluded views")
        return TiltSeries(
            path,
            tilt_file=path,
            tilts=tuple(self.angles[kept].tolist()),
            views=tuple(kept),
            images=len(self.angles),
            x_tilt=self.x_tilt,
            doubt=self.doubt,
            **others,  # type: ignore[arg-type]
        )


def read_tilt_command(path: Path) -> TiltSeries:
    """Read the command file of `tilt` (`tilt.com`): angles from its TILTFILE or ANGLES, OFFSET added, views left out.

    `tilt` subtracts XAXISTILT from the tilts about x of its XTILTFILE. Their difference is the turn about x once the
    volume is turned by -90 degrees about x, so that the beam is z: `tilt` sees a voxel in row `j` of section `k` at the
    height `k sin(X) + j cos(X)`, and rows then count along -z. Of an XTILTFILE the median counts, with a doubt where
    views differ by more than a degree.

    Options are known in any case and by their beginnings, as IMOD knows them. EXCLUDELIST, EXCLUDELIST2 and EXCLUDE
    leave views out, INCLUDE leaves out all others. Where the TILTFILE is not in the folder but one single other
    `.tlt` file is, that one is read: command files keep their names when data sets are renamed. Of `tilta.com` and
    `tiltb.com` in one folder the latter is of a second axis.

    Raises
    ------
    InputError
        If there are no angles, their file is missing, or a list makes no sense.
    """
    both = {"tilta.com", "tiltb.com"} <= {path.name.lower(), *(item.name for item in path.parent.glob("tilt?.com"))}
    command = _command(path)
    axis = 1 + (path.name.lower() == "tiltb.com") if both else 0
    return command.series(path, set(), names=command.names, axis=axis)


def read_etomo(path: Path) -> TiltSeries:
    """Read etomo's `.edf`: name, pixel size, excluded views; all else of axis A from the files beside it.

    Those are `tilt.com`, or `tilta.com` of two axes. Without it tilts are from the `.tlt` or `.rawtlt`, and a doubt
    says what only `tilt.com` knows: etomo keeps in the `.edf` how the volume lay when it was positioned, not how it was
    reconstructed.

    Raises
    ------
    InputError
        If it names no data set, a value is garbled, or there are no angles.
    """
    lines = read_text(path, odd_characters=True).splitlines()
    entries = {key.strip(): text.strip() for key, _, text in (line.partition("=") for line in lines if line[:1] != "#")}
    name = entries.get("Setup.DatasetName", "")
    if not re.fullmatch(r"[^/\0]+", name):
        raise InputError(f"{path}: no Setup.DatasetName; give the .edf file of etomo, in whole")
    axes = 2 if "dual" in entries.get("Setup.AxisType", "").lower() else 1
    left_out = entries.get("Setup.AxisA.ExcludeProjections", "")
    excluded = numbers_of_list(path, "Setup.AxisA.ExcludeProjections", left_out) if left_out else set()
    size = entries.get("Setup.PixelSize", "")
    pixel_size = 10 * number(path, "Setup.PixelSize", size) if size else 0.0
    command, nominal = _of_data_set(path, name, "tilta.com" if axes > 1 else "tilt.com")
    return command.series(
        path, excluded, names=(name,), nominal=nominal, image_pixel_size=pixel_size or None, axes=axes
    )


def _of_data_set(path: Path, name: str, command: str) -> tuple[_Command, bool]:
    """What is known of the tilts of a data set of etomo, and whether they are only nominal."""
    beside = path.parent / command
    if is_file(beside):
        found = _command(beside)
        if {name, f"{name}a"} & set(found.names) or len(list(path.parent.glob("*.edf*"))) == 1:
            return found, False
    files = [path.parent / f"{name}{part}{end}" for end in (".tlt", ".rawtlt") for part in ("", "a")]
    tilts = next((item for item in files if is_file(item)), None)
    if tilts is None:
        raise InputError(f"{path}: no {name}.tlt or {name}.rawtlt beside it; copy it there, the .edf lists no angles")
    doubt = Doubt(
        f"{path}: no {command} of it beside it, which alone knows OFFSET and XAXISTILT; both are taken as 0, copy it "
        "there, or give --level-x and --level-y"
    )
    angles = read_angles(tilts)
    return _Command(angles, set(range(1, len(angles) + 1)), None, doubt, (name,)), tilts.suffix == ".rawtlt"


def _command(path: Path) -> _Command:
    """Read a command file."""
    told = _told(path)
    if "TILTFILE" in told:
        name = told["TILTFILE"][-1]
        file = _named(path, name, ".tlt")
        if file is None:
            raise InputError(f"{path}: its TILTFILE {name[:80]} is not there; copy it beside the command file")
        angles = read_angles(file)
    elif "ANGLES" in told:
        words = [word for line in told["ANGLES"] for word in re.split(r"[,\s]+", line.strip()) if word]
        angles = checked_angles(path, [number(path, "ANGLES", word) for word in words])
    else:
        raise InputError(f"{path}: no TILTFILE and no ANGLES; give the command file of IMOD's tilt, or a .tlt file")
    angles = checked_angles(path, angles + _first(path, told, "OFFSET", "[,\\s]+"))
    included = _views(path, told, ("INCLUDE",)) or set(range(1, len(angles) + 1))
    excluded = _views(path, told, ("EXCLUDELIST", "EXCLUDELIST2", "EXCLUDE"))
    views = included - excluded
    about_x, doubt = _tilts_about_x(path, told, len(angles))
    doubt = doubt or _of_other_views(path, included | excluded, len(angles))
    names = [told[key][-1] for key in _NAMING if key in told]
    stems = dict.fromkeys(re.sub(r"(_full_rec|_ali|_full|_rec)?\.\w+$", "", Path(name).name) for name in names)
    return _Command(angles, views, about_x - _first(path, told, "XAXISTILT"), doubt, tuple(stems))


def _told(path: Path) -> dict[str, list[str]]:
    """Options of the last `tilt` in a command file by their full names in capitals, as IMOD reads them.

    What stands behind another command, or behind DONE, is not for `tilt`.
    """
    lines = read_text(path, odd_characters=True).splitlines()
    runs = [line for line, text in enumerate(lines) if re.match(TILT_COMMAND, text, re.IGNORECASE)]
    if not runs:
        raise InputError(f"{path}: does not run $tilt; give the command file of IMOD's tilt (tilt.com), or a .tlt file")
    on_the_line = re.split(r"\s-(?=[A-Za-z])", lines[runs[-1]])[1:]
    found: dict[str, list[str]] = {}
    for text in (*on_the_line, *lines[runs[-1] + 1 :]):
        key, *rest = re.split(r"[=\s]+", text.strip(), maxsplit=1)
        key = key.upper()
        if key in _ENDS or key.startswith("$"):
            break
        if key and not key.startswith("#"):
            beginning = next((item for item in _OPTIONS if len(key) > 3 and item.startswith(key)), key)
            found.setdefault(key if key in _OPTIONS else beginning, []).append(rest[0].strip() if rest else "")
    return found


def _first(path: Path, told: Told, key: str, between: str = r"\s+") -> float:
    """First number of an option, 0 where it is not there; a comma parts numbers only where several may stand."""
    word = re.split(between, told.get(key, [""])[-1])[0]
    return number(path, key, word) if word else 0.0


def _tilts_about_x(path: Path, told: Told, count: int) -> tuple[float, Doubt]:
    """Median of the tilts about x of the views, and what is in doubt about it."""
    name = told.get("XTILTFILE", [""])[-1]
    if not name:
        return 0.0, NO_DOUBT
    file = _named(path, name, ".xtilt")
    if file is None:
        return 0.0, Doubt(
            f"{path}: its XTILTFILE {name[:80]} is not there, and tilts about x are taken as 0; copy it beside the "
            "command file, or give --level-x"
        )
    values = checked_angles(file, first_column(file, "one tilt about x in degrees per line"))
    if len(values) != count:
        raise InputError(
            f"{file}: {counted(len(values), 'tilt')} about x, {path} has {counted(count, 'view')}; give that of the "
            "same series"
        )
    median = float(np.median(values))
    if float(np.ptp(values)) <= SAME_TURN:
        return median, NO_DOUBT
    return median, Doubt(
        f"{file}: tilts about x run from {values.min():g} to {values.max():g} degrees over the views; all are taken to "
        f"be {median:g}, give --level-x if another is better"
    )


def _of_other_views(path: Path, listed: set[int], count: int) -> Doubt:
    """Say where views are left out, or taken, that there are not: the angles may be those of another series."""
    beyond = sorted(view for view in listed if not 1 <= view <= count)
    if not beyond:
        return NO_DOUBT
    return Doubt(
        f"{path}: lists view {beyond[-1]} of {count}, counted from 1; see whether it and its file of tilts are of one "
        "series"
    )


def _named(command: Path, name: str, ending: str) -> Path | None:
    """The file of a name beside a command file, else the only one of its kind."""
    path = command.parent / Path(name)
    if is_file(path):
        return path
    others = sorted(command.parent.glob(f"*{ending}"))
    return others[0] if len(others) == 1 else None


def _views(path: Path, told: Told, keys: tuple[str, ...]) -> set[int]:
    """Views that options list, counted from 1."""
    return {view for key in keys for words in told.get(key, []) if words for view in numbers_of_list(path, key, words)}
