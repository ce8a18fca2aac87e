"""Text files of IMOD: tilt angles, transforms, defocus."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io.programs.angle_lists import first_column
from isonet.io.programs.tilt_series import Alignment, TiltSeries, median_phase_shift
from isonet.io.text import (
    Floats,
    checked_angles,
    number,
    read_text,
    rows,
    table,
)

_ASTIGMATISM, _PHASE, _PHASE_IN_RADIANS, _CUTON = 1, 4, 8, 32  # flags of a defocus file of version 3


def read_angles(path: Path) -> Floats:
    """Read a `.tlt` or `.rawtlt` file: one angle in degrees per line, perhaps with other columns behind it."""
    return np.array(read_angle_file(path).tilts, dtype=np.float64)


def read_xf(path: Path) -> Alignment:
    """Read the linear transforms of an `.xf` file (`a11 a12 a21 a22 dx dy`); it holds no angles.

    Raises
    ------
    InputError
        If the file is missing, empty, binary or malformed, or a transform cannot be inverted or mirrors.
    """
    values = table(path, rows(read_text(path)), 6, "a11 a12 a21 a22 dx dy")
    matrices = values[:, :4].reshape(-1, 2, 2)
    determinants = np.linalg.det(matrices)
    singular = ~(np.abs(determinants) >= 1e-3)
    if singular.any():
        first = int(singular.argmax()) + 1
        raise InputError(f"{path}: transform {first} flattens the image (determinant 0); align it again")
    if (determinants < 0).any():
        first = int((determinants < 0).argmax()) + 1
        raise InputError(f"{path}: transform {first} mirrors the image (determinant below 0); align it again")
    used = np.ones(len(values), dtype=np.bool_)
    return Alignment(matrices, values[:, 4:], in_angstrom=False, centre=-0.5, tilts=None, used=used)


def read_angle_file(path: Path) -> TiltSeries:
    """Read a `.tlt` (aligned) or `.rawtlt` (nominal) file as a tilt series."""
    status = path.stat() if path.exists() else None  # told where it is read
    return _read_angle_file(path, status and (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=4096)
def _read_angle_file(path: Path, _version: tuple[int, ...] | None) -> TiltSeries:
    """Read one version of a file, once: it is looked at from several sides."""
    angles = tuple(checked_angles(path, first_column(path, "one tilt angle in degrees per line")).tolist())
    nominal = path.name.lower().removesuffix(".gz").endswith(".rawtlt")
    return TiltSeries(path, tilts=angles, nominal=nominal, tilt_file=path)


def read_defocus(path: Path) -> TiltSeries:
    """Read a `.defocus` file of ctfplotter: first and last view, first and last tilt, defocus in nm.

    Version 3 begins with a line of flags (`flags 0 0. 0. 0. 3`) and has, where they say so, a second defocus and the
    axis of astigmatism, a phase shift in degrees or radians and a cut-on frequency on each line; in version 2, and in
    files without version, each line has one defocus, and the first one the version behind it.

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
    phases = values[:, 7 if flags & _ASTIGMATISM else 5] if flags & _PHASE else np.zeros(len(values))
    return TiltSeries(
        path,
        defoci=tuple((10 * defoci).tolist()),
        defocus_tilts=tuple(tilts.tolist()),
        phase_shift=median_phase_shift(np.rad2deg(phases) if flags & _PHASE_IN_RADIANS else phases),
    )
