"""STAR files of RELION 5 tomography (and 4): tables of tomograms, tables of tilt series."""

import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from isonet.errors import InputError
from isonet.io import star
from isonet.io.programs.optics import CONSTANTS, with_optics
from isonet.io.programs.tilt_series import NO_DOUBT, SAME_TURN, Doubt, TiltSeries, median_phase_shift
from isonet.io.text import checked_angles, is_file, number
from isonet.io.volume_files import stem

log = logging.getLogger("isonet")
_TILT_COLUMNS = ("rlnTomoYTilt", "rlnTomoNominalStageTiltAngle", "rlnTomoProjZ")
_OTHER_COLUMNS = {  # of tables that name tomograms but are none of them: tilts, particles, IsoNet's own
    *_TILT_COLUMNS,
    *("rlnCoordinateX", "rlnCenteredCoordinateXAngst", "rlnTomoParticleName", "rlnIndex", "rlnPixelSize"),
}
_VOLUME_COLUMNS = tuple(f"rlnTomoReconstructedTomogram{part}" for part in ("", "Half1", "Half2", "Denoised"))


_OWN_COLUMNS = {  # that a table of tomograms of RELION has, and one of this program has not
    *("rlnTomoTiltSeriesStarFile", "rlnTomoTiltSeriesName", "rlnTomoTiltSeriesPixelSize", "rlnTomoTomogramBinning"),
    *("rlnTomoHand", "rlnTomoReconstructedTomogram", "rlnTomoReconstructedTomogramDenoised"),
}


def lists_tomograms(row: Mapping[str, str]) -> bool:
    """Tell whether a row is of RELION's table of tomograms, where rlnTomoName is a name and not a file."""
    return "rlnTomoName" in row and bool(_OWN_COLUMNS & set(row)) and not _OTHER_COLUMNS & set(row)


def listed_volumes(table: Path, row: Mapping[str, str]) -> tuple[Path | None, list[Path]]:
    """Find the reconstruction that a row of RELION's table names, and its halves.

    Paths are relative to RELION's project, see :func:`find_from`; what is not found, as :func:`star.named_file`.

    Raises
    ------
    InputError
        If a volume is not found from the table, but another one from the working folder.
    """
    full, *halves = [_text(row, column) for column in _VOLUME_COLUMNS[:3]]

    def named(text: str) -> Path:
        return find_from(table.parent, Path(text)) or star.named_file(table, text)

    return None if full is None else named(full), [named(half) for half in halves if half is not None]


class Constants(TypedDict):
    """Constants of the microscope: kV, mm, fraction."""

    voltage: float | None
    cs: float | None
    amplitude_contrast: float | None


def read_star(path: Path) -> list[TiltSeries]:
    """Read all that a STAR file of RELION says about tilt series.

    A table of tomograms (`data_global`) gives one record per row, with what its tilt series' own file, or the block
    of its name in the same file, says. A file of one tilt series gives one record, a table of optics groups alone
    gives one record for all series if its groups agree. Particles, and tables of this program, say nothing.

    Raises
    ------
    InputError
        If the file is no STAR file, has none of these tables, or a value is garbled.
    """
    tables = star.read_tables(path)
    for rows in tables.values():
        if any("rlnTomoName" in row and not _OTHER_COLUMNS & set(row) for row in rows[:1]):
            described = with_optics(rows, tables)
            return [_tomogram(path, line, row, tables) for line, row in enumerate(described, start=1)]
    series = [rows for rows in tables.values() if rows and set(_TILT_COLUMNS) & set(rows[0])]
    if len(series) == 1:
        return [replace(_series(path, with_optics(series[0], tables)), tilt_file=path)]
    for rows in tables.values():
        if rows and "rlnOpticsGroup" in rows[0] and "rlnVoltage" in rows[0]:
            return _optics(path, rows)
    if any("rlnTomoName" in row for rows in tables.values() for row in rows[:1]):
        return []
    raise InputError(
        f"{path}: no table with rlnTomoName or tilt angles; give RELION's tomograms.star or a tilt series'"
    )


def _tomogram(path: Path, line: int, row: Mapping[str, str], tables: Mapping[str, list[dict[str, str]]]) -> TiltSeries:
    """What a row of the table of tomograms says, and the table of its tilts where there is one."""
    name = _text(row, "rlnTomoName")
    if name is None:
        raise InputError(f"{path}: row {line} has no rlnTomoName; correct it")
    where = f"row {line} ({name})"
    known = TiltSeries(path)
    listed = _text(row, "rlnTomoTiltSeriesStarFile")
    if tables.get(name):
        known = _series(path, tables[name])
    elif listed is not None:
        found = find_from(path.parent, Path(listed))
        if found is None:
            log.warning("%s: %s, the tilt series of %s, is not found; its tilts stay unknown", path, listed, name)
        else:
            known = _of_name(found, name)
    volumes = [_text(row, column) for column in _VOLUME_COLUMNS]
    names = dict.fromkeys([name.removesuffix(".tomostar"), *(stem(Path(text)) for text in volumes if text)])
    image = _value(path, where, row, "rlnTomoTiltSeriesPixelSize", "rlnMicrographOriginalPixelSize")
    binning = _value(path, where, row, "rlnTomoTomogramBinning")
    constants = _constants(path, where, row)
    return replace(
        known,
        voltage=known.voltage if constants["voltage"] is None else constants["voltage"],
        cs=known.cs if constants["cs"] is None else constants["cs"],
        amplitude_contrast=constants["amplitude_contrast"] or known.amplitude_contrast,
        source=path,
        names=tuple(names),
        image_pixel_size=image or None,
        pixel_size=image * binning if image and binning else None,
        hand=_value(path, where, row, "rlnTomoHand"),
    )


