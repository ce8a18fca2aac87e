"""Text files of IMOD and etomo: tilt angles, command files, directives, transforms, defocus."""

import re
from pathlib import Path
from typing import TypedDict

import numpy as np

from isonet.errors import InputError
from isonet.io.programs.tilt_series import Alignment, TiltSeries
from isonet.io.text import (
    Floats,
    checked_angles,
    first_column,
    is_file,
    number,
    numbers_of_list,
    read_text,
    rows,
    table,
)

TILT_COMMAND = r"^\s*\$\s*tilt(?:\s|$)"
"""Line of a command file that runs `tilt`, not `tiltalign`."""
_NAMING = ("INPUTPROJECTIONS", "OUTPUTFILE")
_ASTIGMATISM, _PHASE, _CUTON = 1, 4, 32  # flags of a defocus file of version 3


def read_angles(path: Path) -> Floats:
    """Read a `.tlt` or `.rawtlt` file: one angle in degrees per line, perhaps with other columns behind it."""
    return checked_angles(path, first_column(path, "one tilt angle in degrees per line"))


def read_xf(path: Path) -> Alignment:
    """Read the linear transforms of an `.xf` file (`a11 a12 a21 a22 dx dy`); it holds no angles.

    Raises
    ------
    InputError
        If the file is missing, empty, binary or malformed, or a transform cannot be inverted.
    """
    values = table(path, rows(read_text(path)), 6, "a11 a12 a21 a22 dx dy")
    matrices = values[:, :4].reshape(-1, 2, 2)
    singular = ~(np.abs(np.linalg.det(matrices)) >= 1e-3)
    if singular.any():
        first = int(singular.argmax()) + 1
        raise InputError(f"{path}: transform {first} flattens the image (determinant 0); align it again")
    used = np.ones(len(values), dtype=np.bool_)
    return Alignment(matrices, values[:, 4:], in_angstrom=False, centre=-0.5, tilts=None, used=used)


def read_angle_file(path: Path) -> TiltSeries:
    """Read a `.tlt` (aligned) or `.rawtlt` (nominal) file as a tilt series."""
    angles = tuple(read_angles(path).tolist())
    nominal = path.name.lower().removesuffix(".gz").endswith(".rawtlt")
    return TiltSeries(path, tilts=angles, nominal=nominal, tilt_file=path)


def read_tilt_command(path: Path) -> TiltSeries:
    """Read the command file of `tilt` (`tilt.com`): angles from its TILTFILE or ANGLES, OFFSET added, views left out.

    XAXISTILT turns the other way round once the volume is turned by -90 degrees about x, so that the beam is z: `tilt`
    sees a voxel in row `j` of section `k` at the height `k sin(X) + j cos(X)`, and rows then count along -z.

    Options are known in any case and by their beginnings, as IMOD knows them. EXCLUDELIST, EXCLUDELIST2 and EXCLUDE
    leave views out, INCLUDE leaves out all others. Where the TILTFILE is not in the folder but one single other
    `.tlt` file is, that one is read: command files keep their names when data sets are renamed. Of `tilta.com` and
    `tiltb.com` in one folder the latter is of a second axis.

    Raises
    ------
    InputError
        If there are no angles, their file is missing, or a list makes no sense.
    """
    if re.search(TILT_COMMAND, read_text(path, odd_characters=True), re.IGNORECASE | re.MULTILINE) is None:
        raise InputError(f"{path}: does not run $tilt; give the command file of IMOD's tilt (tilt.com), or a .tlt file")
    options = _options(path)
    if "TILTFILE" in options:
        angles = read_angles(_tilt_file(path, options["TILTFILE"][-1]))
    elif "ANGLES" in options:
        words = [word for line in options["ANGLES"] for word in re.split(r"[,\s]+", line.strip()) if word]
        angles = checked_angles(path, [number(path, "ANGLES", word) for word in words])
    else:
        raise InputError(f"{path}: no TILTFILE and no ANGLES; give the command file of IMOD's tilt, or a .tlt file")
    offset = options.get("OFFSET", ["0"])[-1].replace(",", " ").split() or ["0"]
    angles = checked_angles(path, angles + number(path, "OFFSET", offset[0]))
    left_out = _views(path, options, ("EXCLUDELIST", "EXCLUDELIST2", "EXCLUDE"))
    included = _views(path, options, ("INCLUDE",)) or set(range(1, len(angles) + 1))
    names = [options[key][-1] for key in (*_NAMING, "TILTFILE") if key in options]
    stems = dict.fromkeys(re.sub(r"(_full_rec|_ali|_full|_rec)?\.\w+$", "", Path(name).name) for name in names)
    both = {"tilta.com", "tiltb.com"} <= {path.name.lower(), *(item.name for item in path.parent.glob("tilt?.com"))}
    return TiltSeries(
        path,
        names=tuple(stems),
        tilt_file=path,
        x_tilt=0.0 - number(path, "XAXISTILT", (options.get("XAXISTILT", [""])[-1].split() or ["0"])[0]),
        axis=1 + (path.name.lower() == "tiltb.com") if both else 0,
        **_kept(path, angles, included - left_out),
    )