def find_from(folder: Path, path: Path) -> Path | None:
    """Find a file named relative to the project's root, from a folder inside the project or a copy of a part of it.

    Looked for from the folder and all those above it, then from the folder with leading parts of the path dropped.
    """
    candidates = [parent / path for parent in star.folders_above(folder)]
    candidates += [folder.joinpath(*path.parts[start:]) for start in range(1, len(path.parts))]
    return next((item for item in candidates if is_file(item)), None)


def _of_name(path: Path, name: str) -> TiltSeries:
    """Read the tilt series of a name from a file of its own."""
    tables = {key: rows for key, rows in star.read_tables(path).items() if rows and set(_TILT_COLUMNS) & set(rows[0])}
    if not tables:
        raise InputError(f"{path}: no table with {' or '.join(_TILT_COLUMNS)}; it is no tilt series of RELION")
    return replace(_series(path, tables.get(name, next(iter(tables.values())))), tilt_file=path)


def _series(path: Path, rows: list[dict[str, str]]) -> TiltSeries:
    """Tilts and defocus of the table of one tilt series.

    Refined tilts (`rlnTomoYTilt`) win over the stage's; of projection matrices the beam's direction `rlnTomoProjZ` =
    (-sin a, cos a sin X, cos a cos X) tells the tilt and the turn about x. Of turns about x the median counts, with a
    doubt where they differ by more than a degree.
    """
    column = next((name for name in _TILT_COLUMNS if name in rows[0]), None)
    if column is None:
        raise InputError(f"{path}: a tilt series has no {' or '.join(_TILT_COLUMNS)}; write it again")
    tilts, turns, defoci, phases, nominal_defocus = [], [], [], [], False
    for line, row in enumerate(rows, start=1):
        where = f"row {line} of the tilt series"
        text = row.get(column, star.MISSING)
        turn: float | None
        if column == "rlnTomoProjZ":
            tilt, turn = _of_matrix(path, where, text)
        else:
            tilt, turn = number(path, where, text), _value(path, where, row, "rlnTomoXTilt")
        tilts.append(tilt)
        turns += [] if turn is None else [turn]
        phases.append(_value(path, where, row, "rlnPhaseShift") or 0.0)
        pair = [_value(path, where, row, name) for name in ("rlnDefocusU", "rlnDefocusV")]
        given = [value for value in pair if value is not None]
        if given:
            defoci.append(sum(given) / len(given))
        elif (told := _value(path, where, row, "rlnTomoNominalDefocus")) is not None:
            defoci.append(-1e4 * told)
            nominal_defocus = True
    nominal = column == "rlnTomoNominalStageTiltAngle"
    complete = len(defoci) == len(tilts) and any(defoci)
    constants = _constants(path, "row 1 of the tilt series", rows[0])
    return TiltSeries(
        path,
        x_tilt=sorted(turns)[len(turns) // 2] if turns else None,
        doubt=_doubt(path, turns),
        tilts=tuple(checked_angles(path, tilts).tolist()),
        nominal=nominal,
        defoci=tuple(defoci) if complete else (),
        defocus_tilts=tuple(tilts) if complete else None,
        nominal_defocus=nominal_defocus,
        phase_shift=median_phase_shift(phases),
        **constants,
    )


def _doubt(path: Path, turns: Sequence[float]) -> Doubt:
    """Say where tilts have no common turn about x."""
    if not turns or max(turns) - min(turns) <= SAME_TURN:
        return NO_DOUBT
    return Doubt(
        f"{path}: rlnTomoXTilt runs from {min(turns):g} to {max(turns):g} degrees over the tilts; all are taken to be "
        "turned by the median, give --level-x if another is better"
    )


def _of_matrix(path: Path, where: str, text: str) -> tuple[float, float]:
    """Tilt and turn about x in degrees of the last row of a projection matrix, `[x,y,z,w]`."""
    words = re.split(r"[,\s]+", text.strip(" []"))
    if len(words) != 4:
        raise InputError(f"{path}: {where}: rlnTomoProjZ is {text[:40]!r}; four numbers [x,y,z,w] expected")
    x, y, z, _ = (number(path, where, word) for word in words)
    if x == y == z == 0:
        raise InputError(f"{path}: {where}: rlnTomoProjZ is {text[:40]!r}, which has no direction; export it again")
    about_x = math.atan2(y, z) if z > 0 else math.atan2(-y, -z)
    return math.degrees(math.atan2(-x, math.copysign(math.hypot(y, z), z))), math.degrees(about_x) + 0.0


def _optics(path: Path, rows: list[dict[str, str]]) -> list[TiltSeries]:
    """Constants of the microscope on which all optics groups agree."""
    groups = [_constants(path, f"optics group {line}", row) for line, row in enumerate(rows, start=1)]
    sizes = {_value(path, "optics", row, "rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize") for row in rows}
    if any(group != groups[0] for group in groups):
        return [TiltSeries(path)]
    return [TiltSeries(path, image_pixel_size=sizes.pop() or None if len(sizes) == 1 else None, **groups[0])]


def _constants(path: Path, where: str, row: Mapping[str, str]) -> Constants:
    """Constants of the microscope in a row."""
    voltage, cs, amplitude_contrast = (_value(path, where, row, column) for column in CONSTANTS)
    return {"voltage": voltage, "cs": cs, "amplitude_contrast": amplitude_contrast}


def _text(row: Mapping[str, str], column: str) -> str | None:
    text = row.get(column, star.MISSING)
    return None if text in (star.MISSING, "", "nan", "?") else text


def _value(path: Path, where: str, row: Mapping[str, str], *columns: str) -> float | None:
    """Return the number in the first of the columns that the row has; None where it has none."""
    column = next((name for name in columns if name in row), None)
    return None if column is None else number(path, f"{where}: {column}", row[column])