def read_etomo(path: Path) -> TiltSeries:
    """Read etomo's `.edf`: name, pixel size, excluded views; angles of axis A from the file beside it.

    Raises
    ------
    InputError
        If it names no data set, a value is garbled, or there are no angles.
    """
    entries = dict(
        line.partition("=")[::2] for line in read_text(path, odd_characters=True).splitlines() if line[:1] != "#"
    )
    name = entries.get("Setup.DatasetName", "").strip()
    if not re.fullmatch(r"[^/\0]+", name):
        raise InputError(f"{path}: no Setup.DatasetName; give the .edf file of etomo, in whole")
    left_out = entries.get("Setup.AxisA.ExcludeProjections", "").strip()
    excluded = numbers_of_list(path, "Setup.AxisA.ExcludeProjections", left_out) if left_out else set()
    size = entries.get("Setup.PixelSize", "").strip()
    pixel_size = 10 * number(path, "Setup.PixelSize", size) if size else 0.0
    beside = [path.parent / f"{name}{part}{end}" for end in (".tlt", ".rawtlt") for part in ("", "a")]
    found = next((item for item in beside if is_file(item)), None)
    if found is None:
        raise InputError(f"{path}: no {name}.tlt or {name}.rawtlt beside it; copy it there, the .edf lists no angles")
    angles = read_angles(found)
    return TiltSeries(
        path,
        names=(name,),
        nominal=found.suffix == ".rawtlt",
        tilt_file=path,
        image_pixel_size=pixel_size or None,
        axes=2 if "dual" in entries.get("Setup.AxisType", "").lower() else 1,
        **_kept(path, angles, set(range(1, len(angles) + 1)) - excluded),
    )


def read_defocus(path: Path) -> TiltSeries:
    """Read a `.defocus` file of ctfplotter: first and last view, first and last tilt, defocus in nm.

    Version 3 begins with a line of flags (`flags 0 0. 0. 0. 3`) and has, where they say so, a second defocus and the
    axis of astigmatism, a phase shift and a cut-on frequency on each line; in version 2, and in files without
    version, each line has one defocus, and the first one the version behind it.

    Raises
    ------
    InputError
        If the file is malformed.
    """
    lines = [(line, words) for line, words in rows(read_text(path))]
    flags = 0
    columns, meaning = 5, "first and last view, first and last tilt, defocus in nm"
    if lines and len(lines[0][1]) == 6:
        line, words = lines[0]
        version = number(path, f"line {line}", words[5])
        if version >= 3:
            flags, lines = int(number(path, f"line {line}", words[0])), lines[1:]
            columns += 2 * bool(flags & _ASTIGMATISM) + bool(flags & _PHASE) + bool(flags & _CUTON)
            meaning += ", and what the flags say" if columns > 5 else ""
        else:
            lines[0] = line, words[:5]
    values = table(path, lines, columns, meaning)
    defoci = values[:, 4:6].mean(axis=1) if flags & _ASTIGMATISM else values[:, 4]
    ends = np.sort(checked_angles(path, values[:, 2:4].ravel()).reshape(-1, 2), axis=1)
    tilts = np.clip(0.0, ends[:, 0], ends[:, 1])  # the angle nearest to zero that a line holds for
    return TiltSeries(path, defoci=tuple((10 * defoci).tolist()), defocus_tilts=tuple(tilts.tolist()))


def _options(path: Path) -> dict[str, list[str]]:
    """Options of the `tilt` command in a command file, by their full names in capitals."""
    known = ("TILTFILE", "ANGLES", "OFFSET", "EXCLUDELIST2", "EXCLUDELIST", "EXCLUDE", "INCLUDE", "XAXISTILT", *_NAMING)
    found: dict[str, list[str]] = {}
    for text in read_text(path, odd_characters=True).splitlines():
        key, *rest = text.strip().split(maxsplit=1)[:2] or [""]
        if not key or key[0] in "#$":
            continue
        key = key.upper()
        name = key if key in known else next((item for item in known if len(key) > 3 and item.startswith(key)), key)
        found.setdefault(name, []).append(rest[0].strip() if rest else "")
    return found


def _tilt_file(command: Path, name: str) -> Path:
    path = command.parent / Path(name)
    if is_file(path):
        return path
    others = sorted(command.parent.glob("*.tlt"))
    if len(others) != 1:
        raise InputError(f"{command}: its TILTFILE {name[:80]} is not there; copy it beside the command file")
    return others[0]


def _views(path: Path, options: dict[str, list[str]], keys: tuple[str, ...]) -> set[int]:
    """Views that options list, counted from 1."""
    return {
        view for key in keys for words in options.get(key, []) if words for view in numbers_of_list(path, key, words)
    }


class _Kept(TypedDict):
    tilts: tuple[float, ...]
    views: tuple[int, ...]
    images: int


def _kept(path: Path, angles: Floats, views: set[int]) -> _Kept:
    """Angles of the views used, their numbers from 0, and how many views there are."""
    kept = [view - 1 for view in sorted(views) if view <= len(angles)]
    if not kept:
        raise InputError(f"{path}: all views are left out; correct its list of excluded views")
    return {"tilts": tuple(angles[kept].tolist()), "views": tuple(kept), "images": len(angles)}
